"""Verdicts as a table for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from landscape.ground.files.text import plain
from landscape.result.verdict import IDENTITIES, Verdict, group_of, ordered

_WORDS = {True: ("yes", "green"), False: ("NO", "bold red"), None: ("not judged", "dim")}


def verdict_table(verdicts: Sequence[Verdict]) -> Table:
    """One row per verdict: check, subject, claim, measured, expected, holds, calibrated; notes numbered below.

    What does not hold comes first and identities last. A claim that the row above makes too is not written again.
    """
    verdicts = ordered(verdicts)
    notes = list(dict.fromkeys(item.note for item in verdicts if item.note))
    tight: dict[str, Any] = {"show_edge": False, "pad_edge": False, "padding": (0, 1, 0, 0)}
    table = Table(box=box.SIMPLE_HEAD, expand=True, caption_justify="left", caption_style="", **tight)
    # The longest name on one line, as far as that leaves room for the rest.
    longest = max((len(word) for item in verdicts for word in item.subject.split()), default=0)
    table.add_column("check", no_wrap=True)
    table.add_column("subject", width=min(max(longest, 13), 20), overflow="fold")
    table.add_column("claim", ratio=5, overflow="fold")
    table.add_column("measured", ratio=6, overflow="fold")
    table.add_column("expected", width=13, overflow="fold")
    table.add_column("holds", width=10, overflow="fold")
    table.add_column("calibrated", width=11, overflow="fold")
    for k, item in enumerate(verdicts):
        again = k > 0 and (verdicts[k - 1].check, verdicts[k - 1].claim) == (item.check, item.claim)
        last = k + 1 == len(verdicts) or verdicts[k + 1].check != item.check
        last |= k + 1 < len(verdicts) and group_of(verdicts[k + 1]) != group_of(item)
        holds = _word(item.holds)
        if group_of(item) == IDENTITIES:
            holds.append(" (identity)", style="dim")
        if item.note:
            holds.append(f" ({notes.index(item.note) + 1})", style="dim")
        relaxed = _text(f"{item.calibrated}: ").append(_word(item.calibrated_holds)) if item.calibrated else Text()
        claim = "" if again else item.claim
        cells = map(_text, (item.check, item.subject, claim, item.measured, item.expected))
        table.add_row(*cells, holds, relaxed, end_section=last)
    if notes:
        table.caption = Text("\n".join(f"({k}) {plain(note)}" for k, note in enumerate(notes, 1)), style="dim")
    return table


def _text(said: str) -> Text:
    """Text, not markup: "[0, 1]" in a sentence would be read as a style; nor anything that a terminal obeys."""
    return Text(plain(said))


def _word(holds: bool | None) -> Text:
    word, look = _WORDS[holds]
    return Text(word, style=look)
