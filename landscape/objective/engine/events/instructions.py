"""What ``kernel`` is made of, in vectors: events change the sums of a block of units, and points read them.

P0, P1 and T (``landscape.objective.engine`` says what they are) stay in registers from point to point.
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from landscape.objective.engine.events.vectors import I64, LANE_BYTES, Emit, Row, width_of

SUMS = 3
"""Rows of a state: P0, P1, T."""


def void_of(*arguments: Any) -> Any:
    """The signature of an intrinsic that returns nothing: arrays as they are, integers of 64 bits."""
    return types.void(*(types.int64 if isinstance(t, types.Integer) else t for t in arguments))


def _add_events(
    e: Emit, sums: list[Row], weight: int, rows: Any, unit: int, first: int, last: int, low: Any, high: Any
) -> None:
    """Events low ... high - 1 change the sums; ``weight`` ... ``last`` name arrays, ``rows`` is where W0 begins."""
    b, width = e.b, e.vectors * e.lanes
    with cgutils.for_range_slice(b, low, high, I64(1), intp=I64) as (j, _):
        row = b.add(rows, b.mul(b.sext(e.one(unit, j), I64), I64(2 * width)))
        w0, w1 = e.load(weight, row), e.load(weight, b.add(row, I64(width)))
        h0, h1 = e.spread(first, j), e.spread(last, j)
        both = [b.fadd(h0[0], h1[0])] * e.vectors
        for w, h, total in ((w0, h0, sums[0]), (w1, h1, sums[1]), (e.add(w0, w1), both, sums[2])):
            e.put(e.fma(w, h, e.get(total)), total)


def _state(e: Emit, array: int, place: Any) -> list[Row]:
    width = e.vectors * e.lanes
    return [e.variable(e.load(array, e.b.add(place, I64(n * width)))) for n in range(SUMS)]


def _keep_state(e: Emit, sums: list[Row], array: int, place: Any) -> None:
    width = e.vectors * e.lanes
    for n, total in enumerate(sums):
        e.store(e.get(total), array, e.b.add(place, I64(n * width)))


def _emit_collect(
    typing: Any,
    weight: Any,
    rows: Any,
    unit: Any,
    first: Any,
    last: Any,
    low: Any,
    high: Any,
    state: Any,
    place: Any,
    vectors: Any,
) -> Any:
    """Events low ... high - 1 of one example change the state at ``place``; as many ``vectors`` as a block has."""
    signature = void_of(weight, rows, unit, first, last, low, high, state, place, vectors)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        places = (0, 2, 3, 4, 7)
        kinds, arrays = [signature.args[n] for n in places], [args[n] for n in places]
        e = Emit(context, builder, kinds, arrays, signature.args[0].dtype, signature.args[9].count)
        sums = _state(e, 4, args[8])
        _add_events(e, sums, 0, args[1], 1, 2, 3, args[5], args[6])
        _keep_state(e, sums, 4, args[8])
        return context.get_dummy_value()

    return signature, generate


collect: Any = intrinsic(_emit_collect)


def _emit_follow(
    typing: Any,
    weight: Any,
    rows: Any,
    unit: Any,
    first: Any,
    last: Any,
    start: Any,
    begin: Any,
    factors: Any,
    low: Any,
    high: Any,
    state: Any,
    place: Any,
    gain: Any,
    factor: Any,
    out: Any,
    where: Any,
    stride: Any,
    keeps: Any,
    ramp: Any,
    vectors: Any,
) -> Any:
    """One example, one block of W output units, grid points low ... high - 1.

    ``weight``: from element ``rows`` on, W0 (W) and W1 (W) of each hidden unit. ``unit``, ``first``, ``last``: of each
    event. ``start``: from ``begin`` on, where each grid point's events begin. ``factors``: t, t (1 - t) of each grid
    point. ``state``: the sums from ``place`` on, renewed. ``gain``: factors of the units from ``factor`` on. ``out``:
    from ``where`` on, one row per grid point, ``stride`` apart. ``keeps``: 1 where the larger of what is there and what
    comes stays, else 0. ``ramp``: what is made of what comes, see ``Piecewise.ramp``.
    ``vectors``: as many numbers as a block has vectors.
    """
    signature = void_of(
        weight,
        rows,
        unit,
        first,
        last,
        start,
        begin,
        factors,
        low,
        high,
        state,
        place,
        gain,
        factor,
        out,
        where,
        stride,
        keeps,
        ramp,
        vectors,
    )

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rows, begin, low, high, place, factor, where, stride, keeps = (
            args[n] for n in (1, 6, 8, 9, 11, 13, 15, 16, 17)
        )
        places = (0, 2, 3, 4, 5, 7, 10, 12, 14, 18)
        kinds, arrays = [signature.args[n] for n in places], [args[n] for n in places]
        weight, unit, first, last, start, factors, state, gain, out, ramp = range(len(places))
        b = builder
        e = Emit(context, b, kinds, arrays, signature.args[0].dtype, signature.args[19].count)
        sums, scale = _state(e, state, place), e.load(gain, factor)
        by_all, by_part, bottom, top, more, *steps = (e.spread(ramp, I64(n)) for n in range(9))
        nothing = e.item(0.0)
        jumps = b.or_(*(b.fcmp_unordered("!=", e.one(ramp, I64(n)), nothing) for n in (6, 8)))
        with cgutils.for_range_slice(b, low, high, I64(1), intp=I64) as (i, _):
            at = b.add(begin, i)
            _add_events(e, sums, weight, rows, unit, first, last, e.one(start, at), e.one(start, b.add(at, I64(1))))
            # P0 + t (P1 - P0) + t (1 - t) (T - 2 (P0 + P1)): what is the same at both ends is so between them, exactly.
            t, bow = (e.spread(factors, b.add(b.mul(i, I64(2)), I64(n))) for n in range(2))
            p0, p1, both = (e.get(total) for total in sums)
            ends = e.add(p0, p1)
            found = e.fma(t, e.less(p1, p0), e.fma(bow, e.less(both, e.add(ends, ends)), p0))
            target = b.add(where, b.mul(b.sub(i, low), stride))
            with b.if_else(b.icmp_signed("!=", keeps, I64(0))) as (then, otherwise):
                with then:
                    e.store(e.times(scale, e.larger(found, e.load(out, target))), out, target)
                with otherwise:
                    # No finite factor makes a number of an infinite value again: it comes out as none, and is seen.
                    part = e.smaller(top, e.larger(bottom, found))
                    value = e.variable(e.fma(by_part, part, e.fma(by_all, found, more)))
                    with b.if_then(jumps, likely=False):
                        for at, jump in (steps[:2], steps[2:]):
                            e.put(e.add(e.get(value), e.where_larger(found, at, jump)), value)
                    e.store(e.times(scale, e.get(value)), out, target)
        _keep_state(e, sums, state, place)
        return context.get_dummy_value()

    return signature, generate


follow: Any = intrinsic(_emit_follow)


EXAMPLES = 4
TILE = 2 if LANE_BYTES == 32 else 4
"""Examples and grid points at once: the weights of a point are made once for all its examples."""
SPAN = 16
"""Grid points between two such calls: what one block of so few units has to say there stays in the nearest cache."""


def _emit_onward(
    typing: Any,
    values: Any,
    points: Any,
    grid: Any,
    low: Any,
    table: Any,
    first: Any,
    total: Any,
    place: Any,
    stride: Any,
) -> Any:
    """total[n, i] += Σ_m values[n, i, m] (table[m, 0] + t_i table[m, 1]) of ``EXAMPLES`` examples.

    ``values``: [examples, SPAN, W], of which the first ``points`` count. ``grid``: t, from ``low`` on. ``table``: from
    ``first`` on, [W, 2] vectors. ``total``: from ``place`` on, one vector per grid point, examples ``stride`` apart.
    """
    signature = void_of(values, points, grid, low, table, first, total, place, stride)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        points, low, first, place, stride = (args[n] for n in (1, 3, 5, 7, 8))
        places = (0, 2, 4, 6)
        values, grid, table, total = range(len(places))
        kinds, arrays = [signature.args[n] for n in places], [args[n] for n in places]
        b, item = builder, signature.args[0].dtype
        e = Emit(context, b, kinds, arrays, item, 1)
        width, lanes = width_of(e.bytes), I64(e.lanes)
        with cgutils.for_range_slice(b, I64(0), points, I64(TILE), intp=I64) as (i, _):
            steps = [b.add(i, I64(t)) for t in range(TILE)]
            beside = [e.spread(grid, b.add(low, step)) for step in steps]
            targets = [
                [b.add(b.add(place, b.mul(I64(n), stride)), b.mul(step, lanes)) for step in steps]
                for n in range(EXAMPLES)
            ]
            sums = [[e.variable(e.load(total, target)) for target in row] for row in targets]
            with cgutils.for_range_slice(b, I64(0), I64(width), I64(1), intp=I64) as (m, _):
                row = b.add(first, b.mul(m, I64(2 * e.lanes)))
                at, change = e.load(table, row), e.load(table, b.add(row, lanes))
                start = b.add(b.mul(i, I64(width)), m)
                for t in range(TILE):
                    weights = e.fma(beside[t], change, at)
                    for n in range(EXAMPLES):
                        value = e.spread(values, b.add(start, I64((n * SPAN + t) * width)))
                        e.put(e.fma(value, weights, e.get(sums[n][t])), sums[n][t])
            for places_of, held in zip(targets, sums, strict=True):
                for target, one in zip(places_of, held, strict=True):
                    e.store(e.get(one), total, target)
        return context.get_dummy_value()

    return signature, generate


onward: Any = intrinsic(_emit_onward)
