"""How J climbs from the start of a line, weighed with the masks that it was measured under."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from landscape.figure.reading import SLACK, Column, Reading
from landscape.result.curve import Array, Curve, drop, tolerance
from landscape.result.curve.crossing import Climb, climb, replicate_error


@dataclass(frozen=True)
class Start:
    """One seed of the enlarged start, and of the line that it is the start of where that was measured."""

    zoom: Column
    whole: Column | None

    @property
    def climb(self) -> Climb:
        """How J climbs from the start."""
        return climb(*self.zoom.line)

    @property
    def noise(self) -> float:
        """How high a climb must be to be one, in nats: 3 standard errors under masks, else tau; NaN if not known."""
        curve = self.zoom.curve
        if curve.mode == "stochastic":
            if curve.replicates is None:
                return math.nan
            k = int(np.flatnonzero(curve.alphas == self.climb.at)[0])
            return max(3 * float(replicate_error(curve, self.zoom.s)[k]), self.zoom.rounding)
        unit = self.zoom.at(0.0) if self.whole is None else self.whole.fall
        return max(self.zoom.tau * abs(unit), self.zoom.rounding)

    def no_barrier(self) -> Reading | None:
        """A reading that cannot tell where 6b finds no barrier, which the line must also come down from."""
        if not self.climb.height > self.noise:
            text = f"no barrier: height {self.climb.height:.2g} nats, noise {self.noise:.2g}"
            return Reading(text, None, note="there is no barrier of which this could be said")
        down = self.climb.is_over or (self.whole is not None and self.whole.no_drop() is None)
        return None if down else Reading("J climbs and does not come down", None, note="that is no barrier")


def joined(zoom: Curve, whole: Curve, s: int) -> tuple[Array, Array]:
    """One column of the enlarged start, then of the line to alpha = 1, under the same masks: alphas and J."""
    start = zoom.objective[:, s]
    if zoom.replicates is not None and whole.replicates is None:
        start = zoom.replicates[0, :, s]  # the masks of the line's only replicate
    rest = (whole.alphas > zoom.alphas[-1] + SLACK) & (whole.alphas <= 1 + SLACK)
    return np.append(zoom.alphas, whole.alphas[rest]), np.append(start, whole.objective[rest, s])


def step_noise(zoom: Curve, whole: Curve, s: int) -> float:
    """How high a maximum must stand out, in nats: 3 standard errors of a step where masks were replicated, else tau."""
    if zoom.mode == "stochastic" and zoom.replicates is not None:
        steps = np.diff(zoom.replicates[:, :, s], axis=1)
        return 3 * float(steps.std(axis=0, ddof=1).max()) / math.sqrt(len(steps))
    return tolerance(replace(whole, replicates=None), s) * drop(whole.alphas, whole.objective[:, s])
