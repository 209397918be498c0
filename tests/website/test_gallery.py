"""The gallery shows every figure, and says what the published pages say."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from website import gallery

RESULTS = gallery.RESULTS
PUBLISHED = sorted(page.parent for page in RESULTS.glob("*/*/README.md") if any(page.parent.glob("*/result.json")))


@cache
def exhibits() -> dict[str, gallery.Exhibit]:
    """All, by name."""
    return {exhibit.name: exhibit for exhibit in gallery.exhibits()}


def test_every_figure_hangs_there_in_its_order() -> None:
    """The thirteen, each with a run; and no published run is left out."""
    figures = [name for name in exhibits() if name.startswith("fig")]
    assert [int(name[3:5]) for name in figures] == list(range(1, 14))
    assert all(exhibits()[name].runs for name in figures)
    shown = [(e.name, [run.scale for run in e.runs]) for e in exhibits().values()]
    assert {RESULTS / name / scale for name, scales in shown for scale in scales} == set(PUBLISHED)
    assert all(scales == sorted(scales, key=gallery.SCALES.index) for _, scales in shown)


def test_titles_are_one_sentence_each() -> None:
    """``Figure 5: ...``, by the number of its name."""
    for exhibit in exhibits().values():
        number = exhibit.short.partition(",")[0]
        assert number == "Quick start" or exhibit.title.startswith((number, "Lucas et al. 2021: ")), exhibit.title


@pytest.mark.slow
def test_the_index_counts_as_the_published_pages_do() -> None:
    """``14 hold, 4 do not hold``: read from the arrays here, and from the page there."""
    index = gallery.index(list(exhibits().values()))
    for exhibit in exhibits().values():
        for run in exhibit.runs:
            told = re.search(r"^- verdicts: (.*)", (run.folder / "README.md").read_text("utf-8"), re.MULTILINE)
            assert told
            numbers = {
                word: int(num) for num, word in re.findall(r"(\d+) (hold|do not hold|not judged|identit)", told[1])
            }
            same = numbers.pop("identit", 0)
            numbers["identity" if same == 1 else "identities"] = same
            words = [f"{num} {word}" for word, num in numbers.items() if num]
            assert f"*{run.scale}*: {', '.join(words)}\n" in index, exhibit.name


@pytest.mark.slow
@pytest.mark.parametrize("folder", PUBLISHED, ids=lambda folder: folder.relative_to(RESULTS).as_posix())
def test_a_page_has_the_command_and_each_verdict_of_the_published_one(folder: Path) -> None:
    """Line by line, and as many per claim as the published table has rows."""
    exhibit = exhibits()[folder.parent.name]
    run = next(run for run in exhibit.runs if run.scale == folder.name)
    shown = [line.strip() for line in gallery.section(run)]
    published = (folder / "README.md").read_text("utf-8").splitlines()
    head = next(k for k, line in enumerate(published) if line.startswith("| check | "))
    rows = [line for line in published[head:] if line.startswith("| ")]
    command = published[published.index("```") + 1 : published.index("```", published.index("```") + 1)]
    assert len(rows) > 1 and set(rows) | set(command) <= set(shown)
    counted = [re.fullmatch(r"\| [\w-]+ \| .*?((?: \| \d*)+) \|", line) for line in shown if line not in rows]
    numbers = [int(num) for found in counted if found for num in re.findall(r"\d+", found[1])]
    assert sum(numbers) == len(rows) - 1


@pytest.mark.slow
def test_the_page_of_the_thirteen_says_what_their_largest_runs_say() -> None:
    """Scale, link and counts of each row, as the arrays give them."""
    rows = [line for line in (RESULTS / "paper" / "README.md").read_text("utf-8").splitlines() if "](../fig" in line]
    figures = [(int(name[3:5]), e.runs[0]) for name, e in exhibits().items() if name.startswith("fig")]
    places = [f"[{run.scale}](../{run.folder.parent.name}/{run.scale}/README.md)" for _, run in figures]
    assert rows == [f"| {num} | {place} | {run.told()} |" for (num, run), place in zip(figures, places, strict=True)]
