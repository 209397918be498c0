"""A grid on the plane through three points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

Known = tuple[NDArray[np.float64], Tensor]


class Plane:
    """theta_0 + a (theta_1 - theta_0) + b (theta_2 - theta_0) at the points (a, b) of a grid, which are numbered.

    Point k has a = ``first[k // B]`` and b = ``second[k % B]``, with B the length of ``second``; an objective is taken
    along ``points`` and what comes back is reshaped to [A, B].

    Args:
        theta_0, theta_1, theta_2: the corners [S, P], one plane per row.
        first, second: a [A] and b [B].
        known: further points of the plane, each (a, b) of every row [2, S] and theta [S, P].

    Raises:
        ValueError: the corners have different shapes, or a grid is empty or not of one dimension.
    """

    def __init__(
        self,
        theta_0: Tensor,
        theta_1: Tensor,
        theta_2: Tensor,
        first: ArrayLike,
        second: ArrayLike,
        known: Sequence[Known] = (),
    ) -> None:
        if not theta_0.shape == theta_1.shape == theta_2.shape:
            raise ValueError(
                f"the corners of a plane need one shape, got {theta_0.shape}, {theta_1.shape} and {theta_2.shape}"
            )
        self.first, self.second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
        if self.first.ndim != 1 or self.second.ndim != 1 or not len(self.first) * len(self.second):
            raise ValueError(
                f"the grid of a plane needs two lists of numbers, got shapes {self.first.shape} and {self.second.shape}"
            )
        self.theta_0, self.theta_1, self.theta_2, self.known = theta_0, theta_1, theta_2, list(known)

    @property
    def points(self) -> NDArray[np.float64]:
        """The numbers of all points, [A B]."""
        return np.arange(len(self.first) * len(self.second), dtype=np.float64)

    @property
    def anchors(self) -> Sequence[Tensor]:
        """The points whose affine hull holds the plane, each [S, P]."""
        return self.theta_0, self.theta_1, self.theta_2

    def weights(self, point: float) -> tuple[float, ...]:
        """The weight of each anchor at a point, of sum 1.

        Raises:
            ValueError: the grid has no point of this number.
        """
        a, b = self._place(point)
        return 1 - a - b, a, b

    def _place(self, point: float) -> tuple[float, float]:
        if not 0 <= point < len(self.first) * len(self.second) or point != int(point):
            raise ValueError(
                f"a plane of {len(self.first)} x {len(self.second)} points has no number {point}; its "
                f"points are numbered, and all of them are plane.points"
            )
        return float(self.first[int(point) // len(self.second)]), float(self.second[int(point) % len(self.second)])

    def __call__(self, point: float) -> Tensor:
        """Number of a point -> theta [S, P]; bitwise a corner's own, or a known point's, where the point is one."""
        theta, (a, b) = self._mixed(self.weights(point)), self._place(point)
        for at, own in self.known:
            rows = np.flatnonzero((at[0] == a) & (at[1] == b))
            if len(rows) == len(own):
                return own
            if len(rows):
                theta[rows] = own[rows]
        return theta

    def _mixed(self, weights: tuple[float, ...]) -> Tensor:
        if 1.0 in weights and weights.count(0.0) == 2:
            corner: Tensor = self.anchors[weights.index(1.0)]
            return corner if not self.known else corner.clone()
        total = weights[0] * self.theta_0
        total.add_(weights[1] * self.theta_1)
        return total.add_(weights[2] * self.theta_2)

    def to(self, *args: object) -> Plane:
        """The same grid on another device or in another precision."""
        one, two, three = (corner.to(*args) for corner in self.anchors)  # type: ignore[call-overload]
        known = [(at, theta.to(*args)) for at, theta in self.known]  # type: ignore[call-overload]
        return Plane(one, two, three, self.first, self.second, known)
