"""What the kernels need of one batch: events of its units, packed weights, and arrays to work in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape.objective.engine.events import relu, switches
from landscape.objective.engine.events.structure import Envelope
from landscape.objective.engine.events.vectors import VECTORS, lanes_of
from landscape.objective.engine.scratch import Scratch

Ends = tuple[Tensor, Tensor]
"""A value at the first and at the last grid point."""


class Switches:
    """The events of every hidden unit on every example of a batch, sorted by grid point.

    Args:
        hidden: what the units are.
        pieces: their pieces [N, H] each.
        gain: factors [N, H], or [1, H] where they are the same for all examples.
        grid: t [A].
    """

    def __init__(
        self, scratch: Scratch, hidden: Envelope, pieces: Sequence[Ends], gain: Tensor, grid: NDArray[Any]
    ) -> None:
        (rows, units), dtype = pieces[0][0].shape, gain.dtype
        shape = (rows, units, len(pieces))
        begin, end = (
            pieces[0][n].unsqueeze(2).numpy()
            if len(pieces) == 1
            else torch.stack([p[n] for p in pieces], dim=2, out=scratch(f"pieces {n}", shape, dtype)).numpy()
            for n in range(2)
        )
        capacity, has_zero = units * hidden.num_lines, hidden.has_zero
        unit, first, last = (
            scratch(name, (rows, capacity), kind).numpy()
            for name, kind in (("unit", torch.int32), ("first", dtype), ("last", dtype))
        )
        tiles = scratch("tiles", (rows, -(-units // switches.UNITS) + 1), torch.int64).numpy()
        start = scratch("start", (rows, len(grid) + 1), torch.int64).numpy()
        factors = gain.contiguous().numpy()
        filled: tuple[Any, ...] = (unit, first, last, tiles, start)
        fill: Callable[..., None]
        if hidden.function is not None:
            lines, cuts = (torch.tensor(n, dtype=dtype).numpy() for n in (hidden.function.lines, hidden.function.cuts))
            bends = lines, cuts, np.array(hidden.function.sides)
            fill = partial(switches.bucket_cuts, begin[:, :, 0], end[:, :, 0], factors, *bends, grid)
        elif has_zero and len(pieces) == 1:
            fill = partial(relu.bucket_relu, begin[:, :, 0], end[:, :, 0], factors, grid)
        else:
            fill = partial(switches.bucket, begin, end, factors, has_zero, grid)
        side_by_side(rows, lambda low, high: fill(low, high, *filled))
        self.arrays = filled


class Packed:
    """Weights and bias of the second layer in blocks of output units, as the kernels read them.

    Args:
        weight: [H, M] each.
        bias: [M] each.
        group: pieces of an output unit, consecutive columns.
        vectors: of a block.
    """

    def __init__(self, scratch: Scratch, weight: Ends, bias: Ends | None, group: int, vectors: int = VECTORS) -> None:
        (units, outputs), dtype = weight[0].shape, weight[0].dtype
        width = vectors * lanes_of(weight[0].element_size())
        self.outputs, self.width = outputs // group, width
        self.blocks = -(-self.outputs // width)
        self.columns = self.blocks * width
        spread = scratch("spread", (2, group, self.columns, units), dtype).zero_()
        state = torch.zeros(3, group, self.columns, dtype=dtype)
        for n in range(2):
            # Column m of the layer is piece m % group of its unit m // group.
            spread[n, :, : self.outputs] = weight[n].t().unflatten(0, (self.outputs, group)).transpose(0, 1)
            if bias is not None:
                state[n, :, : self.outputs] = bias[n].view(self.outputs, group).t()
        # A bias is a unit of constant value 1.
        torch.add(state[0], state[1], out=state[2]).mul_(2)
        laid = spread.view(2, group, self.blocks, width, units).permute(1, 2, 4, 0, 3)
        self.weight = scratch("weight", laid.shape, dtype).copy_(laid).numpy()
        self.state = state.view(3, group, self.blocks, width).permute(1, 2, 0, 3).contiguous()  # [K, blocks, 3, W]

    def table(self, weight: Ends) -> Tensor:
        """A further layer's weights [C, M] -> [blocks, groups, W, 2, lanes]: at the first point, and the change."""
        lanes = lanes_of(weight[0].element_size())
        outputs = len(weight[0])
        groups = -(-outputs // lanes)
        padded = weight[0].new_zeros(2, groups * lanes, self.columns)
        padded[0, :outputs, : self.outputs] = weight[0]
        padded[1, :outputs, : self.outputs] = weight[1] - weight[0]
        return padded.view(2, groups, lanes, self.blocks, self.width).permute(3, 1, 4, 0, 2).contiguous()


def factors_of(t: NDArray[np.float64], dtype: torch.dtype) -> NDArray[Any]:
    """t and t (1 - t) at each of the grid points, [A, 2]."""
    return torch.from_numpy(np.stack((t, t * (1 - t)), axis=1)).to(dtype).numpy()


def side_by_side(count: int, run: Callable[[int, int], None]) -> None:
    """``run(low, high)`` over parts of ``range(count)``, on as many threads as torch uses.

    The kernels let go of the interpreter's lock. Threads of our own, for one call, rather than numba's: its pools do
    not bear several callers, a fork, or another OpenMP in the same process.
    """
    threads = min(torch.get_num_threads(), count)
    if threads == 1:
        run(0, count)
        return
    bounds = np.linspace(0, count, threads + 1).astype(int).tolist()
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(run, low, high) for low, high in pairwise(bounds)]:
            done.result()
