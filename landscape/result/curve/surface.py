"""The objective on a plane through parameter space: a grid of numbers, as a table and as contours."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from landscape.errors import InputError
from landscape.result.curve import relief, shown, terrain, turnable
from landscape.result.curve.relief import Scene
from landscape.result.curve.terrain import Minimum
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
        corners: (a, b) of the points that the plane was laid through [C, 2].
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

    ROWS: ClassVar[tuple[str, ...]] = ("first", "second", "corners")

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
            ("corners", self.corners, (len(self.names), 2)),
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
            the lowest point is below it, and ``below_error``, the standard error of that over examples;
            ``num_minima``, points inside the grid that are lower than all around and from which every way down climbs
            first, by more than rounding can; ``path_beside``, how far the path leaves the plane. NaN where one is not
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
        place = self._lowest(values)
        a, b = (math.nan, math.nan) if place is None else (self.first[place[0]], self.second[place[1]])
        low = math.nan if place is None else float(values[place])
        high = float(np.max(values[np.isfinite(values)], initial=-math.inf)) if place else math.nan
        found = {"lowest": low, "lowest_a": float(a), "lowest_b": float(b), "highest": high}
        for k, name in enumerate(self.names):
            at = self._on_grid(k) if self.statistics in (None, name) else None
            found[f"at_{name}"] = math.nan if at is None else float(values[at])
            if k == 0:
                errors = self.noise.get("errors")
                found[f"below_{name}"] = found[f"at_{name}"] - low
                found["below_error"] = math.nan if errors is None or not place else float(errors[(*place, s)])
        inside = [one for one in terrain.minima(values) if one.is_inside and one.climb > self._rounding(s)]
        found["num_minima"] = float(len(inside)) if place else math.nan
        if self.path:
            found["path_beside"] = float(np.nanmax(self.path["beside"][:, s], initial=0.0))
        return found

    def _rounding(self, s: int) -> float:
        """By how much two values may differ for no reason; nothing where it was not measured."""
        floor = self.noise.get("floor")
        return 0.0 if floor is None or not np.isfinite(floor[s]) else 2 * float(floor[s])

    @staticmethod
    def _lowest(values: Array) -> tuple[int, int] | None:
        if not np.isfinite(values).any():
            return None
        i, j = np.unravel_index(np.nanargmin(np.where(np.isfinite(values), values, np.nan)), values.shape)
        return int(i), int(j)

    def places(self, a: Array, b: Array, column: int = 0) -> tuple[Array, Array]:
        """Where points (a, b) are drawn: as they are, or in parameter units along and beside the first side."""
        if not self.frame:
            return a, b
        length, along, beside = (self.frame[name][column] for name in FRAME)
        return a * length + b * along, b * beside

    def share_below(self, level: float) -> list[float]:
        """Share of each plane's area in which J is below a level, each point standing for what is half-way around it.

        >>> axis = np.linspace(-1.0, 1.0, 101)
        >>> bowl = Surface(axis, axis, (axis[:, None] ** 2 + axis**2)[:, :, None])
        >>> round(bowl.share_below(1.0)[0], 2)  # a circle in its square, pi / 4
        0.79
        """
        return [terrain.share_below(self.first, self.second, values, level) for values in self._planes()]

    def minima(self, height: float = 0.0) -> list[list[Minimum]]:
        """The minima of each plane, lowest first.

        Args:
            height: those from which a lower point is reached without climbing higher are left out.
        """
        return [[one for one in terrain.minima(values) if one.climb > height] for values in self._planes()]

    def pass_between(self, one: str, other: str) -> list[float]:
        """The least height of J that every way on the grid between two named points must cross; NaN off the grid."""
        places = [self._on_grid(self.names.index(name)) for name in (one, other)]
        if places[0] is None or places[1] is None:
            return [math.nan] * self.num_columns
        return [terrain.pass_between(values, places[0], places[1]) for values in self._planes()]

    def _planes(self) -> list[Array]:
        return [self.objective[:, :, s] for s in range(self.num_columns)]

    def _on_grid(self, k: int) -> tuple[int, int] | None:
        """Indices of a named point; None where it is no point of the grid."""
        corner = self.corners[k]
        i, j = int(np.argmin(np.abs(self.first - corner[0]))), int(np.argmin(np.abs(self.second - corner[1])))
        return (i, j) if np.allclose([self.first[i], self.second[j]], corner, atol=1e-9) else None

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
        axes, scene = shown.axes_for(ax), self.scene(column, log, **what)
        relief.contours(axes, scene)
        if ax is None:
            axes.set_title("; ".join(self.said_of(scene)), fontsize="small", loc="left", wrap=True)
        return axes

    def plot3d(self, ax: Any = None, column: int = 0, log: bool | None = None, **what: Any) -> Any:
        """Draw J as a surface in three dimensions, with the points and, at its own heights, the path.

        Args:
            ax: matplotlib ``Axes`` made with ``projection="3d"``; None makes a new figure.
            column, log, what: as of ``plot``.

        Returns:
            The ``Axes``.
        """
        axes, scene = shown.axes_for(ax, projection="3d"), self.scene(column, log, **what)
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
            raise InputError(f"file={path} cannot be written: {'it is' if path.is_dir() else 'it is in'} no folder's file")
        scene = self.scene(column, log, **what)
        turnable.write(turnable.turned(graph, {"; ".join(self.said_of(scene)): scene}), path)
        return path

    def scene(
        self,
        column: int = 0,
        log: bool | None = None,
        channel: str = "objective",
        label: str = "",
    ) -> Scene:
        """What is drawn of one plane, with places in parameter units where those are known.

        Raises:
            InputError: there is no such channel.
        """
        if channel != "objective" and channel not in self.metrics:
            names = ", ".join(["objective", *self.metrics])
            raise InputError(f"channel={channel!r} is not on this surface, which has {names}")
        is_objective = channel == "objective"
        values = (self.objective if is_objective else self.metrics[channel])[:, :, column]
        x, y = self.places(*np.meshgrid(self.first, self.second, indexing="ij"), column)
        path, epochs = None, np.zeros(0)
        if self.path:
            a, b, own, beside = (self.path[name][:, column] for name in PATH)
            known = np.isfinite(a) & np.isfinite(b)
            own = own if is_objective else np.full(len(own), np.nan)
            path = (*(part[known] for part in self.places(a, b, column)), own[known], beside[known])
            epochs = self.path.get("epochs", np.arange(len(a))[:, None] + np.zeros(self.num_columns))[known, column]
        heights = [math.nan if at is None else float(values[at]) for at in map(self._on_grid, range(len(self.names)))]
        at = zip(*self.places(self.corners[:, 0], self.corners[:, 1], column), heights, self.names, strict=True)
        place = self._lowest(values)
        lowest = None if place is None else (float(x[place]), float(y[place]), float(values[place]))
        return Scene(
            x,
            y,
            values,
            relief.is_tall(values, path[2] if path else np.zeros(0)) if log is None else log,
            label or ("J(θ), mean cost per example" if is_objective else channel.replace("_", " ")),
            self._axes(),
            bool(self.frame) and self._is_in_scale(x, y),
            [(float(u), float(v), height, name) for u, v, height, name in at],
            lowest,
            path,
            epochs,
        )

    def _axes(self) -> tuple[str, str]:
        """What the two directions are called."""
        unit = ", parameter units" if self.frame else ""
        if self.first_name or self.second_name or not self.frame:
            names = (self.first_name or "a, along the first direction", self.second_name or "b, along the second direction")
            return names[0] + unit, names[1] + unit
        side = f" from {self.names[0]} to {self.names[1]}" if len(self.names) > 1 else " the first side"
        return f"along the line{side}{unit}", f"beside it{unit}"

    @staticmethod
    def _is_in_scale(x: Array, y: Array) -> bool:
        wide, high = float(np.ptp(x)), float(np.ptp(y))
        return max(wide, high) <= THIN * min(wide, high)

    def said_of(self, scene: Scene) -> list[str]:
        """What a reader of the drawing must know, beside its axes and its colour bar."""
        said = [f"{self.split}, {self.mode}", "cross: lowest" if scene.lowest else ""]
        if self.frame and not scene.in_units:
            said.append("the two axes have scales of their own")
        if scene.path is not None and len(scene.path[0]):
            off = float(np.nanmax(scene.path[3], initial=0.0))
            said.append(f"path: each point in the colour of its own J, up to {off:.3g} parameter units off the plane")
        said.append("hatched: not finite" if scene.has_holes and not scene.is_flat else "")
        return [text for text in said if text]

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


class Apart:
    """The standard error over examples of J at each point less J at one of them.

    Args:
        origin: index of that point.
    """

    def __init__(self, origin: int) -> None:
        self.origin = origin
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.num = 0
        self.near = self.total = self.squares = np.zeros((0, 0))

    def state(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """What was added so far: arrays, and numbers."""
        return {"near": self.near, "total": self.total, "squares": self.squares}, {"num": self.num}

    def restore(self, arrays: dict[str, Array], numbers: dict[str, Any]) -> None:
        """Go on where ``state`` was taken."""
        self.near, self.total, self.squares = (arrays[name].copy() for name in ("near", "total", "squares"))
        self.num = int(numbers["num"])

    def add(self, costs: Any) -> None:
        """Some examples more: [S, A, n], from memory or a file, one point after the other."""
        with np.errstate(invalid="ignore", over="ignore"):
            if not self.num:
                self.near, self.total, self.squares = (np.zeros(costs.shape[1::-1]) for _ in range(3))
            start = costs[:, self.origin].astype(np.float64)
            for a in range(costs.shape[1]):
                part = costs[:, a] - start  # [S, n]
                if not self.num:  # about the means, so that the squares lose nothing
                    self.near[a] = part.mean(axis=1)
                part -= self.near[a][:, None]
                self.total[a] += part.sum(axis=1)
                self.squares[a] += (part**2).sum(axis=1)
        self.num += costs.shape[2]

    def errors(self) -> Array:
        """[A, S] in float64; NaN of a single example."""
        if self.num < 2:
            return np.full(self.total.shape, np.nan)
        with np.errstate(invalid="ignore", over="ignore"):
            variance = self.squares / self.num - (self.total / self.num) ** 2
            return np.asarray(np.sqrt(np.maximum(variance, 0.0) / (self.num - 1)))
