"""The look all figures share, and how one is saved."""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figure import between, subject
from landscape.ground.files.temporary import replacing
from landscape.result.saved import Result
from landscape.result.verdict import IDENTITIES, Verdict, counts

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
SPLIT_WORD = {"train": "training", "valid": "validation"}

_DATA_WORD = {
    "mnist": "MNIST",
    "digits": "digits",
    "cifar10": "CIFAR-10",
    "teacher": "a linear teacher",
    "penn_treebank": "Penn Treebank",
    "penn_treebank_short": "Penn Treebank",
    "penn_treebank_trial": "the small Penn Treebank texts",
}

FOOTER: Any = {"x": 0.01, "ha": "left", "fontsize": 6.5, "color": "#555555"}
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


def wrapped(title: str, width: int = 44) -> str:
    """A panel's title on as many lines as it needs to stay above its own panel."""
    return textwrap.fill(title, width, break_on_hyphens=False)


def on_data(results: Sequence[Result]) -> str:
    """`` on MNIST`` when all jobs say the same data set, else nothing."""
    sets = {result.choices.get("data", "") for result in results}
    data = sets.pop() if len(sets) == 1 else ""
    copies = {result.versions.get("data", "") for result in results}
    if any("own files" in copy for copy in copies):
        return " on texts of one's own"
    remark = " (unverified copy)" if any("unverified" in copy for copy in copies) else ""
    return f" on {_DATA_WORD.get(data, data)}{remark}" if data else ""


def scale_label(results: Sequence[Result]) -> str:
    """``full scale``, ``reduced scale``, ``smoke scale``, or several of them."""
    return " and ".join(dict.fromkeys(result.scale for result in results)) + " scale"


def told(results: Sequence[Result]) -> str:
    """``set: training.max_epochs=3; optimizer.lr=0.1 | 0.2``: the overrides, the values of one key together."""
    values: dict[str, dict[str, None]] = {}
    for item in (item for result in results for item in subject.plain_overrides(result)):
        key, _, value = item.partition("=")
        values.setdefault(key, {})[value] = None
    return "set: " + "; ".join(f"{key}={_listed(list(found))}" for key, found in values.items()) if values else ""


def _listed(values: Sequence[str], most: int = 12) -> str:
    """All values, or the first and the last of many and their count."""
    if len(values) <= most:
        return " | ".join(values)
    return f"{' | '.join(values[: most // 2])} | … | {values[-1]} ({len(values)} values)"


def legend_outside(figure: Figure, title: str | None = None) -> None:
    """One legend for all panels, to their right; an entry that several panels share is written once."""
    entries: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    if entries:
        look = {"title": title, "alignment": "left", "borderaxespad": 0.2}
        figure.legend(list(entries.values()), list(entries), loc="outside right center", **look)


def judged(verdicts: Sequence[Verdict]) -> str:
    """One line: how many claims hold, and which do not."""
    failing = list(dict.fromkeys(v.check for v in verdicts if v.holds is False))
    found = counts(verdicts)
    words = [
        f"{found['hold']} hold",
        f"{found['do not hold']} do not" + (f" ({', '.join(failing)})" if failing else ""),
    ]
    if found["not judged"]:
        words.append(f"{found['not judged']} not judged")
    if found[IDENTITIES]:
        words.append(f"and {found[IDENTITIES]} {IDENTITIES} hold")
    return f"verdicts: {', '.join(words)}" if verdicts else ""


def finish(
    figure: Figure, results: Sequence[Result], title: str, notes: Sequence[str] = (), verdicts: Sequence[Verdict] = ()
) -> Figure:
    """Add the title with the scale, and a small footer: verdicts, caps that bit, overrides, what was left out.

    Args:
        notes: further sentences for the footer; empty ones are dropped. verdicts: on these results.
    """
    inches = figure.get_figwidth()
    heading = textwrap.fill(f"{title} ({scale_label(results)})", int(11 * inches))  # letters that fit on one line
    figure.suptitle(heading, x=0.01, ha="left", fontsize=10.5, fontweight="bold")
    caps = subject.caps(results)
    caps_line = f"{scale_label(results)}: {'; '.join(caps)}" if caps else ""
    copies = "; ".join(dict.fromkeys(f"data: {r.versions['data']}" for r in results if "data" in r.versions))
    lines = [judged(verdicts), caps_line, copies, told(results), *dict.fromkeys(notes), *between.notes(results)]
    lines = [line for line in lines if line]
    width = int(18.5 * inches)
    text = "\n".join(textwrap.fill(line, width, break_on_hyphens=False) for line in lines)
    if text:
        figure.supxlabel(text, **FOOTER)
    return figure


def say_lost(figure: Figure, num_drawn: int, num_lost: int) -> Figure:
    """Put ``4 of 8 jobs: the others failed or are missing`` above the footer of a sweep that is not whole."""
    if num_lost:
        line = f"{num_drawn} of {num_drawn + num_lost} jobs: the others failed or are missing"
        figure.supxlabel("\n".join(filter(None, [line, figure.get_supxlabel()])), **FOOTER)
    return figure


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
