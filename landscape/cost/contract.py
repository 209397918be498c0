"""What a cost is, and what it may say of itself; these are read off it here alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeGuard

from torch import Tensor

Predict = Callable[[Any, int], Any]
"""predict(x, draw) -> outputs; ``draw`` numbers the independent dropout masks that one example gets."""


class Cost(Protocol):
    """What a recipe minimises, per example."""

    num_draws: int
    """Independent passes per example."""

    def channels(self, predict: Predict, x: Tensor, y: Tensor) -> Mapping[str, Tensor]:
        """``{"objective": [B], ...}``; one that ends in ``error`` is reported only as measured without dropout."""


class ChecksTargets(Cost, Protocol):
    """A cost that refuses labels before any work."""

    def check_targets(self, outputs: Any, y: Tensor) -> None:
        """Raise InputError unless all targets fit the outputs for a few examples."""


class Counts(Cost, Protocol):
    """A cost whose examples count more or less."""

    def counts(self, y: Tensor) -> Mapping[str, Tensor]:
        """{channel: how much of each example counts [B]}: its mean is the sum of values over the sum of counts."""


def checks_targets(cost: Any) -> TypeGuard[ChecksTargets]:
    """Whether a cost looks at targets."""
    return hasattr(cost, "check_targets")


def has_counts(cost: Any) -> TypeGuard[Counts]:
    """Whether a cost says how much of each example counts."""
    return hasattr(cost, "counts")


def wants_of(cost: Any) -> str:
    """What a cost asks of a model, in words."""
    return str(getattr(cost, "wants", "it must map x [B, ...] to logits [B, C]"))


def jumps_of(cost: Any) -> str:
    """Why a cost has no slope along a path; empty where it has one."""
    return str(getattr(cost, "jumps", ""))
