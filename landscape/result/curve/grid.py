"""What a ``Surface`` holds, as plain fields, and where its points lie."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np

from landscape.result.curve.stated import PASSES, is_bound
from landscape.result.curve.types import Array, Columns, with_stated

FRAME = ("length", "along", "beside")
PATH = ("first", "second", "objective", "beside")
"""What is known of every point of a path on a surface, each [T, S]; its epochs may be too."""


@dataclass(frozen=True, eq=False)
class Grid(Columns):
    """J on the grid of a plane, one plane per column; its numbers, its table and its pictures are made of these.

    Args:
        first: a [A], strictly increasing.
        second: b [B], strictly increasing.
        objective: mean cost per example [A, B, S]; a value that could not be computed is NaN.
        metrics: further channels of the same shape, ``{"error": [A, B, S]}``.
        corners: (a, b) of the points that the plane was laid through [C, 2]; where they differ from plane to plane
            [C, 2, S].
        names: what they are called [C].
        frame: in parameter units ``"length"`` of d_1, and by how much d_2 goes ``"along"`` it and ``"beside"`` it, each
            [S]. Empty where lengths mean nothing, as of random directions, whose unit is the size of the weights.
        path: points that need not lie on the plane, such as those of a training: ``"first"`` and ``"second"``, (a, b)
            of the place on the plane that is nearest, ``"objective"``, J of the point itself, ``"beside"``, its
            distance from the plane in parameter units, and where they are known ``"epochs"``, each [T, S]. NaN after a
            path's own end.
        first_name, second_name: what the directions are, for a reader, such as "first principal axis".
        split, mode, dtype, num_examples: as of a ``Curve``.
        noise: ``"floor"`` [S], a bound on the rounding error of J; ``"errors"`` [A, B, S], the standard error over
            examples of J less J at the grid point nearest to the first corner; with ``objective.tolerance`` ``"bound"``
            [A, B, S], the stated error of J, 0 where it was evaluated in full, ``"bound/NAME"`` of other channels, and
            ``"passes"`` [S], what was spent, in passes over all examples at one point; ``"errors"`` are then those of a
            part of the examples, scaled to all.
        statistics: the corner whose running statistics, as of batch norm, hold on all of the plane, where the others
            have others of their own; None: J at each corner is that of its net.
    """

    ROWS: ClassVar[tuple[str, ...]] = ("first", "second")

    first: Array
    second: Array
    objective: Array
    metrics: dict[str, Array] = field(default_factory=dict)
    corners: Array = field(default_factory=lambda: np.zeros((0, 2)))
    names: list[str] = field(default_factory=list)
    frame: dict[str, Array] = field(default_factory=dict)
    split: str = "train"
    mode: str = "deterministic"
    dtype: str = "float32"
    num_examples: int = 0
    noise: dict[str, Array] = field(default_factory=dict)
    statistics: str | None = None
    path: dict[str, Array] = field(default_factory=dict)
    first_name: str = ""
    second_name: str = ""

    def __post_init__(self) -> None:
        num, wide = (len(self.first), len(self.second)), self.objective.shape[-1:]
        wanted: list[tuple[str, Any, tuple[int, ...]]] = [
            ("objective", self.objective, (*num, *wide)),
            ("corners", self.corners, (len(self.names), 2, *(wide if self.corners.ndim > 2 else ()))),
            *((f"metrics/{name}", array, (*num, *wide)) for name, array in self.metrics.items()),
        ]
        wanted += [(f"frame/{name}", array, wide) for name, array in self.frame.items()]
        shapes: dict[str, tuple[int, ...]] = {"floor": wide, "errors": (*num, *wide)}
        shapes |= {PASSES: wide} | {name: (*num, *wide) for name in self.noise if is_bound(name)}
        wanted += [(f"noise/{n}", array, shapes[n]) for n, array in self.noise.items() if n in shapes]
        if self.path and not {*PATH} <= {*self.path} <= {*PATH, "epochs"}:
            raise ValueError(f"Surface needs path with {', '.join(PATH)} and no more than epochs beside them")
        num_points = len(self.path["first"]) if self.path else 0
        wanted += [(f"path/{name}", array, (num_points, *wide)) for name, array in self.path.items()]
        for name, array, shape in wanted:
            if array.shape != shape:
                raise ValueError(f"Surface needs {name} of shape {shape}, got {array.shape}")
        if self.frame and set(self.frame) != set(FRAME):
            raise ValueError(f"Surface needs frame with {', '.join(FRAME)}, got {', '.join(self.frame)}")
        for name, grid in (("first", self.first), ("second", self.second)):
            if grid.ndim != 1 or not len(grid) or not (np.isfinite(grid).all() and (np.diff(grid) > 0).all()):
                raise ValueError(f"Surface needs {name} finite and strictly increasing")

    def is_beside(self, other: Grid) -> bool:
        """Whether the planes of both lie on one grid and go through points of the same names."""
        grids = zip((self.first, self.second), (other.first, other.second), strict=True)
        return self.names == other.names and all(np.array_equal(one, two) for one, two in grids)

    def beside(self, *others: Self) -> Self:
        """The planes of all, in their order; paths that are shorter than the longest are filled up with NaN."""
        parts = with_stated((self, *others))
        bare = [replace(part, path={}) for part in parts]
        longest = max(len(part.path["first"]) if part.path else 0 for part in parts)

        def joined(name: str) -> Array:
            tall = [np.full((longest, part.num_columns), np.nan) for part in parts]
            for array, part in zip(tall, parts, strict=True):
                array[: len(part.path[name])] = part.path[name]
            return np.concatenate(tall, axis=1)

        names = [name for name in self.path if all(name in part.path for part in parts)]
        return replace(super(Grid, bare[0]).beside(*bare[1:]), path={name: joined(name) for name in names})

    def corners_of(self, column: int) -> Array:
        """(a, b) of the points that one plane was laid through [C, 2]."""
        return self.corners if self.corners.ndim < 3 else self.corners[..., column]

    def _in_columns(self) -> list[str]:
        shared = self.corners.ndim < 3
        return [name for name in super()._in_columns() if not (shared and name == "corners")]

    def places(self, a: Array, b: Array, column: int = 0) -> tuple[Array, Array]:
        """Where points (a, b) are drawn: as they are, or in parameter units along and beside the first side."""
        if not self.frame:
            return a, b
        length, along, beside = (self.frame[name][column] for name in FRAME)
        return a * length + b * along, b * beside

    def planes(self) -> list[Array]:
        """J of each plane [A, B]."""
        return [self.objective[:, :, s] for s in range(self.num_columns)]

    def on_grid(self, k: int, column: int) -> tuple[int, int] | None:
        """Indices of a named point; None where it is no point of the grid."""
        corner = self.corners_of(column)[k]
        i, j = int(np.argmin(np.abs(self.first - corner[0]))), int(np.argmin(np.abs(self.second - corner[1])))
        return (i, j) if np.allclose([self.first[i], self.second[j]], corner, atol=1e-9) else None


def lowest_of(values: Array) -> tuple[int, int] | None:
    """Where values [A, B] are lowest; None where none is finite."""
    if not np.isfinite(values).any():
        return None
    i, j = np.unravel_index(np.nanargmin(np.where(np.isfinite(values), values, np.nan)), values.shape)
    return int(i), int(j)
