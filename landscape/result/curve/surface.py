"""The objective on a plane through parameter space: a grid of numbers, as a table, in pictures and as a page."""

from __future__ import annotations

import math
from numbers import Integral
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np

from landscape.errors import InputError
from landscape.result.curve import relief, shown, stated, terrain, turnable
from landscape.result.curve.grid import FRAME as FRAME
from landscape.result.curve.grid import PATH as PATH
from landscape.result.curve.grid import Grid, lowest_of
from landscape.result.curve.scene import Scene, scene_of
from landscape.result.curve.terrain import Minimum

FEW_ROWS = 9
"""Rows and columns of the grid that a table shows."""
TITLE = 66
"""Letters on a line of a title."""


class Surface(Grid, shown.Shown):
    """The objective J at the points theta_0 + a d_1 + b d_2 of a grid, one plane per column S.

    Its fields are those of a ``Grid``.
    """

    def summary(self) -> dict[str, list[float]]:
        """The numbers of every plane.

        Returns:
            ``lowest`` with ``lowest_a`` and ``lowest_b``, where; ``highest``; ``at_NAME``, J at each corner that is a
            point of the grid and has its own running statistics there; ``below_NAME`` of the first corner, by how much
            the lowest point is below it, and ``below_error``, the standard error of that over examples;
            ``num_minima``, points inside the grid that are lower than all around and from which every way down climbs
            first, by more than rounding and a stated error can; ``path_beside``, how far the path leaves the plane.
            With a stated error ``bound``, the largest, and ``num_in_full``, points without one. NaN where one is not
            known.

        >>> axis = np.array([-1.0, 0.0, 1.0])
        >>> surface = Surface(axis, axis, (axis[:, None] ** 2 + (axis - 1) ** 2)[:, :, None])
        >>> surface.summary()["lowest_a"], surface.summary()["lowest_b"]
        ([0.0], [1.0])
        """
        planes = [self._numbers(s) for s in range(self.num_columns)]
        return {name: [plane[name] for plane in planes] for name in (planes[0] if planes else {})}

    def _numbers(self, s: int) -> dict[str, float]:
        values = self.objective[:, :, s]
        place = lowest_of(values)
        a, b = (math.nan, math.nan) if place is None else (self.first[place[0]], self.second[place[1]])
        low = math.nan if place is None else float(values[place])
        high = float(np.max(values[np.isfinite(values)], initial=-math.inf)) if place else math.nan
        found = {"lowest": low, "lowest_a": float(a), "lowest_b": float(b), "highest": high}
        for k, name in enumerate(self.names):
            at = self.on_grid(k, s) if self.statistics in (None, name) else None
            found[f"at_{name}"] = math.nan if at is None else float(values[at])
            if k == 0:
                errors = self.noise.get("errors")
                found[f"below_{name}"] = found[f"at_{name}"] - low
                found["below_error"] = math.nan if errors is None or not place else float(errors[(*place, s)])
        inside = [one for one in terrain.minima(values) if one.is_inside and one.climb > self._rounding(s)]
        found["num_minima"] = float(len(inside)) if place else math.nan
        if stated.BOUND in self.noise:
            found |= {"bound": stated.largest(self)[s], "num_in_full": float(stated.num_in_full(self)[s])}
        if self.path:
            found["path_beside"] = float(np.fmax.reduce(self.path["beside"][:, s], initial=math.nan))
        return found

    def _rounding(self, s: int) -> float:
        """By how much two values may differ for no reason; nothing where it was not measured."""
        floor, bound = self.noise.get("floor"), 2 * stated.largest(self)[s]
        return bound if floor is None or not np.isfinite(floor[s]) else max(2 * float(floor[s]), bound)

    def share_below(self, level: float) -> list[float]:
        """Share of each plane's area in which J is below a level, each point standing for what is half-way around it.

        Where J has a stated error, the share lies between those below ``level - bound`` and ``level + bound``, where
        ``bound`` is in ``summary()``.

        >>> axis = np.linspace(-1.0, 1.0, 101)
        >>> bowl = Surface(axis, axis, (axis[:, None] ** 2 + axis**2)[:, :, None])
        >>> round(bowl.share_below(1.0)[0], 1)  # a circle in its square, pi / 4
        0.8

        Raises:
            InputError: a level that is no number.
        """
        level = shown.finite("level", level)
        return [terrain.share_below(self.first, self.second, values, level) for values in self.planes()]

    def minima(self, height: float = 0.0) -> list[list[Minimum]]:
        """The minima of each plane, lowest first.

        Args:
            height: those from which a lower point is reached without climbing higher are left out.

        Raises:
            InputError: a height that is no number, or below 0.
        """
        height = shown.finite("height", height, least=0.0)
        return [[one for one in terrain.minima(values) if one.climb > height] for values in self.planes()]

    def pass_between(self, one: str, other: str) -> list[float]:
        """The least height of J that every way on the grid between two named points must cross.

        Returns:
            One number per plane; NaN of a plane on whose grid one of the two is not.

        Raises:
            InputError: no such point, or one that is on the grid of none of the planes.
        """
        first, second = (self._named(name) for name in (one, other))
        found = []
        for s, values in enumerate(self.planes()):
            start, end = self.on_grid(first, s), self.on_grid(second, s)
            found.append(math.nan if start is None or end is None else terrain.pass_between(values, start, end))
        return found

    def _named(self, name: str) -> int:
        """Number of a point that is on the grid of one plane at least."""
        if name not in self.names:
            raise InputError(
                f"{name!r} is no point of this surface, whose points are {', '.join(self.names) or 'none'}"
            )
        k = self.names.index(name)
        if all(self.on_grid(k, s) is None for s in range(self.num_columns)):
            a, b = (shown.each([shown.number(v) for v in np.atleast_1d(self.corners[k][i])]) for i in range(2))
            raise InputError(
                f"{name!r} lies at a = {a}, b = {b}, which is no point of the grid; put these among the positions, or "
                "say how many points, to which those of the plane are added"
            )
        return k

    def plot(self, ax: Any = None, column: int = 0, log: bool | None = None, **what: Any) -> Any:
        """Draw J as filled contours, with the points by name, a cross at the lowest, and the path.

        Each point of the path has the colour of its own J, which is not that of the plane below it where it lies beside
        the plane. What is not finite is hatched.

        Args:
            ax: matplotlib ``Axes``; None makes a new figure.
            column: which of several planes.
            log: colours by the logarithm of J, as the colour bar then says; None: where it spans two decades or more.
            what: ``channel``, a name in ``metrics`` to draw instead of J; ``label``, what the values are.

        Returns:
            The ``Axes``.
        """
        scene = self._scene(column, log, what)
        axes = shown.axes_for(ax)
        relief.contours(axes, scene)
        if ax is None:
            axes.set_title(fill("; ".join(scene.notes()), TITLE), fontsize="small", loc="left")
        return axes

    def plot3d(self, ax: Any = None, column: int = 0, log: bool | None = None, **what: Any) -> Any:
        """Draw J as a surface in three dimensions, with the points and, at its own heights, the path.

        Args:
            ax: matplotlib ``Axes`` made with ``projection="3d"``; None makes a new figure.
            column, log, what: as of ``plot``.

        Returns:
            The ``Axes``.
        """
        scene = self._scene(column, log, what)
        axes = shown.axes_for(ax, projection="3d")
        relief.raised(axes, scene)
        return axes

    def page(self, file: str | Path, column: int = 0, log: bool | None = None, **what: Any) -> Path:
        """Write the surface as a page of HTML to turn with the mouse, which holds all it needs and asks no network.

        Args:
            file: its name; it is written whole or not at all.
            column, log, what: as of ``plot``.

        Returns:
            The file.

        Raises:
            InputError: plotly is not installed, or there is no such folder.
        """
        if (graph := turnable.plotly()) is None:
            raise InputError(f"page() needs an extra: {turnable.INSTALL}")
        path = Path(file)
        if path.is_dir() or not path.parent.is_dir():
            raise InputError(
                f"file={path} cannot be written: {'it is' if path.is_dir() else 'it is in'} no folder's file"
            )
        scene = self._scene(column, log, what)
        turnable.write(turnable.turned(graph, {"; ".join(scene.notes()): scene}), path)
        return path

    def _scene(self, column: int, log: bool | None, what: dict[str, Any]) -> Scene:
        """What is drawn, of arguments that mean something."""
        if log is not None and not isinstance(log, bool):
            raise InputError(f"log={log!r} must be True, False, or None")
        if isinstance(column, bool) or not isinstance(column, Integral):
            raise InputError(f"column={column!r} must be the number of a plane, counted from 0")
        return scene_of(self, int(column), log, **what)

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

        said = [("stated error", stated.sentence(self))] if stated.BOUND in self.noise else []
        low = [shown.number(v) for v in given["lowest"]]
        places = [
            f"{value} at a = {shown.number(a)}, b = {shown.number(b)}{others}"
            for value, a, b, others in zip(
                low, given["lowest_a"], given["lowest_b"], stated.lowest_of(self), strict=True
            )
        ]
        said += [("lowest J", shown.each(places))]
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
        bounds = {name: array for name, array in self.noise.items() if stated.is_bound(name)}
        taken = ("a", "b", "plane", "objective", "error_of_difference", *bounds)
        tall = {"objective": self.objective, **shown.apart(self.metrics, taken), **bounds}
        tall |= {"error_of_difference": self.noise["errors"]} if "errors" in self.noise else {}
        line = np.broadcast_to(np.arange(num), (*shape, num)).ravel()
        columns = {"a": np.repeat(a.ravel(), num), "b": np.repeat(b.ravel(), num), "plane": line}
        return columns | {name: values.ravel() for name, values in tall.items()}

    def __repr__(self) -> str:
        return f"Surface({', '.join(self._words())}, {len(self.first)} x {len(self.second)} points)"
