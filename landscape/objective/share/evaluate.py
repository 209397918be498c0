"""A part of what is asked: which blocks of the examples, or which points, and what they come to."""

from __future__ import annotations

import logging
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from landscape.cost.labels import check_counts
from landscape.data.portion import Cut, Uneven
from landscape.errors import InputError
from landscape.ground.precision import tf32
from landscape.objective.memory.passes import TooLittle
from landscape.objective.module.watch import undisturbed
from landscape.objective.request import Request
from landscape.objective.share.blocks import Blocks
from landscape.objective.share.files import Files
from landscape.objective.share.piece import Piece
from landscape.objective.share.question import Question
from landscape.objective.share.share import WHOLE, Share, Span
from landscape.objective.share.walk import PartWalk, digest_of, held_by
from landscape.path import widened

log = logging.getLogger(__name__)

Range = tuple[int, int]
"""Points of a path: the first, and how many."""
Reached = Callable[[Piece], None]
"""Told each piece that is done."""


class Asked:
    """A request whose answer comes in parts.

    Args:
        request: with a fresh path.
        folder: of the files.
        name: of the curve.
        label: of the part that is evaluated: what other parts of as many hold is not read. Empty: all is.

    Raises:
        InputError: nothing counts in the examples; other parts were evaluated in batches of a size that does not fit.
    """

    def __init__(self, request: Request, folder: Path, name: str, label: str = "") -> None:
        of = request.objective
        check_counts(of.scales, len(of.split))
        request.path = widened(request.path, of.dtype)
        self.request, self.name = request, name
        self.files = Files(folder, name, Question(request), of.batch_size)
        beside = {other for other in self.files.labels() if other.partition("-")[2] == label.partition("-")[2]}
        labels = self.files.labels() - (beside if label else set()) | ({label} if label else set())
        self.found = list(self.files.read(*labels)) if labels else []
        sizes = self.files.sizes()
        if len(sizes) > 1:
            raise InputError(
                f"the parts of {name} in {folder} were evaluated {' and '.join(map(str, sorted(sizes)))} examples at a "
                f"time, as memory allowed; set objective.batch_size={min(sizes)}, which all can hold"
            )
        if sizes - {of.batch_size}:
            self._adopt(*sizes)
        of.statistics.batch_size = self.request.objective.batch_size

    def _adopt(self, size: int) -> None:
        """Evaluate as the other parts were."""
        of = self.request.objective
        try:
            other = of.on(batch_size=size)
            _ = other.passes
        except TooLittle as error:
            raise InputError(
                f"other parts of {self.name} were evaluated {size} examples at a time, and here {of.batch_size} fit; "
                f"set objective.batch_size={of.batch_size}, or give as much memory everywhere ({error})"
            ) from None
        log.info("%s: %d examples at a time as in the other parts, instead of %d", self.name, size, of.batch_size)
        self.request.objective, self.files.size = other, size

    @property
    def by_points(self) -> bool:
        """Whether parts are some of the points over all examples: each point takes statistics over all data first."""
        return self.request.objective.statistics.recalibrates and len(self.request.alphas) > 1

    @property
    def ranges(self) -> list[Range]:
        """Points that one process takes over the data at once: all of them where what they carry fits."""
        return self.within(0, len(self.request.alphas))

    def within(self, first: int, stop: int) -> list[Range]:
        """The same of some points."""
        of = self.request.objective
        num = of.passes.points(len(self.request.alphas), held_by(self.request))
        return [(at, min(num, stop - at)) for at in range(first, stop, num)]

    def is_same(self, piece: Piece) -> bool:
        """Whether examples that are held are those of a piece; of a stream nobody knows before a pass."""
        of = self.request.objective
        return of.is_streamed or digest_of(of.examples.data, piece.cut) == piece.digest


def groups_of(asked: Sequence[Asked]) -> list[tuple[list[Asked], int]]:
    """Those that share a pass over a stream, and the size of its blocks; all others by themselves."""
    share = all(one.request.objective.is_streamed and len(one.ranges) == 1 for one in asked)
    groups = [list(asked)] if share and len(asked) > 1 else [[one] for one in asked]
    return [(group, min(one.request.block_size for one in group)) for group in groups]


@undisturbed()
@tf32(False)
def evaluate_share(
    requests: Sequence[Request],
    share: Share,
    folder: Path,
    names: Sequence[str],
    reached: Reached,
    span: Span = WHOLE,
) -> None:
    """Evaluate a part of some requests over the same examples, and keep it in files; what is there already is left.

    Args:
        share: which part.
        names: of the curves.
        reached: told each piece that is done.
        span: where the curves lie in all that is measured.
    """
    asked = [Asked(request, folder, name, share.label) for request, name in zip(requests, names, strict=True)]
    for group, size in groups_of(asked):
        for reads_all in (False, True):
            try:
                _share_of_group(group, size, share, span, reads_all, reached)
                break
            except Uneven:
                log.info("%s: batches of several lengths or shapes, so that all are read", group[0].name)


def _share_of_group(group: list[Asked], size: int, share: Share, span: Span, reads_all: bool, reached: Reached) -> None:
    first = group[0]
    of, num_points = first.request.objective, len(first.request.alphas)
    num, ranges = of.examples.num, [one.ranges for one in group]
    if first.by_points:
        points = [p for p in range(num_points) if share.has(p, num_points, span)]
        ranges = [one.within(points[0], points[-1] + 1) if points else [] for one in group]

    def is_own(number: int, cut: Cut) -> bool:
        if first.by_points:
            return True
        return number % share.of == share.number if num is None else share.has(cut.before, num, span)

    known = [{p.key for _, pieces in one.found for p in pieces if one.is_same(p)} for one in group]

    def is_wanted(number: int, cut: Cut) -> bool:
        each = zip(known, ranges, strict=True)
        return is_own(number, cut) and any((*cut, *part) not in keys for keys, parts in each for part in parts)

    for end in (about["end"] for about, _ in first.found if about["end"].get("label") == share.label):
        if end["cuts"] and not any(is_wanted(n, cut) for n, cut in enumerate(end["cuts"])):
            log.info("%s: %s is there already", first.name, share)
            return
    writers = [one.files.writer(share.label) for one in group]
    blocks = Blocks(of, size, is_wanted, reads_all)
    _tell(first, blocks, share)
    try:
        for turn in range(max(map(len, ranges))):
            here_now = {n: parts[turn] for n, parts in enumerate(ranges) if turn < len(parts)}
            for n, piece in pieces_of_pass(group, here_now, blocks, known):
                writers[n].add(piece)
                reached(piece)
                if writers[n].is_due:
                    writers[n].write()
    except Uneven:
        for writer in writers:
            writer.forget()
        raise
    end = {"label": share.label, "cuts": [list(cut) for cut in blocks.cuts], "order": blocks.order}
    for writer in writers:
        writer.write(**end, reads_all=blocks.reads_all)


def pieces_of_pass(
    group: Sequence[Asked], ranges: Mapping[int, Range], blocks: Blocks, known: Sequence[Container[Any]]
) -> Iterator[tuple[int, Piece]]:
    """(number of a request, piece) of one pass over the blocks, or of two where a GPU met what is not finite.

    Args:
        ranges: the points, by number of the request.
        known: keys of pieces that are there, of each request.
    """
    engines: dict[int, str | None] = dict.fromkeys(ranges)
    while engines:
        walks = {n: PartWalk(group[n].request, *ranges[n], engine) for n, engine in engines.items()}
        for cut, block in blocks:
            for n, walk in walks.items():
                if block is not None and (*cut, *ranges[n]) not in known[n]:
                    yield n, walk.piece(cut, block)
        engines = {n: "plain" for n, walk in walks.items() if not walk.end()}


def _tell(asked: Asked, blocks: Blocks, share: Share) -> None:
    """Log what a part has to do."""
    if blocks.reads_all:
        log.info("%s, %s: all examples are read, and those of other parts passed over", asked.name, share)
    elif asked.by_points:
        log.info("%s, %s: some of the points over all examples, whose statistics each takes anew", asked.name, share)
    else:
        own = [cut for n, cut in enumerate(blocks.cuts) if blocks.is_wanted(n, cut)]
        num = sum(cut.num for cut in own)
        log.info("%s, %s: %d examples in %d of %d batches", asked.name, share, num, len(own), len(blocks.cuts))
