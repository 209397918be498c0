"""Models at the paper's specification. Any ``torch.nn.Module`` works beside them.

A model may carry two optional attributes that the training loop reads: ``max_norms``, a dict from parameter
name to the bound on each unit's incoming weights, and layers of ``landscape.model.dropout.Dropout``.
"""

from landscape.model.conv_maxout import ConvMaxout
from landscape.model.deep_linear import DeepLinear
from landscape.model.dropout import Dropout, Masks
from landscape.model.lstm import LSTM
from landscape.model.maxout import MaxoutMLP
from landscape.model.mlp import MLP
from landscape.model.mpdbm import MPDBM
from landscape.model.quadratic import Quadratic

__all__ = ["LSTM", "MLP", "MPDBM", "ConvMaxout", "DeepLinear", "Dropout", "Masks", "MaxoutMLP", "Quadratic"]
