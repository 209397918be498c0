"""The second layer of one example, a block of output units at a time: sums that events change and points read.

P0, P1 and T stay in registers from point to point (``landscape.objective.engine`` says what they are); a further linear
layer of few outputs is summed up at a few grid points of a few examples at once. Compiled on first use, kept on disk.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from landscape.objective.engine.events.instructions import EXAMPLES, SPAN, SUMS, TILE, collect, follow, onward
from landscape.objective.engine.events.vectors import ALL, compiled

__all__ = ["EXAMPLES", "SPAN", "TILE", "sweep", "sweep_on"]


@compiled
def _begin(
    weight: NDArray[Any],
    unit: NDArray[Any],
    first: NDArray[Any],
    last: NDArray[Any],
    tiles: NDArray[Any],
    state: NDArray[Any],
    block: int,
    low: int,
    high: int,
    held: NDArray[Any],
    place: int,
    vectors: Any,
) -> None:
    """One block of examples low ... high - 1 at the first grid point, from ``place`` on in ``held``.

    Many units lead there, on every example: a tile of their weights serves all examples from the nearest cache.
    """
    pieces, blocks, units, _, width = weight.shape
    size = SUMS * width
    bias = state.reshape(-1)
    for piece in range(pieces):
        rows = (piece * blocks + block) * units * 2 * width
        begin = place + piece * (high - low) * size
        for n in range(high - low):
            for m in range(size):
                held[begin + n * size + m] = bias[(piece * blocks + block) * size + m]
        for t in range(tiles.shape[1] - 1):
            for n in range(low, high):
                collect(
                    weight,
                    rows,
                    unit,
                    first,
                    last,
                    tiles[n, t],
                    tiles[n, t + 1],
                    held,
                    begin + (n - low) * size,
                    vectors,
                )


@compiled
def sweep(
    weight: NDArray[Any],
    unit: NDArray[Any],
    first: NDArray[Any],
    last: NDArray[Any],
    tiles: NDArray[Any],
    start: NDArray[Any],
    factors: NDArray[Any],
    low: int,
    high: int,
    state: NDArray[Any],
    held: NDArray[Any],
    ones: NDArray[Any],
    out: NDArray[Any],
    first_block: int,
    last_block: int,
    top: int,
    ramp: NDArray[Any],
    vectors: tuple[int, ...],
) -> None:
    """Output units of blocks first ... last - 1 at grid points low ... high - 1, of every example.

    Args:
        weight: [pieces of an output unit, blocks, H, 2, W].
        unit, first, last, tiles, start: of the events, see ``bucket``.
        factors: t, t (1 - t) [A, 2].
        state: [pieces, blocks, 3, W], before the first event.
        ones: [W].
        held: flat, [blocks, pieces, N, 3, W], the sums of each example, kept from one call to the next.
        out: [high - low, examples, blocks * W], the largest piece of each output unit.
        top: number in ``out`` of the first example.
        ramp: what becomes of an output unit of one piece, see ``follow``.
        vectors: as many numbers as a block has vectors.
    """
    pieces, blocks, units, _, width = weight.shape
    num, points = start.shape[0], start.shape[1]
    stride, size = out.shape[1] * out.shape[2], SUMS * width
    for k in range(first_block, last_block):
        if low == 0:
            _begin(weight, unit, first, last, tiles, state, k, 0, num, held, k * pieces * num * size, vectors)
        for piece in range(pieces):
            rows = (piece * blocks + k) * units * 2 * width
            for n in range(num):
                follow(
                    weight,
                    rows,
                    unit,
                    first,
                    last,
                    start,
                    n * points,
                    factors,
                    low,
                    high,
                    held,
                    ((k * pieces + piece) * num + n) * size,
                    ones,
                    0,
                    out,
                    (top + n) * out.shape[2] + k * width,
                    stride,
                    1 if piece > 0 else 0,
                    ramp,
                    vectors,
                )


@compiled
def sweep_on(
    weight: NDArray[Any],
    unit: NDArray[Any],
    first: NDArray[Any],
    last: NDArray[Any],
    tiles: NDArray[Any],
    start: NDArray[Any],
    factors: NDArray[Any],
    state: NDArray[Any],
    held: NDArray[Any],
    gain: NDArray[Any],
    row_stride: int,
    table: NDArray[Any],
    grid: NDArray[Any],
    total: NDArray[Any],
    scratch: NDArray[Any],
    low: int,
    high: int,
    rows: int,
    stretch: int,
    ramp: NDArray[Any],
) -> None:
    """Examples low ... high - 1 at every grid point, through a further linear layer of few outputs.

    What the further layer reads never leaves the nearest cache; its sums at ``stretch`` grid points stay in the next
    one for ``rows`` examples.

    Args:
        weight, unit, first, last, tiles, start, factors, state: as in ``sweep``.
        held: flat, [blocks, pieces, rows, 3, W], to work in; one block where all grid points are one stretch.
        gain: W ones, then factors of the output units, ``row_stride`` (or 0) elements per example.
        table: [blocks, groups, W, 2, lanes].
        grid: t [A padded].
        total: [N padded, groups, A padded, lanes], added to.
        scratch: [EXAMPLES, SPAN, W].
        low, rows: multiples of ``EXAMPLES``.
        stretch: of ``SPAN``.
    """
    pieces, blocks, units, _, width = weight.shape
    points, groups, padded, lanes = start.shape[1] - 1, total.shape[1], total.shape[2], total.shape[3]
    size = SUMS * width
    apart = pieces * rows * size if points > stretch else 0
    for top in range(low, high, rows):
        end = min(top + rows, high)
        for point, k in [(a, b) for a in range(0, max(points, 1), stretch) for b in range(blocks)]:
            if point == 0:
                _begin(weight, unit, first, last, tiles, state, k, top, end, held, k * apart, ALL)
            for here in range(top, end, EXAMPLES):
                for i in range(point, min(point + stretch, points), SPAN):
                    for n in range(here, min(here + EXAMPLES, end)):
                        for piece in range(pieces):
                            follow(
                                weight,
                                (piece * blocks + k) * units * 2 * width,
                                unit,
                                first,
                                last,
                                start,
                                n * (points + 1),
                                factors,
                                i,
                                min(i + SPAN, points),
                                held,
                                k * apart + (piece * (end - top) + n - top) * size,
                                gain,
                                width + n * row_stride + k * width if piece == pieces - 1 and row_stride > 0 else 0,
                                scratch,
                                (n - here) * SPAN * width,
                                width,
                                1 if piece > 0 else 0,
                                ramp,
                                ALL,
                            )
                    for g in range(groups):
                        onward(
                            scratch,
                            min(SPAN, padded - i),
                            grid,
                            i,
                            table,
                            (k * groups + g) * width * 2 * lanes,
                            total,
                            ((here * groups + g) * padded + i) * lanes,
                            groups * padded * lanes,
                        )
