"""One order and one count of verdicts, for every table."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from landscape.figure.publish import page, verdict_rows
from landscape.figure.table import verdict_table
from landscape.result.saved import Result
from landscape.result.verdict import Verdict, counts, ordered
from landscape.tracker import rows


def test_what_does_not_hold_comes_first_and_identities_are_apart() -> None:
    named = {"fine": True, "open": None, "broken": False}
    found = [Verdict(check, "c", "s", "x", "m", "e", holds, "full") for check, holds in named.items()]
    found += [replace(found[0], check="law", identity=True), replace(found[2], check="fault", identity=True)]
    order = ["broken", "fault", "open", "fine", "law"]
    assert [verdict.check for verdict in ordered(found)] == order
    assert counts(found) == {"hold": 1, "do not hold": 2, "not judged": 1, "identities": 1}
    assert [row.split(" | ")[0].strip("| ") for row in verdict_rows(found)[2:]] == order
    assert [row[0] for row in rows.verdict_table(found)] == order
    assert "apart from these 1 identity holds" in page([Result("x", "landscape.figure.sweep", "full", {}, {})], found)
    screen = io.StringIO()
    Console(width=140, file=screen).print(verdict_table(found))
    shown = [line.split()[0] for line in screen.getvalue().splitlines() if line.split()]
    assert [word for word in shown if word in order] == order
    without = found[0].as_dict()
    del without["identity"]  # as an earlier version saved it
    assert Verdict(**without) == found[0]
