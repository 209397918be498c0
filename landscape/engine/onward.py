"""A further linear layer of few outputs, at a few grid points of a few examples at once: its sums stay in registers."""

from __future__ import annotations

from typing import Any

from numba.core import cgutils
from numba.extending import intrinsic

from landscape.engine.lanes import I64, LANE_BYTES, Emit, width_of
from landscape.engine.quadratic import void_of

EXAMPLES = 4
TILE = 2 if LANE_BYTES == 32 else 4
"""Examples and grid points at once: the weights of a point are made once for all its examples."""
SPAN = 16
"""Grid points between two such calls: what one block of so few units has to say there stays in the nearest cache."""


def _emit_onward(
    typing: Any, values: Any, points: Any, grid: Any, low: Any, table: Any, first: Any, total: Any, place: Any,
    stride: Any,
) -> Any:  # fmt: skip
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
