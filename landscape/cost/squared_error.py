"""Squared error, summed over outputs."""

from __future__ import annotations

import torch
from torch import Tensor

from landscape.cost.cross_entropy import Predict


class SquaredError:
    """‖f(x) - y‖² per example, without the half; a class label is compared as its unit vector.

    Labels bring a second channel ``error``, the misclassification of the largest output.

    Source: paper, section 5.
    """

    num_draws = 1

    def __call__(self, predict: Predict, x: Tensor, y: Tensor) -> Tensor:
        """x [B, ...], y [B] or [B, C] -> cost per example [B]."""
        outputs = predict(x, 0)
        return (outputs - targets(y, outputs)).square().sum(dim=-1)

    def channels(self, predict: Predict, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """The cost, and of labels the misclassification (0 or 1), each [B], from one forward pass."""
        outputs = predict(x, 0)
        values = {"objective": (outputs - targets(y, outputs)).square().sum(dim=-1)}
        if not y.is_floating_point():
            values["error"] = outputs.argmax(dim=-1).ne(y).to(outputs.dtype)
        return values


def targets(y: Tensor, outputs: Tensor) -> Tensor:
    """What the outputs [B, C] should be: y itself, or the unit vectors of its labels.

    Raises:
        ValueError: targets of another width, which would be broadcast without a word.
        RuntimeError: a label that is not in 0 ... C - 1.
    """
    if not y.is_floating_point():
        # Not F.one_hot, which vmap over seeds refuses; a label that is no output's number is an error here too.
        return torch.zeros_like(outputs).scatter(-1, y.unsqueeze(-1), 1.0)
    if y.shape != outputs.shape:
        raise ValueError(f"targets {tuple(y.shape)} do not match outputs {tuple(outputs.shape)}")
    return y
