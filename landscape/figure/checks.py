"""Claims as rows of a table, and the one loop that judges them.

A ``Claim`` is a sentence and the threshold it is judged by; a ``Check`` of it says where it looks in a job, and how it
reads what it finds there, seed by seed. Where it looks gives evidence: per verdict what is read of each seed that can
be used, and a word on those that cannot. A claim holds if it holds for every such seed; the worst one is shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from landscape.figure import naming
from landscape.figure.reading import Column, Reading, covers, primary, twin
from landscape.result.curve import Array, Curve, LearningCurve
from landscape.result.curve.stated import span_of
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

T = TypeVar("T")
SMOKE_NOTE = "not judged at limits=smoke, which shows that a job runs and no more"


@dataclass(frozen=True)
class Evidence(Generic[T]):
    """What one verdict stands on.

    Args:
        result: the job.
        about: its name, and what of it.
        seeds: what is read of each seed that can be used.
        note: on those that cannot.
        curve: where all are of one.
    """

    result: Result
    about: str
    seeds: Sequence[T]
    note: str = ""
    curve: Curve | None = None

    @property
    def line(self) -> Curve:
        """That curve."""
        assert self.curve is not None, f"{self.about} is not read off one curve"
        return self.curve

    @property
    def stated(self) -> str:
        """How well J is known there; of the whole job where it is read of more than one curve or plane."""
        own = {id(part): part for seed in self.seeds if (part := getattr(seed, "surface", None)) is not None}
        parts = [self.curve] if self.curve is not None else list(own.values()) or self.result.grids
        return span_of(parts)

    @property
    def unit(self) -> str:
        """What is read of it one by one: ``seeds``, or ``pairs`` of them."""
        return naming.unit_of_columns(self.result)

    @property
    def num_classes(self) -> int:
        """C."""
        return naming.num_classes(self.result)


Look = Callable[[Result, str], Iterator[Evidence[T]]]
"""(job, its name) -> the evidence in it, one per verdict."""
Told = str | Callable[[Evidence[Any]], str]


@dataclass(frozen=True)
class Claim:
    """What is claimed, and the threshold it is judged by.

    Args:
        id, sentence, source, expected: as in ``Verdict``; those that depend on the job are functions of the evidence.
        calibrated: a threshold relaxed after looking at runs; shown beside the verdict, never used for it.
        identity: as in ``Verdict``.
        needs_training: at smoke scale it is left unjudged.
        note: a sentence of context.
    """

    id: str
    sentence: Told
    source: str
    expected: Told
    calibrated: Told = ""
    identity: bool | Callable[[Evidence[Any]], bool] = False
    needs_training: bool = False
    note: Told = ""

    def by(self, read: Callable[[T], Reading], look: Look[T] = lambda _, __: iter(()), **more: Any) -> Check[T]:
        """How it is checked.

        Args:
            read: what one seed shows.
            look: where; see ``Look``.
            more: further fields of the claim.
        """
        return Check(replace(self, **more), read, look)

    def verdict(self, evidence: Evidence[Any], readings: Sequence[Reading]) -> Verdict:
        """All seeds' readings as one verdict: the worst one's text, and in how many seeds the claim holds."""

        def told(text: Told) -> str:
            return text if isinstance(text, str) else text(evidence)

        result = evidence.result
        if self.needs_training:
            readings = [fair(result, reading) for reading in readings]
        worst, measured = Reading("no usable seed", None), "no usable seed"
        if readings:
            worst = max(readings, key=lambda r: (r.holds is False, r.holds is None, _rank(r.badness)))
            measured = worst.measured
        if len(readings) > 1:
            measured += f" ({over_seeds([r.holds for r in readings], evidence.unit)})"
        if len(readings) > 1 and any(r.each for r in readings):
            measured += f"; each: {', '.join(r.each or 'not judged' for r in readings)}"
        calibrated = told(self.calibrated)
        return Verdict(
            self.id,
            told(self.sentence),
            self.source,
            evidence.about,
            measured,
            told(self.expected),
            _every([r.holds for r in readings]),
            result.scale,
            calibrated,
            _every([r.relaxed for r in readings]) if calibrated else None,
            joined(*dict.fromkeys([worst.note, joined(told(self.note), evidence.note)])),
            self.identity(evidence) if callable(self.identity) else self.identity,
            evidence.stated,
            worst.miss if worst.holds is False else 0.0,
        )

    def said(self, result: Result, about: str, readings: Sequence[Reading], note: str = "") -> Verdict:
        """The verdict on readings that were made elsewhere, perhaps of several jobs."""
        return replace(self.verdict(Evidence(result, about, (), note), readings), stated="")


@dataclass(frozen=True)
class Check(Generic[T]):
    """A claim, how one seed is read, and where that is looked for."""

    claim: Claim
    read: Callable[[T], Reading]
    look: Look[T]

    def of(self, evidence: Evidence[T]) -> Verdict:
        """The verdict on this evidence."""
        return self.claim.verdict(evidence, [self.read(seed) for seed in evidence.seeds])


def judge_job(checks: Sequence[Check[Any]], result: Result, name: str, by_curve: bool = False) -> list[Verdict]:
    """Every check on every piece of evidence in one job.

    Args:
        by_curve: all checks of one curve before those of the next, in the order in which the checks meet the curves.
    """
    pairs = [(check, evidence) for check in checks for evidence in check.look(result, name)]
    if by_curve:
        order = list(dict.fromkeys(evidence.about for _, evidence in pairs))
        pairs.sort(key=lambda pair: order.index(pair[1].about))
    return [check.of(evidence) for check, evidence in pairs]


def judge(checks: Sequence[Check[Any]], results: Sequence[Result], by_curve: bool = False) -> list[Verdict]:
    """The checks of every job, by its name."""
    pairs = zip(results, naming.names(results), strict=True)
    return [verdict for result, name in pairs for verdict in judge_job(checks, result, name, by_curve)]


def along(splits: str, first: float, last: float, modes: str = "", least: int = 1) -> Look[Column]:
    """The curves that were sampled over the whole of [first, last].

    Args:
        splits: their names, in order.
        modes: those of each split, in order; without any the primary curve and its twin.
        least: so many samples or more.
    """

    def look(result: Result, name: str) -> Iterator[Evidence[Column]]:
        for split in splits.split():
            named = [result.curves.get(f"{split}/{mode}") for mode in modes.split()]
            for curve in named or [primary(result, split), twin(result, split)]:
                if curve is not None and covers(curve, first, last) and len(curve.alphas) >= least:
                    yield on_curve(result, curve, f"{name}, {curve.split}, {curve.mode}")

    return look


def on_curve(result: Result, curve: Curve, about: str) -> Evidence[Column]:
    """Every usable seed of one curve."""
    columns, left_out = result.usable(curve.objective)
    return Evidence(result, about, [Column(result, curve, s) for s in columns], left_out, curve)


@dataclass(frozen=True)
class Learned:
    """One seed's channel of a learning curve: epochs and values [T], NaN after its end, and the epoch of theta_f."""

    result: Result
    epochs: Array
    values: Array
    best_epoch: float


def learning(channel: str, about: str) -> Look[Learned]:
    """A channel of the learning curve, where it was kept."""

    def look(result: Result, name: str) -> Iterator[Evidence[Learned]]:
        history = result.learning_curve
        if history is not None and channel in history.channels:
            yield on_history(result, history, channel, f"{name}, {about}")

    return look


def on_history(result: Result, history: LearningCurve, channel: str, about: str) -> Evidence[Learned]:
    """Every usable seed of one channel."""
    values = history.channels[channel]
    columns, left_out = result.usable(values, ragged=True)
    seeds = [Learned(result, history.epochs, values[:, s], float(history.best_epoch[s])) for s in columns]
    return Evidence(result, about, seeds, left_out)


def fair(result: Result, reading: Reading) -> Reading:
    """The reading, left unjudged at smoke scale."""
    return replace(reading, holds=None, relaxed=None, note=SMOKE_NOTE) if result.scale == "smoke" else reading


def joined(*texts: str) -> str:
    """What there is of some sentences."""
    return "; ".join(text for text in texts if text)


def over_seeds(holds: Sequence[bool | None], unit: str = "seeds") -> str:
    """``worst; in 2 of 3 seeds``: how a claim's one value stands for several; of seeds that all leave it open ``worst
    of 3 seeds``."""
    num, unknown = len(holds), sum(held is None for held in holds)
    if unknown == num:
        return f"worst of {num} {unit}"
    told = f"worst; in {sum(held is True for held in holds)} of {num} {unit}"
    return f"{told}, {unknown} not judged" if unknown else told


def _every(values: Sequence[bool | None]) -> bool | None:
    """False if one is, else None if one is or there is none, else True."""
    return False if False in values else None if None in values or not values else True


def _rank(badness: float) -> float:
    """NaN is the worst there is."""
    return math.inf if math.isnan(badness) else badness
