"""What a path is and may offer, and what those between two points share: bitwise ends, every point made from them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol, Self, TypeGuard

import torch
from torch import Tensor


class Path(Protocol):
    """path(alpha) -> theta [S, P], bitwise the ends at 0 and 1."""

    def __call__(self, alpha: float, /) -> Tensor:
        """Theta [S, P]."""


class AffinePath(Path, Protocol):
    """A path in the affine hull of a few anchors."""

    anchors: Sequence[Tensor]
    """theta_n [S, P], two of a line, three of a plane."""

    def weights(self, alpha: float) -> tuple[float, ...]:
        """w_n(alpha), of sum 1: theta(alpha) = Σ w_n theta_n."""


def is_affine(path: Any) -> TypeGuard[AffinePath]:
    """Whether a path says of which anchors its points are made."""
    return hasattr(path, "anchors") and hasattr(path, "weights")


def derivatives_lacking(path: Any, order: int) -> list[str]:
    """Which of ``velocity(alpha)`` and ``acceleration(alpha)``, each [S, P], a path lacks up to this order."""
    return [name for name in ("velocity", "acceleration")[:order] if not hasattr(path, name)]


PART = 1 << 16
"""Values of a point that are mixed together."""


def between(start: Tensor, end: Tensor, share: float) -> Tensor:
    """(1 - share) start + share end, each product rounded before they are added.

    ``add_(end, alpha=share)`` would save a pass over memory, but rounds once where a processor's vectors reach and
    perhaps twice at the end of a tensor: a seed alone could differ in its last bits from itself among others.
    """
    if start.shape != end.shape or not (start.is_contiguous() and end.is_contiguous()):
        return ((1 - share) * start).add_(share * end)
    found, room = torch.empty_like(start), start.new_empty(min(start.numel(), PART))
    # Part by part: nothing of the size of a point is made beside the point, and a part stays in the cache.
    for here, first, last in zip(*(values.view(-1).split(PART) for values in (found, start, end)), strict=True):
        torch.mul(first, 1 - share, out=here).add_(torch.mul(last, share, out=room[: len(last)]))
    return found


class BetweenEnds(ABC):
    """A path from theta_0 to theta_1, each [S, P], one per row; a kind of path says what lies between.

    Raises:
        ValueError: the ends have different shapes.
    """

    noun = "path"

    def __init__(self, theta_0: Tensor, theta_1: Tensor) -> None:
        if theta_0.shape != theta_1.shape:
            raise ValueError(f"the ends of a {self.noun} need one shape, got {theta_0.shape} and {theta_1.shape}")
        self.theta_0, self.theta_1 = theta_0, theta_1

    def __call__(self, alpha: float) -> Tensor:
        """alpha -> theta [S, P]."""
        return self.theta_0 if alpha == 0 else self.theta_1 if alpha == 1 else self._point(alpha)

    @abstractmethod
    def _point(self, alpha: float) -> Tensor:
        """theta(alpha) off the ends [S, P]."""

    def velocity(self, alpha: float) -> Tensor:
        """The derivative of theta(alpha) [S, P]."""
        return self.theta_1 - self.theta_0

    def acceleration(self, alpha: float) -> Tensor:
        """The second derivative [S, P]."""
        return torch.zeros_like(self.theta_0)

    def to(self, *args: object) -> Self:
        """The same path on another device or in another precision."""
        return self._between(*(end.to(*args) for end in (self.theta_0, self.theta_1)))  # type: ignore[call-overload]

    def _between(self, theta_0: Tensor, theta_1: Tensor) -> Self:
        return type(self)(theta_0, theta_1)
