"""What a path offers: its points, often their derivatives and, where it is flat, the anchors that they lie between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeGuard

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
