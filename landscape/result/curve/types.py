"""What a measurement returns: plain arrays with names. Numpy only.

Shape letters: S seeds (or lines), A alphas, T saved steps, K mask replicates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from landscape.result.curve import curvature, picture, shown, stated

Array = NDArray[np.float64]
P = TypeVar("P", bound=Any)


@dataclass(frozen=True, eq=False)
class Columns:
    """Arrays whose last axis is that of the columns S, whatever their names.

    Two are equal if all their fields are, NaN where NaN is; they cannot be hashed, since arrays may be written to.

    So a field that is added later is cut and joined with the others. ``ROWS`` names the fields that belong to the rows,
    the one that tells them apart first; text and counts belong to the whole.
    """

    ROWS: ClassVar[tuple[str, ...]] = ()

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(_is_same(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))

    def __hash__(self) -> int:
        raise TypeError(f"a {type(self).__name__} cannot be hashed, since its arrays may be written to; use id(...)")

    @property
    def num_columns(self) -> int:
        """S."""
        for name in self._in_columns():
            value = getattr(self, name)
            for array in value.values() if isinstance(value, dict) else [value]:
                return int(np.shape(array)[-1])
        return 0

    def columns(self, chosen: Sequence[int]) -> Self:
        """The same with these columns alone, in this order."""
        index = list(chosen)
        cut = {name: _each([getattr(self, name)], lambda arrays: arrays[0][..., index]) for name in self._in_columns()}
        return replace(self, **cut)

    def beside(self, *others: Self) -> Self:
        """The columns of all, in their order, on the rows of the longest.

        What is shorter is filled up with NaN, and so are whole columns whose rows are not the first rows of the
        longest. What not all have, or have in another shape, is left out.
        """
        parts = [self, *others]
        longest = max(parts, key=lambda part: len(part._rows()))
        rows = longest._rows()
        fits = [np.array_equal(part._rows(), rows[: len(part._rows())]) for part in parts]

        def join(arrays: list[Array]) -> Array | None:
            tall = [_tall(array, len(rows), fit) for array, fit in zip(arrays, fits, strict=True)]
            same = len({array.shape[:-1] for array in tall}) == 1
            return np.concatenate(tall, axis=-1) if same else None

        names = dict.fromkeys(name for part in parts for name in part._in_columns())
        return replace(longest, **{name: _each([getattr(part, name) for part in parts], join) for name in names})

    def _rows(self) -> Array:
        rows: Array = getattr(self, self.ROWS[0])
        return rows

    def _in_columns(self) -> list[str]:
        """Names of the fields that hold arrays by column, ``None`` aside."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in self.ROWS}
        return [name for name, value in values.items() if isinstance(value, np.ndarray | dict)]


def _is_same(one: Any, other: Any) -> bool:
    """Whether two fields hold the same: arrays, arrays by name, or plain values."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_same(value, other[name]) for name, value in one.items())
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")
    return not isinstance(one, dict | np.ndarray) and not isinstance(other, dict | np.ndarray) and bool(one == other)


def _each(values: list[Any], change: Callable[[list[Array]], Array | None]) -> Any:
    """One field of several parts as one: an array, or arrays by name; None, or no entry, where a part has none."""
    if any(value is None for value in values):
        return None
    if not isinstance(values[0], dict):
        return change(values)
    made = {key: change([value[key] for value in values]) for key in values[0] if all(key in value for value in values)}
    return {key: array for key, array in made.items() if array is not None}


def _tall(array: Array, num_rows: int, fits: bool) -> Array:
    """A [T, S] array with ``num_rows`` rows, NaN below its own, or throughout; any other array as it is."""
    if array.ndim != 2:
        return array
    if not fits:
        return np.full((num_rows, array.shape[1]), np.nan)
    return np.pad(array, ((0, num_rows - len(array)), (0, 0)), constant_values=np.nan)


def with_stated(parts: Sequence[P]) -> list[P]:
    """Curves or surfaces that all state their error, if one of them does."""
    return [replace(part, noise=noise) for part, noise in zip(parts, stated.with_zeros(parts), strict=True)]


@dataclass(frozen=True, eq=False)
class Samples(Columns):
    """What a ``Curve`` holds, as plain fields; its numbers, its table and its picture are made of these."""

    ROWS = ("alphas",)

    alphas: Array
    objective: Array
    metrics: dict[str, Array] = field(default_factory=dict)
    split: str = "train"
    mode: str = "deterministic"
    dtype: str = "float32"
    source: str = "measured"
    num_examples: int = 0
    replicates: Array | None = None
    noise: dict[str, Array] = field(default_factory=dict)
    spectrum: dict[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.objective.ndim != 2 or len(self.alphas) != len(self.objective):
            raise ValueError(f"Curve needs objective [A, S] with A={len(self.alphas)}, got {self.objective.shape}")

    def beside(self, *others: Self) -> Self:
        """As of any columns; where one states an error, what was evaluated in full states that of 0."""
        first, *rest = with_stated((self, *others))
        return super(Samples, first).beside(*rest)

    def at(self, alphas: Array) -> Self:
        """The same curve at those of its own positions that are among ``alphas``."""
        rows = np.flatnonzero(np.isin(self.alphas, alphas))

        def cut(array: Array) -> Array:  # [..., A, S]; what has no rows is of the whole curve
            return array[..., rows, :] if array.ndim > 1 else array

        return replace(
            self,
            alphas=self.alphas[rows],
            objective=cut(self.objective),
            metrics={name: cut(array) for name, array in self.metrics.items()},
            replicates=None if self.replicates is None else cut(self.replicates),
            noise={name: cut(array[rows] if array.ndim == 3 else array) for name, array in self.noise.items()},
            spectrum={name: cut(array) for name, array in self.spectrum.items()},
        )


@dataclass(frozen=True, eq=False)
class Projection(Columns, shown.Shown):
    """A training run seen from the straight line between its start and its solution.

    With c_t = theta_t - theta_i and d = (theta_f - theta_i)/L, L = |theta_f - theta_i|:
    projection = c_t.d and residual_norm = |c_t - (c_t.d) d|.

    Args:
        steps: updates made before each saved point [T]; epochs: the same in passes over the data [T].
        projection, residual_norm, parameter_norm: lengths in parameter units [T, S];
            NaN after a seed's own last saved point. ``parameter_norm`` is |theta_t| from the origin.
        length: L [S]. best_epoch: the epoch of theta_f [S].
        second_projection: signed length along the direction of the largest residual [T, S], where it was asked for.
        objective: J(theta_t) in nats [T, S], where it was asked for.
        metrics: what else was measured at each point, name -> [T, S].
        spectrum: ``"eigenvalue"`` and their ``"density"`` there, each [G, T, S], where it was asked for.
    """

    ROWS = ("steps", "epochs")

    steps: Array
    epochs: Array
    projection: Array
    residual_norm: Array
    parameter_norm: Array
    length: Array
    best_epoch: Array
    second_projection: Array | None = None
    objective: Array | None = None
    metrics: dict[str, Array] = field(default_factory=dict)
    spectrum: dict[str, Array] = field(default_factory=dict)

    def summary(self) -> dict[str, list[float]]:
        """The numbers of every run.

        Returns:
            ``length`` of the line, ``largest_residual``; where J was asked for ``lowest``, ``lowest_point`` its number.
        """
        with np.errstate(invalid="ignore"):
            found = {"length": self.length, "largest_residual": np.fmax.reduce(self.residual_norm, axis=0)}
        if self.objective is not None:
            at = np.argmin(np.where(np.isfinite(self.objective), self.objective, np.inf), axis=0)
            found |= {"lowest": np.fmin.reduce(self.objective, axis=0), "lowest_point": self.steps[at]}
        return {name: [float(value) for value in values] for name, values in found.items()}

    def plot(self, ax: Any = None, metric: str | None = None, **look: Any) -> Any:
        """Draw how far each run strayed from the straight line, coloured by J where it was asked for.

        Args:
            ax: matplotlib ``Axes``; None makes a new figure.
            metric: name of one of ``metrics``, to draw at each point instead.
            look: of the lines.

        Returns:
            The ``Axes``.

        Raises:
            InputError: there is no such metric.
        """
        axes = shown.axes_for(ax)
        if metric is not None:
            values = shown.metric_of(self.metrics, metric)
            labels = ["a run"] if self.num_columns == 1 else [f"run {s}" for s in range(self.num_columns)]
            picture.along(axes, self.epochs, values, labels, None, **look)
            axes.set(xlabel="point", ylabel=curvature.label_of(metric))
            return axes
        picture.track(axes, self.projection / self.length, self.residual_norm / self.length, self.objective, **look)
        return axes

    def table(self) -> shown.Table:
        """What is printed: about fifteen of the points, then the numbers."""
        kept = shown.some_rows(len(self.steps))
        tall = {"along": self.projection / self.length, "beside": self.residual_norm / self.length}
        columns = tall | ({} if self.objective is None else {"J": self.objective}) | curvature.in_table(self.metrics)
        cells = [
            [shown.number(self.epochs[k]), *(shown.each([shown.number(x) for x in v[k]]) for v in columns.values())]
            for k in kept
        ]
        points = shown.count(len(self.steps), "point")
        title = f"A run beside the line from its first to its last point, in lengths of the line: {points}"
        units = {"length": " parameter units", "largest_residual": " parameter units"}
        said = [
            (name.replace("_", " "), shown.each([shown.number(value) + units.get(name, "") for value in values]))
            for name, values in self.summary().items()
        ] + curvature.said(self.metrics)
        return shown.Table(title, ["point", *columns], cells, said)

    def check(self) -> None:
        """Raise ValueError unless every array has the shape that its name asks for."""
        shape = (len(self.steps), len(self.length))
        for name in ("projection", "residual_norm", "parameter_norm", "second_projection", "objective"):
            if (array := getattr(self, name)) is not None and array.shape != shape:
                raise ValueError(f"{name} has the shape {array.shape}, not {shape}")
        check_shapes(self, shape)
        for name in ("steps", "epochs"):
            if getattr(self, name).shape != shape[:1]:
                raise ValueError(f"{name} has the shape {getattr(self, name).shape}, not {shape[:1]}")

    def _frame(self) -> dict[str, Any]:
        num = self.num_columns
        tall = {n: getattr(self, n) for n in ("projection", "residual_norm", "parameter_norm", "objective")}
        columns = {"point": np.repeat(self.steps, num), "epoch": np.repeat(self.epochs, num)}
        columns["line"] = np.tile(np.arange(num), len(self.steps))
        known = {name: values for name, values in tall.items() if values is not None}
        known |= shown.apart(self.metrics, [*columns, *known])
        return columns | {name: values.ravel() for name, values in known.items()}


def check_shapes(part: Samples | Projection, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless metrics have this shape, and spectra below one more axis."""
    for name, array in part.metrics.items():
        if array.shape != shape:
            raise ValueError(f"metrics/{name} has the shape {array.shape}, not {shape}")
    for name, array in part.spectrum.items():
        if array.ndim != len(shape) + 1 or array.shape[1:] != shape:
            raise ValueError(f"spectrum/{name} has the shape {array.shape}, not [G, {', '.join(map(str, shape))}]")


@dataclass(frozen=True, eq=False)
class LearningCurve(Columns):
    """What the monitor saw at the end of each epoch; row 0 is before any learning.

    Args:
        epochs: [T].
        channels: name -> [T, S]; names are ``"train/objective"``, ``"valid/objective"``, ``"valid/error"`` and
            whatever further metric the cost adds. NaN after a seed's own last epoch.
        best_epoch: the epoch whose vector is theta_f [S].
    """

    ROWS = ("epochs",)

    epochs: Array
    channels: dict[str, Array]
    best_epoch: Array
