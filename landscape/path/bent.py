"""Curves between two points that pass by, or through, points between them: their bends."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape.errors import InputError
from landscape.path.contract import BetweenEnds

SPACINGS = ("parameter", "arc_length")
PANELS, NODES = 16, 16
"""Of the quadrature of the length: so many parts between two bends, so many points of Gauss and Legendre in each."""

Array = NDArray[np.float64]


class Bent(BetweenEnds):
    """theta(t) = Σ w_n(t) p_n with p = theta_0, the bends, theta_1; a kind of curve says what w is.

    Args:
        theta_0, theta_1: the ends [S, P], one curve per row.
        bends: [B, S, P], B at least 1.
        spacing: ``"parameter"``: alpha is the curve's own t. ``"arc_length"``: alpha is the share of the curve's length
            that lies behind, so that equal steps of alpha are equal ways in parameter space; each row has its own t.

    Raises:
        InputError: no bend, or an unknown spacing.
        ValueError: bends of another shape than the ends.
    """

    noun = "curve"

    def __init__(self, theta_0: Tensor, theta_1: Tensor, bends: Tensor, spacing: str = "parameter") -> None:
        super().__init__(theta_0, theta_1)
        check_bends(len(bends))
        check_spacing(spacing)
        if bends.shape[1:] != theta_0.shape:
            raise ValueError(f"bends of shape {tuple(bends.shape)} do not fit ends of shape {tuple(theta_0.shape)}")
        self.bends, self.spacing = bends, spacing

    @classmethod
    def straight(cls, theta_0: Tensor, theta_1: Tensor, num_bends: int = 1, spacing: str = "parameter") -> Self:
        """The straight line, with its bends evenly on it: where training starts."""
        check_bends(num_bends)
        shares = [k / (num_bends + 1) for k in range(1, num_bends + 1)]
        bends = torch.stack([(1 - share) * theta_0 + share * theta_1 for share in shares])
        return cls(theta_0, theta_1, bends, spacing)

    @property
    def points(self) -> tuple[Tensor, ...]:
        """theta_0, the bends and theta_1, each [S, P]."""
        return self.theta_0, *self.bends, self.theta_1

    @abstractmethod
    def basis(self, t: float, order: int = 0) -> tuple[float, ...]:
        """w_n(t) of each point, of sum 1; or their derivative by t, of order 1 or 2."""

    @property
    def anchors(self) -> tuple[Tensor, ...]:
        """The points whose affine hull holds the curve, each [S, P].

        Raises:
            AttributeError: rows that are each measured at a t of its own; then the curve counts as not affine.
        """
        if self.spacing == "arc_length" and len(self.theta_0) > 1:
            raise AttributeError("at equal arc length each row has weights of its own")
        return self.points

    def weights(self, alpha: float) -> tuple[float, ...]:
        """The weight of each anchor at alpha, of sum 1."""
        return self.basis(self.times(alpha)[0])

    def times(self, alpha: float) -> list[float]:
        """t of each row at alpha [S]."""
        if self.spacing == "parameter":
            return [alpha] * len(self.theta_0)
        return [way.time(alpha) for way in self._ways]

    @property
    def length(self) -> Array:
        """Of each curve [S], in parameter units, from theta_0 to theta_1."""
        return np.array([way.length for way in self._ways])

    def velocity(self, alpha: float) -> Tensor:
        """The derivative of theta by alpha [S, P]."""
        times = self.times(alpha)
        return self.mixed([self.basis(t, 1) for t in times], [rates[0] for rates in self._rates(times)])

    def _acceleration(self, alpha: float) -> Tensor:
        times = self.times(alpha)
        rates = self._rates(times)
        bent = self.mixed([self.basis(t, 2) for t in times], [rate**2 for rate, _ in rates])
        return bent.add_(self.mixed([self.basis(t, 1) for t in times], [second for _, second in rates]))

    def to(self, *args: Any) -> Self:
        """The same curve on another device or in another precision."""
        ends = self.theta_0.to(*args), self.theta_1.to(*args)
        return type(self)(*ends, self.bends.to(*args), self.spacing)

    def _between(self, theta_0: Tensor, theta_1: Tensor) -> Self:
        """These bends between ends of the same shape; between others, which are tried before work, a straight line."""
        if theta_0.shape == self.theta_0.shape:
            return type(self)(theta_0, theta_1, self.bends.to(theta_0), self.spacing)
        return self.straight(theta_0, theta_1, len(self.bends), self.spacing)

    def _point(self, alpha: float) -> Tensor:
        times = self.times(alpha)
        return self.mixed([self.basis(t) for t in times], [1.0] * len(times))

    def mixed(self, weights: Sequence[tuple[float, ...]], scales: Sequence[float]) -> Tensor:
        """Σ scale w_n p_n [S, P], each row with its own weights; each product rounded before they are added."""
        columns = torch.tensor(
            [[scale * w for w in row] for row, scale in zip(weights, scales, strict=True)],
            dtype=self.theta_0.dtype,
            device=self.theta_0.device,
        )  # [S, B + 2]
        used = [n for n in range(columns.shape[1]) if any(row[n] for row in weights)]
        first, *others = used or [0]
        points = self.points
        total = columns[:, first : first + 1] * points[first]
        for n in others:
            total.add_(columns[:, n : n + 1] * points[n])
        return total

    def _rates(self, times: Sequence[float]) -> list[tuple[float, float]]:
        """dt/dalpha and its derivative by alpha, of each row."""
        if self.spacing == "parameter":
            return [(1.0, 0.0)] * len(times)
        return [way.rates(t) for way, t in zip(self._ways, times, strict=True)]

    @cached_property
    def _ways(self) -> list[Way]:
        """How long each row is."""
        start = self.theta_0.double()
        offsets = torch.stack([point.double() - start for point in self.points], dim=1)  # [S, B + 2, P]
        return [Way(self, (row @ row.T).cpu().numpy()) for row in offsets]


class Way:
    """The length of one curve up to any t, and t where a share of it lies behind.

    Args:
        curve: whose basis counts.
        products: of its points less the first one, [B + 2, B + 2]: all that its speed depends on.
    """

    def __init__(self, curve: Bent, products: Array) -> None:
        self.basis, self.products = curve.basis, products
        self.edges = np.linspace(0.0, 1.0, PANELS * (len(products) - 1) + 1)
        nodes, self.shares = np.polynomial.legendre.leggauss(NODES)
        self.nodes = (nodes + 1) / 2
        is_finite = np.isfinite(products).all()  # else of a training that diverged
        pairs = zip(self.edges[:-1], self.edges[1:], strict=True)
        panels = [self._piece(a, b) if is_finite else np.nan for a, b in pairs]
        self.behind = np.concatenate([[0.0], np.cumsum(panels)])

    @property
    def length(self) -> float:
        """Of the whole curve."""
        return float(self.behind[-1])

    def speed(self, t: float) -> float:
        """|dtheta/dt|."""
        w = np.array(self.basis(t, 1))
        return float(np.sqrt(max(w @ self.products @ w, 0.0)))

    def _piece(self, start: float, end: float) -> float:
        """The length from one t to another; negative backwards."""
        speeds = [self.speed(start + (end - start) * node) for node in self.nodes]
        return float((end - start) / 2 * (self.shares @ speeds))

    def time(self, alpha: float) -> float:
        """t with this share of the length behind it; beyond the ends the curve goes on as it is."""
        if not np.isfinite(self.length):  # no share of it is known, and no point but its ends
            return alpha
        target = alpha * self.length
        panel = int(np.clip(np.searchsorted(self.behind, target) - 1, 0, len(self.edges) - 2))
        start, end = float(self.edges[panel]), float(self.edges[panel + 1])
        low, high = (-np.inf if panel == 0 else start), (np.inf if end == 1 else end)
        size = self.behind[panel + 1] - self.behind[panel]
        t = start + (end - start) * float((target - self.behind[panel]) / size) if size > 0 else start
        for _ in range(20):
            missing, speed = target - self.behind[panel] - self._piece(start, t), self.speed(t)
            if not speed > 0 or abs(missing) <= 1e-15 * self.length:
                break
            t = float(np.clip(t + missing / speed, low, high))
        return t

    def rates(self, t: float) -> tuple[float, float]:
        """dt/dalpha and d²t/dalpha²: the length by the speed, and what the change of the speed makes of it."""
        speed = self.speed(t)
        if not speed > 0:
            raise InputError("the curve stands still at a point, where at equal arc length it has no slope")
        turn = np.array(self.basis(t, 1)) @ self.products @ np.array(self.basis(t, 2))
        return self.length / speed, -(self.length**2) * float(turn) / speed**4


def check_bends(num: int) -> None:
    """Raise InputError for a curve without a bend, and for what counts none."""
    if isinstance(num, bool) or not isinstance(num, int):
        raise InputError(f"path.num_bends={num!r} must be a whole number of at least 1")
    if num < 1:
        raise InputError(
            f"path.num_bends={num} leaves a curve with no bend, which is the straight line; use path.num_bends=1 or "
            "more, or path=linear"
        )


def check_spacing(spacing: str) -> None:
    """Raise InputError for an unknown one."""
    if spacing not in SPACINGS:
        raise InputError(f"path.spacing={spacing} is unknown; use {' or '.join(SPACINGS)}")
