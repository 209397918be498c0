"""Files of torch.save that ask for no more memory than they bring: what a pickle calls is followed before it is run.

``torch.load(weights_only=True)`` calls only what it knows, and among that are ``bytearray(10**10)``,
``torch.Tensor(10**10)`` and a tensor larger than its storage, which torch then lengthens. Here the instructions are
followed with stand-ins that know their size alone; no object is made.
"""

from __future__ import annotations

import io
import math
import pickletools
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch

LARGEST_COPY = 16
"""Bytes, for each byte of the file, that all the calls of its pickle together may copy."""
MOST = 2**62

_NEW = re.compile(r"torch\.([\w.]*\.)?\w*(Tensor|Storage)")
_BYTES = ("builtins.bytearray", "_codecs.encode")
LATIN = ("latin1", "latin-1")
"""The codes in which pickle writes bytes: others make a text longer, and again."""
_STORAGES = ("torch.storage.UntypedStorage", "torch.storage.TypedStorage")
_TENSORS = ("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3")
_SHARING = (
    "torch.nn.parameter.Parameter",
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
)
_LEGACY_PICKLES = 5  # magic number, protocol, system, content, keys of the storages that follow


@dataclass
class _Value:
    """What is known of a value: how many bytes or items a copy of it has, and what it is where that matters."""

    weight: int = 1
    name: str = ""  # of a global
    plain: Any = None  # a number, a text, b"" for any bytes
    items: tuple[_Value, ...] | None = None  # of a tuple
    storage: tuple[int, int] | None = None  # its bytes, and the bytes of one number
    is_tensor: bool = False


class _Mark:
    pass


def require_bounded(file: Path) -> None:
    """Refuse a file whose reading would take memory that its size does not account for.

    Raises:
        ValueError: saying what it asks for. OSError: it cannot be read.
    """
    with file.open("rb") as stream:
        head = stream.read(4)
        size = file.stat().st_size
        if head == b"PK\x03\x04":
            reader: Any = torch._C.PyTorchFileReader(str(file))  # the one that torch.load asks, for it decides
            with zipfile.ZipFile(stream) as archive:
                entries = archive.infolist()
                sizes = {entry.filename.partition("/")[2]: entry.file_size for entry in entries}
            if len(sizes) < len(entries):
                raise ValueError("two of its entries have one name")
            content = io.BytesIO(reader.get_record("data.pkl"))
            _Follower(sum(sizes.values()), {n[5:]: s for n, s in sizes.items() if n.startswith("data/")}).follow(
                content
            )
        else:
            stream.seek(0)
            follower = _Follower(size, None)
            for _ in range(_LEGACY_PICKLES):
                follower.follow(stream)


class _Follower:
    """Args: size: bytes of the file. records: the bytes of each storage by its key, None where they follow."""

    def __init__(self, size: int, records: dict[str, int] | None) -> None:
        self.records, self.size, self.left = records, size, LARGEST_COPY * size + 2**20
        self.storages: dict[str, int] = {}

    def follow(self, stream: BinaryIO) -> None:
        """One pickle to its end; what cannot be followed is not left to torch."""
        stack: list[Any] = []
        memo: dict[int, Any] = {}
        try:
            for operation, argument, _ in pickletools.genops(stream):
                if operation.name == "STOP":
                    return
                self._step(operation.name, argument, stack, memo)
        except (IndexError, KeyError, AttributeError, TypeError) as error:
            raise ValueError("its pickle is broken, or not of torch.save") from error

    def _step(self, name: str, argument: Any, stack: list[Any], memo: dict[int, Any]) -> None:
        if name == "GLOBAL":
            module, _, own = argument.partition(" ")
            module, own = torch._utils.NAME_MAPPING.get((module, own), (module, own))
            stack.append(_Value(name=f"{torch._utils.IMPORT_MAPPING.get(module, module)}.{own}"))
        elif name in ("BINUNICODE", "SHORT_BINSTRING", "BININT", "BININT1", "BININT2", "LONG1"):
            stack.append(_Value(len(argument) if isinstance(argument, str) else 1, plain=argument))
        elif name in ("NONE", "NEWTRUE", "NEWFALSE", "EMPTY_LIST", "EMPTY_DICT", "EMPTY_SET", "BINFLOAT"):
            stack.append(_Value())
        elif name == "MARK":
            stack.append(_Mark())
        elif name in ("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"):
            count = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}.get(name)
            items = _popped_to_mark(stack) if count is None else _popped(stack, count)
            stack.append(_Value(min(MOST, sum(item.weight + 1 for item in items)), items=tuple(items)))
        elif name in ("APPEND", "APPENDS", "SETITEM", "SETITEMS"):
            count = {"APPEND": 1, "SETITEM": 2}.get(name)
            added = _popped_to_mark(stack) if count is None else _popped(stack, count)
            stack[-1].weight = min(MOST, stack[-1].weight + sum(i.weight if i.is_tensor else 1 for i in added))
        elif name in ("BINPUT", "LONG_BINPUT"):
            memo[argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif name == "BINPERSID":
            stack.append(self._storage(stack.pop()))
        elif name in ("REDUCE", "NEWOBJ"):
            function, arguments = _popped(stack, 2)
            stack.append(self._called(function.name, arguments))
        elif name == "BUILD":
            (state,) = _popped(stack, 1)
            self._built(stack[-1], state)
        elif name != "PROTO":
            raise KeyError(name)  # torch knows no such instruction

    def _storage(self, saved: _Value) -> _Value:
        """What a persistent id names: ("storage", type, key, place, count, ...)."""
        items = saved.items or ()
        if items and items[0].plain != "storage":
            return _Value()  # a module's source in the older format, which torch refuses by name
        kind, key, count = items[1].name, str(items[2].plain), items[4].plain
        one = (
            1
            if kind in _STORAGES
            else torch.storage._get_dtype_from_pickle_storage_type(kind.rpartition(".")[2]).itemsize
        )
        if not isinstance(count, int) or count < 0:
            raise ValueError("a storage of it has no size")
        self.storages[key] = max(self.storages.get(key, 0), count * one)
        there = self.size if self.records is None else self.records.get(key, 0)
        if count * one > there or (self.records is None and sum(self.storages.values()) > self.size):
            raise ValueError(f"a storage of it claims {count * one} bytes, and there are {there}")
        view = items[5].items if len(items) > 5 else None  # key, offset and count of a part of it: very old files
        return _Value(storage=(view[2].plain * one if view else count * one, one))

    def _called(self, name: str, arguments: _Value) -> _Value:
        items = arguments.items
        if items is None:
            raise ValueError(f"it calls {name or 'what is no function'} without arguments")
        if name in _TENSORS:
            return _tensor(items)
        if name in _SHARING and items:
            return items[0]
        if name == "torch._tensor._rebuild_from_type_v2":
            return self._called(items[0].name, items[2])
        plain = [item.plain for item in items]
        is_bytes = plain == [b""] or (len(plain) == 2 and isinstance(plain[0], str) and plain[1] in LATIN)
        if items and (_NEW.fullmatch(name) or (name in _BYTES and not is_bytes)):
            raise ValueError(f"it calls {name} with a size or a code of its own, which takes any memory")
        self._take(arguments.weight)
        if name == "torch._utils._rebuild_qtensor":
            tensor = _tensor(items)
            self._take(tensor.weight)
            return tensor
        if name == "torch.Size":
            return items[0]
        return _Value(arguments.weight, plain=b"" if name in _BYTES else None, is_tensor=name.startswith("torch."))

    def _built(self, made: _Value, state: _Value) -> None:
        if made.is_tensor and state.items is None:  # whose parts are not known: torch takes any sequence
            raise ValueError("a tensor of it has no storage or no size")
        if state.items and state.items[0].storage is not None:
            _tensor(state.items)
        elif state.items and state.items[0].is_tensor and len(state.items) > 1:
            raise ValueError("it makes a tensor of another one's storage")
        else:
            self._take(state.weight)

    def _take(self, weight: int) -> None:
        self.left -= weight
        if self.left < 0:
            raise ValueError(f"its pickle copies more than {LARGEST_COPY} times what the file holds")


def _tensor(arguments: Sequence[_Value]) -> _Value:
    """A tensor (storage, offset, size, strides, ...) that lies within its storage."""
    storage, offset = arguments[0].storage, arguments[1].plain
    if any(arguments[k].items is None for k in (2, 3)):  # a list, which could still change
        raise ValueError("a tensor of it has no storage or no size")
    shape, strides = ([item.plain for item in arguments[k].items or ()] for k in (2, 3))
    if storage is None or not all(isinstance(n, int) and n >= 0 for n in (offset, *shape, *strides)):
        raise ValueError("a tensor of it has no storage or no size")
    held, one = storage
    if len(arguments) > 6 and arguments[6].name:
        one = getattr(torch, arguments[6].name.rpartition(".")[2]).itemsize
    if len(shape) != len(strides):
        raise ValueError("a tensor of it has no stride for each dimension")
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True)) + 1
    if all(shape) and last * one > held:
        raise ValueError(f"a tensor of it of shape {tuple(shape)} needs {last * one} bytes, and its storage has {held}")
    return _Value(min(MOST, 8 * math.prod(shape)), is_tensor=True)


def _popped(stack: list[Any], count: int) -> list[Any]:
    if len(stack) < count:
        raise IndexError(count)
    items = stack[len(stack) - count :]
    del stack[len(stack) - count :]
    return items


def _popped_to_mark(stack: list[Any]) -> list[Any]:
    items = []
    while not isinstance(item := stack.pop(), _Mark):
        items.append(item)
    return items[::-1]
