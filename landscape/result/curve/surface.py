"""The objective on a plane through parameter space: a grid of numbers, as a table and as contours."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from landscape.result.curve import picture, shown
from landscape.result.curve.types import Array, Columns

FRAME = ("length", "along", "beside")
PATH = ("first", "second", "objective", "beside")
"""What is known of every point of a path on a surface, each [T, S]; its epochs may be too."""
FEW_ROWS = 9
"""Rows and columns of the grid that a table shows."""

THIN = 4.0
"""Sides of a surface that differ by more are drawn each on a scale of its own: as it is, nothing could be read."""


@dataclass(frozen=True, eq=False)
class Surface(Columns, shown.Shown):
    """The objective J at the points theta_0 + a d_1 + b d_2 of a grid, one plane per column S.

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
            examples of J less J at the grid point nearest to the first corner.
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
        shapes = {"floor": wide, "errors": (*num, *wide)}
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

    def summary(self) -> dict[str, list[float]]:
        """The numbers of every plane.

        Returns:
            ``lowest`` with ``lowest_a`` and ``lowest_b``, where; ``highest``; ``at_NAME``, J at each corner that is a
            point of the grid and has its own running statistics there; ``below_NAME`` of the first corner, by how much
            the lowest point is below it, and ``below_error``, the standard error of that over examples. NaN where one
            is not known.

        >>> axis = np.array([-1.0, 0.0, 1.0])
        >>> surface = Surface(axis, axis, (axis[:, None] ** 2 + (axis - 1) ** 2)[:, :, None])
        >>> surface.summary()["lowest_a"], surface.summary()["lowest_b"]
        ([0.0], [1.0])
        """
        planes = [self._numbers(s) for s in range(self.num_columns)]
        return {name: [plane[name] for plane in planes] for name in (planes[0] if planes else {})}

    def _numbers(self, s: int) -> dict[str, float]:
        values = self.objective[:, :, s]
        place = self._lowest(s)
        a, b = (math.nan, math.nan) if place is None else (self.first[place[0]], self.second[place[1]])
        low = math.nan if place is None else float(values[place])
        high = float(np.max(values[np.isfinite(values)], initial=-math.inf)) if place else math.nan
        found = {"lowest": low, "lowest_a": float(a), "lowest_b": float(b), "highest": high}
        for k, (name, corner) in enumerate(zip(self.names, self.corners_of(s), strict=True)):
            i, j = int(np.argmin(np.abs(self.first - corner[0]))), int(np.argmin(np.abs(self.second - corner[1])))
            on_grid = bool(np.allclose([self.first[i], self.second[j]], corner, atol=1e-9))
            is_own = self.statistics in (None, name)
            found[f"at_{name}"] = float(values[i, j]) if on_grid and is_own else math.nan
            if k == 0:
                errors = self.noise.get("errors")
                found[f"below_{name}"] = found[f"at_{name}"] - low
                found["below_error"] = math.nan if errors is None or not place else float(errors[(*place, s)])
        return found

    def _lowest(self, s: int) -> tuple[int, int] | None:
        values = self.objective[:, :, s]
        if not np.isfinite(values).any():
            return None
        i, j = np.unravel_index(np.nanargmin(np.where(np.isfinite(values), values, np.nan)), values.shape)
        return int(i), int(j)

    def is_beside(self, other: Surface) -> bool:
        """Whether the planes of both lie on one grid and go through points of the same names."""
        grids = zip((self.first, self.second), (other.first, other.second), strict=True)
        return self.names == other.names and all(np.array_equal(one, two) for one, two in grids)

    def beside(self, *others: Surface) -> Surface:
        """The planes of all, in their order; paths that are shorter than the longest are filled up with NaN."""
        parts = [self, *others]
        bare = [replace(part, path={}) for part in parts]
        longest = max(len(part.path["first"]) if part.path else 0 for part in parts)

        def joined(name: str) -> Array:
            tall = [np.full((longest, part.num_columns), np.nan) for part in parts]
            for array, part in zip(tall, parts, strict=True):
                array[: len(part.path[name])] = part.path[name]
            return np.concatenate(tall, axis=1)

        names = [name for name in self.path if all(name in part.path for part in parts)]
        return replace(super(Surface, bare[0]).beside(*bare[1:]), path={name: joined(name) for name in names})

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

    def plot(self, ax: Any = None, column: int = 0, log: bool | None = None) -> Any:
        """Draw J as filled contours, with the corners by name and a cross at the lowest point.

        Args:
            ax: matplotlib ``Axes``; None makes a new figure.
            column: which of several planes.
            log: colours by the logarithm of J; None: where its highest is far above its lowest.

        Returns:
            The ``Axes``.
        """
        axes = shown.axes_for(ax)
        x, y = self.places(*np.meshgrid(self.first, self.second, indexing="ij"), column)
        picture.contours(axes, x, y, self.objective[:, :, column], log, "J(θ), mean cost per example")
        if (place := self._lowest(column)) is not None:
            picture.lowest(axes, (float(x[place]), float(y[place])))
        at = zip(*self.places(*self.corners_of(column).T, column), strict=True)
        picture.marks(axes, [(float(u), float(v)) for u, v in at], self.names)
        is_in_scale = True
        if not self.frame:
            axes.set(xlabel="a, along the first direction", ylabel="b, along the second direction")
        else:
            side = f" from {self.names[0]} to {self.names[1]}" if len(self.names) > 1 else " the first side"
            axes.set(xlabel=f"along the line{side}, parameter units", ylabel="beside it, parameter units")
            wide, high = float(np.ptp(x)), float(np.ptp(y))
            is_in_scale = max(wide, high) <= THIN * min(wide, high)
            if is_in_scale:
                axes.set_aspect(1.0)
        if ax is None:
            scale = "" if is_in_scale else "; the two axes have scales of their own"
            axes.set_title(f"{self.split}, {self.mode}; cross: lowest{scale}", fontsize="small", loc="left")
        return axes

    def table(self) -> shown.Table:
        """What is printed: a coarser grid, b from high to low, then the numbers."""
        rows, columns = (shown.some_rows(len(grid), FEW_ROWS) for grid in (self.second, self.first))
        cells = [
            [f"b = {shown.number(float(self.second[j]))}"] + [f"{self.objective[i, j, 0]:.4g}" for i in columns]
            for j in reversed(rows)
        ]
        headings = ["J", *(f"a = {shown.number(float(self.first[i]))}" for i in columns)]
        title = f"J on a plane: {', '.join(self._words())}, {len(self.first)} x {len(self.second)} points"
        title += (
            f", {len(columns)} x {len(rows)} shown" if len(rows) * len(columns) < self.objective[..., 0].size else ""
        )
        title += f", the first of {self.num_columns} planes" if self.num_columns > 1 else ""
        return shown.Table(title, headings, cells, self._said())

    def _words(self) -> list[str]:
        return [self.split, self.mode, self.dtype, shown.count(self.num_examples, "example")]

    def _said(self) -> list[tuple[str, str]]:
        given = self.summary()
        planes = range(self.num_columns)

        def say(text: str, *names: str) -> str:
            return shown.each([text.format(*(shown.number(given[name][s]) for name in names)) for s in planes])

        said = [("lowest J", say("{} at a = {}, b = {}", "lowest", "lowest_a", "lowest_b"))]
        said += [("highest J", say("{}", "highest"))]
        for name in self.names:
            if self.statistics in (None, name):
                said.append((f"J at {name}", say("{}", f"at_{name}")))
        if self.statistics is not None:
            said.append(
                (
                    "statistics",
                    f"those of {self.statistics} on all of the plane: J of the other points' own nets is not on it",
                )
            )
        if self.names and "errors" in self.noise and self.statistics in (None, self.names[0]):
            text = "{} down to the lowest, with a standard error over examples of {}"
            said.append((f"from {self.names[0]}", say(text, f"below_{self.names[0]}", "below_error")))
        if "floor" in self.noise:
            said.append(("rounding", shown.each([f"J is within {shown.number(v)}" for v in self.noise["floor"]])))
        return said

    def _frame(self) -> dict[str, Any]:
        a, b = np.meshgrid(self.first, self.second, indexing="ij")
        num, shape = self.num_columns, a.shape
        taken = ("a", "b", "plane", "objective", "error_of_difference")
        tall = {"objective": self.objective, **shown.apart(self.metrics, taken)}
        tall |= {"error_of_difference": self.noise["errors"]} if "errors" in self.noise else {}
        line = np.broadcast_to(np.arange(num), (*shape, num)).ravel()
        columns = {"a": np.repeat(a.ravel(), num), "b": np.repeat(b.ravel(), num), "plane": line}
        return columns | {name: values.ravel() for name, values in tall.items()}

    def __repr__(self) -> str:
        return f"Surface({', '.join(self._words())}, {len(self.first)} x {len(self.second)} points)"
