"""What a file says, fit for a terminal."""

from __future__ import annotations

import unicodedata


def plain(text: object) -> str:
    """One line in which nothing acts: control, bidirectional and invisible characters are shown by their codes.

    A terminal obeys what it is told to print: an error, a name or a path that came in a file could rename the window,
    recolour or reorder lines, or add some.
    """
    return "".join(letter if letter.isprintable() else _shown(letter) for letter in str(text))


def _shown(letter: str) -> str:
    if letter in "\n\r\t":
        return " "
    return letter if unicodedata.category(letter) == "Zs" else letter.encode("unicode_escape").decode("ascii")
