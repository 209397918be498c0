"""A claim, what was measured, and whether it holds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
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
        scale: ``"full"``, ``"reduced"`` or ``"smoke"``.
        calibrated: a relaxed threshold that was set after looking at runs, as text; never used to judge.
        calibrated_holds: whether the relaxed threshold would hold.
        note: one sentence of context, for example why it was not judged.
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

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)
