"""Models at the paper's specification, one file each. Any ``torch.nn.Module`` works beside them.

What a model may offer beside ``forward`` (bounds on norms, learning rates, a state) is listed in ``contract``, and
asked for there alone. ``dropout`` has layers whose masks somebody else draws, so that a seed sees the same ones alone
and beside others; ``plain`` replaces what torch computes by layout or cannot differentiate; ``checks`` refuses numbers.
"""

from landscape.model.conv_maxout import ConvMaxout
from landscape.model.deep_linear import DeepLinear
from landscape.model.dropout import Dropout, Masks
from landscape.model.lstm import LSTM
from landscape.model.maxout import MaxoutMLP
from landscape.model.mlp import MLP
from landscape.model.mpdbm import MPDBM
from landscape.model.quadratic import Quadratic
from landscape.model.residual import Residual

__all__ = ["LSTM", "MLP", "MPDBM", "ConvMaxout", "DeepLinear", "Dropout", "Masks", "MaxoutMLP", "Quadratic", "Residual"]
