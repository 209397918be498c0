"""What README and the pages below docs/ hold: blocks of code, commands, files, links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
GENERATED = ("docs/theory.md", "docs/performance.md")
"""Written by programs, which have tests of their own."""
PAGES = ["README.md", *sorted(f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md"))]
WRITTEN = [page for page in PAGES if page not in GENERATED]
NAMED = re.compile(r"(?:# @package _global_\n)?# ([\w./]+\.(?:py|yaml))(?=[\s,;])")


@dataclass(frozen=True)
class Block:
    """What stands between two fences."""

    page: str
    line: int
    language: str
    text: str

    @property
    def file(self) -> str:
        """Where a reader puts it, as a comment at its head says; empty where it is no file."""
        found = NAMED.match(self.text) if self.language in ("python", "yaml") else None
        return found[1] if found else ""

    @property
    def commands(self) -> list[str]:
        """Of a block of commands: each whole, without what is said about it; of a transcript those behind a ``$``."""
        if self.language == "text":
            return [line.strip()[2:] for line in self.text.splitlines() if line.strip().startswith("$ ")]
        if self.language != "sh":
            return []
        lines = self.text.replace("\\\n", " ").splitlines()
        return [line for line in lines if shlex.split(line, comments=True)]


def text_of(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def blocks(page: str) -> Iterator[Block]:
    """Every fenced block, in order; ``line`` is where its text begins."""
    text = text_of(page)
    for found in re.finditer(r"^( *)```(\w*)\n(.*?)^ *```$", text, re.M | re.S):
        body = re.sub(rf"^{found[1]}", "", found[3], flags=re.M)
        yield Block(page, text.count("\n", 0, found.start(3)) + 1, found[2], body)


def files_of_all_pages() -> dict[str, str]:
    """What the pages tell their readers to write, by its name: a page may use what another has told."""
    return {block.file: block.text for page in WRITTEN for block in blocks(page) if block.file}


def links(page: str) -> list[str]:
    """Where its links lead, pictures too; what stands in code is none."""
    text = re.sub(r"^ *```.*?^ *```$|`[^`\n]*`", "", text_of(page), flags=re.M | re.S)
    return re.findall(r"\]\(([^)\s]+)\)", text)


def anchors(page: Path) -> set[str]:
    """The names of its headings, as code hosts and the site make them, and those that it sets."""
    text = page.read_text("utf-8")
    found = set(re.findall(r'<a id="([^"]+)">', text))
    for heading in re.findall(r"^#+ (.+)$", re.sub(r"^ *```.*?^ *```$", "", text, flags=re.M | re.S), re.M):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        found.add(re.sub(r"[^\w\- ]", "", words).replace(" ", "-"))
    return found
