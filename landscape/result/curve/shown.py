"""What every result of a measurement can do: print itself, show itself in a notebook, go to pandas, be saved."""

from __future__ import annotations

import html
import math
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from landscape.errors import InputError
from landscape.ground.files.text import plain
from landscape.result.curve import file as files

MOST_ROWS = 15
MOST_LINES = 4
"""Lines that a table shows one by one."""


@dataclass(frozen=True)
class Table:
    """Cells of text.

    Args:
        title: one line.
        headings: one per column.
        rows: of as many cells.
        numbers: what is read off the whole, as (name, what it is).
    """

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Sequence[tuple[str, str]] = field(default=())

    def text(self) -> str:
        """Columns flush right below their headings, then the numbers."""
        cells = [[plain(cell) for cell in row] for row in (self.headings, *self.rows)]
        widths = [max(len(row[k]) for row in cells) for k in range(len(self.headings))]
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
        wide = max((len(name) for name, _ in self.numbers), default=0)
        numbers = [f"{plain(name).ljust(wide)}  {plain(said)}".rstrip() for name, said in self.numbers]
        return "\n".join([plain(self.title), *lines, *([""] if numbers else []), *numbers])

    def html(self) -> str:
        """The same as two tables, all text escaped."""

        def row(cells: Sequence[str], tag: str, align: str) -> str:
            inner = "".join(f'<{tag} style="text-align: {align}">{_escaped(cell)}</{tag}>' for cell in cells)
            return f"<tr>{inner}</tr>"

        head, body = row(self.headings, "th", "right"), "".join(row(cells, "td", "right") for cells in self.rows)
        numbers = "".join(row(pair, "td", "left") for pair in self.numbers)
        return (
            f"<p>{_escaped(self.title)}</p><table><thead>{head}</thead><tbody>{body}</tbody></table>"
            f"<table><tbody>{numbers}</tbody></table>"
        )


class Shown:
    """A result that prints as a table, draws itself, and goes to other programs."""

    @abstractmethod
    def table(self) -> Table:
        """What is printed."""

    @abstractmethod
    def summary(self) -> dict[str, list[float]]:
        """The numbers that are read off it, one per line; NaN where one is not known."""

    @abstractmethod
    def plot(self, ax: Any = None) -> Any:
        """Draw it; the matplotlib ``Axes``."""

    @abstractmethod
    def _frame(self) -> dict[str, Any]:
        """Columns by name, each of one length: the data frame."""

    def check(self) -> None:
        """Raise ValueError where arrays do not fit together, as in a file that others have made."""

    def __str__(self) -> str:
        return self.table().text()

    def _repr_html_(self) -> str:
        return self.table().html()

    def to_pandas(self) -> Any:
        """A pandas ``DataFrame`` in long form: a row per point and line.

        Raises:
            InputError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise InputError("to_pandas() needs pandas, which is not installed: pip install pandas") from error
        return pandas.DataFrame(self._frame())

    def save(self, file: str | Path) -> None:
        """Write all of it into one ``.npz``, whole or not at all: numbers and text, no pickle.

        Raises:
            InputError: the folder does not exist.
        """
        files.write(self, file)

    @classmethod
    def load(cls, file: str | Path) -> Self:
        """Read what ``save`` wrote, bit for bit; nothing in the file is run.

        Raises:
            InputError: there is no such file, or it holds something else.
        """
        return files.read(cls, file, cls.check)


def axes_for(ax: Any, **of: Any) -> Any:
    """The axes themselves, or new ones of a figure of their own.

    Args:
        of: new ones, such as ``projection``.
    """
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt  # late: a result is read without it

    return plt.subplots(figsize=(5.5, 4.0), layout="constrained", subplot_kw=of)[1]


def some_rows(num: int, most: int = MOST_ROWS) -> NDArray[np.int64]:
    """At most so many indices of ``num``, evenly, both ends among them."""
    return np.unique(np.linspace(0, num - 1, min(num, most)).round().astype(np.int64))


def apart(metrics: Mapping[str, NDArray[Any]], taken: Collection[str]) -> dict[str, NDArray[Any]]:
    """Metrics under names that are not taken: a cost may call its channels what it likes."""
    return {f"{name} (metric)" if name in taken else name: values for name, values in metrics.items()}


def metric_of(metrics: Mapping[str, NDArray[Any]], name: str) -> NDArray[Any]:
    """One of them by its name.

    Raises:
        InputError: there is none of this name.
    """
    if name not in metrics:
        raise InputError(f"metric={name!r} was not measured; there are {', '.join(metrics) or 'none'}")
    return metrics[name]


def number(value: float) -> str:
    """Six digits at most."""
    return f"{value:.6g}"


def finite(name: str, value: Any, least: float | None = None) -> float:
    """An argument that must be a finite number, or from ``least`` on.

    Raises:
        InputError: it is none.
    """
    is_number = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or (least is not None and value < least):
        raise InputError(f"{name}={value!r} must be a finite number{'' if least is None else f', {least:g} or more'}")
    return float(value)


def each(values: Sequence[str]) -> str:
    """What is said of every line, as one text; of many lines the first few."""
    shown = list(values[:MOST_LINES])
    return " | ".join(shown) + (f" | ... ({len(values)} lines)" if len(values) > len(shown) else "")


def count(num: int, noun: str) -> str:
    """``1,797 examples``."""
    return f"{num:,} {noun}{'' if num == 1 else 's'}"


def _escaped(text: str) -> str:
    return html.escape(plain(text))
