"""Cross-entropy of two classes in nats, at each place of an output."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from landscape.cost.contract import Predict, check_name, tensor_of
from landscape.cost.labels import UNLABELLED, check_binary, check_ignored, column_hint, per_example
from landscape.errors import InputError

LEAST_LOG = -100.0
"""Of a probability, as in ``torch.nn.BCELoss``."""


class BinaryCrossEntropy:
    """-y log p - (1 - y) log(1 - p) at each place, of an example the mean over its places.

    Labels of whole numbers or truth values bring a second channel ``error``, the share of places on the wrong side.

    Args:
        probabilities: the outputs are p; false: they are logits, p = 1 / (1 + exp(-outputs)).
        pos_weight: what a place with y = 1 counts more in the cost: a number, or one per class, as torch broadcasts it.
        reduction: ``"mean"`` over the places of an example, or their ``"sum"``.
        ignore_index: the label of a place that has none, whole or floating; None: there are no such.
        output: which entry of a model's dict or tuple the outputs are, see ``landscape.cost.contract``.
    """

    num_draws = 1
    wants = "it must map x [B, ...] to one output per label, [B, ...] of the labels' shape"

    def __init__(
        self,
        probabilities: bool = False,
        pos_weight: float | Sequence[Any] | None = None,
        reduction: str = "mean",
        ignore_index: int | None = UNLABELLED,
        output: str | int | None = None,
    ) -> None:
        if not isinstance(probabilities, bool):
            raise InputError(f"cost.probabilities={probabilities!r} must be true or false: what the outputs are")
        if reduction not in ("mean", "sum"):
            raise InputError(f"cost.reduction={reduction} must be mean or sum: over the places of one example")
        if ignore_index is not None:
            check_ignored(ignore_index)
            if ignore_index in (0, 1):
                raise InputError(f"cost.ignore_index={ignore_index} is one of the two classes; take another, or null")
        check_name(output)
        self.probabilities, self.is_sum = probabilities, reduction == "sum"
        self.ignore_index, self.output = ignore_index, output
        self.pos_weight = _pos_weight(pos_weight)

    def __call__(self, predict: Predict, x: Tensor, y: Tensor) -> Tensor:
        """x [B, ...], y [B, ...] -> cost per example [B]."""
        return self.of(tensor_of(predict(x, 0), self.output), y)

    def channels(self, predict: Predict, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """The cost and, of labels, the share of wrong places, each [B], from one pass."""
        outputs = tensor_of(predict(x, 0), self.output)
        values = {"objective": self.of(outputs, y)}
        if not y.is_floating_point():
            positive = outputs > (0.5 if self.probabilities else 0.0)
            wrong = positive.ne(y > 0) & self._labelled(y)
            values["error"] = per_example(wrong.to(outputs.dtype), wrong.shape)
        return values

    def of(self, outputs: Tensor, y: Tensor) -> Tensor:
        """outputs [B, ...] -> cost [B]; what is not labelled costs 0 and counts for nothing."""
        _check_shapes(outputs, y)
        labelled = self._labelled(y)
        target = torch.where(labelled, y.to(outputs.dtype), 0.0)
        weight = None if self.pos_weight is None else self.pos_weight.to(outputs)
        if not self.probabilities:
            each = F.binary_cross_entropy_with_logits(outputs, target, reduction="none", pos_weight=weight)
        else:  # torch's own takes no pos_weight, and ends the program where an output is NaN
            yes, no = _log(outputs, torch.log), _log(-outputs, torch.log1p)
            each = -(target * yes * (1.0 if weight is None else weight) + (1 - target) * no)
        each = torch.where(labelled, each, 0.0)
        return each.flatten(1).sum(dim=1) if self.is_sum and each.dim() > 1 else per_example(each, each.shape)

    def counts(self, y: Tensor) -> Mapping[str, Tensor]:
        """Of each example the share of places that are labelled; of a sum, whether any is."""
        labelled = self._labelled(y)
        share = per_example(labelled.double(), y.shape)
        return {"objective": labelled.flatten(1).any(dim=1).double() if self.is_sum and y.dim() > 1 else share} | (
            {} if y.is_floating_point() else {"error": share}
        )

    def check_targets(self, outputs: Any, y: Tensor) -> None:
        """Raise InputError if the outputs for the first few examples do not fit, or any of all labels is no class."""
        outputs = tensor_of(outputs, self.output)
        if y.is_complex():
            raise InputError("targets are complex numbers, which are no probabilities")
        self.of(outputs, y[: len(outputs)])
        check_binary(y, self.ignore_index)
        if self.probabilities and not bool(((outputs >= 0) & (outputs <= 1)).all()):
            raise InputError(
                "outputs lie outside [0, 1] and are no probabilities; set cost.probabilities=false, in Python "
                "BinaryCrossEntropy()"
            )

    def _labelled(self, y: Tensor) -> Tensor:
        if self.ignore_index is None or y.dtype == torch.bool:
            return torch.ones_like(y, dtype=torch.bool)
        return y != self.ignore_index


def _log(values: Tensor, logarithm: Callable[[Tensor], Tensor]) -> Tensor:
    """A logarithm that is -100 at least, as in torch's loss, and whose slope is finite there."""
    is_low = logarithm(values.detach()) < LEAST_LOG
    return torch.where(is_low, LEAST_LOG, logarithm(torch.where(is_low, 0.5, values)))


def _pos_weight(given: Any) -> Tensor | None:
    if given is None:
        return None
    try:
        weight = torch.as_tensor(given, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError):
        weight = torch.tensor(torch.nan)
    if not bool((weight > 0).all() & weight.isfinite().all()):
        raise InputError(f"cost.pos_weight={given} must be a positive, finite number, or a list of them")
    return weight


def _check_shapes(outputs: Tensor, y: Tensor) -> None:
    if outputs.shape == y.shape:
        return
    hint = column_hint(y, outputs)
    if outputs.dim() == y.dim() + 1 and outputs.shape == (y.shape[0], 1, *y.shape[1:]):
        hint = "; give the labels that axis too: y[:, None]"
    elif outputs.dim() == y.dim() + 1:
        hint = "; for one of several classes at each place take cost=cross_entropy with +cost.classes=first"
    raise InputError(
        f"outputs {tuple(outputs.shape)} do not match labels {tuple(y.shape)}, and there is one output per label{hint}"
    )
