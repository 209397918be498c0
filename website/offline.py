"""Holds the built site to its promise: a page that is opened loads nothing from outside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

_ADDRESS = re.compile(r"\s*(?:https?:)?//", re.IGNORECASE)
_IN_CSS = re.compile(r"(?:url\(|@import\s*)\s*[\"']?\s*((?:https?:)?//[^\"')\s]+)", re.IGNORECASE)
LINKED = ("canonical", "alternate", "license", "author")
"""What a ``<link>`` may name without loading it."""


class _Loads(HTMLParser):
    """Collects addresses that a browser fetches by itself; links that a reader follows are none."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One tag."""
        given = {name: value or "" for name, value in attrs}
        named = [given.get(name, "") for name in ("src", "poster", "data")]
        named += [part for part in given.get("srcset", "").split(",")]
        if tag == "link" and given.get("rel") not in LINKED:
            named.append(given.get("href", ""))
        self.found += [value for value in named if _ADDRESS.match(value)] + _IN_CSS.findall(given.get("style", ""))


def loads(html: str) -> list[str]:
    """What a page fetches from elsewhere."""
    reader = _Loads()
    reader.feed(html)
    return reader.found


def outside_loads(site: Path) -> Iterator[tuple[str, str]]:
    """(file, address) of all that pages and styles of a site fetch from elsewhere."""
    for file in sorted(site.rglob("*")):
        if file.suffix in (".html", ".css"):
            text = file.read_text(encoding="utf-8")
            for address in loads(text) if file.suffix == ".html" else _IN_CSS.findall(text):
                yield file.relative_to(site).as_posix(), address


def megabytes(site: Path) -> float:
    """Of all files."""
    return sum(file.stat().st_size for file in site.rglob("*") if file.is_file()) / 1e6
