"""A loss of torch's, or one made like them, as a cost: its values per example, and what they are divided by."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landscape.cost.contract import Predict, tensor_of
from landscape.cost.labels import (
    UNLABELLED,
    check_classes,
    check_probabilities,
    column_hint,
    per_example,
    telling,
    whole,
)
from landscape.errors import InputError

WANTED = (
    "a cost has channels(predict, x, y) -> {'objective': [B], ...}, see landscape.cost, or is a loss (outputs, y) with "
    "a reduction, as torch.nn.CrossEntropyLoss and torch.nn.functional.cross_entropy are, or a function that returns "
    "one value per example [B]"
)
TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-9}
"""Between a loss's own mean over a few examples and ours."""


def from_torch(cost: Any) -> Any:
    """The cost itself if it is one, else a loss (outputs, y) as a ``TorchLoss``.

    Raises:
        InputError: neither, or a loss that no mean over all examples can stand for.
    """
    if hasattr(cost, "channels"):
        return cost
    if not callable(cost) or hasattr(cost, "num_draws"):
        raise InputError(f"cost={_name(cost)} is no cost: {WANTED}")
    return TorchLoss(cost)


class TorchLoss:
    """loss(outputs, y) as torch has it, classes in the second axis, with the same mean over the whole of the data.

    A mean that torch weighs, by class or by what is labelled, is weighed here too: over all examples in a measurement,
    over those of the minibatch in training. Of cross-entropies there is a channel ``error``, the misclassification.

    Args:
        loss: a module with ``reduction`` ``"mean"``, ``"batchmean"`` or ``"none"``; a function that takes ``reduction``
            (or a ``functools.partial`` of one); or a function that returns values per example.

    Raises:
        InputError: another reduction; parameters of its own; a class rather than an object of it.
    """

    num_draws = 1
    wants = "it must map x [B, ...] to what the loss takes, with targets of the kind it takes (y.float(), y.long())"

    def __init__(self, loss: Any) -> None:
        self.name, self.loss = _name(loss), loss
        if inspect.isclass(loss):
            raise InputError(f"cost={self.name} is a class; give an object of it: {self.name}(...)")
        self.each, self.reduction = _unreduced(loss, self.name)
        settings = _settings(loss)
        self.is_own = not _is_of_torch(loss)
        self.is_classes = _function(loss) in (F.cross_entropy, F.nll_loss)
        self.weight: Tensor | None = settings.get("weight")
        self.ignore_index: int = settings.get("ignore_index", UNLABELLED)
        self._placed: dict[tuple[str, torch.device, torch.dtype], Callable[..., Tensor]] = {}

    def values(self, outputs: Tensor, y: Tensor) -> Tensor:
        """[B], each divided by nothing but the number of its own entries."""
        y = self._target(y, outputs)
        each = self._at(outputs)(outputs, y)
        fits: tuple[Sequence[int], ...]
        fits = (y.shape, y.shape[:1]) if not y.is_floating_point() or self.is_classes else (outputs.shape, y.shape[:1])
        if self.is_classes and y.is_floating_point():
            fits = ((y.shape[0], *y.shape[2:]), y.shape[:1])
        if self.is_own and not self.is_classes:  # outputs may be more than what is compared, such as a variance too
            fits = (*fits, y.shape)
        if not isinstance(each, Tensor) or each.shape not in fits:
            found = tuple(each.shape) if isinstance(each, Tensor) else type(each).__name__
            what = "one number for them all" if found == () else f"{found}"
            raise InputError(
                f"cost={self.name} gives {what} for outputs {tuple(outputs.shape)} and targets "
                f"{tuple(y.shape)}, not values of each example; {WANTED}"
            )
        if self.reduction == "batchmean":
            return each.flatten(1).sum(dim=1) if each.dim() > 1 else each
        return per_example(each, each.shape)

    def __call__(self, predict: Predict, x: Tensor, y: Tensor) -> Tensor:
        """x [B, ...], y [B, ...] -> cost per example [B]."""
        return self.values(tensor_of(predict(x, 0), has_name=False), y)

    def channels(self, predict: Predict, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """The cost and, of a cross-entropy, the share of wrong labels, each [B], from one pass."""
        outputs = tensor_of(predict(x, 0), has_name=False)
        found = {"objective": self.values(outputs, y)}
        if self.is_classes and outputs.dim() > 1:
            best = outputs.argmax(dim=1)
            wrong = best.ne(y.argmax(dim=1)) if y.is_floating_point() else best.ne(y) & y.ne(self.ignore_index)
            found["error"] = per_example(wrong.to(outputs.dtype), wrong.shape)
        return found

    def counts(self, y: Tensor) -> Mapping[str, Tensor]:
        """What the values of each example are to be divided by, all in all: its labels, by their classes' weights."""
        if not self.is_classes or y.is_floating_point():
            return {}
        y = whole(y)
        labelled = y.ne(self.ignore_index)
        share = per_example(labelled.double(), y.shape)
        if self.weight is None or self.reduction == "none":
            return {"objective": share, "error": share}
        known = labelled & (y >= 0) & (y < len(self.weight))  # the others are refused elsewhere
        weight = self.weight.to(y.device, torch.float64)[torch.where(known, y, 0)] * known
        return {"objective": per_example(weight, y.shape), "error": share}

    def check_targets(self, outputs: Any, y: Tensor) -> None:
        """Raise InputError unless labels are classes and the loss's own mean is that of its values."""
        outputs = tensor_of(outputs, has_name=False)
        few = y[: len(outputs)]
        if y.is_floating_point() and not self.is_own and not self.is_classes and outputs.shape != few.shape:
            raise InputError(
                f"targets {tuple(few.shape)} do not match outputs {tuple(outputs.shape)} for cost="
                f"{self.name}; torch would broadcast one to the other{column_hint(few, outputs)}"
            )
        if self.is_classes:
            if y.is_floating_point() and few.shape != outputs.shape:
                raise InputError(
                    f"labels {tuple(few.shape)} of {few.dtype} for outputs {tuple(outputs.shape)}: "
                    f"cost={self.name} needs whole numbers (y.long()) or probabilities"
                )
            if y.is_floating_point():
                check_probabilities(y)
            else:
                check_classes(y, outputs.shape[1], self.ignore_index)
        elif not y.is_floating_point() and y.dim() < outputs.dim() and int(whole(y).min()) < 0:
            raise InputError(
                f"labels below 0 mean not labelled in torch's cross-entropies, and how cost={self.name} "
                "counts them is not known; use cost=cross_entropy, or leave them out"
            )
        self.values(outputs, few)
        if self.reduction == "none":
            return
        # A mean that leaves some label out, or weighs it, differs where that label is: any outputs show it.
        rows = telling(y)
        few, outputs = y[rows], outputs[(torch.arange(len(rows)) % len(outputs)).to(outputs.device)]
        few = few.to(outputs.device, outputs.dtype if few.is_floating_point() else None)
        values = self.values(outputs, few).double()
        counts = self.counts(few).get("objective", torch.ones_like(values))
        ours = float(values.sum() / counts.sum())
        own = float(self._at(outputs, self.loss)(outputs, self._target(few, outputs)))
        close = abs(ours - own) <= TOLERANCE.get(outputs.dtype, 1e-2) * max(abs(own), 1e-3)
        if not close and math.isfinite(own):
            raise InputError(
                f"cost={self.name} is {own:.6g} on {len(few)} examples, and {ours:.6g} as the mean of its values for "
                "each, so that J over the whole of the data would not be what it means; give a cost with channels, see "
                "landscape.cost"
            )

    def _target(self, y: Tensor, outputs: Tensor) -> Tensor:
        """Whole labels as int64; truth values of a loss that knows no classes as the numbers 0 and 1."""
        if y.dtype == torch.bool and not self.is_classes:
            return y.to(outputs.dtype)
        return y if y.is_floating_point() else whole(y)

    def _at(self, outputs: Tensor, loss: Any = None) -> Any:
        """The loss where the outputs are and in their precision, as far as it holds tensors."""
        kind = "each" if loss is None else "whole"
        loss = self.each if loss is None else loss
        key = (kind, outputs.device, outputs.dtype)
        if key not in self._placed:
            self._placed[key] = _placed(loss, outputs)
        return self._placed[key]


def _placed(loss: Any, like: Tensor) -> Any:
    if isinstance(loss, nn.Module):
        return copy.deepcopy(loss).to(like.device, like.dtype) if list(loss.buffers()) else loss
    if isinstance(loss, partial):
        moved = {
            k: v.to(like.device, like.dtype if v.is_floating_point() else None) if isinstance(v, Tensor) else v
            for k, v in loss.keywords.items()
        }
        return partial(loss.func, *loss.args, **moved)
    return loss


def _unreduced(loss: Any, name: str) -> tuple[Any, str]:
    """The loss without its reduction, and what that was."""
    if isinstance(loss, nn.Module):
        if list(loss.parameters()):
            raise InputError(
                f"cost={name} has parameters of its own, which nobody would train; make them a part of the model"
            )
        reduction = getattr(loss, "reduction", "none")
        each: Any = copy.deepcopy(loss)
        if hasattr(each, "reduction"):
            each.reduction = "none"
    else:
        try:
            parameters = inspect.signature(loss).parameters
        except (TypeError, ValueError):
            parameters = {}  # type: ignore[assignment]
        has = "reduction" in parameters
        reduction = parameters["reduction"].default if has else "none"
        each = partial(loss, reduction="none") if has else loss
    if reduction not in ("mean", "batchmean", "none"):
        raise InputError(
            f"cost={name} has reduction={reduction}; J is a mean over examples: use reduction='mean' (a "
            "published sum is training.gradient_scale times that in training)"
        )
    return each, str(reduction)


def _function(loss: Any) -> Any:
    while isinstance(loss, partial):
        loss = loss.func
    if isinstance(loss, nn.CrossEntropyLoss):
        return F.cross_entropy
    return F.nll_loss if isinstance(loss, nn.NLLLoss) else loss


def _is_of_torch(loss: Any) -> bool:
    loss = _function(loss)
    return str(getattr(loss if hasattr(loss, "__name__") else type(loss), "__module__", "")).startswith("torch")


def _settings(loss: Any) -> dict[str, Any]:
    """weight and ignore_index, where they are told."""
    if isinstance(loss, partial):
        return loss.keywords
    return {k: getattr(loss, k) for k in ("weight", "ignore_index") if hasattr(loss, k)}


def _name(cost: Any) -> str:
    if isinstance(cost, partial):
        return _name(cost.func)
    return str(getattr(cost, "__name__", type(cost).__name__))
