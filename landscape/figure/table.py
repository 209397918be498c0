"""Verdicts for the terminal: what does not hold first, by how much; a claim once, and below it a line per subject."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from landscape.ground.columns import Claimed, hanging, text
from landscape.result.verdict import GROUPS, IDENTITIES, Verdict, counts, group_of, identities, missed, surprising

LISTED = ("do not hold", "not judged")
"""Groups of which every verdict is told, however many."""
LOOKS = {"do not hold": "bold red", "hold": "bold green"}
SAYS = {
    "do not hold": "what misses its bound by most comes first",
    "not judged": "why is said below",
    IDENTITIES: "true by construction or by a theorem, whatever was trained",
}
"""Behind the name of a group."""
MAX_ROWS = 40
"""Verdicts that each get a row; of more, those that hold are counted by claim. ``landscape.report`` has them all."""
ONE_FOR_ALL = "(worst; "
"""How the text of a measurement begins its word on several seeds; said once above them all."""


def verdict_table(verdicts: Sequence[Verdict]) -> Group:
    """The verdicts in four groups: what does not hold, what was not judged, what holds, identities.

    A claim is written once in each, with what was expected, and below it what was measured of each subject; of many
    verdicts those that hold are only counted. What all subjects begin with stands above them all, notes below.
    """
    verdicts = surprising(verdicts)
    is_long = len(verdicts) > MAX_ROWS
    told_of = [item for item in verdicts if not is_long or group_of(item) in LISTED]
    notes = list(dict.fromkeys(item.note for item in told_of if item.note))
    shared, subjects = common([item.subject for item in verdicts])
    told = dict(zip(map(id, verdicts), subjects, strict=True))
    longest = max((len(told[id(item)]) for item in told_of), default=0)
    parts: list[RenderableType] = [*map(text, _heading(verdicts, shared))]
    for group in GROUPS:
        claims: dict[tuple[str, str, str], list[Verdict]] = {}
        for item in verdicts:
            if group_of(item) == group:
                claims.setdefault((item.check, item.claim, item.expected), []).append(item)
        if not claims:
            continue
        head = f"{group.upper()} ({sum(map(len, claims.values()))})"
        says = f": {SAYS[group]}" if group in SAYS else ""
        parts.append(Text.assemble("\n", (head, LOOKS.get(group, "bold")), (says, "dim")))
        for (check, claim, expected), items in claims.items():
            if is_long and group not in LISTED:
                parts.append(hanging([(check, text(f"{claim}; {_times(len(items))}"))]))
                continue
            rows = [(told[id(item)], _measured(item, notes)) for item in items]
            parts.append(Claimed(check, claim, f"expected {expected}", rows, longest))
    if notes:
        parts.append(Text())
        parts.append(hanging((f"({k})", text(note, "dim")) for k, note in enumerate(notes, 1)))
    return Group(*parts)


def common(subjects: Sequence[str]) -> tuple[str, list[str]]:
    """What all subjects begin with, and the rest of each: ``digits, train`` and ``digits, valid`` share ``digits``."""
    split = [subject.split(", ") for subject in subjects]
    num = 0
    while split and all(len(parts) > num for parts in split) and len({parts[num] for parts in split}) == 1:
        num += 1
    return ", ".join(split[0][:num]) if split else "", [", ".join(parts[num:]) for parts in split]


def _heading(verdicts: Sequence[Verdict], shared: str) -> list[str]:
    """Where, how many of each group, and what is said in every row alike."""
    found = counts(verdicts)
    num_identities = found.pop(IDENTITIES)
    said = ", ".join(f"{num} {group}" for group, num in found.items() if num or group != "not judged")
    said += f"; apart from these {identities(num_identities)}" if num_identities else ""
    lines = [f"verdicts{f' on {shared}' if shared else ''}: {said}"]
    if any(ONE_FOR_ALL in item.measured for item in verdicts):
        lines.append("of several seeds the worst is shown, and in how many the claim holds")
    if any(item.calibrated for item in verdicts):
        lines.append("calibrated bounds were set after runs had been seen, and decide nothing")
    return lines


def _measured(item: Verdict, notes: Sequence[str]) -> Text:
    said = text(item.measured.replace(ONE_FOR_ALL, "("))
    if much := missed(item):
        said.append(f"; {much}", style="red")
    if item.calibrated:
        said.append_text(text(f"; calibrated {item.calibrated}: ")).append_text(_word(item.calibrated_holds))
    if item.note:
        said.append(f" ({notes.index(item.note) + 1})", style="dim")
    return said


def _times(num: int) -> str:
    return "once" if num == 1 else f"{num} times"


def _word(holds: bool | None) -> Text:
    word, look = {True: ("yes", "green"), False: ("NO", "bold red"), None: ("not judged", "dim")}[holds]
    return Text(word, style=look)
