"""What a forward pass does beside computing: what it writes into and changes, what it reads, where it draws numbers."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode


class Watch(TorchDispatchMode):
    """Sees every operator inside the block.

    ``written``, ``read``: those of the named tensors whose memory was written to, or read for more than its shape.
    ``drawing``: the modules within whose own code numbers were drawn, as often as they were; None stands for what runs
    outside all of them.

    Args:
        named: tensors to look for.
        module: whose parts are asked where they draw.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """False: torch would import its compiler at the first operator, for seconds, to keep it away from here."""
        return False

    def __init__(self, named: Mapping[str, Tensor], module: nn.Module | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.named = {memory_of(tensor): name for name, tensor in named.items() if tensor.numel()}
        self.module = module
        self.written, self.read = set[str](), set[str]()
        self.drawing: list[nn.Module | None] = []
        self._running: list[nn.Module] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Note, and run the operator."""
        name_of = func.overloadpacket.__name__
        for tensor in () if name_of.startswith("new_") or name_of.endswith("_like") else tensors_of((args, kwargs)):
            if (name := self.named.get(memory_of(tensor))) is not None:
                self.read.add(name)
        if func._schema.is_mutable:
            for argument, value in _given(func, args, kwargs):
                if argument.alias_info is not None and argument.alias_info.is_write:
                    names = (self.named.get(memory_of(t)) for t in tensors_of(value))
                    self.written.update(name for name in names if name is not None)
        if torch.Tag.nondeterministic_seeded in func.tags and not any(
            # Attention can draw, and does not without dropout.
            argument.name == "dropout_p" and (argument.default_value if value is None else value) == 0
            for argument, value in _given(func, args, kwargs)
        ):
            self.drawing.append(self._running[-1] if self._running else None)
        return func(*args, **(kwargs or {}))

    @contextmanager
    def running(self) -> Iterator[Watch]:
        """Watch, and know which module runs."""
        hooks = []
        for part in () if self.module is None else self.module.modules():
            hooks.append(part.register_forward_pre_hook(lambda m, _: self._running.append(m), prepend=True))
            hooks.append(part.register_forward_hook(lambda *_: self._left(), always_call=True))
        try:
            with self:
                yield self
        finally:
            for hook in hooks:
                hook.remove()

    def _left(self) -> None:
        self._running.pop()


def tensors_of(value: Any) -> list[Tensor]:
    """Every tensor among the arguments or results of an operator, which holds no containers but torch's own."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return []
    return [tensor for each in value for tensor in tensors_of(each)]


def _given(func: Any, args: Any, kwargs: Any) -> list[tuple[Any, Any]]:
    """The arguments of an operator and what is given for each, None where nothing is."""
    arguments = func._schema.arguments
    given = [*zip(arguments, args, strict=False)]
    return given + [(argument, (kwargs or {}).get(argument.name)) for argument in arguments[len(args) :]]


@contextmanager
def changes(module: nn.Module) -> Iterator[set[str]]:
    """The names of the buffers that the block has changed, filled in as it ends; the buffers are put back."""
    found: set[str] = set()
    held = {
        (f"{name}.{key}" if name else key): (part._buffers, key, buffer, buffer.clone())
        for name, part in module.named_modules()
        for key, buffer in part._buffers.items()
        if buffer is not None
    }
    try:
        yield found
    finally:
        for name, (owner, key, buffer, before) in held.items():
            if owner[key] is not buffer or not is_same(buffer, before):
                found.add(name)
            owner[key] = buffer.copy_(before)


def is_same(first: Tensor, second: Tensor) -> bool:
    """Whether two tensors agree in every entry, no number counted as equal to itself."""
    if first.shape != second.shape:
        return False
    return bool(((first == second) | ((first != first) & (second != second))).all())


def memory_of(tensor: Tensor) -> Any:
    """What stands for the memory that a tensor lies in."""
    try:
        return tensor.untyped_storage()._cdata
    except (NotImplementedError, RuntimeError):  # sparse tensors have none
        return id(tensor)


def drawn_elsewhere() -> tuple[object, ...]:
    """The states of the global generators that are not torch's, to be compared."""
    _, words, place, *_ = np.random.get_state(legacy=True)
    return random.getstate(), words.tobytes() if isinstance(words, np.ndarray) else words, place


@contextmanager
def undisturbed() -> Iterator[None]:
    """The global random numbers of torch, NumPy and Python go on afterwards as if the block had drawn none."""
    numpy_state, python_state = np.random.get_state(), random.getstate()
    with torch.random.fork_rng(devices=range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []):
        try:
            yield
        finally:
            np.random.set_state(numpy_state)
            random.setstate(python_state)
