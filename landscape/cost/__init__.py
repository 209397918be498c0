"""What a recipe minimises, per example."""

from landscape.cost.adversarial import Adversarial
from landscape.cost.contract import Predict
from landscape.cost.cross_entropy import CrossEntropy
from landscape.cost.multi_prediction import MultiPrediction
from landscape.cost.output import Output
from landscape.cost.squared_error import SquaredError
from landscape.cost.torch_loss import TorchLoss, from_torch

__all__ = [
    "Adversarial",
    "CrossEntropy",
    "MultiPrediction",
    "Output",
    "Predict",
    "SquaredError",
    "TorchLoss",
    "from_torch",
]
