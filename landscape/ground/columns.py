"""How an answer in the terminal is laid out, so that it fits whatever width: words with sentences, and tables.

Cells are text, not markup: "[0, 1]" would be read as a style; and nothing in them is obeyed by a terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from landscape.ground.files.text import plain

GAP = 2
"""Columns between two columns of a table."""


def text(said: str, style: str = "") -> Text:
    """As it is, and shown as it is."""
    return Text(plain(said), style)


def hanging(rows: Iterable[tuple[str, Text]]) -> Table:
    """Words with a sentence each, which goes on below itself."""
    table = Table.grid(padding=(0, GAP, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for word, said in rows:
        table.add_row(text(word), said)
    return table


@dataclass(frozen=True)
class Claimed:
    """A claim and its subjects: ``1d  The line is flat near the start; expected ...``, and a row for each below.

    Args:
        more: what follows the claim; empty for nothing.
        longest: columns of the longest subject of all claims, so that they stand under each other; in at most two
            fifths of the width.
    """

    check: str
    claim: str
    more: str
    rows: Sequence[tuple[str, RenderableType]]
    longest: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        more = text(f"; {self.more}" if self.more else "", "dim")
        yield hanging([(self.check, text(self.claim).append_text(more))])
        table = Table.grid(padding=(0, GAP, 0, 0))
        if width := min(self.longest, 2 * options.max_width // 5):
            table.add_column(width=width, overflow="fold")
        table.add_column(overflow="fold")
        for subject, said in self.rows:
            table.add_row(*([text(subject)] if width else []), said)
        yield Padding(table, (0, 0, 0, 4))


@dataclass(frozen=True)
class Columns:
    """A table that no cell of is wrapped: where it is wider than the screen, the rest follows in a table below.

    Args:
        heads: over the columns, in several lines where they are longer than ``longest``.
        rows: their cells.
        num_keys: so many columns in front tell the rows apart, and come again in each part.
        right: which columns stand at the right.
        longest: columns of a line of a head, as far as its words go; a key is cut behind its dots where its values are
            shorter.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    num_keys: int = 1
    right: Sequence[int] = ()
    longest: int = 12

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for k, part in enumerate(self._parts(options.max_width)):
            table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0))
            for place in part:
                justify = "right" if place in self.right else "left"
                table.add_column(Text("\n".join(self._head(place))), overflow="fold", justify=justify)  # type: ignore[arg-type]
            for row in self.rows:
                table.add_row(*(text(row[place]) for place in part))
            if k:
                yield Text()
            yield table

    def _head(self, place: int) -> list[str]:
        head = plain(self.heads[place])
        cells = max((len(plain(row[place])) for row in self.rows), default=0)
        if place < self.num_keys and len(head) > cells:
            return head.replace(".", ".\n").split("\n")
        return wrap(head, self.longest, break_long_words=False) or [""]

    def _width(self, place: int) -> int:
        lines = [*self._head(place), *(line for row in self.rows for line in plain(row[place]).split("\n"))]
        return max(map(len, lines)) + GAP

    def _parts(self, width: int) -> Iterator[list[int]]:
        """The columns of each table: the keys, and as many others as have room; one at least."""
        keys = list(range(self.num_keys))
        part, room = list(keys), width + GAP - sum(map(self._width, keys))
        for place in range(self.num_keys, len(self.heads)):
            taken = sum(self._width(k) for k in part[self.num_keys :])
            if len(part) > self.num_keys and taken + self._width(place) > room:
                yield part
                part = list(keys)
            part.append(place)
        yield part
