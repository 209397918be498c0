"""What becomes of links, comments, docstrings and pages on their way to the site."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from website import links, offline
from website.remarks import Head, prose

ROOT = Path(__file__).parents[2]
LINKS = {
    "[a](noise.md#band)": "[a](noise.md#band)",
    "[a](../README.md)": "[a](README.md)",
    "[a](../outputs/README.md#x)": "[a](outputs.md#x)",
    "[a](../conf/)": "[a](reference/config/index.md)",
    "[a](../conf/model/maxout.yaml)": "[a](reference/config/model.md#maxout)",
    "[a](notebooks/line.ipynb)": "[a](notebooks/line.md)",
    "[![p](results/x.png)](../CONTRIBUTING.md)": "[![p](results/x.png)](outside/contributing.md)",
    "`[a](../README.md)`": "`[a](../README.md)`",
    "[a](https://example.org/README.md)": "[a](https://example.org/README.md)",
    "[a](../nowhere.md)": "[a](../nowhere.md)",
}


def test_the_navigation_names_every_page() -> None:
    """``make docs`` says so too, later."""
    named = re.findall(r"[\w/]+\.md$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert {name for name in named if "/" not in name} == {page.name for page in (ROOT / "docs").glob("*.md")}


@pytest.mark.parametrize("link", LINKS)
def test_links_that_leave_docs_stay_in_the_site(link: str) -> None:
    """As a code host follows them, so does the site; a dead one is left for MkDocs to refuse."""
    pytest.importorskip("griffe", reason="needs the extra [docs]")
    files = {"noise.md", "results/x.png", "notebooks/line.md"}
    placed = links.rewritten(link, "docs/a.md", "a.md", lambda path: links.place(path, lambda one: one in files))
    assert placed == LINKS[link]


def test_a_page_that_loads_from_elsewhere_is_found_out() -> None:
    """Links to follow are none; what the browser fetches by itself is."""
    assert (
        offline.loads('<a href="https://x.org"></a><img src="a.png"><link rel="canonical" href="https://x.org">') == []
    )
    assert offline.loads('<script src="//x.org/a.js"></script><link rel="stylesheet" href="http://x.org/b.css">') == [
        "//x.org/a.js",
        "http://x.org/b.css",
    ]
    assert offline.loads('<p style="background: url(https://x.org/c.png)">') == ["https://x.org/c.png"]


def test_the_comment_of_a_yaml_reads_as_text() -> None:
    """A title, a paragraph for the command, one for what to expect; keys and commands as code."""
    lines = ["# @package _global_", "# Figure 0: nets (Tao et al. 2024)."]
    lines += ["# python -m landscape +experiment=x; a minute"]
    lines += ["# Expect: w_1 falls, as model.widths=[3,4] has it", "a: 1", "# not this"]
    head = Head.of("\n".join(lines))
    assert head.title == "Figure 0: nets (Tao et al. 2024)"
    assert head.paragraphs() == [
        "`python -m landscape +experiment=x`; a minute",
        "",
        "Expect: `w_1` falls, as `model.widths=[3,4]` has it",
        "",
    ]
    assert prose("a * b in LANDSCAPE_DATA") == r"a \* b in LANDSCAPE\_DATA"


def test_docstrings_are_read_as_they_are_written() -> None:
    """Examples are code; arguments that share a line are each described."""
    docstrings = pytest.importorskip("website.docstrings", exc_type=ImportError, reason="needs the extra [docs]")
    text = "What.\n\nArgs:\n    a, b: ends\n        of it.\n    c: c.\n\n>>> 1 + 1\n2\n"
    each = "What.\n\nArgs:\n    a: ends\n        of it.\n    b: ends\n        of it.\n    c: c.\n\n"
    assert docstrings.fenced(docstrings.each(text)) == f"{each}```pycon\n>>> 1 + 1\n2\n```\n"
