"""Event-driven evaluation of the layer after a piecewise-linear one: work per switch of a unit, not per point.

On a line the pieces of a hidden unit are affine in alpha for each example, so their maximum switches at most once per
piece. Between switches the next layer is quadratic in alpha, and a switch changes the quadratic by multiples of the
two rows that belong to the unit in the weights' middle and half difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape.engine.kind import Kind
from landscape.engine.part import frontier, part
from landscape.engine.prefix import Points, combine
from landscape.engine.second import Around, Memory, Packed, Switches, side_by_side
from landscape.engine.structure import Structure
from landscape.engine.trace import NotFinite, Trace

CHUNK_BYTES = 32 << 20
"""Second-layer values that are held at once where a wide layer reads them."""
SUMS_BYTES = 384 << 10
"""Sums of a narrow further layer that are worked on at once: about a processor core's second cache."""


class Events:
    """Evaluates one batch at many points of a line, exact up to rounding.

    Args:
        trace: of the batch's shape. structure: the layers to serve, found in this trace.
        memory: arrays to work in, those of other batches of the same line too.
    """

    def __init__(self, trace: Trace, structure: Structure, memory: Memory | None = None) -> None:
        self.trace, self.structure, self.memory = trace, structure, Memory() if memory is None else memory
        kinds, module, outputs, tail = trace.kinds, trace.module, trace.outputs, structure.tail
        sources = {trace.theta, *trace.known.values()}
        self.affine = frontier(kinds, {*sources, structure.after}, outputs, Kind.AFFINE)
        self.const = frontier(kinds, {*sources, structure.after}, outputs, Kind.CONST)
        self._rest = part(module, [structure.after, *self.affine, *self.const], outputs)
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
        self.shape = tuple(structure.linear.meta["val"].shape[:-1])

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
        if not all(bool(value.sum().isfinite()) for pair in ends.values() for value in pair):
            raise NotFinite
        places = np.array([weights[1] for weights in points])
        order = np.argsort(places, kind="stable")
        factors = {name: const[n] for name, n in zip(self.gains, gains, strict=True)}
        found, num = dict[int, dict[str, Tensor]](), 0
        for a, value in zip(order.tolist(), self._served(ends, factors, places[order]), strict=True):
            outputs = self._rest(value, *(combine(v, points[a]) for v in moving), *(const[n] for n in rest))
            found[a] = dict(zip(self.trace.channels, outputs, strict=True))
            while num in found:  # thousands of small tensors take more than what is in them
                yield found.pop(num), None
                num += 1

    def _served(
        self, ends: Mapping[str, tuple[Tensor, ...]], gains: Mapping[str, Tensor], places: NDArray[np.float64]
    ) -> Iterator[Tensor]:
        """The value of the node ``after`` at each of ``places`` [A], which ascend."""
        structure, tail = self.structure, self.structure.tail
        middle, half = (places[0] + places[-1]) / 2, (places[-1] - places[0]) / 2 or 1.0
        rows = int(np.prod(self.shape))

        def around(name: str) -> Around:
            first, second = ends[name]
            return torch.lerp(first, second, middle), (second - first) * half

        def flat(value: Tensor) -> Tensor:
            return value.expand(*self.shape, value.shape[-1]).reshape(rows, -1)

        pieces = [around(f"piece {k}") for k in range(len(structure.hidden.pieces))]
        units, dtype = pieces[0][0].shape[-1], pieces[0][0].dtype
        grid = torch.from_numpy((places - middle) / half).to(dtype)
        gain = flat(gains["hidden"]) if "hidden" in gains else torch.ones(rows, units, dtype=dtype)
        switches = Switches(self.memory, [(flat(p), flat(d)) for p, d in pieces], gain, structure.hidden.has_zero,
                            grid.numpy())  # fmt: skip
        weight = around("weight")
        bias = around("bias") if structure.bias is not None else None
        turned = weight if structure.is_transposed else (weight[0].t(), weight[1].t())
        packed = Packed(self.memory, turned, bias, structure.group)
        if tail is None:
            yield from self._wide(switches, packed, rows, dtype)
            return
        last = around("tail")
        last = (last[0].t(), last[1].t()) if tail.is_transposed else last
        sums = self._narrow(switches, packed, last, flat(gains["tail"]) if "tail" in gains else None, rows, grid)
        if tail.bias is not None:
            at, slope = around("tail bias")
            sums += at + grid[:, None, None] * slope
        yield from sums.view(len(grid), *self.shape, -1)

    def _wide(self, switches: Switches, packed: Packed, rows: int, dtype: torch.dtype) -> Iterator[Tensor]:
        """Values [..., M] of the second layer, point after point."""
        from landscape.engine import sweep as kernel

        num = switches.arrays[3].shape[1] - 1
        chunk = min(num, max(1, CHUNK_BYTES // (rows * packed.columns * dtype.itemsize)))
        values = self.memory("values", (chunk, rows, packed.columns), dtype)
        group, blocks, _, width = packed.state.shape
        state = self.memory("state", (group, blocks, rows, 3, width), dtype)
        running, out = state.copy_(packed.state[:, :, None]).numpy(), values.numpy()
        ones = torch.ones(width, dtype=dtype).numpy()
        for low in range(0, num, chunk):
            high = min(low + chunk, num)
            side_by_side(packed.blocks, lambda first, last, low=low, high=high: kernel.sweep(  # type: ignore[misc]
                packed.weight, *switches.arrays, low, high, running, ones, out, first, last, int(self.structure.is_relu)
            ))  # fmt: skip
            for value in values[: high - low, :, : packed.outputs]:
                yield value.view(*self.shape, -1)

    def _narrow(
        self, switches: Switches, packed: Packed, weight: Around, gain: Tensor | None, rows: int, grid: Tensor
    ) -> Tensor:
        """Values [A, N, C] of the further layer, without its bias."""
        from landscape.engine import sweep as kernel

        dtype, outputs = grid.dtype, len(weight[0])
        table = packed.table(weight)
        _, groups, width, columns = table.shape
        padded = -(-len(grid) // kernel.TILE) * kernel.TILE
        total = self.memory("total", (rows, groups, padded, columns), dtype).zero_()
        factors = torch.ones(width + (1 if gain is None else rows) * packed.columns, dtype=dtype)
        if gain is not None:
            factors[width:].view(rows, -1)[:, : packed.outputs] = gain
        together = max(1, SUMS_BYTES // (groups * padded * columns * dtype.itemsize))

        def run(first: int, last: int) -> None:
            scratch = torch.zeros(padded + 3, width, dtype=dtype).numpy()
            kernel.sweep_on(
                packed.weight, *switches.arrays, packed.state.numpy(), factors.numpy(),
                0 if gain is None else packed.columns, table.numpy(), total.numpy(), scratch, first, last, together,
                int(self.structure.is_relu),
            )  # fmt: skip

        side_by_side(rows, run)
        sums = total.transpose(1, 2)[:, : len(grid)].flatten(2)  # [N, A, groups * columns]
        values = sums[..., :outputs] + grid[:, None] * sums[..., outputs : 2 * outputs]
        return values.transpose(0, 1).contiguous()
