"""One plane of one job as a claim reads it and a figure draws it: J on a grid around a solution, or through several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from landscape.figure import naming
from landscape.figure.checks import Claim, Evidence
from landscape.figure.reading import ROUNDINGS, Reading
from landscape.result.curve import Array, Surface, terrain
from landscape.result.curve.noise import NUM_ERRORS, NUM_FLOORS
from landscape.result.curve.scene import Scene, scene_of
from landscape.result.curve.stated import bound_of
from landscape.result.saved import Result


@dataclass(frozen=True)
class PlaneOf:
    """One seed of one surface.

    Args:
        result: the job.
        surface: J on its grid.
        s: which of its planes.
    """

    result: Result
    surface: Surface
    s: int

    @property
    def values(self) -> Array:
        """J [A, B]."""
        return self.surface.objective[:, :, self.s]

    @property
    def centre(self) -> tuple[int, int] | None:
        """Where the first of its points lies on the grid."""
        return self.surface.on_grid(0, self.s) if self.surface.names else None

    @property
    def noise(self) -> float:
        """By how much two values of J may differ for no reason: rounding, where it was measured."""
        floor = self.surface.noise.get("floor")
        known = floor is not None and np.isfinite(floor[self.s])
        return NUM_FLOORS * float(floor[self.s]) if floor is not None and known else 0.0

    @property
    def is_flat(self) -> bool:
        """Whether J is the same all over the plane, but for rounding."""
        known = self.values[np.isfinite(self.values)]
        eps = float(np.finfo(self.surface.dtype if self.surface.dtype == "float32" else "float64").eps)
        return not known.size or float(np.ptp(known)) <= max(self.noise, ROUNDINGS * eps * float(np.abs(known).max()))

    def error_at(self, place: tuple[int, int]) -> float:
        """What the choice of examples can do to J there less J at the first point."""
        errors = self.surface.noise.get("errors")
        error = 0.0 if errors is None else NUM_ERRORS * float(errors[(*place, self.s)])
        return error if np.isfinite(error) else 0.0

    @property
    def rays(self) -> list[Array]:
        """J along straight rays from the first point to the edge."""
        if self.centre is None:
            return []
        return terrain.rays(self.surface.first, self.surface.second, self.values, self.centre)

    def scene(self) -> Scene:
        """What is drawn of it, J with its unit."""
        unit = naming.bracketed_unit([naming.cost_of(self.result)])
        return scene_of(self.surface, self.s, label=f"J{unit}" if unit else "")


def usable(result: Result, surface: Surface) -> tuple[list[int], str]:
    """The planes that can be drawn and judged, and one sentence on those left out: a hole alone is no fault."""
    num = surface.num_columns
    names, lost = result.seed_names(num), result.diverged(num)
    is_known = [bool(np.isfinite(values).any()) for values in surface.planes()]
    why = {True: "its training diverged", False: "J is nowhere finite"}
    columns = [s for s in range(num) if is_known[s] and not lost[s]]
    return columns, "; ".join(f"seed {names[s]} left out: {why[lost[s]]}" for s in range(num) if s not in columns)


def planes(kind: Callable[[Surface], bool], splits: str) -> Callable[[Result, str], Iterator[Evidence[PlaneOf]]]:
    """A look at the surfaces of a job.

    Args:
        kind: of which. splits: of these alone, in order.
    """

    def look(result: Result, name: str) -> Iterator[Evidence[PlaneOf]]:
        for split in splits.split():
            for surface in result.surfaces.values():
                if surface.split == split and kind(surface):
                    columns, note = usable(result, surface)
                    about = f"{name}, {surface.split}, {surface.mode}"
                    yield Evidence(result, about, [PlaneOf(result, surface, s) for s in columns], note)

    return look


def is_around(surface: Surface) -> bool:
    """Whether a plane was laid around one point."""
    return len(surface.names) == 1 and not surface.path


def is_through(surface: Surface) -> bool:
    """Whether a plane was laid through several points, each with its own J on it."""
    return len(surface.names) > 1 and surface.statistics is None


def read_lowest(plane: PlaneOf) -> Reading:
    """How far the lowest point of the plane lies below its first."""
    centre, values = plane.centre, plane.values
    if centre is None or not np.isfinite(values[centre]):
        return Reading("J at the point is not known", None, note="it is no point of the grid, or not finite")
    if plane.is_flat:
        return Reading("J is the same all over the plane", None, note="a plane that is flat has no lowest point")
    place = terrain.minima(values)[0].place
    below = float(values[centre] - values[place])
    noise, bound = max(plane.noise, plane.error_at(place)), bound_of(plane.surface)[..., plane.s]
    stated = f", stated error {bound[centre] + bound[place]:.2g}" if bound.any() else ""
    text = f"{below:.2g} lower at a = {plane.surface.first[place[0]]:.3g}, b = {plane.surface.second[place[1]]:.3g}"
    return Reading(f"{text if below > 0 else 'nowhere lower'}; noise {noise:.2g}{stated}", below <= noise, below)


def passes(plane: PlaneOf) -> dict[str, float]:
    """For each pair of the points that the plane was laid through, how far every way on the grid must climb above the
    higher of the two."""
    surface, found = plane.surface, dict[str, float]()
    for k, j in combinations(range(len(surface.names)), 2):
        start, end = surface.on_grid(k, plane.s), surface.on_grid(j, plane.s)
        if start is not None and end is not None and np.isfinite([plane.values[start], plane.values[end]]).all():
            height = terrain.pass_between(plane.values, start, end) - max(plane.values[start], plane.values[end])
            found[f"{surface.names[k]} to {surface.names[j]}"] = float(height)
    return found


def read_passes(plane: PlaneOf) -> Reading:
    """The lowest of the passes between the plane's points, above rounding."""
    found = passes(plane)
    if not found:
        return Reading("no two of its points are on the grid", None, note="a pass lies between two points")
    if plane.is_flat:
        return Reading("J is the same all over the plane", None, note="a plane that is flat has no basins")
    text = ", ".join(f"{pair} {height:.2g}" for pair, height in found.items())
    return Reading(f"climbs: {text}", min(found.values()) > plane.noise, -min(found.values()))


LOWEST = Claim(
    "surface-lowest",
    "Nowhere on the plane around it is J lower than at the solution",
    "Li et al. 2018",
    f"lowest J within rounding and {NUM_ERRORS:g} standard errors",
    needs_training=True,
).by(read_lowest, planes(is_around, "train"))
BASINS = Claim(
    "surface-basins",
    "Each of the points that the plane goes through lies in a basin of its own",
    "Garipov et al. 2018",
    "between any two every way on the plane climbs, by more than rounding",
    needs_training=True,
).by(read_passes, planes(is_through, "train"))
OF_ANY_PLANE: Sequence[Any] = (LOWEST, BASINS)
