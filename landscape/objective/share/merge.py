"""Adding what parts of the examples came to, in the order of the batches: to the bits that one process would have."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from landscape.data.portion import Cut, Uneven
from landscape.ground.precision import tf32
from landscape.objective.module.watch import undisturbed
from landscape.objective.request import Request, evaluated
from landscape.objective.share.blocks import Blocks
from landscape.objective.share.evaluate import Asked, Range, Reached, groups_of
from landscape.objective.share.files import Writer
from landscape.objective.share.piece import Piece, Switches
from landscape.objective.share.walk import PartWalk
from landscape.objective.sums import Evaluation, Sums, with_derived

log = logging.getLogger(__name__)


class Apart(Exception):
    """The parts do not make a whole."""


@dataclass
class Chain:
    """What one walk over all examples would have found out so far.

    Args:
        now: its switches.
    """

    now: Switches

    def takes(self, piece: Piece) -> bool:
        """Whether that walk would have made the same of a piece: its engines stood as the part's, or both were off."""
        now, start, end = self.now, piece.start, piece.end
        if piece.is_plain and now.together not in (start.together, end.together):
            return False
        if not now.serves:
            return piece.is_plain
        return start.serves and (start.is_checked == now.is_checked or (now.is_checked and end.serves))

    def pass_by(self, piece: Piece) -> None:
        """Stand as that walk does after the piece."""
        now, end = self.now, piece.end
        is_checked = now.is_checked or (now.serves and end.is_checked)
        self.now = Switches(min(now.together, end.together), now.serves and end.serves, is_checked)


@undisturbed()
@tf32(False)
def merged(requests: Sequence[Request], folder: Path, names: Sequence[str], reached: Reached) -> list[Evaluation]:
    """The answer to some requests over the same examples, from files; what they lack is evaluated.

    Args:
        folder: of the files of all parts.
        names: of the curves.
        reached: told each piece that is there.
    """
    asked = [Asked(request, folder, name) for request, name in zip(requests, names, strict=True)]
    found = dict[int, Evaluation]()
    for group, size in groups_of(asked):
        here = [one.request for one in group]
        try:
            answers = _Whole(group, size, reached).answers()
        except (Apart, Uneven) as why:
            log.warning(
                "%s: all is evaluated here, because %s", group[0].name, str(why) or "batches differ in length or shape"
            )
            for request in here:
                if request.noise is not None:
                    request.noise.forget()
            answers = evaluated(here)
        found |= {id(request): answer for request, answer in zip(here, answers, strict=True)}
    return [found[id(request)] for request in requests]


class _Whole:
    """Requests that share a pass, and the pieces that make their answers.

    Args:
        group: the requests.
        size: of the blocks.
        reached: told each piece that is there.
    """

    def __init__(self, group: list[Asked], size: int, reached: Reached) -> None:
        self.group, self.size, self.reached = group, size, reached
        self.of, self.reads_all = group[0].request.objective, False
        self.cuts = self._cuts()
        self.pieces: list[dict[tuple[int, ...], Piece]] = [self._index(one) for one in group]
        self.lost = [any(piece.is_lost for piece in pieces.values()) for pieces in self.pieces]
        self.walks = dict[tuple[int, Range], PartWalk]()

    def answers(self) -> list[Evaluation]:
        """Of each request."""
        missing = [self._missing(n) for n in range(len(self.group))]
        self._warn()
        for part in dict.fromkeys(part for lack in missing for part in lack):
            self._fill({n: lack[part] for n, lack in enumerate(missing) if part in lack}, part)
        return [self._added(n) for n in range(len(self.group))]

    def _cuts(self) -> list[Cut]:
        """All blocks of the examples."""
        if not self.of.is_streamed:
            return Blocks(self.of, self.size, lambda number, cut: False).cuts
        ends = [about["end"] for one in self.group for about, _ in one.found if about["end"].get("cuts")]
        if len({end["order"] for end in ends if end["order"]}) > 1:
            raise Apart("the parts saw the examples in several orders")
        # What a loader's numbers say is what it should do; who has read all knows what it does.
        self.reads_all = any(end["reads_all"] for end in ends)
        ends = [end for end in ends if end["reads_all"] is self.reads_all]
        kinds = {tuple(end["cuts"]) for end in ends}
        if len(kinds) > 1:
            raise Apart("the parts saw other examples")
        if kinds:
            return list(*kinds)
        blocks = Blocks(self.of, self.size, lambda number, cut: False)
        if blocks.reads_all:
            raise Apart("no part has come to the end of the stream")
        return blocks.cuts

    def _index(self, one: Asked) -> dict[tuple[int, ...], Piece]:
        """The pieces of the examples as they are cut, each once."""
        cuts, found = set(self.cuts), dict[tuple[int, ...], Piece]()
        for piece in (piece for _, pieces in one.found for piece in pieces):
            if piece.cut not in cuts or (piece.key in found and not piece.is_lost):
                continue
            if not one.is_same(piece):
                log.warning("%s: examples %d to %d are others than those of a part", one.name, *_span(piece.cut))
                continue
            found[piece.key] = piece
        return found

    def _chain(self, n: int, part: Range) -> Chain:
        """A new walk's."""
        if (n, part) not in self.walks:
            self.walks[n, part] = PartWalk(self.group[n].request, *part)
        now = self.walks[n, part].switches
        return Chain(replace(now, serves=now.serves and not self.lost[n]))

    def _missing(self, n: int) -> dict[Range, set[Cut]]:
        """The blocks that a request lacks, by points; pieces that one walk would have made otherwise count as none."""
        one, lack = self.group[n], dict[Range, set[Cut]]()
        by_cut: dict[Cut, list[Piece]] = {}
        for piece in sorted(self.pieces[n].values(), key=lambda piece: piece.first):
            by_cut.setdefault(piece.cut, []).append(piece)
        chains = {} if one.by_points else {part: self._chain(n, part) for part in one.ranges}
        kept = dict[tuple[int, ...], Piece]()
        for cut in self.cuts:
            free = np.ones(len(one.request.alphas), dtype=bool)
            for piece in by_cut.get(cut, []):
                chain, here = chains.get(piece.key[2:]), slice(piece.first, piece.first + piece.num_points)
                if free[here].all() and (one.by_points or (chain is not None and chain.takes(piece))):
                    free[here] = False
                    kept[piece.key] = piece
                    if chain is not None:
                        chain.pass_by(piece)
            for part in _runs(free) if one.by_points else one.ranges:
                for run in one.within(part[0], sum(part)) if free[part[0]] else ():
                    lack.setdefault(run, set()).add(cut)
        self.pieces[n] = kept
        if lack:
            log.info("%s: %d of %d batches are not there and are evaluated here", one.name, _num(lack), len(self.cuts))
        return lack

    def _fill(self, lack: dict[int, set[Cut]], part: Range) -> None:
        """Evaluate what is missing of some requests at some points, in one pass."""
        wanted = set[Cut]().union(*lack.values())
        blocks = Blocks(self.of, self.size, lambda number, cut: cut in wanted, self.reads_all)
        chains = {n: None if self.group[n].by_points else self._chain(n, part) for n in lack}
        walks = {n: self.walks.get((n, part)) or PartWalk(self.group[n].request, *part) for n in lack}
        writers = {n: self.group[n].files.writer("rest") for n in lack}
        for number, (cut, block) in enumerate(blocks):
            if number >= len(self.cuts) or cut != self.cuts[number]:
                raise Apart("the parts saw other examples")
            for n, walk in walks.items():
                piece, chain = self.pieces[n].get((*cut, *part)), chains[n]
                if piece is None and cut in lack[n]:
                    assert block is not None
                    if chain is not None:
                        walk.go_on(chain.now)
                    piece = self.pieces[n][*cut, *part] = walk.piece(cut, block)
                    writers[n].add(piece)
                    if writers[n].is_due:
                        _kept(writers[n])
                elif piece is not None and chain is not None and not chain.takes(piece):
                    raise Apart("the parts were evaluated by several engines")
                if piece is not None and chain is not None:
                    chain.pass_by(piece)
        if not all(walk.end() for walk in walks.values()):
            raise Apart("a value is not finite, and all is evaluated by forward passes")
        for writer in writers.values():
            _kept(writer)

    def _added(self, n: int) -> Evaluation:
        """All pieces of a request, in the order of the examples."""
        request, of = self.group[n].request, self.of
        num, take = None if of.is_streamed else len(of.split), None if request.noise is None else request.noise.add
        shape = of.num_replicates, len(request.alphas), len(of.seeds)
        sums = Sums(shape, num, of.device, request.keep_costs, of.passes.spare / 2, take)
        by_cut: dict[Cut, list[Piece]] = {cut: [] for cut in self.cuts}
        for piece in self.pieces[n].values():
            by_cut[piece.cut].append(piece)
        for cut, pieces in by_cut.items():
            if of.is_streamed:
                with sums.block(cut.num, pieces[0].counts, pieces[0].factor):
                    for piece in pieces:
                        piece.add_to(sums)
            else:
                for piece in pieces:
                    piece.add_to(sums)
            for piece in pieces:
                self.reached(piece)
        return with_derived(sums.evaluation(), of.cost)

    def _warn(self) -> None:
        """Of parts that were rounded otherwise than others."""
        for one, pieces in zip(self.group, self.pieces, strict=True):
            seen = {tuple(sorted(about["here"].items())) for about, _ in one.found}
            if len(seen) > 1:
                words = "; ".join(", ".join(f"{k}={v}" for k, v in each) for each in sorted(seen))
                log.warning("%s: parts were evaluated with %s, and so may differ by rounding", one.name, words)
            parts: dict[str, set[int]] = {}
            for key, num in (item for piece in pieces.values() for item in piece.parts.items()):
                parts.setdefault(key, set()).add(num)
            if any(len(nums) > 1 for nums in parts.values()):
                log.warning(
                    "%s: parts had more or less memory, and so may differ by rounding; objective.memory=2GiB is the "
                    "same everywhere",
                    one.name,
                )


def _kept(writer: Writer) -> None:
    """Write what was evaluated, for whoever adds after this process died; it is not needed here."""
    try:
        if writer.pieces:
            writer.write()
    except OSError as error:
        log.warning("%s: what was evaluated is not kept: %s", writer.files.name, error.strerror)
        writer.pieces.clear()


def _span(cut: Cut) -> tuple[int, int]:
    return cut.before, cut.before + cut.num - 1


def _num(lack: dict[Range, set[Cut]]) -> int:
    return len(set[Cut]().union(*lack.values()))


def _runs(free: Any) -> list[Range]:
    """Where it is true: the first of each run, and how many."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], free, [False]]).astype(int)))
    return [(int(start), int(stop - start)) for start, stop in zip(edges[::2], edges[1::2], strict=True)]
