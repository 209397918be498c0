"""One batch by events: affine values at the anchors, switches of every row of points, then the kernels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape.objective.engine.counts import HELD_POINTS, Room, num_bytes, split_bytes
from landscape.objective.engine.events import kernel, vectors
from landscape.objective.engine.events.packed import Ends, Packed, Switches, factors_of, side_by_side
from landscape.objective.engine.events.rest import Rest
from landscape.objective.engine.events.structure import Structure
from landscape.objective.engine.events.switches import UNITS
from landscape.objective.engine.graph import Kind, NotFinite, Trace, frontier, part
from landscape.objective.engine.prefix import combine
from landscape.objective.engine.rows import Points, rows_of
from landscape.objective.engine.scratch import Scratch

CHUNK_BYTES = 32 << 20
"""Second-layer values that are held at once where a wide layer reads them."""
SUMS_BYTES = 1 << 20
"""Sums of a narrow further layer that are worked on at once: about a processor core's second cache."""
FEW_ROWS = 256
"""Examples whose events lie in a processor's last cache together."""
STRETCH = 2048
"""Grid points of these at most, so that there is room for several examples, which share what is read of the weights."""


class Events:
    """Evaluates one batch at many points of a line or of the rows of a plane, exact up to rounding.

    Args:
        trace: of the batch's shape.
        structure: the layers to serve, found in this trace.
        held: arrays to work in, those of other batches of the same line too.
    """

    def __init__(self, trace: Trace, structure: Structure, held: dict[str, Tensor]) -> None:
        self.trace, self.structure, self.scratch = trace, structure, Scratch(held)
        kinds, module, outputs, tail = trace.kinds, trace.module, trace.outputs, structure.tail
        sources = {trace.theta, *trace.known.values()}
        self.affine = frontier(kinds, {*sources, structure.after}, outputs, Kind.AFFINE)
        self.const = frontier(kinds, {*sources, structure.after}, outputs, Kind.CONST)
        is_held = tail is not None or structure.is_few
        self._rest = Rest(module, structure.after, self.affine, self.const, outputs, held, is_held)
        # By name: the pieces of the first layer, the parameters of the layers that the kernel serves, its factors.
        self.ends = {f"piece {k}": node for k, node in enumerate(structure.hidden.pieces)}
        self.ends |= {"weight": structure.weight} | ({} if structure.bias is None else {"bias": structure.bias})
        self.gains = {} if structure.hidden.gain is None else {"hidden": structure.hidden.gain}
        if tail is not None:
            self.ends |= {"tail": tail.weight} | ({} if tail.bias is None else {"tail bias": tail.bias})
            self.gains |= {} if tail.gain is None else {"tail": tail.gain}
        wanted = [*self.affine, *self.ends.values()]
        self.needed = frontier(kinds, sources, wanted, Kind.CONST)
        self._const = part(module, list(trace.known.values()), [*self.const, *self.gains.values(), *self.needed])
        self._affine = part(module, [trace.theta, *self.needed], wanted)
        out = structure.linear.meta["val"]
        self.shape = tuple(out.shape[:-1])
        outputs = out.shape[-1] // structure.group
        self.vectors = vectors.vectors_for(outputs, out.element_size()) if structure.is_few else vectors.VECTORS

    def __call__(
        self, anchors: Sequence[Tensor], known: Mapping[str, Tensor], points: Points, states: Sequence[Any] | None
    ) -> Iterator[tuple[dict[str, Tensor], Any]]:
        """As ``Prefix``; the points may lie in any order.

        Raises:
            NotFinite: a comparison with what is no number would lose it.
        """
        const = self._const(*(known[name] for name in self.trace.known))
        rest, gains, needed = np.split(np.arange(len(const)), [len(self.const), len(self.const) + len(self.gains)])
        each = list(zip(*(self._affine(a, *(const[n] for n in needed)) for a in anchors), strict=True))
        moving, ends = each[: len(self.affine)], dict(zip(self.ends, each[len(self.affine) :], strict=True))
        if not all(bool(value.sum().isfinite()) for values in ends.values() for value in values):
            raise NotFinite
        factors = {name: const[n] for name, n in zip(self.gains, gains, strict=True)}
        found, num = dict[int, dict[str, Tensor]](), 0
        for row in rows_of(points):
            pairs = {name: (combine(v, row.ends[0]), combine(v, row.ends[1])) for name, v in ends.items()}
            which, served = row.which.tolist(), self._served(pairs, factors, row.places)

            def there(n: int, which: list[int] = which) -> list[Tensor]:
                return [combine(v, points[which[n]]) for v in moving]

            for a, outputs in zip(which, self._rest(served, there, [const[n] for n in rest]), strict=True):
                found[a] = dict(zip(self.trace.channels, outputs, strict=True))
                while num in found:  # thousands of small tensors take more than what is in them
                    yield found.pop(num), None
                    num += 1

    def room(self, num_examples: int, num_points: int, longest: int, plain: float, together: int = 1) -> Room:
        """As ``Prefix.room``: events and what they are made from, packed weights, sums, channels, and the rest."""
        structure, trace = self.structure, self.trace
        hidden, tail = structure.hidden, structure.tail
        out, piece = structure.linear.meta["val"], hidden.pieces[0].meta["val"]
        item, units, pieces = piece.element_size(), piece.shape[-1], len(hidden.pieces)
        rows = out.numel() // out.shape[-1] / num_examples  # the layer may run at several places of an example
        width = self.vectors * vectors.lanes_of(item)
        columns = -(-out.shape[-1] // structure.group // width) * width
        weights = 5 * units * out.shape[-1] * item  # at three anchors and both ends
        packed = 4 * structure.group * columns * units * item
        _, moving = split_bytes(self.affine, trace, num_examples)
        constants = {*self.const, *self.gains.values(), *self.needed}
        const = sum(num_bytes(n) for n in constants if n.op != "placeholder")
        # The pieces at three anchors, at both ends, side by side; events by unit and both values; factors.
        switches = units * (hidden.num_lines * (4 + 2 * item) + (pieces > 1) * 2 * pieces * item)
        switches += 8 * (longest + units // UNITS + 3)
        each = rows * units * (pieces * 6 * item + 3 * item) + 4 * moving + const / num_examples
        channels = sum(num_bytes(n) for n in trace.outputs[: len(trace.channels)])
        each += (channels * (num_points + 3 * HELD_POINTS) + self._rest.num_bytes) / num_examples
        if structure.is_few:
            each += rows * longest * columns * item
            return Room(weights + packed + min(FEW_ROWS, rows * num_examples) * switches, each + plain)
        each += rows * switches
        if tail is None:
            # One point of the layer, however small the part of it that is held at once.
            each += rows * (6 * structure.group + 1) * columns * item
            return Room(weights + packed + CHUNK_BYTES, each + plain)
        classes, lane = structure.after.meta["val"].shape[-1], vectors.lanes_of(item)
        padded, groups = -(-longest // kernel.TILE) * kernel.TILE, -(-classes // lane)
        sums = (1 + (groups > 1)) * groups * lane * padded  # laid side by side anew
        each += rows * (sums + 4 * classes * longest + columns) * item
        return Room(weights + packed, each + plain)

    def _served(
        self, ends: Mapping[str, tuple[Tensor, ...]], gains: Mapping[str, Tensor], places: NDArray[np.float64]
    ) -> Iterator[Tensor]:
        """The value of the node ``after`` at each of ``places`` [A], which ascend."""
        structure, tail = self.structure, self.structure.tail
        begin, end = float(places[0]), float(places[-1])
        rows = int(np.prod(self.shape))

        def at_ends(name: str) -> Ends:
            first, second = ends[name]

            def at(place: float) -> Tensor:
                return first if place == 0 else second if place == 1 else torch.lerp(first, second, place)

            return at(begin), at(end)

        def flat(value: Tensor) -> Tensor:
            return value.expand(*self.shape, value.shape[-1]).reshape(rows, -1).contiguous()

        pieces = [at_ends(f"piece {k}") for k in range(len(structure.hidden.pieces))]
        units, dtype = pieces[0][0].shape[-1], pieces[0][0].dtype
        t = (places - begin) / ((end - begin) or 1.0)
        gain = flat(gains["hidden"]) if "hidden" in gains else torch.ones(1, units, dtype=dtype)
        both, grid = [(flat(p), flat(d)) for p, d in pieces], torch.from_numpy(t).to(dtype).numpy()

        def switches(low: int, high: int) -> Switches:
            some = [(p[low:high], d[low:high]) for p, d in both]
            return Switches(self.scratch, structure.hidden, some, gain[low:high] if len(gain) > 1 else gain, grid)

        weight = at_ends("weight")
        bias = at_ends("bias") if structure.bias is not None else None
        turned = weight if structure.is_transposed else (weight[0].t(), weight[1].t())
        packed = Packed(self.scratch, turned, bias, structure.group, self.vectors)
        if tail is None:
            if structure.is_few:
                yield from self._few(switches, packed, rows, t, dtype)
            else:
                yield from self._wide(switches(0, rows), packed, rows, t, dtype)
            return
        last = at_ends("tail")
        last = (last[0].t(), last[1].t()) if tail.is_transposed else last
        sums = self._narrow(switches(0, rows), packed, last, flat(gains["tail"]) if "tail" in gains else None, rows, t)
        if tail.bias is not None:
            first, second = at_ends("tail bias")
            sums += torch.lerp(first, second, torch.from_numpy(t).to(dtype)[:, None, None])
        yield from sums.view(len(t), *self.shape, -1)

    def _few(
        self,
        switches: Callable[[int, int], Switches],
        packed: Packed,
        rows: int,
        t: NDArray[np.float64],
        dtype: torch.dtype,
    ) -> Iterator[Tensor]:
        """Values [..., M] of a layer of few outputs, one block or a few of them, point after point.

        They take less than their switches, which are made for some examples at a time and read from the cache.
        """
        values = self.scratch("values", (len(t), rows, packed.columns), dtype)
        state, factors, out = packed.state.numpy(), factors_of(t, dtype), values.numpy()
        ones, kind = torch.ones(packed.width, dtype=dtype).numpy(), (0,) * self.vectors
        ramp = self.structure.activation.ramp(out.dtype.type)
        for low in range(0, rows, FEW_ROWS):
            high = min(low + FEW_ROWS, rows)
            unit, first, last, tiles, start = switches(low, high).arrays

            def run(begin: int, end: int, low: int = low, arrays: Any = (unit, first, last, tiles, start)) -> None:
                *events, tiles, start = arrays
                kernel.sweep(
                    packed.weight,
                    *events,
                    tiles[begin:end],
                    start[begin:end],
                    factors,
                    0,
                    len(t),
                    state,
                    np.empty((end - begin) * state.size, out.dtype),
                    ones,
                    out,
                    0,
                    packed.blocks,
                    low + begin,
                    ramp,
                    kind,
                )

            side_by_side(high - low, run)
        for value in values[:, :, : packed.outputs]:
            yield value.view(*self.shape, -1)

    def _wide(
        self, switches: Switches, packed: Packed, rows: int, t: NDArray[np.float64], dtype: torch.dtype
    ) -> Iterator[Tensor]:
        """Values [..., M] of the second layer, point after point."""
        num = len(t)
        chunk = min(num, max(1, CHUNK_BYTES // (rows * packed.columns * dtype.itemsize)))
        values = self.scratch("values", (chunk, rows, packed.columns), dtype)
        state, factors = packed.state.numpy(), factors_of(t, dtype)
        held = self.scratch("held", (rows * packed.state.numel(),), dtype).numpy()
        ones, out = torch.ones(packed.width, dtype=dtype).numpy(), values.numpy()
        ramp = self.structure.activation.ramp(out.dtype.type)
        for low in range(0, num, chunk):
            high = min(low + chunk, num)
            side_by_side(
                packed.blocks,
                lambda first, last, low=low, high=high: kernel.sweep(  # type: ignore[misc]
                    packed.weight,
                    *switches.arrays,
                    factors,
                    low,
                    high,
                    state,
                    held,
                    ones,
                    out,
                    first,
                    last,
                    0,
                    ramp,
                    vectors.ALL,
                ),
            )
            for value in values[: high - low, :, : packed.outputs]:
                yield value.view(*self.shape, -1)

    def _narrow(
        self, switches: Switches, packed: Packed, weight: Ends, gain: Tensor | None, rows: int, t: NDArray[np.float64]
    ) -> Tensor:
        """Values [A, N, C] of the further layer, without its bias."""
        table, outputs, dtype = packed.table(weight), len(weight[0]), weight[0].dtype
        _, groups, width, _, lanes = table.shape
        padded = -(-len(t) // kernel.TILE) * kernel.TILE
        calls = -(-rows // kernel.EXAMPLES)
        total = self.scratch("total", (calls * kernel.EXAMPLES, groups, padded, lanes), dtype).zero_()
        gains = torch.ones(width + (1 if gain is None else rows) * packed.columns, dtype=dtype)
        if gain is not None:
            gains[width:].view(rows, -1)[:, : packed.outputs] = gain
        stretch = min(padded, STRETCH)
        together = kernel.EXAMPLES * max(1, SUMS_BYTES // (kernel.EXAMPLES * groups * stretch * lanes * dtype.itemsize))
        grid = torch.zeros(padded, dtype=dtype)
        grid[: len(t)] = torch.from_numpy(t)
        factors, group = factors_of(t, dtype), self.structure.group
        ramp = self.structure.activation.ramp(factors.dtype.type)

        def run(low: int, high: int) -> None:
            scratch = torch.zeros(kernel.EXAMPLES, kernel.SPAN, width, dtype=dtype).numpy()
            blocks = packed.blocks if len(t) > STRETCH else 1
            held = torch.empty(blocks * group * together * packed.state[0, 0].numel(), dtype=dtype).numpy()
            kernel.sweep_on(
                packed.weight,
                *switches.arrays,
                factors,
                packed.state.numpy(),
                held,
                gains.numpy(),
                0 if gain is None else packed.columns,
                table.numpy(),
                grid.numpy(),
                total.numpy(),
                scratch,
                low * kernel.EXAMPLES,
                min(high * kernel.EXAMPLES, rows),
                together,
                STRETCH,
                ramp,
            )

        side_by_side(calls, run)
        return total[:rows].permute(2, 0, 1, 3).flatten(2)[: len(t), :, :outputs].contiguous()
