"""What the kernels of the events are made of: LLVM's own vector types, and how they are compiled.

Such vectors stay in registers; a loop over array elements would go through memory at every event.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from llvmlite import binding, ir
from numba import njit
from numba.core import cgutils

STAMPED = ("vectors", "instructions", "kernel", "relu", "switches")
"""Files whose instructions and constants end up in what is kept on disk."""


def compiled(function: Callable[..., Any]) -> Any:
    """The function as machine code without Python's lock, kept on disk where numba finds a place for it.

    numba itself would only look whether the file of the function has changed, not whether those have that it calls.
    """
    try:
        made: Any = njit(nogil=True, cache=True, error_model="numpy")(function)
        made._cache._cache_file._source_stamp = stamp(Path(__file__).parent)
    except (RuntimeError, AttributeError):  # no folder that may be written: compiled anew by every process
        return njit(nogil=True, error_model="numpy")(function)
    return made


def stamp(folder: Path) -> tuple[tuple[int, int], ...]:
    """Time and size of each of the files."""
    found = ((folder / f"{name}.py").stat() for name in STAMPED)
    return tuple((stat.st_mtime_ns, stat.st_size) for stat in found)


_FEATURES = binding.get_host_cpu_features()
LANE_BYTES = 64 if _FEATURES.get("avx512f") else 32 if _FEATURES.get("avx") else 16
VECTORS = 2 if LANE_BYTES == 32 else 4
"""A block is so many vectors of output units: three sums of each, and what is multiplied, fit in the registers."""
ALL = (0,) * VECTORS
"""As many numbers, by which numba tells a kernel for such blocks from one for smaller blocks."""

I32, I64 = ir.IntType(32), ir.IntType(64)
Row = list[Any]
"""The vectors of one block."""


def width_of(itemsize: int) -> int:
    """W, output units in a block, for elements of so many bytes."""
    return VECTORS * LANE_BYTES // itemsize


def vectors_for(outputs: int, itemsize: int) -> int:
    """Vectors in a block: no more than so many output units fill."""
    return min(VECTORS, -(-outputs // lanes_of(itemsize)))


def lanes_of(itemsize: int) -> int:
    """Elements in a vector."""
    return LANE_BYTES // itemsize


class Emit:
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

    def less(self, x: Row, y: Row) -> Row:
        """x - y."""
        return [self.b.fsub(u, v) for u, v in zip(x, y, strict=True)]

    def where_larger(self, x: Row, y: Row, z: Row) -> Row:
        """z where x > y, else 0."""
        return [
            self.b.select(self.b.fcmp_ordered(">", u, v), w, nothing)
            for u, v, w, nothing in zip(x, y, z, self.zero, strict=True)
        ]

    def larger(self, x: Row, y: Row) -> Row:
        """The maximum; y where one of them is no number."""
        return [self.b.select(self.b.fcmp_ordered(">", u, v), u, v) for u, v in zip(x, y, strict=True)]

    def smaller(self, x: Row, y: Row) -> Row:
        """The minimum; y where one of them is no number."""
        return [self.b.select(self.b.fcmp_ordered("<", u, v), u, v) for u, v in zip(x, y, strict=True)]
