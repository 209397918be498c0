"""The look all figures share, and how one is saved."""

from __future__ import annotations

import io
import math
import textwrap
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.ground.files.temporary import replacing
from landscape.result.curve import relief
from landscape.result.saved import Result

RC: Any = {
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 7.5,
    "legend.title_fontsize": 7.5,
    "legend.edgecolor": "none",
    "legend.framealpha": 0.85,  # so that the rules at 0 and 1 do not strike through the words
    "legend.handlelength": 2.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.formatter.useoffset": False,
    "lines.linewidth": 1.6,
    "lines.dash_capstyle": "butt",
    "savefig.facecolor": "white",
    "pdf.fonttype": 42,  # letters stay text in the PDF
}

# Okabe and Ito (2008): told apart by colour-blind readers; the line styles keep them apart in grey.
BLUE, ORANGE, GREEN, PURPLE, BLACK = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000"
SKY, AMBER, GREY, FAINT, RULE = "#56B4E9", "#E69F00", "#767676", "#A0A0A0", "#C8C8C8"
CYCLE = [BLUE, ORANGE, GREEN, PURPLE, BLACK, AMBER, SKY]
SPLIT_COLOR = {"train": BLUE, "valid": ORANGE}
SPLIT_STYLE: dict[str, Any] = {"train": "-", "valid": (0, (5, 1.6))}
TWIN_STYLE: dict[str, Any] = {"train": (0, (1, 1.2)), "valid": (0, (4, 1.2, 1, 1.2, 1, 1.2))}
HOLLOW: Any = {"linestyle": "none", "marker": "o", "markerfacecolor": "none"}
LONG_DASHES: Any = {"color": FAINT, "linewidth": 1.0, "linestyle": (0, (6, 3))}
MINUS = "\N{MINUS SIGN}"
MOST_SIGNED = 8
"""Ticks of a symmetric logarithmic axis."""
SPLIT_WORD = {"train": "training", "valid": "validation"}

Draw = Callable[[Sequence[Result]], Figure]


def themed(draw: Draw) -> Draw:
    """``draw`` with the shared settings in force, and only while it runs."""
    return matplotlib.rc_context(RC)(draw)


def new(rows: int, columns: int, width: float = 0.0, height: float = 0.0) -> tuple[Figure, list[list[Axes]]]:
    """A figure and its axes [rows][columns]; no global state of pyplot is touched.

    Args:
        width, height: inches; 0 means 3.9 per column and 2.9 per row, and room for title and footer.
    """
    figure = Figure(figsize=(width or 3.9 * columns + 0.2, height or 2.9 * rows + 0.7))
    figure.set_layout_engine("constrained", h_pad=0.06, w_pad=0.06, hspace=0.04, wspace=0.04)
    grid = figure.subplots(rows, columns, squeeze=False)
    return figure, [list(row) for row in np.asarray(grid)]


def panels(num: int, columns: int, width: float = 0.0, height: float = 0.0) -> tuple[Figure, list[Axes]]:
    """A figure of ``num`` panels, at least one, in reading order; width and height as in ``new``."""
    figure, grid = new(math.ceil(num / columns) or 1, columns, width, height)
    flat = [axes for row in grid for axes in row]
    for axes in flat[max(num, 1) :]:
        axes.remove()
    return figure, flat[: max(num, 1)]


def alone(width: float = 4.8, height: float = 0.0) -> tuple[Figure, Axes]:
    """A figure of one panel."""
    figure, (axes,) = panels(1, 1, width, height)
    return figure, axes


def wrapped(title: str, width: int = 44) -> str:
    """A panel's title on as many lines as it needs to stay above its own panel."""
    return textwrap.fill(title, width, break_on_hyphens=False)


def round_ticks(axis: Any) -> None:
    """Ticks of a logarithmic axis at a few round numbers within its limits, whatever their number of decades."""
    low, high = sorted(axis.get_view_interval())
    places = relief.ticks(low, high, is_log=True)
    axis.set_ticks(places, labels=[relief.told(place) for place in places])
    axis.set_ticks([], minor=True)


def signed_ticks(axis: Any, apart: float = 0.09) -> None:
    """Ticks of a symmetric logarithmic axis at zero and at powers of ten.

    Args:
        apart: of the axis, what two of them keep between them at least.
    """
    low, high = sorted(axis.get_view_interval())
    scaled = axis.get_transform().transform
    start, end = scaled(np.array([low, high]))
    most = math.floor(math.log10(max(abs(low), abs(high))))
    sizes = [m * 10.0**k for m in (1, 5, 2) for k in range(most, most - 12, -1)]  # powers of ten before any other
    kept: list[float] = []
    for place in [0.0, *(sign * size for size in sizes for sign in (1, -1))]:
        is_free = all(abs(scaled(place) - scaled(other)) >= apart * (end - start) for other in kept)
        if low <= place <= high and is_free and len(kept) < MOST_SIGNED:
            kept.append(place)
    words = {place: f"{MINUS * (place < 0)}{relief.told(abs(place))}" for place in sorted(kept)}
    axis.set_ticks(list(words), labels=list(words.values()))
    axis.set_ticks([], minor=True)


def entries_of(panels: Sequence[Axes]) -> dict[str, Any]:
    """What a legend of all panels holds: handles by their labels, each once."""
    entries: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    return entries


def share_y(panels: Sequence[Axes], most: float = 4.0) -> None:
    """The same y range on linear panels that are to be compared; each its own where one would flatten another.

    Args:
        most: how many times as high as one the range of all may be.
    """
    spans = [axes.get_ylim() for axes in panels]
    low, high = min((span[0] for span in spans), default=0.0), max((span[1] for span in spans), default=0.0)
    if all(high - low <= most * (span[1] - span[0]) for span in spans):
        for axes in panels:
            axes.set_ylim(low, high)


def legend_outside(figure: Figure, title: str | None = None) -> None:
    """One legend for all panels, to their right; an entry that several panels share is written once."""
    entries = entries_of(figure.axes)
    if entries:
        look = {"title": title, "alignment": "left", "borderaxespad": 0.2}
        figure.legend(list(entries.values()), list(entries), loc="outside right center", **look)


def write(figure: Figure, target: Any, kind: str, dpi: int = 150, rc: Any = RC, metadata: Any = None) -> None:
    """Write a drawing into a file or a stream, quietly where a text holds control characters.

    matplotlib warns of each letter that its font lacks and prints it: a terminal would obey.
    """
    with matplotlib.rc_context(rc), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph (\d|[12]\d|3[01]|127) ")
        figure.savefig(target, format=kind, dpi=dpi, metadata=metadata)


def save(figure: Figure, folder: Path, name: str = "figure") -> Path:
    """Write ``name.png`` (150 dpi) and ``name.pdf`` into ``folder``, each whole or not at all.

    Returns:
        The path of the PNG.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for suffix in ("pdf", "png"):
        # Without its date the same figure gives the same bytes.
        metadata = {"CreationDate": None} if suffix == "pdf" else None
        content = io.BytesIO()  # a writer of PDFs whose disk is full fails for a reason of its own
        write(figure, content, suffix, metadata=metadata)
        with replacing(folder / f"{name}.{suffix}") as temporary:
            temporary.write_bytes(content.getvalue())
    return folder / f"{name}.png"
