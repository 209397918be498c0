"""What a benchmark found: a table on the screen, and the same as JSON in ``benchmarks/results/``."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.timing import machine, versions

RESULTS = Path(__file__).parent / "results"
TRIALS = Path(__file__).parent / "out"
"""Where runs with ``--small`` write: nothing that could be taken for a measurement."""
SHARED = "Seconds are the least of the rounds: where the load is above one, others worked on the machine meanwhile."
STARTED = time.perf_counter()


def target(
    what: str,
    measured: float,
    least: float | None = None,
    most: float | None = None,
    why: str = "",
    of_limit: float | None = None,
) -> Any:
    """One number that was to be reached, and whether it was.

    Args:
        what: of what. measured: the number. least, most: its bound, one of them.
        why: what the profile says, shown where the bound is missed.
        of_limit: the fraction of the limit that was reached.
    """
    bound = least if least is not None else most
    assert bound is not None
    reached = measured >= bound if least is not None else measured <= bound
    text = f"{'≥' if least is not None else '≤'} {bound:g}"
    found = {"target": what, "bound": text, "measured": number(measured), "reached": bool(reached), "reason": why}
    return found if of_limit is None else {**found, "of_limit": number(of_limit)}


def number(value: Any) -> Any:
    """Three significant digits of a float, a text where JSON has no number for it; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, float):
        return value
    return float(f"{value:.3g}") if math.isfinite(value) else str(value)


def told(parts: Sequence[Sequence[Any]], most: int = 3) -> str:
    """The head of a profile as a sentence."""
    return "of the time " + ", ".join(f"{share:.0%} in {where}" for share, _, where in parts[:most])


def parser(name: str, text: str | None, rounds: int | None = 3) -> argparse.ArgumentParser:
    """What every benchmark takes: ``--small``, and ``--rounds`` unless None."""
    made = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}", description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--small", action="store_true", help="sizes that take seconds, to see that it runs")
    if rounds is not None:
        made.add_argument("--rounds", type=int, default=rounds, help="interleaved rounds, of which the best counts")
    return made


def show(
    title: str,
    columns: list[str],
    rows: list[list[Any]],
    name: str,
    targets: Sequence[Any] = (),
    profile: Sequence[Sequence[Any]] = (),
    notes: Sequence[str] = (),
    small: bool = False,
) -> None:
    """Print a table and its targets; write ``benchmarks/results/NAME.json``, or ``benchmarks/out`` for a trial.

    Args:
        rows: as the columns. targets: of ``target``. profile: rows of ``timing.profiled``, or of the benchmark's own,
            ``[share, calls, where]``.
        notes: sentences that belong to the table.
    """
    content = {
        "title": title,
        "command": " ".join(["python -m", f"benchmarks.{name}", *sys.argv[1:]]),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "seconds": round(time.perf_counter() - STARTED, 1),
        "cpu_seconds": round(sum(os.times()[:4]), 1),  # of all processes that have ended, and of this one
        "machine": machine(),
        "versions": versions(),
        "columns": columns,
        "rows": [[number(value) for value in row] for row in rows],
        "targets": list(targets),
        "profile": [list(part) for part in profile],
        "notes": list(notes),
    }
    _print(content)
    folder = TRIALS if small else RESULTS
    folder.mkdir(exist_ok=True)
    temporary = folder / f".{name}.json"
    temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    os.replace(temporary, folder / f"{name}.json")


def _print(content: dict[str, Any]) -> None:
    screen = Console(width=None if Console().is_terminal else 150)
    table = Table(title=content["title"], title_justify="left")
    for column in content["columns"]:
        table.add_column(column)
    for row in content["rows"]:
        table.add_row(*map(str, row))
    screen.print(table)
    if content["targets"]:
        goals = Table("target", "wanted", "measured", "reached")
        for goal in content["targets"]:
            yes = "yes" if goal["reached"] else f"no: {goal['reason']}" if goal["reason"] else "no"
            goals.add_row(goal["target"], goal["bound"], str(goal["measured"]), yes)
        screen.print(goals)
    if content["profile"]:
        parts = Table("share of the time", "calls", "where", title="profile", title_justify="left")
        for share, calls, where in content["profile"]:
            parts.add_row(f"{share:.0%}", str(calls), str(where))
        screen.print(parts)
    for note in content["notes"]:
        screen.print(note)
    screen.print(
        ", ".join(f"{k} {v}" for k, v in content["machine"].items())
        + f"; {content['seconds']} s in all, {content['cpu_seconds']} CPU s"
    )
