"""Softmax cross-entropy in nats."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

Predict = Callable[[Tensor, int], Tensor]
"""predict(x, draw) -> logits; ``draw`` numbers the independent dropout masks that one example gets."""


class CrossEntropy:
    """-log softmax(logits)[y] per example, of a sequence the mean over its tokens.

    A cost is any object with ``num_draws``, ``__call__(predict, x, y) -> [B]`` and
    ``channels(predict, x, y) -> {"objective": [B], ...}``; a channel whose name ends in ``error`` is
    reported only where it was measured without dropout. A cost may say in ``wants`` what it asks of a model.
    """

    num_draws = 1

    def __call__(self, predict: Predict, x: Tensor, y: Tensor) -> Tensor:
        """x [B, ...], y [B] or [B, T], logits [B, C] or [B, T, C] -> cost per example [B]."""
        return _cost(predict(x, 0), y)

    def channels(self, predict: Predict, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """The cost and the misclassification (0 or 1, or the share of wrong tokens), each [B], from one pass."""
        logits = predict(x, 0)
        best = logits.max(dim=-1).indices  # as argmax, a third faster on a CPU
        return {"objective": _cost(logits, y), "error": _per_example(best.ne(y).to(logits.dtype))}


def _cost(logits: Tensor, y: Tensor) -> Tensor:
    """Per example [B]; the classes are the last axis of the logits."""
    if logits.shape[:-1] != y.shape:
        raise ValueError(f"logits {tuple(logits.shape)} for labels {tuple(y.shape)}: needed one row of C per label")
    if y.dim() == 1:  # no reshaping back and forth, which on a small net is a twentieth of an update
        return F.cross_entropy(logits, y, reduction="none")
    each = F.cross_entropy(logits.flatten(0, -2), y.flatten(), reduction="none")
    return _per_example(each.view(y.shape))


def _per_example(values: Tensor) -> Tensor:
    """[B, ...] -> [B], the mean over all further axes."""
    return values.flatten(1).mean(dim=1) if values.dim() > 1 else values
