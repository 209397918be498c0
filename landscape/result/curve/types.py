"""What a measurement returns: plain arrays with names. Numpy only.

Shape letters: S seeds (or lines), A alphas, T saved steps, K mask replicates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Columns:
    """Arrays whose last axis is that of the columns S, whatever their names.

    So a field that is added later is cut and joined with the others. ``ROWS`` names the fields that belong to the rows,
    the one that tells them apart first; text and counts belong to the whole.
    """

    ROWS: ClassVar[tuple[str, ...]] = ()

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


@dataclass(frozen=True)
class Curve(Columns):
    """The objective J along a path, one column per line.

    Args:
        alphas: positions on the path [A], strictly increasing, may leave [0, 1].
        objective: mean cost per example in nats [A, S]; a value that could not be computed is NaN.
        metrics: further channels of the same shape, for example ``{"error": [A, S]}``, a fraction in [0, 1].
        split: ``"train"`` or ``"valid"``.
        mode: ``"deterministic"`` (no dropout) or ``"stochastic"`` (the training cost, common random numbers).
        dtype: the precision of the forward pass, ``"float32"`` or ``"float64"``; sums are always float64.
        source: ``"measured"`` or ``"theory"``.
        num_examples: examples the objective averages over.
        replicates: the objective of each mask replicate [K, A, S] when K > 1, else None.
        noise: what J owes to rounding and to its examples, in nats, where it was measured: ``"floor"`` [S], a bound
            on the rounding error of J; ``"errors"`` [A, A, S], the standard error over examples
            of J(b) - J(a); ``"low"`` and ``"high"`` [A, S], a 95 % bootstrap band over examples, less J at the sample
            nearest to alpha = 0.
    """

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

    def __post_init__(self) -> None:
        if self.objective.ndim != 2 or len(self.alphas) != len(self.objective):
            raise ValueError(f"Curve needs objective [A, S] with A={len(self.alphas)}, got {self.objective.shape}")

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
        )


@dataclass(frozen=True)
class Projection(Columns):
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


@dataclass(frozen=True)
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
