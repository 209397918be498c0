"""What measurements ask of objectives: in one process or in parts, with how far it is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from landscape.data.stream import Stream, num_of
from landscape.errors import InputError
from landscape.ground.progress import progress_of
from landscape.measurement.stages import OnPath
from landscape.objective.request import Request, evaluated
from landscape.objective.share import Piece, Share, evaluate_share, merged
from landscape.objective.sums import Evaluation

log = logging.getLogger(__name__)


def together_of(modes: Sequence[str], examples: Any) -> list[list[str]]:
    """The modes that share one pass: all over a stream; of what is held, one is done before the next takes memory."""
    return [list(modes)] if isinstance(examples, Stream) else [[mode] for mode in modes]


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


def evaluate_part(requests: Sequence[Request], split: str, share: Share, folder: Path) -> None:
    """Evaluate a part of some requests over the same examples, and keep it in files.

    Args:
        split: what they are called.
        folder: of the files.
    """
    with _progress(requests, split, share) as (progress, done):
        evaluate_share(requests, share, folder, _names(requests, split), lambda piece: progress(done(piece)))


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
            "a grid, such as alphas=fine, or measurement.shards=null"
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
        if isinstance(data, Stream):
            if not data.is_repeatable:
                raise InputError(
                    f"{given}: {name} gives other examples in each pass, so that parts of several passes are no whole; "
                    "use measurement.shards=null, or random numbers of torch, NumPy or Python for what is random"
                )
            continue
        num = num_of(data) or 1
        size = min(on_path.trial_in(mode).passes_for(num).examples for mode in modes)
        few, smaller = -(-num // size), max(1, num // shards)
        if few < shards and not trial.statistics.recalibrates:
            log.warning(
                "%s: the %d examples of %s make %d batch%s of up to %d, so that %d of the parts have nothing to do; "
                "objective.batch_size=%d makes a batch for each",
                *(given, num, name, few, "es" * (few > 1), size, shards - few, smaller),
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
