"""What measurements ask of objectives: in one process or in parts, with how far it is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from landscape.data.stream import Stream, num_of
from landscape.errors import InputError
from landscape.ground.progress import progress_of
from landscape.measurement.stages import OnPath
from landscape.objective.request import Request, evaluated
from landscape.objective.share import Piece, Share, Span, evaluate_share, merged
from landscape.objective.share.share import WHOLE
from landscape.objective.sums import Evaluation

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Group:
    """Curves over the same examples that are evaluated together.

    Args:
        split: the examples.
        modes: of the objectives.
        span: where they lie in all that is measured; None: nobody knows, for their examples are not counted.
    """

    split: str
    modes: list[str]
    span: Span | None

    def has_of(self, share: Share) -> bool:
        """Whether a part may hold some of it."""
        return self.span is None or share.touches(self.span)


def groups_of(on_path: OnPath, splits: Sequence[str], modes: Sequence[str]) -> list[Group]:
    """All curves of a measurement: the modes of a stream share one pass; of what is held, one is done before the next
    takes memory."""
    found, work, ends = list[tuple[str, list[str]]](), list[int](), [0]
    for split in splits:
        data = on_path.split(split)
        for together in [list(modes)] if isinstance(data, Stream) else [[mode] for mode in modes]:
            found.append((split, together))
            work.append((num_of(data) or 0) * sum(on_path.trial_in(mode).num_replicates for mode in together))
            ends.append(ends[-1] + work[-1])
    spans = [Span(first, stop, ends[-1]) if stop > first else None for first, stop in pairwise(ends)]
    return [Group(*names, span) for names, span in zip(found, spans, strict=True)]


def evaluations_of(requests: Sequence[Request], split: str, shares: Path | None) -> list[Evaluation]:
    """The answer to each request over the same examples.

    Args:
        split: what they are called.
        shares: the folder of what parts came to; None: all is evaluated here.
    """
    with _progress(requests, split) as (progress, done):
        if shares is not None:
            return merged(requests, shares, _names(requests, split), lambda piece: progress(done(piece)))
        reached = [0] * len(requests)
        for n, request in enumerate(requests):

            def count(num: int, n: int = n) -> None:
                reached[n] = num
                progress(sum(reached))

            request.progress = count
        return evaluated(requests)


def evaluate_part(requests: Sequence[Request], group: Group, share: Share, folder: Path) -> None:
    """Evaluate a part of some requests over the same examples, and keep it in files.

    Args:
        group: what they are.
        folder: of the files.
    """
    names, span = _names(requests, group.split), group.span or WHOLE
    with _progress(requests, group.split, share) as (progress, done):
        evaluate_share(requests, share, folder, names, lambda piece: progress(done(piece)), span)


def check_parts(on_path: OnPath, shards: int, splits: Sequence[str], modes: Sequence[str]) -> None:
    """Raise InputError for what is not evaluated in parts, before anything is trained; say where parts have no work.

    Args:
        shards: parts.
        splits: that are measured.
        modes: likewise.
    """
    trial, given = on_path.trial, f"measurement.shards={shards}"
    if on_path.adaptive is not None:
        raise InputError(
            f"{given}: the points of alphas=adaptive come from J over all examples, and parts know theirs alone; use "
            "a grid, such as alphas=unit_200, or measurement.shards=null"
        )
    if (tolerance := trial.tolerance) is not None:
        raise InputError(
            f"{given}: objective.tolerance={tolerance:g} takes few examples at most points, of which no part has all; "
            "use one of the two"
        )
    if trial.forward.is_stateful:
        raise InputError(
            f"{given}: model={trial.forward.name} carries its state from each batch to the next, so that no part can "
            "begin later; use measurement.shards=null"
        )
    for name in splits:
        data = on_path.split(name)
        if isinstance(data, Stream) and not data.is_repeatable:
            raise InputError(
                f"{given}: {name} gives other examples in each pass, so that parts of several passes are no whole; "
                "use measurement.shards=null, or random numbers of torch, NumPy or Python for what is random"
            )
    if not trial.statistics.recalibrates:
        _tell_idle(on_path, shards, groups_of(on_path, splits, modes))


def _tell_idle(on_path: OnPath, shards: int, groups: Sequence[Group]) -> None:
    """Warn of parts that hold no batch, as far as the examples are held, and name the way out."""
    used, told, fits = set[int](), list[str](), list[int]()
    for group in groups:
        data = on_path.split(group.split)
        if isinstance(data, Stream) or group.span is None:
            return
        num = len(data)
        size = on_path.trial_in(group.modes[0]).passes_for(num).examples
        starts = range(0, num, size)
        used |= {n for n in range(shards) for at in starts if Share(n, shards).has(at, num, group.span)}
        told.append(f"{group.split} {group.modes[0]} {len(starts)} of up to {size}")
        fits.append(group.span.all * num // (shards * (group.span.stop - group.span.first)))
    if idle := shards - len(used):
        log.warning(
            "measurement.shards=%d: %d of the parts %s nothing to do, since there are so few batches (%s); "
            "objective.batch_size=%d gives each of them some",
            *(shards, idle, "has" if idle == 1 else "have", ", ".join(told), max(1, min(fits))),
        )


@contextmanager
def _progress(
    requests: Sequence[Request], split: str, share: Share | None = None
) -> Iterator[tuple[Callable[[int], None], Callable[[Piece], int]]]:
    """How far it is, and what counts the (batch, point) pairs that are done with a piece."""
    what = f"{split} {' and '.join(request.objective.mode for request in requests)}"
    total = sum(request.objective.num_batches * len(request.alphas) for request in requests)
    num = 0

    def done(piece: Piece) -> int:
        nonlocal num
        num += len(piece.totals) * piece.num_points
        return num

    of = 1 if share is None else share.of
    with progress_of(what if share is None else f"{what}, {share}", max(1, total // of)) as progress:
        yield progress, done


def _names(requests: Sequence[Request], split: str) -> list[str]:
    return [f"{split}-{request.objective.mode}" for request in requests]
