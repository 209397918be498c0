"""What a closed-form measurement left in a result, read back and judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from landscape.figure.reading import Claim, Reading, verdict
from landscape.result.curve import Array
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

CLOSE = 1e-10  # of the largest J: how far a float64 measurement may be from theory


class Extremum(NamedTuple):
    """One interior extremum of the exact curve."""

    alpha: float
    objective: float
    is_minimum: bool


def values(result: Result, key: str, split: str = "train") -> Array:
    """One of the result's numbers for a split as [S]; empty where it has none."""
    return np.atleast_1d(np.asarray(result.numbers.get(f"{split}/{key}", []), dtype=np.float64))


def usable(result: Result, split: str = "train") -> tuple[list[int], str]:
    """The lines that have an exact curve, or where none has one a measured curve, and a sentence on the others."""
    curve = result.curves.get(f"{split}/theory") or result.curves.get(f"{split}/deterministic")
    return ([], "") if curve is None else result.usable(curve.objective)


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


def knows_extrema(result: Result, s: int, split: str = "train") -> bool:
    """Whether a law listed the extrema of one line, perhaps none."""
    counts = [values(result, f"num_{kind}", split) for kind in ("minima", "maxima")]
    if all(len(found) > s for found in counts):
        return bool(np.isfinite([found[s] for found in counts]).all())
    return len(values(result, "extremum_0_alpha", split)) > s


def judged(
    claim: Claim,
    result: Result,
    about: str,
    key: str,
    read: Callable[[float], Reading],
    split: str = "train",
    note: str = "",
) -> list[Verdict]:
    """One verdict from the number ``key`` of every usable line; none where the result lacks that number."""
    found = values(result, key, split)
    if not len(found):
        return []

    def known(value: float) -> Reading:
        return read(value) if np.isfinite(value) else Reading("not known", None, note="this line has no such number")

    columns, left_out = usable(result, split)
    readings = [known(float(found[s])) for s in columns if s < len(found)]
    return [verdict(claim, result, about, readings, "; ".join(text for text in (note, left_out) if text))]


def theory_agrees(
    result: Result, about: str, check: str, source: str, sentence: str, split: str = "train"
) -> list[Verdict]:
    """The measured curve against the exact one, in units of the largest J."""
    claim = Claim(check, sentence, source, f"<= {CLOSE:g}", identity=True)

    def read(off: float) -> Reading:
        return Reading(f"{off:.2g} of the largest J", off <= CLOSE, off)

    return judged(claim, result, about, "theory_deviation", read, split)


def falls_proven(claim: Claim, result: Result, about: str, split: str = "train", note: str = "") -> list[Verdict]:
    """That J is proven to decrease on all of [0, 1]."""

    def read(value: float) -> Reading:
        return Reading("proven" if value == 1 else "proven not to fall all the way", value == 1, 1 - value)

    return judged(claim, result, about, "proven_decreasing", read, split, note)


def one_maximum_proven(claim: Claim, result: Result, about: str, split: str = "train", note: str = "") -> list[Verdict]:
    """That J is proven to have exactly one maximum on (0, 1)."""

    def read(num: float) -> Reading:
        word = "maximum" if num == 1 else "maxima"
        return Reading(f"{num:g} {word}, proven", num == 1, abs(num - 1))

    return judged(claim, result, about, "proven_num_maxima", read, split, note)
