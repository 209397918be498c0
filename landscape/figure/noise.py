"""What a verdict says of a rise beside the noise of its curve."""

from __future__ import annotations

import math
from dataclasses import replace

from landscape.figure.reading import Reading
from landscape.result.curve import Curve
from landscape.result.curve.noise import NUM_ERRORS, Rise, rise_between, steepest


def weighed(reading: Reading, rise: Rise | None, what: str = "rise") -> Reading:
    """The reading with one clause more in its text, which never changes what holds; as it is without a rise or a noise.

    Args:
        what: the rise is called in that clause.
    """
    if rise is None or not rise.height > 0 or math.isnan(rise.noise):
        return reading
    parts = [f"rounding {rise.floor:.1g}"]
    if not math.isnan(rise.error):
        parts.insert(0, f"{NUM_ERRORS:g} standard errors {NUM_ERRORS * rise.error:.2g}")
    word = "larger than" if rise.is_larger else "within"
    text = f"{reading.measured}; {what} of {rise.height:.2g} nats {word} the noise ({', '.join(parts)})"
    return replace(reading, measured=text)


def weighed_rise(reading: Reading, curve: Curve, s: int, first: float = 0.0, last: float = 1.0) -> Reading:
    """With the largest rise of one seed between two alphas."""
    return weighed(reading, steepest(curve, s, first, last))


def weighed_fall(reading: Reading, curve: Curve, s: int, first: float, last: float) -> Reading:
    """With its largest fall there."""
    return weighed(reading, steepest(curve, s, first, last, sign=-1), "fall")


def weighed_climb(reading: Reading, curve: Curve, s: int, at: float) -> Reading:
    """With the height of one point over the start."""
    return weighed(reading, rise_between(curve, s, 0.0, at), "height")
