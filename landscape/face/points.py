"""Points of one description, read against the net: which state dict of a file, and what is passed over or lacking."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor, nn

from landscape.endpoints.fit import NoEntry, some
from landscape.endpoints.point import read
from landscape.endpoints.reader import Reader
from landscape.errors import InputError

log = logging.getLogger(__name__)
NAMED = re.compile(r"\b(?:entry|ignore|missing)=")


@dataclass(frozen=True)
class Reading:
    """How points are read; ``line`` says what the arguments mean.

    Args:
        where: whose arguments these are, for messages.
        entry: one for each point, or one for all.
    """

    where: str
    entry: str | tuple[str | None, ...] | None = None
    ignore: tuple[str, ...] = ()
    missing: str | None = None

    @classmethod
    def of(cls, where: str, num: int, entry: Any, ignore: Any, missing: Any) -> Reading:
        """As somebody gives it.

        Args:
            num: of points.

        Raises:
            InputError: what means nothing.
        """
        several = isinstance(entry, list | tuple)
        if (several and len(entry) != num) or not all(_is_name(one) for one in (entry if several else [entry])):
            raise InputError(f"entry={entry!r} must be the name of a state dict, 'ema', or a list of {num} of them")
        patterns = [ignore] if isinstance(ignore, str) else ignore
        if not isinstance(patterns, Sequence) or not all(isinstance(pattern, str) for pattern in patterns):
            raise InputError(f"ignore={ignore!r} must be a list of names or patterns such as 'head.*'")
        if missing not in (None, "model"):
            raise InputError(f"missing={missing!r} must be 'model', to take from the net what a point lacks, or None")
        return cls(where, tuple(entry) if several else entry, tuple(patterns), missing)

    @property
    def is_apart(self) -> bool:
        """Whether points are read differently, so that one file may be two of them."""
        return isinstance(self.entry, tuple) and len(set(self.entry)) > 1

    def ends(self) -> Reading:
        """Of the first and the last point alone."""
        entry = (self.entry[0], self.entry[-1]) if isinstance(self.entry, tuple) else self.entry
        return replace(self, where="ls.line", entry=entry)

    def points(
        self, sources: Sequence[Any], names: Iterable[str], net: nn.Module, is_run: bool = False
    ) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
        """theta [P] on the CPU and the buffers of each; of one entry for all a point that has one state dict is that.

        Args:
            is_run: points between the first and the last may hold what is not finite, where a training diverged.

        Raises:
            InputError: a point that does not fit, or an entry that none has.
        """
        reader, told = Reader(net, self.ignore, self.missing, room=""), set[tuple[str, ...]]()
        unnamed, is_for_all = list[NoEntry | None](), not isinstance(self.entry, tuple)
        for k, (source, name) in enumerate(zip(sources, names, strict=False)):
            entry = self.entry[k] if isinstance(self.entry, tuple) else self.entry
            is_between = is_run and 0 < k < len(sources) - 1
            try:
                point = read(source, reader, name, entry, is_for_all, is_finite=not is_between)
            except InputError as error:
                raise self._placed(error) from error
            if not isinstance(source, Tensor | np.ndarray):
                unnamed.append(point.unnamed)
            if self.missing is not None and point.lacking and tuple(point.lacking) not in told:
                told.add(tuple(point.lacking))
                log.warning("%s lacks %s; taken from the net", name, some(point.lacking))
            yield point.theta, {n: b.clone() for n, b in point.buffers.items()}
        if unnamed and unnamed[0] is not None and all(unnamed):
            raise self._placed(unnamed[0])

    def _placed(self, error: InputError) -> InputError:
        """The same, which says whose argument it names."""
        text = str(error)
        return InputError(f"{text} (of {self.where})") if NAMED.search(text) else error


def _is_name(entry: Any) -> bool:
    return entry is None or (isinstance(entry, str) and bool(entry))
