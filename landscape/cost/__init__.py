"""What a recipe minimises, per example."""

from landscape.cost.adversarial import Adversarial
from landscape.cost.cross_entropy import CrossEntropy, Predict

__all__ = ["Adversarial", "CrossEntropy", "Predict"]
