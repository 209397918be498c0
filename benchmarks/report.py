"""``python -m benchmarks.report``: docs/performance.md out of what the benchmarks wrote to ``benchmarks/results/``.

Every number of the page comes from there. Any JSON with a title, columns and rows has its section; targets, profile and
notes where it has them.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
_EMPHASIS = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
"""An underscore at an end of a name, as torch has them, which Markdown would take for italics."""
PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
ORDER = (
    "line",
    "surface",
    "tolerance",
    "any_module",
    "loader",
    "shards",
    "scale",
    "plane",
    "candidates",
    "profile_events",
    "seeds",
    "trajectory",
    "theory",
    "gpu",
)
MISSED = ("target", "measured", "bound", "of_limit", "reason")
HEAD = """# Performance

<!-- Written by `python -m benchmarks.report` from benchmarks/results/*.json; change those, not this page. -->

What this project computes fast, and against what. Each table is one run of one command on the machine named under it;
its ratios hold within that run, seconds do not carry over to another machine. `make bench` measures the short set anew
and writes this page; how is said in [../benchmarks/README.md](../benchmarks/README.md).

## what is measured

"""
LIMITS = """**Limits.** The limit of a row is the least work that an exact method must do, in seconds: its products, one
multiplication and one addition each, at the rate of a large matrix product on one thread in the same run. A layer whose
values are affine in theta costs its products at the two ends of a line, or at the three corners of a plane; everything
else costs them at every point. Affine is the first layer; in a multilayer perceptron whose first activation is
piecewise linear the second counts as affine too, because between switches of a unit it is a polynomial; the switches'
own work is not in the limit, nor is element-wise work. Convolutions, recurrent layers and attention are counted with
all their products. *Of the limit* is the limit divided by the seconds of the row: 1 is as fast as can be.

Otherwise: to a tolerance, the products of the passes that were spent, since how many are needed depends on the curve;
over a loader, one sweep of it, timed, is added; for training, three times the products of a forward pass (twice for the
first layer); for a trajectory, the reading of its file. What replaces the work (theory), compares kernels (candidates)
or splits one measurement (shards) has no such limit; the profile of the events has its own, part by part.
"""


def load(folder: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """name -> what ``benchmarks/results/NAME.json`` holds, the known ones first."""
    found = {file.stem: json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))}
    found = {name: content for name, content in found.items() if {"title", "columns", "rows"} <= set(content)}
    known = [name for name in ORDER if name in found]
    return {name: found[name] for name in [*known, *(name for name in found if name not in ORDER)]}


def page(results: dict[str, dict[str, Any]]) -> str:
    """The Markdown of all results."""
    blocks = [HEAD + _contents(results), LIMITS, *_summary(results)]
    for name, content in results.items():
        blocks += _section(name, content)
    if "gpu" not in results:
        blocks += ["## on a GPU\n", "Not measured: no run of `python -m benchmarks.gpu` on a GPU is on record.\n"]
    return "\n".join(blocks)


def _contents(results: dict[str, dict[str, Any]]) -> str:
    """A line per benchmark, with its section."""
    lines = (f"- [{content['title']}](#{_anchor(content['title'])}): `{name}`" for name, content in results.items())
    return "\n".join(lines) + "\n"


def _anchor(title: str) -> str:
    """What a heading is called in a link."""
    kept = "".join(letter for letter in title.lower() if letter.isalnum() or letter in " -_")
    return kept.replace(" ", "-")


def _summary(results: dict[str, dict[str, Any]]) -> Iterator[str]:
    goals = [(name, goal) for name, content in results.items() for goal in content.get("targets", [])]
    missed = [(name, goal) for name, goal in goals if not goal["reached"]]
    yield f"## targets: {len(goals) - len(missed)} of {len(goals)} reached\n"
    if not missed:
        return
    yield "Missed, and what the run says of the reason:\n"
    yield _table(
        ["benchmark", "target", "measured", "wanted", "of the limit", "reason"],
        [[name, *(goal.get(key) or "-" for key in MISSED)] for name, goal in missed],
    )


def _section(name: str, content: dict[str, Any]) -> Iterator[str]:
    yield f"## {content['title']}\n"
    yield f"`{content.get('command', f'python -m benchmarks.{name}')}`: {_told(content)}\n"
    yield _table(content["columns"], content["rows"])
    if content.get("targets"):
        rows = [
            [goal["target"], goal["bound"], goal["measured"], "yes" if goal["reached"] else "**no**"]
            for goal in content["targets"]
        ]
        yield _table(["target", "wanted", "measured", "reached"], rows)
    if content.get("profile"):
        rows = [[f"{share:.0%}", calls, where] for share, calls, where in content["profile"]]
        yield "Profile:\n"
        yield _table(["share of the time", "calls", "where"], rows)
    for note in content.get("notes", []):
        yield f"- {note}"
    if content.get("notes"):
        yield ""


def _told(content: dict[str, Any]) -> str:
    """Machine, threads, versions, date, duration, as far as they are there."""
    machine, versions = content.get("machine", {}), content.get("versions", {})
    parts = [str(machine.get("processor", "machine unknown"))]
    if "cores" in machine:
        parts.append(f"{machine['cores']} cores")
    threads = machine.get("threads")
    if threads is not None:
        parts.append(f"{threads} thread{'' if str(threads) == '1' else 's'}")
    if "load" in machine:
        parts.append(f"load {machine['load']} at the end")
    parts += [f"{name} {version}" for name, version in versions.items()]
    if "date" in content:
        parts.append(str(content["date"]))
    if "seconds" in content:
        parts.append(f"{content['seconds']:g} s, of the processor {content.get('cpu_seconds', content['seconds']):g} s")
    return ", ".join(parts)


def _table(columns: Iterable[Any], rows: Iterable[Iterable[Any]]) -> str:
    head = list(columns)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(value) for value in line) + " |" for line in lines) + "\n"


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    text = str(value).replace("|", "\\|").replace("<", "&lt;")
    return _EMPHASIS.sub(r"\\_", text)


def main() -> None:
    """Write the page, and say what it is of."""
    results = load()
    if not results:
        print("benchmarks.report: benchmarks/results/ holds no result; run make bench", file=sys.stderr)
        raise SystemExit(2)
    PAGE.write_text(page(results))
    spent = sum(float(content.get("seconds", 0)) for content in results.values())
    print(f"docs/performance.md: {', '.join(results)}; {spent:.0f} s of benchmarks in all")


if __name__ == "__main__":
    main()
