"""An extension of griffe that reads docstrings as they are written here.

Examples are code, though no section is announced for them, and arguments that one line describes are each described.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

_EXAMPLE = re.compile(r"^([ \t]*)>>> .*(?:\n(?![ \t]*$).*)*", re.MULTILINE)
_ARGUMENTS = re.compile(r"^([ \t]*)(?:Args|Attributes):\n(?:\1[ \t]+\S.*\n?|[ \t]*\n)+", re.MULTILINE)
_SEVERAL = re.compile(r"^([ \t]+)(\w+(?:, \w+)+): (.*(?:\n\1[ \t]+\S.*)*)", re.MULTILINE)


class AsWritten(griffe.Extension):
    """Puts doctests between fences, as Markdown would take ``>>>`` for a quotation, and ``a, b: ...`` on two lines."""

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Called by griffe for all that it reads."""
        if obj.docstring:
            obj.docstring.value = fenced(each(obj.docstring.value))


def fenced(text: str) -> str:
    """The text with every block that begins with ``>>>`` as a code block."""
    return _EXAMPLE.sub(lambda found: f"{found[1]}```pycon\n{found[0]}\n{found[1]}```", text)


def each(text: str) -> str:
    """The text with ``a, b: what both are`` of a section of arguments once for a and once for b."""

    def one(found: re.Match[str]) -> str:
        return "\n".join(f"{found[1]}{name}: {found[3]}" for name in found[2].split(", "))

    return _ARGUMENTS.sub(lambda section: _SEVERAL.sub(one, section[0]), text)
