"""Squared error, summed over outputs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from landscape.cost.contract import Predict, check_name, tensor_of
from landscape.cost.labels import check_classes, column_hint, whole
from landscape.errors import InputError


class SquaredError:
    """‖f(x) - y‖² per example, without the half; a class label is compared as its unit vector.

    Labels bring a second channel ``error``, the misclassification of the largest output.

    Args:
        output: which entry of a model's dict or tuple f(x) is, see ``landscape.cost.contract``.

    Source: paper, section 5.
    """

    num_draws = 1
    wants = "it must map x [B, ...] to outputs [B, C], for targets [B, C] or class labels [B]"

    def __init__(self, output: str | int | None = None) -> None:
        check_name(output)
        self.output = output

    def __call__(self, predict: Predict, x: Tensor, y: Tensor) -> Tensor:
        """x [B, ...], y [B] or [B, C] -> cost per example [B]."""
        outputs = tensor_of(predict(x, 0), self.output)
        return (outputs - targets(y, outputs)).square().sum(dim=-1)

    def channels(self, predict: Predict, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """The cost, and of labels the misclassification (0 or 1), each [B], from one forward pass."""
        outputs = tensor_of(predict(x, 0), self.output)
        values = {"objective": (outputs - targets(y, outputs)).square().sum(dim=-1)}
        if not y.is_floating_point():
            values["error"] = outputs.argmax(dim=-1).ne(whole(y)).to(outputs.dtype)
        return values

    def check_targets(self, outputs: Any, y: Tensor) -> None:
        """Raise InputError if the outputs for the first few examples do not fit, or any of all labels y is no class."""
        outputs = tensor_of(outputs, self.output)
        if outputs.dim() == 1:  # [B] and [B]: their sum over the last axis would be one over the examples
            raise InputError(
                f"outputs {tuple(outputs.shape)} are one number per example without an axis of outputs; "
                "return [B, 1], for example outputs[:, None], with targets [B, 1]"
            )
        if y.is_complex():
            raise InputError("targets are complex numbers, whose squared error is not known here; give real ones")
        if not y.is_floating_point():
            if y.dim() + 1 != outputs.dim():
                raise InputError(
                    f"labels {tuple(y.shape)} of whole numbers do not fit outputs {tuple(outputs.shape)}: "
                    "class labels are [B]; give the targets of a regression as y.float()"
                )
            check_classes(y, outputs.shape[-1], None)
        targets(y[: len(outputs)], outputs)


def targets(y: Tensor, outputs: Tensor) -> Tensor:
    """What the outputs [B, C] should be: y itself, or the unit vectors of its labels.

    Raises:
        InputError: targets of another width, which would be broadcast without a word.
        RuntimeError: a label that is not in 0 ... C - 1.
    """
    if not y.is_floating_point():
        # Not F.one_hot, which vmap over seeds refuses; a label that is no output's number is an error here too.
        return torch.zeros_like(outputs).scatter(-1, whole(y).unsqueeze(-1), 1.0)
    if y.shape != outputs.shape:
        raise InputError(
            f"targets {tuple(y.shape)} do not match outputs {tuple(outputs.shape)}{column_hint(y, outputs)}"
        )
    return y
