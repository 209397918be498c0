"""A loss of torch's, or one made like them, as a cost: its values per example, and what they are divided by."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landscape.cost.contract import WEIGHT, Predict, tensor_of
from landscape.cost.labels import (
    UNLABELLED,
    check_binary,
    check_classes,
    check_probabilities,
    column_hint,
    per_example,
    telling,
    whole,
)
from landscape.cost.reduction import Unreduced
from landscape.cost.signature import HOW
from landscape.cost.values import channels_of, first_tensor
from landscape.errors import InputError

WANTED = (
    "a cost has channels(predict, x, y) -> {'objective': [B], ...}, see landscape.cost, or is a loss (outputs, y) with "
    "a reduction, as torch.nn.CrossEntropyLoss and torch.nn.functional.cross_entropy are, or a function that returns "
    "one value per example [B], (values, weights) or a dict of channels"
)
TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-9}
"""Between a loss's own mean over a few examples and ours."""

FUNCTIONS = {
    nn.CrossEntropyLoss: F.cross_entropy,
    nn.NLLLoss: F.nll_loss,
    nn.BCELoss: F.binary_cross_entropy,
    nn.BCEWithLogitsLoss: F.binary_cross_entropy_with_logits,
    nn.MultiLabelSoftMarginLoss: F.multilabel_soft_margin_loss,
    nn.SoftMarginLoss: F.soft_margin_loss,
    nn.HingeEmbeddingLoss: F.hinge_embedding_loss,
}
BINARY = (F.binary_cross_entropy, F.binary_cross_entropy_with_logits, F.multilabel_soft_margin_loss)
"""Of targets in [0, 1]."""
SIGNED = (F.soft_margin_loss, F.hinge_embedding_loss)
"""Of targets 1 and -1."""


class TorchLoss:
    """loss(outputs, y) as torch has it, classes in the second axis, with the same mean over the whole of the data.

    A mean that torch weighs, by class or by what is labelled, is weighed here too: over all examples in a measurement,
    over those of the minibatch in training. Of cross-entropies there is a channel ``error``, the misclassification.

    Args:
        loss: a module with ``reduction`` ``"mean"``, ``"batchmean"`` or ``"none"``; a function that takes ``reduction``
            (or a ``functools.partial`` of one); or a function that returns values per example, (values, weights) or
            a dict of channels.

    Raises:
        InputError: another reduction; parameters of its own; a class rather than an object of it.
    """

    num_draws = 1
    is_of_batch = False
    wants = "it must map x [B, ...] to what the loss takes, with targets of the kind it takes (y.float(), y.long())"

    def __init__(self, loss: Any) -> None:
        self.unreduced, self.loss = Unreduced(loss), loss
        self.name, self.reduction = self.unreduced.name, self.unreduced.reduction
        settings = _settings(loss)
        self.is_own = not _is_of_torch(loss)
        self.is_classes = _function(loss) in (F.cross_entropy, F.nll_loss)
        self.may_weigh = self.is_own and not self.is_classes
        self.weight: Tensor | None = settings.get("weight")
        self.ignore_index: int = settings.get("ignore_index", UNLABELLED)

    def values(self, outputs: Tensor, y: Tensor) -> Tensor:
        """[B], each divided by nothing but the number of its own entries."""
        return self._found(outputs, y)["objective"]

    def _found(self, outputs: Tensor, y: Tensor) -> dict[str, Tensor]:
        """What the loss gives, as channels [B]; of torch's the objective alone."""
        if not isinstance(y, Tensor):
            raise InputError(
                f"cost={self.name} compares outputs with one tensor of targets, and the batch has a "
                f"{type(y).__name__}; {HOW}"
            )
        y = self._target(y, outputs)
        each = self.unreduced.at(outputs)(outputs, y)
        if self.is_own and isinstance(each, Mapping | tuple | list):
            several = channels_of(each, len(y), self.name)
            self.is_of_batch = several.is_of_batch
            return several.channels
        fits: tuple[Sequence[int], ...]
        fits = (y.shape, y.shape[:1]) if not y.is_floating_point() or self.is_classes else (outputs.shape, y.shape[:1])
        if self.is_classes and y.is_floating_point():
            fits = ((y.shape[0], *y.shape[2:]), y.shape[:1])
        if self.is_own and not self.is_classes:  # outputs may be more than what is compared, such as a variance too
            fits = (*fits, y.shape, (len(y), 1))
        if isinstance(each, Tensor) and each.dim() == 0:
            channels_of(each, len(y), self.name)  # says why one number for them all will not do
        if not isinstance(each, Tensor) or each.shape not in fits:
            found = tuple(each.shape) if isinstance(each, Tensor) else type(each).__name__
            raise InputError(
                f"cost={self.name} gives {found} for outputs {tuple(outputs.shape)} and targets "
                f"{tuple(y.shape)}, not values of each example; {WANTED}"
            )
        if self.reduction == "batchmean":
            return {"objective": each.flatten(1).sum(dim=1) if each.dim() > 1 else each}
        return {"objective": per_example(each, each.shape)}

    def __call__(self, predict: Predict, x: Tensor, y: Tensor) -> Tensor:
        """x [B, ...], y [B, ...] -> cost per example [B]."""
        return self.values(tensor_of(predict(x, 0), has_name=False), y)

    def channels(self, predict: Predict, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """The cost and, of a cross-entropy, the share of wrong labels, each [B], from one pass."""
        given = predict(x, 0)
        if not self._reads_tensor(given):
            several = channels_of(self.unreduced.at(first_tensor(given))(given, y), len(y), self.name)
            self.is_of_batch = several.is_of_batch
            return several.channels
        outputs = tensor_of(given, has_name=False)
        found = self._found(outputs, y)
        if self.is_classes and outputs.dim() > 1:
            best = outputs.max(dim=1).indices  # as argmax, which takes ten times as long over images on a CPU
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
        if not self._reads_tensor(outputs):
            return
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
                self._check_axis(outputs, few)
                check_classes(y, outputs.shape[1], self.ignore_index)
        if _function(self.loss) in BINARY:
            check_binary(y, None, "; cost=binary_cross_entropy leaves out what has no label")
        found = self._found(outputs, few)
        is_counted = self.is_classes or WEIGHT in found
        if not is_counted and _is_unlabelled(y, y.dim() < outputs.dim(), _function(self.loss) in SIGNED):
            raise InputError(
                f"labels below 0 mean not labelled in torch's cross-entropies, and how cost={self.name} "
                "counts them is not known; use cost=cross_entropy, return (values, weights), or leave them out"
            )
        if self.reduction == "none":
            return
        # A mean that leaves some label out, or weighs it, differs where that label is: any outputs show it.
        rows = telling(y)
        few, outputs = y[rows], outputs[(torch.arange(len(rows)) % len(outputs)).to(outputs.device)]
        few = few.to(outputs.device, outputs.dtype if few.is_floating_point() else None)
        values = self.values(outputs, few).double()
        counts = self.counts(few).get("objective", torch.ones_like(values))
        ours = float(values.sum() / counts.sum())
        own = float(self.unreduced.at(outputs, is_whole=True)(outputs, self._target(few, outputs)))
        close = abs(ours - own) <= TOLERANCE.get(outputs.dtype, 1e-2) * max(abs(own), 1e-3)
        if not close and math.isfinite(own):
            raise InputError(
                f"cost={self.name} is {own:.6g} on {len(few)} examples, and {ours:.6g} as the mean of its values for "
                "each, so that J over the whole of the data would not be what it means; give a cost with channels, see "
                "landscape.cost"
            )

    def _reads_tensor(self, outputs: Any) -> bool:
        """Whether the loss gets one tensor of what a model returned: one of somebody's own may take it as it is."""
        if not self.is_own:
            return True
        try:
            tensor_of(outputs, has_name=False)
        except InputError:
            return False
        return True

    def _check_axis(self, outputs: Tensor, y: Tensor) -> None:
        """Raise InputError for classes in the last axis, which torch's losses have in the second."""
        is_last = outputs.dim() > 2 and outputs.shape[:-1] == y.shape
        if is_last and (outputs.shape[0], *outputs.shape[2:]) != y.shape:
            raise InputError(
                f"outputs {tuple(outputs.shape)} for labels {tuple(y.shape)} have their classes in the last axis, and "
                f"cost={self.name} has them in the second; use landscape.cost.CrossEntropy(), cost=cross_entropy, or "
                "let forward return outputs.movedim(-1, 1)"
            )

    def _target(self, y: Tensor, outputs: Tensor) -> Tensor:
        """Whole labels as int64; truth values of a loss that knows no classes as the numbers 0 and 1."""
        if y.dtype == torch.bool and not self.is_classes:
            return y.to(outputs.dtype)
        return y if y.is_floating_point() else whole(y)


def _is_unlabelled(y: Tensor, is_class: bool, is_signed: bool) -> bool:
    """Whether any label means "not labelled": whole numbers of -100, or below 0 where they number classes."""
    if y.is_floating_point() or y.dtype == torch.bool:
        return is_signed and bool((y == UNLABELLED).any())
    return bool((y == UNLABELLED).any()) or (is_class and int(whole(y).min()) < 0)


def _function(loss: Any) -> Any:
    """The function behind partials and torch's modules that are used below; else the loss itself."""
    while isinstance(loss, partial):
        loss = loss.func
    return next((function for kind, function in FUNCTIONS.items() if isinstance(loss, kind)), loss)


def _is_of_torch(loss: Any) -> bool:
    loss = _function(loss)
    return str(getattr(loss if hasattr(loss, "__name__") else type(loss), "__module__", "")).startswith("torch")


def _settings(loss: Any) -> dict[str, Any]:
    """weight and ignore_index, where they are told."""
    if isinstance(loss, partial):
        return loss.keywords
    return {k: getattr(loss, k) for k in ("weight", "ignore_index") if hasattr(loss, k)}
