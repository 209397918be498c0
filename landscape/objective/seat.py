"""The plain path at one point after another: the module's tensors are put in place once, and only filled anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor

from landscape.objective.engine.pooling import QuickPooling
from landscape.objective.forward import ForwardPass, Known, innermost
from landscape.parameters import ALIGNED, aligned


def is_equal(first: Tensor, second: Tensor) -> bool:
    """Whether two tensors of one type agree bit by bit."""
    kind = {2: torch.int16, 4: torch.int32, 8: torch.int64}.get(first.element_size())
    if kind is None or first.is_complex() or not (first.is_contiguous() and second.is_contiguous()):
        return torch.equal(first, second)
    return torch.equal(first.view(kind), second.view(kind))


class Seat:
    """Channels of batches at a point, as ``ForwardPass.on_copies`` gives them, without what it does for each batch.

    Code that may write into what it is given computes with copies of theta, the buffers and the examples, other code
    with the point itself. The copies of theta and the buffers serve all batches at a point where nothing was seen to be
    written; afterwards they are compared with what they were, and where they differ the batches are to be done again,
    with new copies for each.

    Args:
        forward: of one batch.
        pools: it pools images as is slow.
    """

    def __init__(self, forward: ForwardPass, pools: bool = False) -> None:
        self.forward, self.is_careful = forward, not forward.is_safe or bool(forward.written)
        self.is_wary = bool(forward.written) or (self.is_careful and forward.is_stateful)
        """Every batch gets copies of its own."""
        self._pools = pools and QuickPooling.suits(forward.module)
        self._num_calls, self._version = 0, 0
        self._point: Tensor | None = None
        self._theta: Tensor | None = None  # a copy, that may be written into
        self._given: Mapping[str, Tensor] | None = None
        self._named: dict[str, Tensor] = {}
        self._flat: list[tuple[Tensor, Tensor]] = []  # buffers of one type side by side, and what they should be
        self._loose: dict[str, Tensor] = {}  # buffers that cannot lie there
        self._own: list[tuple[Any, Any, Tensor]] = []
        self._rest: dict[str, Tensor] = {}  # the module's own buffers, as they were before it was taken
        self._places: list[tuple[Any, Any, Tensor]] = []
        self._look: list[Any] = []

    @contextmanager
    def taken(self) -> Iterator[Seat]:
        """Inside it the module is this one's; its own tensors are back afterwards."""
        self._own = [(owner, key, owner[key]) for owner, key, _ in self.forward.borrowed.places]
        self._rest = dict(self.forward.borrowed.buffers)
        try:
            with QuickPooling() if self._pools else nullcontext():
                yield self
        finally:
            self.leave()
            self._put(self._own)
            self._given, self._theta, self._places, self._rest = None, None, [], {}

    def move(self, theta: Tensor, buffers: Mapping[str, Tensor]) -> None:
        """Go to a point.

        Args:
            theta: [P], which stays as it is until the next move.
            buffers: there.
        """
        if buffers is not self._given:
            self._lay(buffers)
        self._point, self._num_calls = theta, 0
        if self.is_careful:
            self._fill()
        else:
            self._bind(aligned(theta))

    def leave(self) -> None:
        """Let go of the point, so that it is gone before the next is made."""
        self._point = None
        if not self.is_careful:
            self._put(self._own)
            self._places = []

    def __call__(self, known: Known, state: Any) -> tuple[dict[str, Tensor], Any]:
        """Channels {name: [B]} of a batch at the point, and the state after it."""
        if self.is_careful:
            if self.is_wary and self._num_calls:
                self._fill()
            self._num_calls += 1
            known = {name: self._copied(name, v) for name, v in known.items() if not name.startswith("buffer ")}
        return self.forward.seated(known, state)

    def is_untouched(self) -> bool:
        """Whether each batch at this point found what the first one found; else it is to be left to ``is_wary``."""
        if not self.is_careful or self.is_wary or self._num_calls < 2:
            return True
        assert self._theta is not None and self._point is not None
        return (
            all(owner[key] is tensor for owner, key, tensor in self._places)
            and self._seen() == self._look
            and self._theta._version == self._version
            and is_equal(self._theta, self._point)
            and all(is_equal(here, kept) for here, kept in self._flat)
            and not self._loose
        )

    def _copied(self, name: str, value: Tensor) -> Tensor:
        """A copy of some of what a batch brings, which lies as the pass wants it."""
        if name == "x" and self.forward.is_innermost:
            there = innermost(value)
            return there.clone() if there.data_ptr() == value.data_ptr() else there
        return value.clone()

    def _lay(self, buffers: Mapping[str, Tensor]) -> None:
        """Make room for buffers, and remember what goes into it."""
        named = dict(buffers)
        self._flat, self._loose = [], {}
        if self.is_careful:
            named = {**self._rest, **buffers}
            groups: dict[Any, dict[str, Tensor]] = {}
            for name, tensor in named.items():
                if type(tensor) is Tensor and tensor.layout is torch.strided and not tensor.is_quantized:
                    groups.setdefault((tensor.dtype, tensor.device), {})[name] = tensor.resolve_conj().resolve_neg()
                else:
                    self._loose[name] = tensor
            for group in groups.values():
                named |= self._side_by_side(group)
        self._given, self._named, self._places = buffers, named, []

    def _side_by_side(self, group: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Buffers of one type in one piece of memory."""
        first = next(iter(group.values()))
        step = max(1, ALIGNED // first.element_size())
        places, size = dict[str, int](), 0
        for name, tensor in group.items():
            places[name], size = size, size + -(-tensor.numel() // step) * step
        kept = first.new_zeros(size)
        for name, tensor in group.items():
            kept[places[name] : places[name] + tensor.numel()] = tensor.reshape(-1)
        here = torch.empty_like(kept)
        self._flat.append((here, kept))
        return {n: here[places[n] : places[n] + t.numel()].view(t.shape) for n, t in group.items()}

    def _fill(self) -> None:
        """Everything is as it should be before a batch, also where the batch before wrote into it or replaced it."""
        assert self._point is not None
        if self._theta is None:
            self._theta = torch.empty_like(self._point)
        self._theta.copy_(self._point)
        for here, kept in self._flat:
            here.copy_(kept)
        self._version = self._theta._version
        if not self._places or self._loose or self.forward.layout.complex_names or self._seen() != self._look:
            self._bind(self._theta)
            self._look = self._seen()
            return
        self._put(self._places)

    def _bind(self, theta: Tensor) -> None:
        """Put views of theta in place, and the buffers."""
        loose = {name: tensor.clone() for name, tensor in self._loose.items()}
        named = {**self._named, **loose, **self.forward.layout.unflatten(theta)}
        self._places = [(owner, key, named[n]) for owner, key, n in self.forward.borrowed.places if n in named]
        self._put(self._places)

    def _put(self, places: list[tuple[Any, Any, Tensor]]) -> None:
        """Put tensors in place."""
        for owner, key, tensor in places:
            owner[key] = tensor

    def _seen(self) -> list[Any]:
        """How the tensors in place lie in memory: others' code may have pointed one elsewhere."""
        return [(t.data_ptr(), t.shape, t.stride(), t.requires_grad) for _, _, t in self._places]
