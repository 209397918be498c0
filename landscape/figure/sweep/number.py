"""The numbers that a sweep is mapped by: which, in which unit, one value per seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from landscape.errors import InputError
from landscape.figure import style, subject, unit
from landscape.figure.sweep.pool import num_columns, values_of
from landscape.result.curve import Array
from landscape.result.saved import Result

CURVES = ("train/stochastic", "train/deterministic", "valid/stochastic", "valid/deterministic")
ENDS = ("test_error", "test_objective")  # the first that there is, beside largest_rise
HEADLINE = ("largest_rise", "argmin_alpha", "test_objective", "test_error", "best_epoch")
_WORDS = {
    "largest_rise": "largest rise of J on [0, 1]",
    "drop": "drop of J from α = 0 to 1",
    "argmin_alpha": "α of the lowest J",
    "test_error": "test error",
    "test_objective": "test J",
    "num_test_errors": "test errors",
    "best_epoch": "best epoch",
    "length": "|θ_f - θ_i|",
}
_OF_J = ("largest_rise", "drop", "test_objective")


@dataclass(frozen=True)
class Number:
    """One of the results' numbers.

    Args:
        key: as in ``Result.numbers``. title: for a reader, with its unit. factor: from the saved unit to the shown one.
    """

    key: str
    title: str
    factor: float = 1.0

    def values(self, result: Result) -> Array:
        """Of each seed that did not diverge [S]; what is not finite is left out."""
        values = np.array(values_of(result, self.key)) * self.factor
        if len(values) == num_columns(result):
            values = values[~np.array(subject.diverged(result, len(values)), dtype=bool)]
        return np.asarray(values[np.isfinite(values)])


def chosen(results: Sequence[Result], names: Sequence[str] = ()) -> list[Number]:
    """The numbers of these names, each the key itself or its last part (then of the training cost where there is one).

    Without names: the largest rise and the test error, or the first two numbers of results that have neither.

    Raises:
        InputError: no result has such a number.
    """
    known = list(dict.fromkeys(key for result in results for key in result.numbers))
    found = [_found(name, known) for name in names]
    missing = [name for name, key in zip(names, found, strict=True) if key is None]
    if missing:
        raise InputError(f"no number {missing[0]!r} in these results; they have {', '.join(known) or 'none'}")
    if not names:
        found = [_found("largest_rise", known), next((name for name in ENDS if name in known), None)]
        found = found if any(found) else list(known[:2])
    return [_number(key, results) for key in dict.fromkeys(found) if key is not None]


def _found(name: str, known: Sequence[str]) -> str | None:
    return next((key for key in (name, *(f"{curve}/{name}" for curve in CURVES)) if key in known), None)


def _number(key: str, results: Sequence[Result]) -> Number:
    curve, _, name = key.rpartition("/")
    split = curve.partition("/")[0]
    told = unit.bracketed(map(unit.cost_of, results)) if name in _OF_J else " [%]" if name == "test_error" else ""
    of = f", {style.SPLIT_WORD.get(split, split)}" if split else ""
    return Number(key, f"{_WORDS.get(name, name)}{of}{told}", 100.0 if name == "test_error" else 1.0)


def headline(results: Sequence[Result], most: int = 5) -> list[Number]:
    """The numbers that a summary names first; of results that have none of these, the first few that there are."""
    known = list(dict.fromkeys(key for result in results for key in result.numbers))
    keys = [_found(name, known) for name in HEADLINE]
    return [_number(key, results) for key in list(dict.fromkeys(key for key in keys if key) or known)[:most]]
