"""A curve of quartic pieces and every extremum of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from theory.arithmetic import polynomial
from theory.arithmetic.polynomial import Array, Extremum, extrema_among, rise_of


@dataclass(frozen=True, eq=False)
class Curve:
    """J(α) = mean over examples of ‖f(x) - y‖², without the half, on an interval; every piece a quartic.

    Args:
        knots: kinks in t, increasing, no two equal [P - 1]; t = -1 and 1 at the ends of the interval.
        pieces: coefficients of t^0..t^4 [P, 5].
        interval: (low, high) in α.
        noise: size of the rounding error of J, an estimate and no bound: shallower extrema are not reported.
        num_kinks: of all units of all examples, equal places counted each.
    """

    knots: Array
    pieces: Array
    interval: tuple[float, float]
    noise: float
    num_kinks: int

    @property
    def num_pieces(self) -> int:
        """P."""
        return len(self.pieces)

    @property
    def kinks(self) -> Array:
        """The α between two pieces [P - 1]."""
        low, high = self.interval
        return np.asarray(low + (high - low) * (1 + self.knots) / 2)

    def _at(self, alphas: ArrayLike) -> tuple[Array, Array]:
        alphas, (low, high) = np.asarray(alphas, dtype=np.float64), self.interval
        if not np.all((alphas >= low) & (alphas <= high)):
            raise ValueError(f"an alpha lies outside interval=({low:g}, {high:g}); give a wider interval to line.")
        t = 2 * (alphas - low) / (high - low) - 1
        return t, np.moveaxis(self.pieces[np.searchsorted(self.knots, t, side="right")], -1, 0)

    def __call__(self, alphas: ArrayLike) -> Array:
        """J at every alpha of the interval, in the shape of ``alphas``.

        Raises:
            ValueError: an alpha outside the interval.
        """
        t, c = self._at(alphas)
        return np.asarray(c[0] + t * (c[1] + t * (c[2] + t * (c[3] + t * c[4]))))

    def derivative(self, alphas: ArrayLike) -> Array:
        """dJ/dα, at a kink that of the piece to its right."""
        t, c = self._at(alphas)
        return np.asarray(2 * _slope(c, t) / (self.interval[1] - self.interval[0]))

    def candidates(self) -> list[float]:
        """Every t inside the interval where J' changes sign beyond rounding, kinks among them, increasing."""
        ends = np.concatenate([[-1.0], self.knots, [1.0]])
        width, c, t = np.diff(ends), self.pieces.T, ends[:-1]
        value, first = _slope(c, t), width * (2 * c[2] + t * (6 * c[3] + t * 12 * c[4])) / 3
        second = width**2 * (c[3] + 4 * t * c[4])
        # J' of every piece in the Bernstein basis: coefficients of one sign leave no room for a root.
        slope = np.stack([value, value + first, value + 2 * first + second, _slope(c, ends[1:])])  # [4, P]
        tolerance = 8 * self.noise
        signs = np.sign(np.where(np.abs(slope) > tolerance, slope, 0.0))
        entering, leaving = signs[0].copy(), signs[-1].copy()
        roots: list[float] = []
        for i in np.flatnonzero(np.any(signs != signs[0], axis=0)):
            definite = signs[:, i][signs[:, i] != 0]
            entering[i], leaving[i] = definite[0], definite[-1]
            roots += [t[i] + width[i] * u for u in polynomial.sign_changes(slope[:, i], tolerance)]
        shown = np.flatnonzero(entering)  # pieces that are flat to rounding have no sign
        turn = np.flatnonzero(leaving[shown[:-1]] * entering[shown[1:]] < 0)
        roots += ((ends[shown[turn] + 1] + ends[shown[turn + 1]]) / 2).tolist()
        return sorted(roots)

    def extrema(self) -> list[Extremum]:
        """All local extrema on the interval in order, its ends included; empty if J is constant up to rounding."""
        low, high = self.interval
        inside = [low + (high - low) * (1 + t) / 2 for t in self.candidates()]
        alphas = np.array([low, *np.clip(inside, low, high), high])
        return extrema_among(alphas, self(alphas), 8 * self.noise)

    def largest_rise(self) -> float:
        """max of J(b) - J(a) over a < b in the interval: zero iff J never rises beyond rounding."""
        return rise_of(self.extrema())


def _slope(c: Array, t: Array) -> Array:
    return np.asarray(c[1] + t * (2 * c[2] + t * (3 * c[3] + t * 4 * c[4])))
