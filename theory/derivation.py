"""A derivation: assumptions, named steps with reasons, a closed form, and a numerical check of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy


def equal(left: Any, right: Any) -> sympy.Equality:
    """An equation that stays one, so that it can be read before it is proven."""
    return sympy.Eq(left, right, evaluate=False)


def require_whole(**limits: tuple[float, int, int]) -> None:
    """Refuse a parameter that is no whole number of its range: name=(value, lowest, highest).

    Raises:
        ValueError: naming the parameter and its range.
    """
    for name, (value, low, high) in limits.items():
        if not low <= value <= high or value != int(value):
            raise ValueError(f"{name}={value} is not allowed; use a whole number from {low} to {high}.")


def require_not_negative(**values: float) -> None:
    """Refuse a parameter that is negative, NaN or infinite, by ValueError."""
    for name, value in values.items():
        if not 0 <= value < float("inf"):
            raise ValueError(f"{name}={value:g} is not allowed; use a finite number from 0 on.")


def label_axes(axes: Any, x: str, y: str, **legend: Any) -> None:
    """Name both axes of matplotlib, and draw the legend."""
    axes.set(xlabel=x, ylabel=y)
    axes.legend(**legend)


@dataclass(frozen=True)
class Step:
    """One named line of a derivation.

    Args:
        statement: the line as mathematics; an equation states an identity.
        reason: why it follows, in one sentence.
        proven: True where sympy proves the identity (``holds`` does), False where it is quoted or only checked
            numerically; the reason then says which.
    """

    statement: sympy.Basic
    reason: str
    proven: bool = True

    def holds(self) -> bool:
        """Whether sympy reduces the two sides of the equation to the same thing."""
        if isinstance(self.statement, sympy.Equality):
            return bool(sympy.simplify(self.statement.lhs - self.statement.rhs) == 0)
        return bool(self.statement == sympy.true)


Steps = dict[str, Step]
"""The lines of a derivation in order, each under a short name."""


@dataclass(frozen=True)
class Check:
    """A closed form against an independent computation: ``error`` must not exceed ``tolerance``."""

    name: str
    error: float
    tolerance: float

    @property
    def holds(self) -> bool:
        """False for NaN too."""
        return bool(self.error <= self.tolerance)


@dataclass(frozen=True)
class Derivation:
    """What ``python -m theory NAME`` prints: what ``derive`` makes, whose ValueError names a wrong parameter.

    Args:
        title, assumptions, source: for the reader.
        steps: in order. closed_form: name -> expression or equation.
        values: numbers at the given parameters, for ``--json``.
        check: runs the numerical self-check at random points.
    """

    title: str
    assumptions: list[str]
    source: str
    steps: Steps
    closed_form: dict[str, sympy.Basic]
    check: Callable[[], list[Check]]
    values: dict[str, Any]
