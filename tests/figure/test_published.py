"""Every published page says what its arrays give today."""

from __future__ import annotations

from pathlib import Path

import pytest

from landscape.figure.module import figure_of
from landscape.figure.publish import verdict_rows
from landscape.figure.redraw import job_folders
from landscape.result.saved import Result

RESULTS = Path(__file__).parents[2] / "docs" / "results"
PAGES = sorted(
    page for page in RESULTS.glob("*/*/README.md") if any(page.parent.glob("*/result.json"))
)  # the others are pages over pages


def table_of(text: str) -> list[str]:
    """The rows of the verdict table of a page."""
    rows = text.splitlines()
    first = next(k for k, row in enumerate(rows) if row.startswith("| check |"))
    return [row for row in rows[first:] if row.startswith("|")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.relative_to(RESULTS).as_posix())
def test_a_page_is_what_its_arrays_give(page: Path) -> None:
    """Check, subject, measured, holds and every other cell, row by row."""
    results = [Result.load(folder) for folder in job_folders(page.parent)[0]]
    assert table_of(page.read_text(encoding="utf-8")) == verdict_rows(figure_of(results).judge(results))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.relative_to(RESULTS).as_posix())
def test_a_page_names_no_folder_of_the_machine_that_made_it(page: Path) -> None:
    """The folder of outputs is no part of a result."""
    texts = [page, *page.parent.glob("*/result.json")]
    assert not [file for file in texts if "outputs=" in file.read_text(encoding="utf-8")]


def test_pages_are_found() -> None:
    """A page that moved would be a page that nobody compares."""
    assert len(PAGES) >= 20
