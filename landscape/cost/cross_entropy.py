"""Softmax cross-entropy in nats."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

Predict = Callable[[Tensor, int], Tensor]
"""predict(x, draw) -> logits; ``draw`` numbers the independent dropout masks that one example gets."""


class CrossEntropy:
    """-log softmax(logits)[y] per example.

    A cost is any object with ``num_draws``, ``__call__(predict, x, y) -> [B]`` and
    ``channels(predict, x, y) -> {"objective": [B], ...}``; a channel whose name ends in ``error`` is
    reported only where it was measured without dropout.
    """

    num_draws = 1

    def __call__(self, predict: Predict, x: Tensor, y: Tensor) -> Tensor:
        """x [B, ...], y [B] -> cost per example [B]."""
        return F.cross_entropy(predict(x, 0), y, reduction="none")

    def channels(self, predict: Predict, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """The cost and the misclassification (0 or 1), each [B], from one forward pass."""
        logits = predict(x, 0)
        return {
            "objective": F.cross_entropy(logits, y, reduction="none"),
            "error": logits.argmax(dim=-1).ne(y).to(logits.dtype),
        }
