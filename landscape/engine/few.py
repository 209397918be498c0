"""Softmax cross-entropy of a few classes on a CPU, where torch leaves most lanes of a vector idle."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.fx import Node
from torch.nn import functional as F

from landscape.engine.kind import name_of

VECTOR_BYTES = 64
"""Rows of logits that are shorter than a vector are worked on one number at a time by torch; columns are not."""


def cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """-log softmax(logits)[y] per example, logits [B, C], y [B] -> [B], equal to torch's up to rounding."""
    return F.nll_loss(torch.log_softmax(logits.t().contiguous(), 0).t(), y, reduction="none")


def is_for_few(node: Node) -> bool:
    """Whether a node is torch's own cross-entropy, without weights or a mean, of so few classes."""
    if name_of(node) != "cross_entropy_loss" or node.kwargs or node.args[2:] != (None, 0):
        return False
    logits, y = (a.meta.get("val") for a in node.args[:2] if isinstance(a, Node))
    return (
        isinstance(logits, Tensor) and isinstance(y, Tensor) and logits.dim() == 2 and y.dtype == torch.int64
        and y.dim() == 1 and logits.device.type == "cpu" and logits.shape[1] * logits.element_size() < VECTOR_BYTES
    )  # fmt: skip
