"""One plane of a surface as it is drawn: places, values, their scale, and what a reader must be told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from landscape.errors import InputError
from landscape.result.curve import stated
from landscape.result.curve.grid import PATH, Grid, lowest_of
from landscape.result.curve.types import Array

TALL = 100.0
"""Times its lowest J, which is positive, from which on a surface is drawn on a logarithmic scale."""
THIN = 4.0
"""Sides of a surface that differ by more are drawn each on a scale of its own: as it is, nothing could be read."""
COST = "J(θ), mean cost per example"
UNITS = "[parameter\N{NO-BREAK SPACE}units]"


@dataclass(frozen=True)
class Scene:
    """What is drawn of one plane.

    Args:
        x, y: where the points of the grid are drawn [A, B].
        values: J, or another channel, there [A, B].
        is_log: colours and heights by the logarithm.
        label: what the values are.
        axes: what x and y are.
        in_units: x and y have one unit, and a reader can see it.
        points: (x, y, value, name) of those that the plane was laid through; a value may be NaN.
        lowest: (x, y, value) of the lowest point, if one is known; lowest_at: its (a, b).
        path: x, y, the point's own value and its distance from the plane, each [T]; values are NaN where they are not
            those of this channel.
        epochs: of the path's points [T]; their numbers where epochs are not known.
        said: what is said of the whole.
        full: x and y of the points that were evaluated in full, each [n], where others were not; error: how well the
            others are known.
    """

    x: Array
    y: Array
    values: Array
    is_log: bool
    label: str
    axes: tuple[str, str]
    in_units: bool
    points: Sequence[tuple[float, float, float, str]] = ()
    lowest: tuple[float, float, float] | None = None
    lowest_at: tuple[float, float] | None = None
    path: tuple[Array, Array, Array, Array] | None = None
    epochs: Array = field(default_factory=lambda: np.zeros(0))
    said: Sequence[str] = ()
    full: tuple[Array, Array] | None = None
    error: str = ""

    @property
    def held(self) -> Array:
        """The values that have a place on the scale [A, B], NaN for all others."""
        return on_scale(self.values, self.is_log)

    @property
    def own(self) -> Array:
        """Those of the path [T], likewise."""
        return on_scale(self.path[2], self.is_log) if self.path is not None else np.zeros(0)

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest value on the scale, of the surface and of the path."""
        known = np.concatenate([self.held.ravel(), self.own])
        known = known[np.isfinite(known)]
        return (float(known.min()), float(known.max())) if known.size else (math.nan, math.nan)

    @property
    def lack(self) -> str:
        """Why there is nothing to draw; empty where there is."""
        known = self.held[np.isfinite(self.held)]
        if min(self.values.shape) < 2:
            return "a grid of one row has no surface"
        return "" if known.size and known.min() < known.max() else "the same, or not finite, all over the plane"

    @property
    def has_holes(self) -> bool:
        """Whether some of the surface is not finite, or on a logarithmic scale not positive."""
        return not bool(np.isfinite(self.held).all())

    @property
    def words(self) -> str:
        """What the values are, and the scale."""
        return f"{self.label}, log scale" if self.is_log else self.label

    @property
    def titles(self) -> tuple[str, str]:
        """What x and y are, without their unit."""
        first, second = (name.removesuffix(UNITS).rstrip() for name in self.axes)
        return first, second

    @property
    def cross(self) -> str:
        """How low the lowest point is, and where in (a, b); empty where that is not known."""
        if self.lack or self.lowest is None or self.lowest_at is None:
            return ""
        x, y, value = self.lowest
        least = 1e-9 * max(float(np.ptp(self.x)), float(np.ptp(self.y)))  # a zero that was rounded is told as one
        x, y = (0.0 if abs(v) < least else v for v in (x, y))
        place = "" if self.lowest_at == (x, y) else f"({x:.3g}, {y:.3g}), "  # as it is drawn
        return f"{value:.3g} at {place}a = {self.lowest_at[0]:.3g}, b = {self.lowest_at[1]:.3g}"

    def is_on_path(self, x: float, y: float) -> bool:
        """Whether a place is that of a point of the path whose own value is known."""
        if self.path is None:
            return False
        size = max(float(np.ptp(self.x)), float(np.ptp(self.y)))
        far = np.hypot(self.path[0] - x, self.path[1] - y)
        return bool((far[np.isfinite(self.own)] <= 1e-6 * size).any())

    def notes(self, has_cross: bool = True) -> list[str]:
        """What a reader must know beside axes and colour bar.

        Args:
            has_cross: say where the lowest point is, and how well J is known, which differ from plane to plane.
        """
        found = [*self.said, *([f"{self.error} (dots)"] if has_cross and self.error else [])]
        if self.lack:
            return found
        if self.lowest is not None:
            found.append(f"cross: lowest, {self.cross}" if has_cross and self.cross else "cross: lowest")
        if self.path is not None and np.isfinite(self.own).any():
            off = float(np.nanmax(self.path[3], initial=0.0))
            found.append(f"path: each point in the colour of its own J, up to {off:.3g} parameter units off the plane")
        if self.has_holes:
            is_all = bool(np.isfinite(self.values).all())
            found.append(f"hatched: {'not positive' if is_all else 'not finite'}")
        return found


def on_scale(values: Array, is_log: bool) -> Array:
    """Finite values, positive ones alone on a logarithmic scale; NaN for the others."""
    with np.errstate(invalid="ignore"):
        good = np.isfinite(values) & ((values > 0) | (not is_log))
    return np.where(good, values, np.nan)


def is_tall(*values: Array) -> bool:
    """Whether all that is finite is positive and spans two decades: a linear scale would show its top alone."""
    known = np.concatenate([part[np.isfinite(part)].ravel() for part in values])
    return bool(known.size and known.min() > 0 and known.max() > TALL * known.min())


def scene_of(
    grid: Grid, column: int = 0, log: bool | None = None, channel: str = "objective", label: str = ""
) -> Scene:
    """One plane, with places in parameter units where those are known.

    Args:
        grid: all planes.
        column: which of them.
        log: colours by the logarithm; None: where the values span two decades.
        channel: a name in ``metrics``, or J.
        label: what the values are.

    Raises:
        InputError: there is no such plane or channel.
    """
    if channel != "objective" and channel not in grid.metrics:
        names = ", ".join(["objective", *grid.metrics])
        raise InputError(f"channel={channel!r} is not on this surface, which has {names}")
    if column not in range(-grid.num_columns, grid.num_columns):
        raise InputError(f"column={column} is none of the {grid.num_columns} planes of this surface, counted from 0")
    is_objective = channel == "objective"
    values = (grid.objective if is_objective else grid.metrics[channel])[:, :, column]
    x, y = grid.places(*np.meshgrid(grid.first, grid.second, indexing="ij"), column)
    path: tuple[Array, Array, Array, Array] | None = None
    epochs: Array = np.zeros(0)
    if grid.path:
        a, b, own, beside = (grid.path[name][:, column] for name in PATH)
        known = np.isfinite(a) & np.isfinite(b)
        u, v = grid.places(a[known], b[known], column)
        path = (u, v, own[known] if is_objective else np.full(known.sum(), np.nan), beside[known])
        epochs = np.flatnonzero(known).astype(np.float64)
        if "epochs" in grid.path:
            epochs = grid.path["epochs"][known, column]
    corners = grid.corners_of(column)
    places = grid.places(corners[:, 0], corners[:, 1], column)
    heights = [
        math.nan if at is None or grid.statistics not in (None, name) else float(values[at])
        for k, name in enumerate(grid.names)
        for at in [grid.on_grid(k, column)]
    ]
    points = zip(*places, heights, grid.names, strict=True)
    place = lowest_of(values)
    wide, high = float(np.ptp(x)), float(np.ptp(y))
    in_units = bool(grid.frame) and max(wide, high) <= THIN * min(wide, high)
    said = ["the two axes have scales of their own"] if grid.frame and not in_units else []
    bound, full = stated.bound_of(grid, channel)[:, :, column], None
    if (bound > 0).any():
        full = x[bound == 0], y[bound == 0]
    return Scene(
        x,
        y,
        values,
        is_tall(values, path[2] if path is not None else np.zeros(0)) if log is None else log,
        label or (COST if is_objective else channel.replace("_", " ")),
        _axes(grid),
        in_units,
        [(float(u), float(v), height, name) for u, v, height, name in points],
        None if place is None else (float(x[place]), float(y[place]), float(values[place])),
        None if place is None else (float(grid.first[place[0]]), float(grid.second[place[1]])),
        path,
        epochs,
        [f"{grid.split}, {grid.mode}", *said],
        full,
        stated.sentence(grid) if full is not None else "",
    )


def _axes(grid: Grid) -> tuple[str, str]:
    """What the two directions are called."""
    unit = f" {UNITS}" if grid.frame else ""
    if not grid.frame:  # these are a and b themselves
        return (
            f"a, {grid.first_name or 'along the first direction'}",
            f"b, {grid.second_name or 'along the second direction'}",
        )
    if grid.first_name or grid.second_name:
        return (grid.first_name or "the first direction") + unit, (grid.second_name or "the second direction") + unit
    side = f" from {grid.names[0]} to {grid.names[1]}" if len(grid.names) > 1 else " the first side"
    return f"along the line{side}{unit}", f"beside it{unit}"
