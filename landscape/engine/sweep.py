"""The sums of the event-driven engine, compiled by numba on first use and kept on disk.

The sum over hidden units of (U + beta V)(a + beta d) is P + beta Q + beta² R. A block of output units keeps its P, Q, R
in vector registers while one example's events go by; LLVM's own vector types make sure of that, where a loop over
array elements would go through memory at every event.
"""

from __future__ import annotations

from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from landscape.engine.compiled import compiled

_FEATURES = binding.get_host_cpu_features()
LANE_BYTES = 64 if _FEATURES.get("avx512f") else 32 if _FEATURES.get("avx") else 16
VECTORS = 2 if LANE_BYTES == 32 else 4
"""A block is so many vectors of output units: four sums of each, and what is multiplied, fit in the registers."""

COLUMNS = 3
TILE = 4 if LANE_BYTES == 32 else 2 if LANE_BYTES == 16 else 8
"""The layer that follows is summed in so many vectors at so many grid points at once: a dozen registers and more."""

I32, I64 = ir.IntType(32), ir.IntType(64)
Row = list[Any]
"""The vectors of one block."""


def width_of(itemsize: int) -> int:
    """W, output units in a block, for elements of so many bytes."""
    return VECTORS * LANE_BYTES // itemsize


class _Emit:
    """Instructions on the blocks of arrays of one element type."""

    def __init__(self, context: Any, builder: Any, kinds: Any, arrays: Any, item: Any, vectors: int = VECTORS) -> None:
        self.b, self.bytes = builder, item.bitwidth // 8
        self.lanes, self.vectors = LANE_BYTES // self.bytes, vectors
        self.item: Any = ir.FloatType() if self.bytes == 4 else ir.DoubleType()
        self.vector = ir.VectorType(self.item, self.lanes)
        self.zero = [ir.Constant(self.vector, None)] * vectors
        self.data = [context.make_array(t)(context, builder, a).data for t, a in zip(kinds, arrays, strict=True)]

    def one(self, array: int, index: Any) -> Any:
        """One element."""
        return self.b.load(self.b.gep(self.data[array], [index]))

    def _pointers(self, array: int, index: Any) -> Row:
        starts = [self.b.gep(self.data[array], [self.b.add(index, I64(n * self.lanes))]) for n in range(self.vectors)]
        return [self.b.bitcast(start, self.vector.as_pointer()) for start in starts]

    def load(self, array: int, index: Any) -> Row:
        """W elements."""
        return [self.b.load(pointer, align=self.bytes) for pointer in self._pointers(array, index)]

    def store(self, row: Row, array: int, index: Any) -> None:
        """W elements."""
        for value, pointer in zip(row, self._pointers(array, index), strict=True):
            self.b.store(value, pointer, align=self.bytes)

    def spread(self, array: int, index: Any) -> Row:
        """One element W times."""
        nothing = ir.Constant(self.vector, ir.Undefined)
        one = self.b.insert_element(nothing, self.one(array, index), I32(0))
        return [self.b.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(I32, self.lanes), None))] * self.vectors

    def variable(self, row: Row) -> Row:
        """W elements that change: registers, once LLVM has looked at them."""
        places = [cgutils.alloca_once(self.b, self.vector) for _ in row]
        self.put(row, places)
        return places

    def put(self, row: Row, places: Row) -> None:
        """Change a variable."""
        for value, place in zip(row, places, strict=True):
            self.b.store(value, place)

    def get(self, places: Row) -> Row:
        """Read a variable."""
        return [self.b.load(place) for place in places]

    def fma(self, x: Row, y: Row, z: Row) -> Row:
        """x y + z, in one rounding where the processor can."""
        return [
            self.b.fadd(self.b.fmul(u, v, flags=("contract",)), w, flags=("contract",))
            for u, v, w in zip(x, y, z, strict=True)
        ]

    def times(self, x: Row, y: Row) -> Row:
        """x y."""
        return [self.b.fmul(u, v) for u, v in zip(x, y, strict=True)]

    def add(self, x: Row, y: Row) -> Row:
        """x + y."""
        return [self.b.fadd(u, v) for u, v in zip(x, y, strict=True)]

    def larger(self, x: Row, y: Row) -> Row:
        """The maximum; y where x is no number."""
        return [self.b.select(self.b.fcmp_ordered(">", u, v), u, v) for u, v in zip(x, y, strict=True)]


def _emit_one(
    typing: Any, rows: Any, weight: Any, unit: Any, value: Any, slope: Any, start: Any, first: Any, grid: Any, low: Any,
    high: Any, state: Any, place: Any, after: Any, place_after: Any, gain: Any, factor: Any, out: Any, where: Any,
    stride: Any, keeps: Any, is_relu: Any,
) -> Any:  # fmt: skip
    """One example, one block of W output units, grid points low ... high - 1.

    ``weight``: from element ``rows`` on, U (W) and V (W) of each hidden unit. ``unit``, ``value``, ``slope``: of each
    event. ``start``: from ``first`` on, where each grid point's events begin. ``state``: P, Q, R from ``place`` on;
    ``after``: where they go in the end, from ``place_after`` on. ``gain``: factors of the units from ``factor`` on.
    ``out``: from ``where`` on, one row per grid point, ``stride`` apart. ``keeps``: the larger of what is there and
    what comes stays. Flags are 0 or 1.
    """
    arguments = (rows, weight, unit, value, slope, start, first, grid, low, high, state, place, after, place_after,
                 gain, factor, out, where, stride, keeps, is_relu)  # fmt: skip
    signature = types.void(*(types.int64 if isinstance(t, types.Integer) else t for t in arguments))

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rows, first, low, high, place, place_after = (args[n] for n in (0, 6, 8, 9, 11, 13))
        factor, where, stride, keeps, is_relu = (args[n] for n in (15, 17, 18, 19, 20))
        places = (1, 2, 3, 4, 5, 7, 10, 12, 14, 16)
        weight, unit, value, slope, start, grid, state, after, gain, out = range(len(places))
        e = _Emit(
            context, builder, [signature.args[n] for n in places], [args[n] for n in places], signature.args[1].dtype
        )
        b, width = builder, VECTORS * e.lanes
        p, q, r = (e.variable(e.load(state, b.add(place, I64(n * width)))) for n in range(3))
        s = e.variable(e.zero)  # the other half of q: two short chains of sums instead of a long one
        with cgutils.for_range_slice(b, low, high, I64(1), intp=I64) as (i, _):
            at = b.add(first, i)
            with cgutils.for_range_slice(b, e.one(start, at), e.one(start, b.add(at, I64(1))), I64(1), intp=I64) as (
                j,
                _,
            ):
                row = b.add(rows, b.mul(b.sext(e.one(unit, j), I64), I64(2 * width)))
                u, v = e.load(weight, row), e.load(weight, b.add(row, I64(width)))
                a, d = e.spread(value, j), e.spread(slope, j)
                for x, y, total in ((a, u, p), (a, v, q), (d, u, s), (d, v, r)):
                    e.put(e.fma(x, y, e.get(total)), total)
            beta = e.spread(grid, i)
            found = e.fma(beta, e.fma(beta, e.get(r), e.add(e.get(q), e.get(s))), e.get(p))
            target = b.add(where, b.mul(b.sub(i, low), stride))
            scale = e.load(gain, factor)
            with b.if_else(b.icmp_signed("!=", keeps, I64(0))) as (then, otherwise):
                with then:
                    e.store(e.times(scale, e.larger(found, e.load(out, target))), out, target)
                with otherwise:
                    is_cut = b.icmp_signed("!=", is_relu, I64(0))
                    cut = e.larger(e.zero, found)
                    chosen = [b.select(is_cut, x, y) for x, y in zip(cut, found, strict=True)]
                    e.store(e.times(scale, chosen), out, target)
        for n, total in enumerate((e.get(p), e.add(e.get(q), e.get(s)), e.get(r))):
            e.store(total, after, b.add(place_after, I64(n * width)))
        return context.get_dummy_value()

    return signature, generate


_one: Any = intrinsic(_emit_one)


def _emit_onwards(
    typing: Any, values: Any, points: Any, table: Any, first: Any, total: Any, place: Any
) -> Any:  # fmt: skip
    """total[i] += Σ_m values[i, m] table[m] for all grid points, ``TILE`` of them at a time.

    ``values``: [points, W]. ``table``: from element ``first`` on, W rows of COLUMNS vectors. ``total``: from ``place``
    on, one such row per grid point.
    """
    arguments = (values, points, table, first, total, place)
    signature = types.void(*(types.int64 if isinstance(t, types.Integer) else t for t in arguments))

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        points, first, place = args[1], args[3], args[5]
        places = (0, 2, 4)
        values, table, total = range(len(places))
        item = signature.args[0].dtype
        e = _Emit(context, builder, [signature.args[n] for n in places], [args[n] for n in places], item, COLUMNS)
        b, row, width = builder, I64(COLUMNS * e.lanes), width_of(e.bytes)
        with cgutils.for_range_slice(b, I64(0), points, I64(TILE), intp=I64) as (i, _):
            steps = [b.add(i, I64(t)) for t in range(TILE)]
            targets = [b.add(place, b.mul(step, row)) for step in steps]
            sums = [e.variable(e.load(total, target)) for target in targets]
            with cgutils.for_range_slice(b, I64(0), I64(width), I64(1), intp=I64) as (m, _):
                factors = e.load(table, b.add(first, b.mul(m, row)))
                for step, held in zip(steps, sums, strict=True):
                    value = e.spread(values, b.add(b.mul(step, I64(width)), m))
                    e.put(e.fma(value, factors, e.get(held)), held)
            for target, held in zip(targets, sums, strict=True):
                e.store(e.get(held), total, target)
        return context.get_dummy_value()

    return signature, generate


_onwards: Any = intrinsic(_emit_onwards)


@compiled
def sweep(
    weight: NDArray[Any], unit: NDArray[Any], value: NDArray[Any], slope: NDArray[Any], start: NDArray[Any],
    grid: NDArray[Any], low: int, high: int, state: NDArray[Any], ones: NDArray[Any], out: NDArray[Any],
    first_block: int, last_block: int, is_relu: int,
) -> None:  # fmt: skip
    """Output units of blocks first ... last - 1 at grid points low ... high - 1, of every example.

    Args:
        weight: [pieces of an output unit, blocks, H, 2, W]. unit, value, slope: of the events, see ``bucket``.
        start: [N, A + 1]. grid: beta [A]. state: P, Q, R of [pieces, blocks, N, 3, W], read and renewed. ones: [W].
        out: [high - low, N, blocks * W], the largest piece of each output unit.
    """
    pieces, blocks, units, _, width = weight.shape
    num, points = start.shape[0], start.shape[1]
    stride = out.shape[1] * out.shape[2]
    for k in range(first_block, last_block):
        for piece in range(pieces):
            for n in range(num):
                place = ((piece * blocks + k) * num + n) * 3 * width
                _one(
                    (piece * blocks + k) * units * 2 * width, weight, unit, value, slope, start, n * points, grid, low,
                    high, state, place, state, place, ones, 0, out, n * out.shape[2] + k * width, stride,
                    1 if piece > 0 else 0, is_relu,
                )  # fmt: skip


@compiled
def sweep_on(
    weight: NDArray[Any], unit: NDArray[Any], value: NDArray[Any], slope: NDArray[Any], start: NDArray[Any],
    grid: NDArray[Any], state: NDArray[Any], gain: NDArray[Any], row_stride: int, table: NDArray[Any],
    total: NDArray[Any], scratch: NDArray[Any], first: int, last: int, rows: int, is_relu: int,
) -> None:  # fmt: skip
    """Examples first ... last - 1 at every grid point, through a further linear layer of few outputs.

    What the further layer reads never leaves the nearest cache; its sums stay in the next one for ``rows`` examples.

    Args:
        weight ... grid: as in ``sweep``. state: [pieces, blocks, 3, W], where each example starts.
        gain: W ones, then factors of the output units, ``row_stride`` (or 0) elements per example.
        table: [blocks, groups, W, columns]. total: [N, groups, A padded, columns], added to.
        scratch: [A padded, W] and three more rows.
    """
    pieces, blocks, units, _, width = weight.shape
    points, groups, padded, columns = start.shape[1], total.shape[1], total.shape[2], total.shape[3]
    for top in range(first, last, rows):
        for k in range(blocks):
            for n in range(top, min(top + rows, last)):
                for piece in range(pieces):
                    factor = width + n * row_stride + k * width if piece == pieces - 1 else 0
                    _one(
                        (piece * blocks + k) * units * 2 * width, weight, unit, value, slope, start, n * points, grid,
                        0, points - 1, state, (piece * blocks + k) * 3 * width, scratch, padded * width, gain, factor,
                        scratch, 0, width, 1 if piece > 0 else 0, is_relu,
                    )  # fmt: skip
                for g in range(groups):
                    _onwards(scratch, padded, table, (k * groups + g) * width * columns, total,
                             (n * groups + g) * padded * columns)  # fmt: skip
