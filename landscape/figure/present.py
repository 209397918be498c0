"""Whether what a claim speaks of is there: without its subject a claim is not judged."""

from __future__ import annotations

import math

import numpy as np

from landscape.figure.reading import Reading
from landscape.result.curve import Array, Curve, drop
from landscape.result.curve.column import SAME_ALPHA
from landscape.result.curve.noise import rise_between

ROUNDINGS = 8
"""Spacings of numbers at J that two values may lie apart without a difference, where no floor was measured."""


def rounding_of(curve: Curve, s: int) -> float:
    """Some spacings of numbers at the largest J of a line, in the precision that it was measured in."""
    values = np.abs(curve.objective[:, s])
    spacing = float(np.finfo(curve.dtype if curve.dtype in ("float32", "float64") else "float64").eps)
    return ROUNDINGS * spacing * float(values[np.isfinite(values)].max(initial=0.0))


def least_difference(curve: Curve, s: int, first: float = 0.0, last: float = 1.0) -> float:
    """What a difference of J between two alphas must exceed to be one, in nats: the noise, where it was measured."""
    rounding, rise = rounding_of(curve, s), rise_between(curve, s, first, last)
    return rounding if rise is None or math.isnan(rise.noise) else max(rise.noise, 0.0)


def no_drop(curve: Curve, s: int) -> Reading | None:
    """None for a line that descends; else a reading.

    It fails where the line ends higher than it starts, beyond the noise; a line that ends as high as it starts has
    nothing that a share of its drop could describe.
    """
    fall, noise = drop(curve.alphas, curve.objective[:, s]), least_difference(curve, s)
    if fall > noise:
        return None
    text = f"no drop: J(0) - J(1) = {fall:.3g} nats"
    if fall < -noise:
        return Reading(text, False, math.inf, False)
    return Reading(f"{text}, within the noise of {noise:.2g}", None, note="without a drop there is nothing to judge")


def nothing_between(alphas: Array, first: float = 0.0, last: float = 1.0) -> Reading | None:
    """A reading that cannot tell, for a grid without a sample strictly between two alphas; else None."""
    if ((alphas > first + SAME_ALPHA) & (alphas < last - SAME_ALPHA)).any():
        return None
    why = "its ends alone say nothing of the way"
    return Reading(f"no sample between α = {first:g} and {last:g}", None, note=why)


def no_way_down(curve: Curve, s: int) -> Reading | None:
    """Either of the two above: what a claim on the way from start to solution needs is not there."""
    return no_drop(curve, s) or nothing_between(curve.alphas)
