"""What a closed-form measurement left in a result, read back."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from landscape.curve import Array
from landscape.result import Result

CLOSE = 1e-10  # of the largest J: how far a float64 measurement may be from theory


class Extremum(NamedTuple):
    """One interior extremum of the exact curve."""

    alpha: float
    objective: float
    is_minimum: bool


def values(result: Result, key: str, split: str = "train") -> Array:
    """One of the result's numbers for a split as [S]; empty where it has none."""
    return np.atleast_1d(np.asarray(result.numbers.get(f"{split}/{key}", []), dtype=np.float64))


def extrema(result: Result, s: int, split: str = "train") -> list[Extremum]:
    """The interior extrema of one line's exact curve, from left to right."""
    found = []
    k = 0
    while len(alphas := values(result, f"extremum_{k}_alpha", split)) > s:
        if np.isfinite(alphas[s]):
            height, kind = (
                float(values(result, f"extremum_{k}_{key}", split)[s]) for key in ("objective", "is_minimum")
            )
            found.append(Extremum(float(alphas[s]), height, kind == 1))
        k += 1
    return found
