"""Every published page says what its arrays give today."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from landscape.figure.module import figure_of
from landscape.figure.publish import page as page_of
from landscape.figure.redraw import job_folders
from landscape.result.saved import Result

RESULTS = Path(__file__).parents[2] / "docs" / "results"
PAGES = sorted(
    page for page in RESULTS.glob("*/*/README.md") if any(page.parent.glob("*/result.json"))
)  # the others are pages over pages


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.relative_to(RESULTS).as_posix())
def test_a_page_is_what_its_arrays_give(page: Path) -> None:
    """Command, counts, jobs and every cell of the table of verdicts, line by line."""
    results = [Result.load(folder) for folder in job_folders(page.parent)[0]]
    today = page_of(results, figure_of(results).judge(results))
    assert page.read_text(encoding="utf-8").splitlines() == today.splitlines()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.relative_to(RESULTS).as_posix())
def test_a_page_names_no_folder_of_the_machine_that_made_it(page: Path) -> None:
    """The folder of outputs is no part of a result."""
    texts = [page, *page.parent.glob("*/result.json")]
    assert not [file for file in texts if "outputs=" in file.read_text(encoding="utf-8")]


def test_pages_are_found() -> None:
    """A page that moved would be a page that nobody compares."""
    assert len(PAGES) >= 20


@pytest.mark.parametrize("index", [RESULTS / "README.md", RESULTS.parent / "figures.md"], ids=["results", "figures"])
def test_tables_of_pages_name_each_at_its_own_scale(index: Path) -> None:
    """``[reduced](fig06_conv_maxout/reduced/README.md)``: the words of a link say no other scale than its page."""
    links = re.findall(r"\[([^\]]*)\]\((?:results/)?(\w+)/(full|cpu|reduced)/README\.md\)", index.read_text("utf-8"))
    assert links and all((RESULTS / name / scale / "README.md").is_file() for _, name, scale in links)
    assert not [
        (words, name) for words, name, scale in links if {"full", "cpu", "reduced"} - {scale} & set(words.split())
    ]
    if index.parent == RESULTS:
        assert {(name, scale) for _, name, scale in links} >= {(p.parts[-3], p.parts[-2]) for p in PAGES}
