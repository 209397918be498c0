"""An evaluation to a tolerance held against the truth: the same objective in full at every point."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from landscape.data import Split
from landscape.objective import Objective
from landscape.objective.request import Request, evaluated

Array = NDArray[np.float64]
ROUNDING = 3e-7
"""Of |J|: two evaluations of one point in float32 may differ so much, by other sums or another engine."""


Made = Callable[[float | None], Objective]


@dataclass(frozen=True)
class Case:
    """What is measured.

    Args:
        made: makes (tolerance or None -> an objective, path of all points), which may take a training.
        alphas: the points [A]. axes: positions along each axis of the grid. tolerance: of the spread.
        cuts: by what the case is counted, such as ``{"network": "LSTM", "grid": "201 points"}``.
        is_hidden: nothing but an evaluation in full could show what this curve hides.
    """

    name: str
    made: Callable[[], tuple[Made, Callable[[float], Tensor]]]
    alphas: Array
    axes: tuple[Array, ...]
    tolerance: float
    cuts: dict[str, str]
    is_hidden: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of a case.

    Args:
        ratio: largest |error| / (stated error + rounding) over points and rows; infinite where the truth is not finite
            and the estimate and its stated error do not say so, or the other way round.
        covered: share of the points that lie within the stated error.
        asked: largest |error| / what the tolerance allows. stated: largest stated error / what the tolerance allows.
        at: point and row where the ratio is largest.
        saved: points per pass that was spent.
        is_settled: ends, lowest, highest and both ends of the largest rise were evaluated in full.
        is_right: lowest, highest and largest rise are those of the truth, up to the stated errors.
        errors: classification error and other channels: the largest ratio of any.
        exact: whether the values that are stated to be exact are those of the truth, up to rounding.
    """

    case: Case
    ratio: float
    covered: float
    asked: float
    stated: float
    at: tuple[int, int]
    saved: float
    is_settled: bool
    is_right: bool
    errors: float = 0.0
    exact: bool = True

    @property
    def is_within(self) -> bool:
        """Whether every error is within what is stated."""
        return self.ratio <= 1

    @property
    def is_met(self) -> bool:
        """Whether every error is within what was asked for."""
        return self.asked <= 1


class Batches:
    """Examples as a stream of batches, in their order, as often as asked."""

    def __init__(self, split: Split, size: int) -> None:
        self.split, self.size = split, size

    def __iter__(self) -> Iterator[Any]:
        for start in range(0, len(self.split), self.size):
            yield self.split.rows(slice(start, start + self.size))


def judged(case: Case) -> Outcome:
    """Evaluate to the tolerance and in full, and compare."""
    truth, found = (_evaluation(case, tolerance) for tolerance in (None, case.tolerance))
    values, exact = found.channels["objective"], truth.channels["objective"]
    bounds = found.bounds.get("objective", np.zeros_like(values))
    allowed = case.tolerance * spread(case, exact) + ROUNDING * np.abs(exact)  # of a constant nothing but rounding
    ratios, errors = _ratios(values, exact, bounds)
    at = np.unravel_index(np.argmax(ratios), ratios.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        asked = _finite(errors) / allowed
        stated = _finite(bounds) / allowed
    others = [
        float(_ratios(values_, truth.channels[name], found.bounds.get(name, np.zeros_like(values_)))[0].max())
        for name, values_ in found.channels.items()
        if name != "objective"
    ]
    rows = range(values.shape[1])
    return Outcome(
        case,
        float(ratios.max()),
        float((ratios <= 1).mean()),
        float(np.nan_to_num(asked).max()),
        float(np.nan_to_num(stated).max()),
        (int(at[0]), int(at[1])),
        len(case.alphas) / found.passes,
        all(_settled(case, values[:, s], bounds[:, s]) for s in rows),
        all(_right(case, values[:, s], exact[:, s], bounds[:, s]) for s in rows),
        max(others, default=0.0),
        bool((ratios[bounds == 0] <= 1).all()),
    )


def _evaluation(case: Case, tolerance: float | None) -> Any:
    objective, path = case.made()
    return evaluated([Request(objective(tolerance), path, case.alphas, axes=case.axes)])[0]


def _ratios(values: Array, exact: Array, bounds: Array) -> tuple[Array, Array]:
    """|error| / (stated error + rounding), and |error|, [A, S]; a value that is not finite must be told as one."""
    same = (values == exact) | (np.isnan(values) & np.isnan(exact))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        errors = np.where(same, 0.0, np.abs(values - exact))
        ratios = errors / (bounds + ROUNDING * np.abs(exact) + 1e-300)
    is_told = np.isfinite(values) & np.isfinite(exact) | same | ~np.isfinite(bounds)
    ratios = np.where(same | ~np.isfinite(bounds), 0.0, ratios)
    return np.where(is_told & ~np.isnan(ratios), ratios, np.inf), np.where(is_told, errors, np.inf)


def spread(case: Case, exact: Array) -> Array:
    """The range that the tolerance is a part of at each point [A, S]: on a line inside [0, 1] the range there."""
    whole = _range(exact)
    wide = np.broadcast_to(whole, exact.shape)
    inside = (case.alphas >= 0) & (case.alphas <= 1)
    if len(case.axes) > 1 or inside.sum() < 2:
        return wide
    return np.where(inside[:, None], _range(exact[inside]), wide)


def _range(exact: Array) -> Array:
    finite = np.isfinite(exact)
    high, low = (np.where(finite, exact, part) for part in (-np.inf, np.inf))
    with np.errstate(invalid="ignore"):
        wide = high.max(axis=0) - low.min(axis=0)
    return np.where(np.isfinite(wide), wide, 0.0)


def _finite(values: Array) -> Array:
    """Rounding apart, and an error that cannot be numbered as it is told."""
    return np.where(np.isfinite(values), np.maximum(values, 0.0), 0.0)


def rise(values: Array) -> tuple[int, int]:
    """Where the largest rise begins and ends, of the finite values in their order."""
    known = np.where(np.isfinite(values), values, np.inf)
    lowest = np.minimum.accumulate(known)
    with np.errstate(invalid="ignore"):
        rises = np.where(np.isfinite(values), values - lowest, -np.inf)
    last = int(np.nanargmax(rises))
    return int(np.argmin(known[: last + 1])), last


def _settled(case: Case, values: Array, bounds: Array) -> bool:
    if not np.isfinite(values).any():
        return True
    finite = np.where(np.isfinite(values), values, np.nan)
    points = [int(np.nanargmin(finite)), int(np.nanargmax(finite))]
    if len(case.axes) == 1:
        window = _window(case)
        first, last = rise(values[window])
        points += [0, len(values) - 1, *([window[first], window[last]] if last > first else [])]
    return bool((bounds[points] == 0).all())


def _right(case: Case, values: Array, exact: Array, bounds: Array) -> bool:
    """No other point could be lower or higher, nor another rise larger, by more than is stated."""
    if not (np.isfinite(exact).any() and np.isfinite(values).any()):
        return True
    most = _finite(bounds).max() + 2 * ROUNDING * float(np.abs(exact[np.isfinite(exact)]).max())
    low, high = (np.nanargmin, np.nanargmax)
    seen, real = (np.where(np.isfinite(v), v, np.nan) for v in (values, exact))
    pairs = [(seen[low(seen)], real[low(real)]), (seen[high(seen)], real[high(real)])]
    off = max(abs(one - other) for one, other in pairs) <= most
    if len(case.axes) > 1:
        return bool(off)
    values, exact = values[_window(case)], exact[_window(case)]
    (a, b), (c, d) = rise(values), rise(exact)
    with np.errstate(invalid="ignore"):
        apart = abs((values[b] - values[a]) - (exact[d] - exact[c]))
    return bool(off and not apart > 2 * most)


def _window(case: Case) -> NDArray[np.int64]:
    """The points between which rises are looked for: those in [0, 1], if there are some."""
    inside = np.flatnonzero((case.alphas >= -1e-12) & (case.alphas <= 1 + 1e-12))  # a grid meets an end by rounding
    return inside if len(inside) >= 2 else np.arange(len(case.alphas))
