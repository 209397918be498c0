"""How many bytes of tensors a piece of code holds at once, and what it multiplies, counted operator by operator."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

SCRATCH = ("convolution", "_convolution", "mkldnn_rnn_layer", "_thnn_fused_lstm_cell")
"""Operators whose libraries work on a copy of what they read and write, in an order of their own."""


class Live(TorchDispatchMode):
    """Counts what is made inside the block, on any device; what was there before does not count.

    ``now``: bytes held. ``peak``: the most so far. ``flops``: multiplications and additions of products and
    convolutions so far. It sees operators: what a library takes for itself within one is added only for those of
    ``SCRATCH``.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """False: torch would import its compiler at the first operator, for seconds, to keep it away from here."""
        return False

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now: int = 0
        self.peak: int = 0
        self.flops: int = 0
        self._held: dict[int, weakref.ref[Any]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operator and note what is new in its outputs."""
        out = func(*args, **(kwargs or {}))
        if (count := flop_registry.get(func.overloadpacket)) is not None:
            self.flops += count(*args, **(kwargs or {}), out_val=out)
        read = {_storage(t)._cdata: t for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)}
        made = [t for t in tree_leaves(out) if isinstance(t, Tensor) and _storage(t)._cdata not in read]
        for tensor in made:
            self._note(_storage(tensor))
        extra = 0
        if func.overloadpacket.__name__ in SCRATCH:
            extra = sum(t.numel() * t.element_size() for t in [*read.values(), *made])
        self.peak = max(self.peak, self.now + extra)
        return out

    def _note(self, storage: torch.UntypedStorage) -> None:
        key, num_bytes = storage._cdata, storage.nbytes()
        if key in self._held and self._held[key]() is storage:
            return

        def gone(_: Any) -> None:
            self._held.pop(key, None)
            self.now -= num_bytes

        self._held[key] = weakref.ref(storage, gone)
        self.now += num_bytes


def _storage(tensor: Tensor) -> Any:
    return tensor.untyped_storage()


def peak_of(call: Callable[[], object]) -> int:
    """The most bytes of tensors that a call holds at once beyond those that were there."""
    live = Live()
    with live:
        call()
    return live.peak
