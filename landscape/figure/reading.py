"""From one reading per seed to one verdict: a claim holds if it holds for every seed that can be used."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from landscape.result.curve import Curve
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

SMOKE_NOTE = "so short a training has learned next to nothing"


@dataclass(frozen=True)
class Claim:
    """What is claimed, and the threshold it is judged by.

    Args:
        check, sentence, source, expected: as in ``Verdict``.
        calibrated: a threshold relaxed after looking at runs, as text; shown beside the verdict, never used for it.
        identity: as in ``Verdict``.
    """

    check: str
    sentence: str
    source: str
    expected: str
    calibrated: str = ""
    identity: bool = False


@dataclass(frozen=True)
class Reading:
    """What one seed shows.

    Args:
        measured: as text, computed from the arrays. holds: None when this seed cannot tell.
        badness: orders seeds of the same ``holds``; the largest is shown as the worst.
        relaxed: whether the calibrated threshold would hold. note: why it cannot tell.
    """

    measured: str
    holds: bool | None
    badness: float = 0.0
    relaxed: bool | None = None
    note: str = ""


def verdict(claim: Claim, result: Result, about: str, readings: Sequence[Reading], note: str = "") -> Verdict:
    """All seeds' readings as one verdict: the worst one's text, and in how many seeds the claim holds."""
    if not readings:
        return Verdict(
            claim.check,
            claim.sentence,
            claim.source,
            about,
            "no usable seed",
            claim.expected,
            None,
            result.scale,
            claim.calibrated,
            None,
            note,
            claim.identity,
        )
    worst = max(readings, key=lambda reading: (reading.holds is False, reading.holds is None, _rank(reading.badness)))
    measured = worst.measured
    if len(readings) > 1:
        count = sum(reading.holds is True for reading in readings)
        measured += f" (worst; in {count} of {len(readings)} seeds)"
    notes = "; ".join(dict.fromkeys(text for text in (worst.note, note) if text))
    return Verdict(
        claim.check,
        claim.sentence,
        claim.source,
        about,
        measured,
        claim.expected,
        _every([reading.holds for reading in readings]),
        result.scale,
        claim.calibrated,
        _every([reading.relaxed for reading in readings]) if claim.calibrated else None,
        notes,
        claim.identity,
    )


def over_columns(
    claim: Claim, result: Result, curve: Curve, about: str, read: Callable[[int], Reading], note: str = ""
) -> Verdict:
    """``read(column)`` of every usable seed of a curve, as one verdict.

    Args:
        about: the job's name; split and mode of the curve are added to it.
    """
    columns, left_out = result.usable(curve.objective)
    notes = "; ".join(text for text in (note, left_out) if text)
    return verdict(claim, result, f"{about}, {curve.split}, {curve.mode}", [read(s) for s in columns], notes)


def fair(result: Result, reading: Reading) -> Reading:
    """The reading, left unjudged at smoke scale."""
    return replace(reading, holds=None, relaxed=None, note=SMOKE_NOTE) if result.scale == "smoke" else reading


def covers(curve: Curve, first: float, last: float) -> bool:
    """Whether the curve was sampled from ``first`` to ``last``."""
    return bool(len(curve.alphas) and curve.alphas[0] <= first + 1e-9 and curve.alphas[-1] >= last - 1e-9)


def counted(num: int, word: str) -> str:
    """``1 minimum``, ``2 minima``, ``3 rises``."""
    plurals = {"minimum": "minima", "maximum": "maxima"}
    return f"{num} {word if num == 1 else plurals.get(word, word + 's')}"


def _every(values: Sequence[bool | None]) -> bool | None:
    """False if one is, else None if one is, else True."""
    return False if False in values else None if None in values else True


def _rank(badness: float) -> float:
    """NaN is the worst there is."""
    return math.inf if math.isnan(badness) else badness
