"""One seed of one curve as a claim reads it, and what it shows there.

A reading is given only where what the claim speaks of is there: a drop, samples between the ends, a difference beyond
the noise. Where it is not, the column says so in a reading that cannot tell. A rise is told beside its noise, which
never changes what holds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from landscape.result.curve import Array, Curve, drop, tolerance, value_at
from landscape.result.curve.column import SAME_ALPHA
from landscape.result.curve.noise import NUM_ERRORS, Rise, rise_between, steepest
from landscape.result.saved import Result

SLACK = 1e-9
"""Positions such as 8/9 are not exact in binary, so "within 1/9 of 1" needs this much."""
ROUNDINGS = 8
"""Spacings of numbers at J that two values may lie apart without a difference, where no floor was measured."""


@dataclass(frozen=True)
class Reading:
    """What one seed shows.

    Args:
        measured: as text, computed from the arrays.
        holds: None when this seed cannot tell.
        badness: orders seeds of the same ``holds``; the largest is shown as the worst.
        relaxed: whether the calibrated threshold would hold.
        note: why it cannot tell.
        each: a few words that are told of every seed, not of the worst alone; empty where the worst says enough.
        miss: by which factor it misses its threshold, more than 1; 0 where it holds, or no one number decides.
    """

    measured: str
    holds: bool | None
    badness: float = 0.0
    relaxed: bool | None = None
    note: str = ""
    each: str = ""
    miss: float = 0.0

    def __post_init__(self) -> None:
        for name in ("holds", "relaxed"):  # numpy's True is not True
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, bool(value))


@dataclass(frozen=True)
class Column:
    """One seed of one curve of one job.

    Args:
        result: the job.
        curve: J along its line.
        s: which of the curve's columns.
    """

    result: Result
    curve: Curve
    s: int

    @property
    def alphas(self) -> Array:
        """[A]."""
        return self.curve.alphas

    @property
    def values(self) -> Array:
        """J [A]."""
        return self.curve.objective[:, self.s]

    @property
    def line(self) -> tuple[Array, Array]:
        """Both."""
        return self.alphas, self.values

    @property
    def fall(self) -> float:
        """J(0) - J(1)."""
        return drop(*self.line)

    @property
    def tau(self) -> float:
        """The rise, relative to the drop, that the way of measuring can produce by itself."""
        return tolerance(self.curve, self.s)

    def at(self, alpha: float) -> float:
        """J there."""
        return value_at(*self.line, alpha)

    @property
    def rounding(self) -> float:
        """Some spacings of numbers at the largest J, in the precision that it was measured in."""
        sizes = np.abs(self.values)
        return ROUNDINGS * spacing(self.curve) * float(sizes[np.isfinite(sizes)].max(initial=0.0))

    def least_difference(self, first: float = 0.0, last: float = 1.0) -> float:
        """What a difference of J between two alphas must exceed to be one, in nats: the noise, where it is known."""
        rise = rise_between(self.curve, self.s, first, last)
        return self.rounding if rise is None or math.isnan(rise.noise) else max(rise.noise, 0.0)

    def no_drop(self) -> Reading | None:
        """None for a line that descends; else a reading.

        It fails where the line ends higher than it starts, beyond the noise; a line that ends as high as it starts has
        nothing that a share of its drop could describe.
        """
        fall, noise = self.fall, self.least_difference()
        if fall > noise:
            return None
        text = f"no drop: J(0) - J(1) = {fall:.3g} nats"
        if fall < -noise:
            return Reading(text, False, math.inf, False, miss=math.inf)
        return Reading(
            f"{text}, within the noise of {noise:.2g}", None, note="without a drop there is nothing to judge"
        )

    def no_way_down(self) -> Reading | None:
        """The same, and a reading that cannot tell where no sample lies between start and solution."""
        return self.no_drop() or nothing_between(self.alphas)

    def too_few_to_bend(self) -> Reading | None:
        """A reading that cannot tell, where fewer than three samples lie in [0, 1]; else None."""
        num = int(np.count_nonzero((self.alphas >= -SLACK) & (self.alphas <= 1 + SLACK)))
        return None if num > 2 else Reading(f"{counted(num, 'sample')} in [0, 1]", None, note="a bend needs three")

    def weighed_rise(self, reading: Reading, first: float = 0.0, last: float = 1.0) -> Reading:
        """The reading with the largest rise between two alphas beside its noise."""
        return _weighed(reading, steepest(self.curve, self.s, first, last), "rise")

    def weighed_fall(self, reading: Reading, first: float, last: float) -> Reading:
        """With the largest fall there."""
        return _weighed(reading, steepest(self.curve, self.s, first, last, sign=-1), "fall")

    def weighed_height(self, reading: Reading, at: float) -> Reading:
        """With the height of one point over the start."""
        return _weighed(reading, rise_between(self.curve, self.s, 0.0, at), "height")


def above(value: float, most: float) -> float:
    """The factor by which a value exceeds what it may be; 0 of one that does not."""
    return float(value / most) if value > most > 0 else 0.0


def short_of(value: float, least: float) -> float:
    """The factor by which a value stays below what it must be, infinite for nothing or less; 0 if it does not."""
    if not value < least:
        return 0.0
    return float(least / value) if value > 0 else math.inf


def _weighed(reading: Reading, rise: Rise | None, what: str) -> Reading:
    """With one clause more in its text; as it is without a rise or a noise."""
    if rise is None or not rise.height > 0 or math.isnan(rise.noise):
        return reading
    parts = [f"rounding {rise.floor:.1g}"] * (not math.isnan(rise.floor))
    if not math.isnan(rise.error):
        parts.insert(0, f"{NUM_ERRORS:g} standard errors {NUM_ERRORS * rise.error:.2g}")
    if rise.bound > 0:
        parts.append(f"stated error {rise.bound:.2g}")
    word = "larger than" if rise.is_larger else "within"
    text = f"{reading.measured}; {what} of {rise.height:.2g} nats {word} the noise ({', '.join(parts)})"
    return replace(reading, measured=text)


def spacing(curve: Curve) -> float:
    """Of numbers at one, in the precision that a curve was measured in."""
    return float(np.finfo(curve.dtype if curve.dtype in ("float32", "float64") else "float64").eps)


def nothing_between(alphas: Array) -> Reading | None:
    """A reading that cannot tell, for a grid without a sample strictly between 0 and 1; else None."""
    if ((alphas > SAME_ALPHA) & (alphas < 1 - SAME_ALPHA)).any():
        return None
    return Reading("no sample between α = 0 and 1", None, note="its ends alone say nothing of the way")


def primary(result: Result, split: str) -> Curve | None:
    """The training cost with its masks where there is one, else the deterministic curve."""
    return result.curves.get(f"{split}/stochastic") or result.curves.get(f"{split}/deterministic")


def twin(result: Result, split: str) -> Curve | None:
    """The deterministic curve beside a stochastic primary one."""
    return result.curves.get(f"{split}/deterministic") if f"{split}/stochastic" in result.curves else None


def covers(curve: Curve, first: float, last: float) -> bool:
    """Whether the curve was sampled from ``first`` to ``last``."""
    return bool(len(curve.alphas) and curve.alphas[0] <= first + SLACK and curve.alphas[-1] >= last - SLACK)


def counted(num: int, word: str) -> str:
    """``1 minimum``, ``2 minima``, ``3 rises``."""
    plurals = {"minimum": "minima", "maximum": "maxima", "extremum": "extrema"}
    return f"{num} {word if num == 1 else plurals.get(word, word + 's')}"


def listed(places: Sequence[float], digits: int = 3) -> str:
    """``0.100, 0.333``."""
    return ", ".join(f"{place:.{digits}f}" for place in places)
