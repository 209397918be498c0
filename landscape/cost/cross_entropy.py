"""Softmax cross-entropy in nats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from landscape.cost.contract import Predict, check_name, tensor_of
from landscape.cost.labels import (
    UNLABELLED,
    check_classes,
    check_ignored,
    check_probabilities,
    classes_last,
    per_example,
    share_labelled,
    whole,
)
from landscape.errors import InputError


class CrossEntropy:
    """-log softmax(logits)[y] per example, of a sequence the mean over its tokens.

    Args:
        ignore_index: the label of what is not labelled, such as padding: it enters neither cost nor error nor the
            number that they are divided by, as in torch.
        classes: where they are in logits of more than two axes, ``"last"`` or ``"first"``; None: as the labels say.
        output: which entry of a model's dict or tuple the logits are, see ``landscape.cost.contract``.
    """

    num_draws = 1

    def __init__(
        self, ignore_index: int = UNLABELLED, classes: str | None = None, output: str | int | None = None
    ) -> None:
        check_ignored(ignore_index)
        if classes not in (None, "first", "last"):
            raise InputError(f"cost.classes={classes} must be first or last: the axis of the classes in the outputs")
        check_name(output)
        self.ignore_index, self.classes, self.output = ignore_index, classes, output

    def logits(self, outputs: Any, y: Tensor) -> Tensor:
        """[B, ..., C] for the labels y, from what the model returned."""
        return classes_last(tensor_of(outputs, self.output), y, self.classes)

    def of(self, logits: Tensor, y: Tensor) -> Tensor:
        """logits [B, ..., C] -> cost [B]; what is not labelled costs 0 and counts for nothing."""
        if y.is_floating_point():
            return per_example(F.cross_entropy(logits.flatten(0, -2), y.flatten(0, -2), reduction="none"), y.shape[:-1])
        y = whole(y)
        if y.dim() == 1:  # no reshaping back and forth, which on a small net is a twentieth of an update
            return F.cross_entropy(logits, y, reduction="none", ignore_index=self.ignore_index)
        each = F.cross_entropy(logits.flatten(0, -2), y.flatten(), reduction="none", ignore_index=self.ignore_index)
        return per_example(each, y.shape)

    def wrong(self, logits: Tensor, y: Tensor) -> Tensor:
        """logits [B, ..., C] -> the misclassification [B]: 0 or 1, or the share of wrong labels."""
        best = logits.max(dim=-1).indices  # as argmax, a third faster on a CPU
        if y.is_floating_point():
            return per_example(best.ne(y.argmax(dim=-1)).to(logits.dtype), best.shape)
        y = whole(y)
        return per_example((best.ne(y) & y.ne(self.ignore_index)).to(logits.dtype), y.shape)

    def __call__(self, predict: Predict, x: Tensor, y: Tensor) -> Tensor:
        """x [B, ...], y [B] or [B, T], logits [B, C] or [B, T, C] -> cost per example [B]."""
        return self.of(self.logits(predict(x, 0), y), y)

    def channels(self, predict: Predict, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """The cost and the misclassification (0 or 1, or the share of wrong tokens), each [B], from one pass."""
        logits = self.logits(predict(x, 0), y)
        return {"objective": self.of(logits, y), "error": self.wrong(logits, y)}

    def counts(self, y: Tensor) -> Mapping[str, Tensor]:
        """Of each example the share that is labelled."""
        if y.is_floating_point():
            return {}
        share = share_labelled(y, self.ignore_index)
        return {"objective": share, "error": share}

    def check_targets(self, outputs: Any, y: Tensor) -> None:
        """Raise InputError if the outputs for the first few examples do not fit, or any of all labels y is no class."""
        logits = tensor_of(outputs, self.output)
        logits = classes_last(logits, y[: len(logits)], self.classes)
        if y.is_floating_point():
            check_probabilities(y)
        else:
            check_classes(y, logits.shape[-1], self.ignore_index)
