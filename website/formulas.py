"""Formulas as MathML, which browsers set by themselves: no script, no font, nothing to fetch."""

from __future__ import annotations

import re

from latex2mathml.converter import convert

_DISPLAYED = re.compile(r"^\$\$(.+?)\$\$$", re.MULTILINE | re.DOTALL)
_ROOM = '<div class="formula" data-search-exclude>{}</div>'
"""What is wider than the page scrolls, and nobody searches for it."""


def as_mathml(markdown: str) -> str:
    """The page with every ``$$...$$`` that stands alone turned to MathML."""
    return _DISPLAYED.sub(lambda found: _ROOM.format(convert(found[1].strip(), display="block")), markdown)
