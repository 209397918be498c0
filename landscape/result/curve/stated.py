"""The stated error of values that were not all evaluated in full: ``noise["bound"]``, and what it leaves open.

With ``objective.tolerance`` J at most points is an estimate, whose error is at most ``bound`` as far as an examination
of held-out points can tell; 0 where J was evaluated in full. A channel c has ``noise["bound/c"]``. ``noise["passes"]``
[S] is the work that was spent, in passes of all examples over one point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SAME_ALPHA = 1e-12
"""Positions that are closer than this are one."""
BOUND, PASSES = "bound", "passes"
STATED = "stated from a sample, not proven"
"""What a stated error is, wherever it is told."""


def bound_name(channel: str = "objective") -> str:
    """The name in ``noise`` of a channel's stated error."""
    return BOUND if channel == "objective" else f"{BOUND}/{channel}"


def is_bound(name: str) -> bool:
    """Whether an entry of ``noise`` is one."""
    return name == BOUND or name.startswith(f"{BOUND}/")


def bound_of(part: Any, channel: str = "objective") -> Array:
    """The stated error of each value, of the shape of J; 0 where nobody states one.

    Args:
        part: a curve or a surface.
    """
    values = part.objective if channel == "objective" else part.metrics[channel]
    found = part.noise.get(bound_name(channel))
    return np.zeros(values.shape) if found is None else np.nan_to_num(np.asarray(found), nan=0.0, posinf=np.inf)


def is_stated(part: Any) -> bool:
    """Whether values of a curve or a surface were estimated."""
    return any(is_bound(name) and bool(np.any(array > 0)) for name, array in part.noise.items())


def with_zeros(parts: Sequence[Any]) -> list[dict[str, Array]]:
    """The noise of each part, with a stated error of 0 where it has none and another part has one.

    What is evaluated in full has no error to state, and must not take away that of what lies beside it.
    """
    names = dict.fromkeys(name for part in parts for name in part.noise if is_bound(name) or name == PASSES)

    def nothing(part: Any, name: str) -> Array:
        shape = part.objective.shape
        return np.full(shape[-1], float(np.prod(shape[:-1]))) if name == PASSES else np.zeros(shape)

    return [{name: nothing(part, name) for name in names} | part.noise for part in parts]


def num_in_full(part: Any) -> list[int]:
    """How many points of each column were evaluated in full."""
    known = part.noise.get(BOUND)
    flat = np.zeros(part.objective.shape) if known is None else known
    return [int(np.count_nonzero(flat[..., s] == 0)) for s in range(flat.shape[-1])]


def largest(part: Any) -> list[float]:
    """The largest stated error of J in each column."""
    bound = bound_of(part)
    return [float(bound[..., s].max(initial=0.0)) for s in range(bound.shape[-1])]


def span_of(parts: Iterable[Any]) -> str:
    """``1.2e-03``, or ``1.2e-03 to 3.2e-02`` of several: the stated errors of curves or surfaces; empty without any."""
    found = sorted(error for part in parts for error in [max(largest(part), default=0.0)] if error > 0)
    return " to ".join(dict.fromkeys(f"{error:.1e}" for error in (found[0], found[-1]))) if found else ""


def lowest_of(part: Any) -> list[str]:
    """Of each column ``, or at one of 4 others by the stated error``; empty where one point alone can be the lowest."""
    values, bound, found = part.objective, bound_of(part), []
    for s in range(values.shape[-1]):
        low, high = (values[..., s] + sign * bound[..., s] for sign in (-1, 1))
        with np.errstate(invalid="ignore"):
            num = int(np.count_nonzero(low <= np.nanmin(high))) if np.isfinite(high).any() else 0
        others = f"one of {num - 1:,} others" if num > 2 else "one other"
        found.append(f", or at {others} by the stated error" if num > 1 and bound[..., s].any() else "")
    return found


def sentence(part: Any, unit: str = "") -> str:
    """``J to within 1.2e-03, stated from a sample, not proven; 43 of 201 points in full, 51.0 passes over the data``.

    Empty of values without a stated error.

    Args:
        unit: behind the value, such as `` nats``.
    """
    if BOUND not in part.noise:
        return ""
    num, total = min(num_in_full(part), default=0), int(np.prod(part.objective.shape[:-1]))
    if num == total:
        return f"J in full at all of {total:,} points"
    spent = f", {max(part.noise[PASSES]):.1f} passes over the data" if PASSES in part.noise else ""
    return f"J to within {max(largest(part)):.1e}{unit}, {STATED}; {num:,} of {total:,} points in full{spent}"


def allowed(part: Any, opposite: Callable[[Any], NDArray[np.bool_]]) -> Iterator[dict[str, Any]]:
    """Fields of curves or surfaces that the stated error allows: the one as it is, and some that differ most from it.

    Up, down, up and down by turns, and up where others are down; of curves those that rise least, fall least, rise most
    and fall most before 0, on [0, 1] and beyond. They have no stated error of their own.

    Args:
        part: a curve or a surface.
        opposite: (part) -> bool [points], those that move against the others, such as the ends of a line.
    """
    noise = {name: array for name, array in part.noise.items() if not is_bound(name)}
    apart = opposite(part)
    values = {"objective": part.objective, **part.metrics}
    bounds = {name: bound_of(part, name) for name in values}
    shifts: list[Callable[[Array], Array]] = [lambda e: 0 * e, lambda e: e, lambda e: -e]
    shifts += [lambda e: _by_turns(e), lambda e: -_by_turns(e)]
    shifts += [lambda e: np.where(apart[..., None], -e, e), lambda e: np.where(apart[..., None], e, -e)]
    for shift in shifts:
        moved = {name: array + shift(bounds[name]) for name, array in values.items()}
        yield _fields(moved, noise)
    if part.objective.ndim == 2:
        before, after = part.alphas < -SAME_ALPHA, part.alphas > 1 + SAME_ALPHA
        parts = [np.flatnonzero(rows) for rows in (before, ~before & ~after, after)]
        for sign, most in product((1, -1), (False, True)):
            moved = {n: sign * _rising(sign * array, bounds[n], parts, most) for n, array in values.items()}
            yield _fields(moved, noise)


def _fields(moved: Mapping[str, Array], noise: dict[str, Array]) -> dict[str, Any]:
    metrics = {name: array for name, array in moved.items() if name != "objective"}
    return {"objective": moved["objective"], "metrics": metrics, "noise": noise}


def _by_turns(bound: Array) -> Array:
    """Up and down by turns, along each axis of points, of those that were not evaluated in full."""
    found = bound.copy()
    for s in range(bound.shape[-1]):
        at: Any = np.nonzero(bound[..., s] > 0)
        order = [np.unique(axis, return_inverse=True)[1] for axis in at]
        found[(*at, s)] *= 1.0 - 2.0 * (np.sum(order, axis=0) % 2)
    return found


def _rising(values: Array, bound: Array, parts: Sequence[NDArray[np.intp]], most: bool) -> Array:
    """One of the curves within the bound whose largest rise on each part is the largest, or the least, of all [A, S].

    Args:
        parts: numbers of the points of each, in their order.
        most: the largest.
    """
    found = values.copy()
    for rows, s in product(parts, range(values.shape[1])):
        low, high = (values[rows, s] + sign * bound[rows, s] for sign in (-1, 1))
        if len(rows) < 2 or not np.isfinite(low + high).all():
            continue
        if most:
            end = 1 + int(np.argmax(high[1:] - np.minimum.accumulate(low)[:-1]))
            start = int(np.argmin(low[:end]))
            found[rows[start], s], found[rows[end], s] = low[start], high[end]
        else:  # as high as they may be, and no higher than by that rise above any before
            before = np.minimum.accumulate(high)[:-1]
            found[rows, s] = np.minimum(high, np.append(high[0], before + max(float((low[1:] - before).max()), 0.0)))
    return found
