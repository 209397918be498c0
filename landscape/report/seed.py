"""One seed's part of a result, so that a claim can be judged seed by seed."""

from __future__ import annotations

from landscape.result.saved import Result


def one_seed(result: Result, column: int) -> Result:
    """The same job as if it had had this column's seed alone."""
    return result.columns([column])


def plain_numbers(alone: Result) -> dict[str, float]:
    """The numbers of one seed's result, one value each; several, as for the two ends of a line, are numbered."""
    found: dict[str, float] = {}
    for key, value in alone.numbers.items():
        if not isinstance(value, list):
            found[key] = float(value)
        elif len(value) == 1:
            found[key] = float(value[0])
        else:
            found |= {f"{key}[{k}]": float(item) for k, item in enumerate(value)}
    return found
