"""The files of one curve: what its parts came to, piece by piece, until they are added."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from landscape.data.portion import Cut
from landscape.errors import InputError
from landscape.objective import record
from landscape.objective.share.piece import Piece, pieces_of, record_of
from landscape.objective.share.question import Question

log = logging.getLogger(__name__)

SCHEMA = 1
SECONDS, BYTES = 10.0, 1 << 26
"""Pieces are written together, after so long or so much of them."""
HELD = 1 << 28
"""Bytes of costs that are held while pieces are added."""


class Files:
    """Where the pieces of one curve are kept.

    Args:
        folder: of the files.
        name: of the curve.
        question: what decides the sums.
        size: examples per forward pass.
    """

    def __init__(self, folder: Path, name: str, question: Question, size: int) -> None:
        self.folder, self.name, self.question, self.size = folder, name, question, size
        self._held: dict[Path, dict[int, Tensor]] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def read(self, *labels: str) -> Iterator[tuple[dict[str, Any], list[Piece]]]:
        """What each file says and holds, but for the costs, which are read where they are needed.

        Files of another question are set aside.

        Args:
            labels: of the parts that wrote them; none: all.
        """
        for file in self._files():
            if labels and file.name.removeprefix(f"{self.name}.").partition(".")[0] not in labels:
                continue
            found = record.read(file, SCHEMA)
            if found is None:
                continue
            about, arrays = found
            if not self.question.is_that(about.get("question"), arrays.get("question")):
                log.warning("%s was kept of another measurement, set aside as %s.other", file, file.name)
                with suppress(OSError):
                    file.replace(file.with_name(f"{file.name}.other"))
                continue
            try:
                pieces = pieces_of(found)
                if not all(piece.fits(self.question.shape) for piece in pieces):
                    raise ValueError("its sums have other shapes than what is asked")
                end, here = about["end"], about["here"]
                if end:
                    end = {n: end[n] for n in ("label", "order", "reads_all")} | {
                        "cuts": [Cut(*c) for c in end["cuts"]]
                    }
                known = {"end": end, "here": dict(here)}
            except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:  # made to do harm
                record.set_aside(file, error)
                continue
            yield known, [self._lighter(piece, file, n) for n, piece in enumerate(pieces)]

    def labels(self) -> set[str]:
        """Of the parts that have written something."""
        return {file.name.removeprefix(f"{self.name}.").partition(".")[0] for file in self._files()}

    def sizes(self) -> set[int]:
        """Examples per forward pass in all files of this question."""
        said = (record.said(file) or {} for file in self._files())
        return {int(about["size"]) for about in said if about.get("question") == self.question.words}

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob(f"{self.name}.*.npz"))

    def _lighter(self, piece: Piece, file: Path, number: int) -> Piece:
        """The same without its costs: those of all pieces together may outgrow memory."""
        return piece if piece.costs is None else replace(piece, costs=lambda: self._costs(file)[number])

    def _costs(self, file: Path) -> dict[int, Tensor]:
        """All costs of a file; those of a few files stay."""
        if file not in self._held:
            found = record.read(file, SCHEMA)
            if found is None:
                raise InputError(f"{file} is no longer what it was; run the same command again")
            costs = {n: p.costs for n, p in enumerate(pieces_of(found)) if isinstance(p.costs, Tensor)}
            self._held[file] = costs
            while len(self._held) > 1 and sum(c.nbytes for held in self._held.values() for c in held.values()) > HELD:
                del self._held[next(iter(self._held))]
        return self._held[file]

    def writer(self, label: str) -> Writer:
        """What writes the pieces of one part."""
        return Writer(self, label)


class Writer:
    """Gathers pieces, and writes them now and then.

    Args:
        files: of the curve.
        label: of the part.
    """

    def __init__(self, files: Files, label: str) -> None:
        self.files, self.label = files, label
        self.pieces: list[Piece] = []
        self.written: list[Path] = []
        self.num_bytes, self.since = 0, time.monotonic()

    def add(self, piece: Piece) -> None:
        """One more."""
        self.pieces.append(piece)
        self.num_bytes += piece.nbytes

    @property
    def is_due(self) -> bool:
        """Whether it is time to write."""
        return self.num_bytes > BYTES or time.monotonic() - self.since > SECONDS

    def write(self, **end: Any) -> None:
        """Write what was gathered.

        Args:
            end: what is known once the part is done.
        """
        files = self.files
        about, arrays = record_of(self.pieces)
        about |= {"schema": SCHEMA, "question": files.question.words, "size": files.size, "here": here(), "end": end}
        arrays["question"] = files.question.numbers
        serial = f"{self.pieces[0].cut.before:012d}-{self.pieces[0].first}" if self.pieces else "end"
        file = files.folder / f"{files.name}.{self.label}.{serial}.npz"
        record.write(file, about, arrays)
        self.written.append(file)
        self.pieces, self.num_bytes, self.since = [], 0, time.monotonic()

    def forget(self) -> None:
        """What was written is not what is wanted."""
        for file in self.written:
            file.unlink(missing_ok=True)
        self.pieces, self.written, self.num_bytes = [], [], 0


def here() -> dict[str, Any]:
    """What decides how sums are rounded, beside what is asked."""
    return {"threads": torch.get_num_threads(), "torch": torch.__version__}
