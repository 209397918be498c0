"""What a recipe minimises, per example; one file per cost.

A cost gets ``predict`` and a batch, and returns its value and further channels, each [B]; ``contract`` says what else
it may offer, and which tensor of a model's outputs it reads. ``labels`` knows which labels count and where their
classes lie, so that J is a mean over what counts. ``conversion`` makes a cost of whatever people have as a loss, by its
``signature``: ``torch_loss`` of torch's, ``function`` of one that takes the whole batch or the module, and ``values``
reads what that returned.
"""

from landscape.cost.adversarial import Adversarial
from landscape.cost.binary_cross_entropy import BinaryCrossEntropy
from landscape.cost.contract import Predict
from landscape.cost.conversion import from_torch
from landscape.cost.cross_entropy import CrossEntropy
from landscape.cost.function import FunctionCost
from landscape.cost.multi_prediction import MultiPrediction
from landscape.cost.output import Output
from landscape.cost.squared_error import SquaredError
from landscape.cost.tokens import CausalLM, MaskedLM
from landscape.cost.torch_loss import TorchLoss

__all__ = [
    "Adversarial",
    "BinaryCrossEntropy",
    "CausalLM",
    "CrossEntropy",
    "FunctionCost",
    "MaskedLM",
    "MultiPrediction",
    "Output",
    "Predict",
    "SquaredError",
    "TorchLoss",
    "from_torch",
]
