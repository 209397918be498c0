"""A loss without its reduction, one value per example or entry, where the outputs are and in their precision."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from landscape.cost.signature import check_loss, name_of
from landscape.errors import InputError


class Unreduced:
    """A loss as it is, and without its reduction.

    Args:
        loss: a module with ``reduction`` ``"mean"``, ``"batchmean"`` or ``"none"``; a function that takes ``reduction``
            (or a ``functools.partial`` of one); or any other.

    Raises:
        InputError: another reduction; parameters of its own; a class rather than an object of it.
    """

    def __init__(self, loss: Any) -> None:
        self.name, self.whole = name_of(loss), loss
        check_loss(loss)
        self.each, self.reduction = self._without()
        self._placed: dict[tuple[bool, torch.device, torch.dtype], Any] = {}

    def at(self, like: Tensor | None, is_whole: bool = False) -> Any:
        """The loss where a tensor is and in its precision, as far as it holds tensors; with its reduction if whole."""
        loss = self.whole if is_whole else self.each
        if like is None:
            return loss
        key = (is_whole, like.device, like.dtype)
        if key not in self._placed:
            self._placed[key] = _placed(loss, like)
        return self._placed[key]

    def _without(self) -> tuple[Any, str]:
        loss = self.whole
        if isinstance(loss, nn.Module):
            reduction = getattr(loss, "reduction", "none")
            each: Any = copy.deepcopy(loss)
            if hasattr(each, "reduction"):
                each.reduction = "none"
        else:
            try:
                parameters: Mapping[str, inspect.Parameter] = inspect.signature(loss).parameters
            except (TypeError, ValueError):
                parameters = {}
            has = "reduction" in parameters
            reduction = parameters["reduction"].default if has else "none"
            each = partial(loss, reduction="none") if has else loss
        if reduction not in ("mean", "batchmean", "none"):
            raise InputError(
                f"cost={self.name} has reduction={reduction}; J is a mean over examples: use reduction='mean' (a "
                "published sum is training.gradient_scale times that in training)"
            )
        return each, str(reduction)


def _placed(loss: Any, like: Tensor) -> Any:
    dtype = like.dtype if like.is_floating_point() else None
    if isinstance(loss, nn.Module):
        return copy.deepcopy(loss).to(like.device, dtype) if list(loss.buffers()) else loss
    if isinstance(loss, partial):
        moved = {
            k: v.to(like.device, dtype if v.is_floating_point() else None) if isinstance(v, Tensor) else v
            for k, v in loss.keywords.items()
        }
        return partial(loss.func, *loss.args, **moved)
    return loss
