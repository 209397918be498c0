"""A claim, what was measured, and whether it holds."""

from __future__ import annotations

import math
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
        miss: by which factor the worst seed misses the threshold, more than 1; 0 where it holds or no one number
            decides. It orders what does not hold, and is in no file.
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
    miss: float = field(default=0.0, compare=False)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {name: value for name, value in asdict(self).items() if name not in ("stated", "miss")}


IDENTITIES = "identities"
GROUPS = ("do not hold", "not judged", "hold", IDENTITIES)
"""In the order in which every table has them."""


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
    return sorted(verdicts, key=lambda verdict: GROUPS.index(group_of(verdict)))


def surprising(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """In the same order, and of what does not hold first what misses its threshold by the largest factor.

    Claims without such a number follow; pages that are kept with their results have ``ordered``, which depends on less.
    """
    return sorted(ordered(verdicts), key=lambda v: (GROUPS.index(group_of(v)), -v.miss))


def missed(verdict: Verdict) -> str:
    """``misses by a factor of 8.8``, of a claim that fails by a number; else nothing."""
    if verdict.holds is not False or not 0 < verdict.miss < math.inf:
        return ""
    return f"misses by a factor of {verdict.miss:{',.0f' if verdict.miss >= 100 else '.3g'}}"
