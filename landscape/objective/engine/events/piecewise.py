"""Piecewise-linear functions of one variable, as operators of a graph apply them element by element."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.fx import Node

from landscape.objective.engine.graph import INERT, name_of

JOINED, LEFT, RIGHT = 0, 1, 2
"""What a function does at a cut: it goes on where it was, or it jumps and its value there is that of the piece on the
left or on the right."""


@dataclass(frozen=True)
class Piecewise:
    """x -> slope x + offset, with a slope and an offset between any two neighbouring cuts.

    Args:
        lines: (slope, offset) of each piece, from the left.
        cuts: where the next piece begins, ascending, one fewer.
        sides: of each cut, ``JOINED``, ``LEFT`` or ``RIGHT``.
    """

    lines: tuple[tuple[float, float], ...]
    cuts: tuple[float, ...] = ()
    sides: tuple[int, ...] = ()

    def __call__(self, x: float) -> float:
        """The value at x."""
        slope, offset = self.lines[sum(self._is_past(x, k) for k in range(len(self.cuts)))]
        return slope * x + offset

    def _is_past(self, x: float, k: int) -> bool:
        return x > self.cuts[k] or (x == self.cuts[k] and self.sides[k] == RIGHT)

    @property
    def is_joined(self) -> bool:
        """Whether it has no jumps."""
        return all(side == JOINED for side in self.sides)

    @property
    def is_convex(self) -> bool:
        """Whether it is the maximum of its lines."""
        slopes = [slope for slope, _ in self.lines]
        return self.is_joined and slopes == sorted(slopes)

    def then(self, outer: Piecewise) -> Piecewise | None:
        """x -> outer(self(x)); None where both jump, or an outer jump meets a kink."""
        if not outer.is_joined and self.cuts:
            return None
        lines: list[tuple[float, float]] = []
        cuts: list[float] = []
        sides: list[int] = []
        bounds = (-math.inf, *self.cuts, math.inf)
        for k, (slope, offset) in enumerate(self.lines):
            if k > 0:
                cuts.append(self.cuts[k - 1])
                sides.append(self.sides[k - 1])
            if slope == 0:
                lines.append((0.0, outer(offset)))
                continue
            # The outer cuts between the ends of this piece, as it comes past them.
            places = [((cut - offset) / slope, n) for n, cut in enumerate(outer.cuts)]
            inside = [(at, n) for at, n in places if bounds[k] < at < bounds[k + 1]]
            order = inside if slope > 0 else inside[::-1]
            first = sum(at <= bounds[k] for at, _ in places) if slope > 0 else sum(at > bounds[k] for at, _ in places)
            lines.append(_after(slope, offset, outer.lines[first]))
            for at, n in order:
                cuts.append(at)
                side = outer.sides[n]
                sides.append(side if slope > 0 or side == JOINED else LEFT + RIGHT - side)
                lines.append(_after(slope, offset, outer.lines[n + 1 if slope > 0 else n]))
        return _merged(lines, cuts, sides)

    def ramp(self, dtype: Any = np.float64) -> NDArray[Any] | None:
        """a, c, low, high, d, at_0, jump_0, at_1, jump_1: the value is

            a x + c min(high, max(low, x)) + d + Σ jump_k [x > at_k].

        None where it has no such form: more than two kinks, or other slopes on the left of both than on the right.
        """
        slopes, (low, high) = [slope for slope, _ in self.lines], (*self.cuts[:2], math.inf, math.inf)[:2]
        if len(slopes) > 3 or (len(slopes) == 3 and slopes[0] != slopes[2]):
            return None
        jumps = [
            0.0 if side == JOINED else (after[0] - before[0]) * cut + after[1] - before[1]
            for cut, side, (before, after) in zip(self.cuts, self.sides, pairwise(self.lines), strict=True)
        ]
        first, last = self.lines[0], self.lines[-1]
        if len(slopes) == 1:
            form = 0.0, first[0], -math.inf, math.inf, first[1]
        elif len(slopes) == 2 and slopes[1] == 0:
            form = 0.0, first[0], -math.inf, low, last[1] - sum(jumps) - first[0] * low
        else:
            form = first[0], slopes[1] - first[0], low, high, first[1] - (slopes[1] - first[0]) * low
        # x >= at is x > the number before it.
        places = [
            np.nextafter(dtype(cut), dtype(-math.inf)) if side == RIGHT else cut
            for cut, side in zip(self.cuts, self.sides, strict=True)
        ]
        steps = [*zip(places, jumps, strict=True), (math.inf, 0.0), (math.inf, 0.0)][:2]
        return np.array([*form, *chain(*steps)], dtype)


def _after(slope: float, offset: float, outer: tuple[float, float]) -> tuple[float, float]:
    return outer[0] * slope, outer[0] * offset + outer[1]


def _merged(lines: list[tuple[float, float]], cuts: list[float], sides: list[int]) -> Piecewise:
    """Without the cuts at which nothing changes."""
    kept = [k for k in range(len(cuts)) if sides[k] != JOINED or lines[k] != lines[k + 1]]
    return Piecewise(
        (*(lines[k] for k in kept), lines[-1]), tuple(cuts[k] for k in kept), tuple(sides[k] for k in kept)
    )


IDENTITY = Piecewise(((1.0, 0.0),))
RELU = Piecewise(((0.0, 0.0), (1.0, 0.0)), (0.0,), (JOINED,))


def _at_least(low: float) -> Piecewise:
    return Piecewise(((0.0, low), (1.0, 0.0)), (low,), (JOINED,)) if low > -math.inf else IDENTITY


def _at_most(high: float) -> Piecewise:
    return Piecewise(((1.0, 0.0), (0.0, high)), (high,), (JOINED,)) if high < math.inf else IDENTITY


def _between(low: float | None, high: float | None) -> Piecewise | None:
    """The larger of x and ``low``, then the smaller of that and ``high``."""
    return _at_least(-math.inf if low is None else low).then(_at_most(math.inf if high is None else high))


def _leaky(slope: float) -> Piecewise | None:
    return _merged([(slope, 0.0), (1.0, 0.0)], [0.0], [JOINED])


def _threshold(at: float, value: float) -> Piecewise | None:
    return Piecewise(((0.0, value), (1.0, 0.0)), (at,), (JOINED if value == at else LEFT,))


def _hardshrink(width: float) -> Piecewise | None:
    if width <= 0:
        return IDENTITY
    return Piecewise(((1.0, 0.0), (0.0, 0.0), (1.0, 0.0)), (-width, width), (RIGHT, LEFT))


def _softshrink(width: float) -> Piecewise | None:
    return _merged([(1.0, width), (0.0, 0.0), (1.0, -width)], [-width, width], [JOINED, JOINED])


def _rrelu(low: float, high: float, is_training: bool) -> Piecewise | None:
    return None if is_training else _leaky((low + high) / 2)


def _line(slope: float, offset: float) -> Piecewise | None:
    return Piecewise(((slope, offset),))


# Name of an operator -> the function, from what follows its first argument; and the defaults of what may be left out.
FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "relu": (lambda: RELU, ()),
    "relu6": (lambda: _between(0.0, 6.0), ()),
    "leaky_relu": (_leaky, (0.01,)),
    "rrelu": (_rrelu, (1 / 8, 1 / 3, False)),
    "hardtanh": (_between, (-1.0, 1.0)),
    "hardsigmoid": (lambda: Piecewise(((0.0, 0.0), (1 / 6, 0.5), (0.0, 1.0)), (-3.0, 3.0), (JOINED, JOINED)), ()),
    "hardshrink": (_hardshrink, (0.5,)),
    "softshrink": (_softshrink, (0.5,)),
    "threshold": (_threshold, ()),
    "clamp": (_between, (None, None)),
    "clip": (_between, (None, None)),
    "clamp_min": (_at_least, ()),
    "clamp_max": (_at_most, ()),
    "abs": (lambda: Piecewise(((-1.0, 0.0), (1.0, 0.0)), (0.0,), (JOINED,)), ()),
    "neg": (lambda: _line(-1.0, 0.0), ()),
    "mul": (lambda by: _line(by, 0.0), ()),
    "div": (lambda by: _line(1 / by if by else math.nan, 0.0), ()),
    "add": (lambda by: _line(1.0, by), ()),
    "sub": (lambda by: _line(1.0, -by), ()),
    "rsub": (lambda by: _line(-1.0, by), ()),
}


def function_of(node: Node) -> Piecewise | None:
    """The function that a node applies to each element of its first argument; None where it is none of these."""
    name, numbers = name_of(node), list(node.args[1:])
    if name in INERT:
        return IDENTITY if numbers[1] is False else None
    if name not in FUNCTIONS or node.kwargs or not isinstance(node.args[0], Node):
        return None
    make, defaults = FUNCTIONS[name]
    numbers += defaults[len(numbers) :]
    if not all(n is None or (isinstance(n, int | float) and not math.isnan(n)) for n in numbers):
        return None
    if node.meta["val"].dtype != node.args[0].meta["val"].dtype:
        return None
    found: Piecewise | None = make(*numbers)
    return found if found is not None and all(map(math.isfinite, _numbers(found))) else None


def _numbers(function: Piecewise) -> list[float]:
    return [*function.cuts, *(value for line in function.lines for value in line)]
