"""Drawings as data URIs, so that the page needs no other file."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

from matplotlib.figure import Figure

from landscape.figure.style import RC, write

MAX_SVG = 400_000
"""Bytes of the largest drawing kept as lines; beyond it, pixels are smaller and open faster on a phone."""


@dataclass(frozen=True)
class Picture:
    """An image inside the page: its data URI, and width and height in CSS pixels."""

    uri: str
    width: int
    height: int


def picture(figure: Figure, dpi: int = 150, lines: bool = True) -> Picture:
    """The drawing as SVG, or as PNG of ``dpi`` where that is too large or ``lines`` is False.

    The same drawing gives the same bytes: no date, fixed ids.
    """
    kind, content = "svg+xml", _saved(figure, "svg") if lines else b""
    if not lines or len(content) > MAX_SVG:
        kind, content = "png", _saved(figure, "png", dpi)
    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    return Picture(f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}", width, height)


def _saved(figure: Figure, kind: str, dpi: int = 150) -> bytes:
    buffer = io.BytesIO()
    rc = {**RC, "svg.hashsalt": "landscape", "svg.fonttype": "path"}
    write(figure, buffer, kind, dpi, rc, {"Date": None} if kind == "svg" else {})
    return buffer.getvalue()
