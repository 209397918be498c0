"""What one objective holds while it goes over its examples: counted on a real batch of a few, operator by operator."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from landscape.data.dataset import Split
from landscape.ground.streams import MASK_BLOCK
from landscape.objective.batch import Batch, Batches, Buffers
from landscape.objective.engine.pooling import is_slow
from landscape.objective.memory.passes import Footprint
from landscape.objective.module.watch import tensors_of

FEW, MOST = 16, 512
"""Examples that are counted after two, and at most: so many that they, and not theta, are what is large."""

Evaluate = Callable[[Batch], tuple[Mapping[str, Tensor], Any]]
"""What is done to a batch: it gives values and the state after it, which are held."""


SCRATCH = ("convolution", "_convolution", "mkldnn_rnn_layer", "_thnn_fused_lstm_cell")
"""Operators whose libraries work on a copy of what they read and write, in an order of their own."""
ROWS = ("mm", "addmm", "bmm", "baddbmm")
"""Matrix products."""
MAPS = ("convolution", "_convolution", "cudnn_convolution", "mkldnn_convolution")
"""Convolutions."""
GATES = 8
"""Values per unit that a step of a recurrent layer reads and writes: four sums, what it hands on, some between."""
KINKS = frozenset({"relu", "relu6", "leaky_relu", "prelu", "_prelu_kernel", "threshold", "hardtanh", "hardshrink"})
KINKS |= {"softshrink", "clamp", "clamp_min", "clamp_max", "maximum", "minimum", "amax", "amin", "abs"}
"""Operators that may be piecewise linear; with an underscore behind they work in place."""


class Live(TorchDispatchMode):
    """Counts what is made inside the block, on any device; what was there before does not count.

    ``now``: bytes held. ``peak``: the most so far. ``flops``: multiplications and additions of products and
    convolutions so far; ``first``: of these, those of data and parameters as they are; ``rows``: of these, those of
    matrix products; ``maps``: those of convolutions; ``bends``: whether any operator may be piecewise linear;
    ``pools``: whether images are pooled as is slow. It sees operators: what a library takes for itself within one is
    added only for those of ``SCRATCH``.

    Args:
        parameters: what a point is, or is made of.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """False: torch would import its compiler at the first operator, for seconds, to keep it away from here."""
        return False

    def __init__(self, parameters: Iterable[Tensor] = ()) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now: int = 0
        self.peak: int = 0
        self.flops: int = 0
        self.first: int = 0
        self.rows: int = 0
        self.maps: int = 0
        self.bends = self.pools = False
        self._point = {_storage(tensor)._cdata for tensor in parameters}  # memory in which no data has entered
        self._mixed = set[int]()  # memory whose values come from both
        self._held: dict[int, weakref.ref[Any]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operator and note what is new in its outputs."""
        out = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        self.bends |= name.removesuffix("_") in KINKS
        self.pools |= name == "max_pool2d_with_indices" and is_slow(args[0])
        read = {_storage(t)._cdata: t for t in tensors_of((args, kwargs))}
        made = [t for t in tensors_of(out) if _storage(t)._cdata not in read]
        is_mixed = not self._mixed.isdisjoint(read)
        has_point = not self._point.isdisjoint(read)
        is_first = has_point and not is_mixed and not self._point.issuperset(read)
        if (count := flop_registry.get(func.overloadpacket)) is not None:
            flops = count(*args, **(kwargs or {}), out_val=out)
            self.flops += flops
            self.first += flops if is_first else 0
            self.rows += flops if is_first and name in ROWS else 0
            self.maps += flops if name in MAPS else 0
        for tensor in made:
            self._note(_storage(tensor))
            if is_mixed or has_point:
                (self._mixed if is_mixed or is_first else self._point).add(_storage(tensor)._cdata)
        extra = 0
        if name in SCRATCH:
            extra = sum(t.numel() * t.element_size() for t in [*read.values(), *made])
        self.peak = max(self.peak, self.now + extra)
        return out

    def _note(self, storage: torch.UntypedStorage) -> None:
        key, num_bytes = storage._cdata, storage.nbytes()
        if key in self._held and self._held[key]() is storage:
            return

        def gone(_: Any) -> None:
            self._held.pop(key, None)
            self._mixed.discard(key)
            self._point.discard(key)
            self.now -= num_bytes

        self._held[key] = weakref.ref(storage, gone)
        self.now += num_bytes


def _storage(tensor: Tensor) -> Any:
    return tensor.untyped_storage()


def footprint(
    batches: Batches, buffers: Buffers, evaluate: Evaluate, budget: float = math.inf, point: Tensor | None = None
) -> Footprint:
    """Bytes that the plain path takes.

    Args:
        batches: of the objective.
        buffers: of the first row.
        evaluate: what is done to a batch.
        budget: in bytes.
        point: where it is evaluated, unless that is made of the module's parameters on the way.
    """
    split, forward, rows, replicates = batches.split, batches.forward, len(batches.seeds), batches.num_replicates
    theta_bytes = forward.layout.num_parameters * forward.dtype.itemsize
    draws, width = forward.cost.num_draws, sum(forward.masks.widths) if batches.is_random else 0
    sizes, peaks, state, counted = list[int](), list[int](), 0, (0.0, 0.0, 0.0, 0.0)
    parameters = [*forward.module.parameters(), *([] if point is None else [point])]
    size = split.num_streams or min(2, len(split))
    while True:
        x, y = split.rows(slice(size))
        masks = torch.ones((draws, size, width), dtype=torch.bool, device=forward.device) if width else None
        batch = batches.one(x, y, buffers, masks)
        with torch.no_grad(), Live(parameters) as live:
            _, after = evaluate(batch)
            state = sum(t.numel() * t.element_size() for t in tree_leaves(after) if isinstance(t, Tensor))
            del after
        sizes, peaks = [*sizes, size], [*peaks, live.peak]
        rows_of_kinks = live.rows if live.bends else 0
        counted = live.flops / size, live.first / size, rows_of_kinks / size, live.maps / size
        each, is_enough = _each(sizes, peaks, split)
        # What is counted must itself stay within the budget.
        if is_enough or (size >= FEW and live.peak > budget / 4):
            break
        size = min(max(2 * size, FEW), len(split))
    mask = draws * width  # bytes per example, one for each truth value
    pixels = pixel_bytes = 0
    if split.is_resampled and isinstance(split.x, Tensor):
        pixels, pixel_bytes = split.x[0].numel(), split.x.element_size()
    # One block of random numbers per stream stays; while one is drawn its float32 are there too.
    blocks = MASK_BLOCK * (mask * (rows * replicates + 5) + 4 * pixels * (rows + 1))
    # path(alpha) makes the next point of every row while the last is still there, and something on the way.
    # Nothing is held that grows slower than in proportion, so a line above all that was counted lies above the rest.
    constant = max(0.0, *(peak - num * each for num, peak in zip(sizes, peaks, strict=True)))
    # A row among others is copied, from up to three anchors, to where it lies as it would alone.
    fixed = (3 * rows + 3 * (rows > 1)) * theta_bytes + blocks + constant
    held = rows * replicates * mask + rows * pixels * (5 + pixel_bytes)
    # The states before a batch and after it.
    units = max((m.hidden_size for m in forward.module.modules() if isinstance(m, nn.RNNBase)), default=0)
    step = float(GATES * units * forward.dtype.itemsize)
    return Footprint(fixed, held, each, 3.0 * theta_bytes, 2.0 * rows * replicates * state, *counted, step, live.pools)


def _each(sizes: list[int], peaks: list[int], split: Split) -> tuple[float, bool]:
    """Bytes per example from those of more and more, and whether more examples would tell no more."""
    size, peak = sizes[-1], peaks[-1]
    if split.num_streams or size == len(split) == sizes[0]:
        return peak / size, True
    if len(sizes) == 1:
        return peak / size, False
    each = max(0.0, (peak - peaks[-2]) / (size - sizes[-2]))
    if size * each >= peak / 2 or size == len(split):
        return each, True
    # theta is still what is large: some part that grows faster may be hidden below it.
    return peak / size, size >= MOST
