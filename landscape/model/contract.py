"""What a model may offer beside ``forward``. Any ``torch.nn.Module`` is one; what it offers is asked for here alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from torch import Tensor, nn


class Offers(Protocol):
    """All of it; a model has whichever it needs."""

    max_norms: Mapping[str, float]
    """{name of a weight: the largest norm of what comes into one unit}, kept by projection after every update."""
    lr_scales: Mapping[str, float]
    """{name of a parameter: factor of its learning rate}."""

    def initial_state(self, x: Tensor) -> Any:
        """The state before the first block of sequences; ``forward`` then maps (x, state) -> (outputs, state)."""

    def initialise_from(self, x: Any) -> None:
        """Start where the training inputs say, such as at their mean; x [N, ...], or a dict or tuple of inputs."""

    def example(self, x: Tensor) -> Any:
        """What a pass takes, made of inputs [B, ...], where it is more than these."""


def is_stateful(module: nn.Module) -> bool:
    """Whether a state is carried from block to block of a sequence."""
    return hasattr(module, "initial_state")


def has_example(module: nn.Module) -> bool:
    """Whether a training pass takes more than x."""
    return hasattr(module, "example")


def max_norms(module: nn.Module) -> Mapping[str, float]:
    """Bounds by the name of a weight."""
    norms: Mapping[str, float] = getattr(module, "max_norms", {})
    return norms


def lr_scales(module: nn.Module) -> Mapping[str, float]:
    """Factors by the name of a parameter."""
    scales: Mapping[str, float] = getattr(module, "lr_scales", {})
    return scales


def initialise_from(module: nn.Module, x: Any) -> None:
    """Let the module start where the training inputs say, if it does."""
    if hasattr(module, "initialise_from"):
        module.initialise_from(x)  # type: ignore[operator]
