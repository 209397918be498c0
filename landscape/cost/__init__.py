"""What a recipe minimises, per example; one file per cost.

A cost gets ``predict`` and a batch, and returns its value and further channels, each [B]; ``contract`` says what else
it may offer, and which tensor of a model's outputs it reads. ``labels`` knows which labels count and where their
classes lie, so that J is a mean over what counts; ``torch_loss`` makes a cost of any of torch's losses.
"""

from landscape.cost.adversarial import Adversarial
from landscape.cost.contract import Predict
from landscape.cost.conversion import from_torch
from landscape.cost.cross_entropy import CrossEntropy
from landscape.cost.function import FunctionCost
from landscape.cost.multi_prediction import MultiPrediction
from landscape.cost.output import Output
from landscape.cost.squared_error import SquaredError
from landscape.cost.torch_loss import TorchLoss

__all__ = [
    "Adversarial",
    "CrossEntropy",
    "FunctionCost",
    "MultiPrediction",
    "Output",
    "Predict",
    "SquaredError",
    "TorchLoss",
    "from_torch",
]
