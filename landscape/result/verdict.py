"""A claim, what was measured, and whether it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Verdict:
    """One checkable sentence of the paper beside its measurement.

    Args:
        check: short id, ``"1b"``; unique together with ``subject``.
        claim: one sentence.
        source: section or figure of the paper, or the spec that set the threshold.
        subject: what it was checked on, for example ``"maxout, train, stochastic"``.
        measured: the value as text with its unit, the worst seed when there are several.
        expected: the threshold as text, ``"<= 0.02"``.
        holds: True, False, or None when it cannot be judged at this scale or from these results.
        scale: ``"full"``, ``"cpu"``, ``"reduced"`` or ``"smoke"``.
        calibrated: a relaxed threshold that was set after looking at runs, as text; never used to judge.
        calibrated_holds: whether the relaxed threshold would hold.
        note: one sentence of context, for example why it was not judged.
        identity: whether it is true by construction or by a theorem, whatever was trained: it tells of the program, not
            of the landscape, and is counted apart.
        stated: the stated error of what it was judged on, ``1.2e-03`` or a range; empty where it was all
            evaluated in full. Told in its note where it decides, and no value of its own in tables and files.
    """

    check: str
    claim: str
    source: str
    subject: str
    measured: str
    expected: str
    holds: bool | None
    scale: str
    calibrated: str = ""
    calibrated_holds: bool | None = None
    note: str = ""
    identity: bool = False
    stated: str = field(default="", compare=False)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {name: value for name, value in asdict(self).items() if name != "stated"}


IDENTITIES = "identities"


def group_of(verdict: Verdict) -> str:
    """What it is counted as: an identity that does not hold is a fault, and counts with what does not hold."""
    if verdict.holds is None:
        return "not judged"
    return "do not hold" if not verdict.holds else IDENTITIES if verdict.identity else "hold"


def counts(verdicts: Sequence[Verdict]) -> dict[str, int]:
    """How many there are of each group."""
    groups = [group_of(verdict) for verdict in verdicts]
    return {group: groups.count(group) for group in ("hold", "do not hold", "not judged", IDENTITIES)}


def identities(num: int) -> str:
    """``2 identities hold``."""
    return f"{num} identity holds" if num == 1 else f"{num} {IDENTITIES} hold"


def ordered(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """As every table shows them: what does not hold, what was not judged, what holds, identities; else as they came."""
    order = ["do not hold", "not judged", "hold", IDENTITIES]
    return sorted(verdicts, key=lambda verdict: order.index(group_of(verdict)))
