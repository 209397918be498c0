"""Which axes share a permutation, as somebody wrote it down."""

from __future__ import annotations

import difflib
import os
import reprlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from torch import Tensor, nn

from landscape.errors import InputError
from landscape.objective.module.template import unwrapped
from landscape.symmetry.axes import Axes, Axis, fault_of

KEY = "endpoints.axes"
MAX_BYTES = 4 * 2**20
FIELDS = {"permutation": str, "inner": int, "outer": int, "has_pieces": bool}
FORM = "[NAME, null] with one entry for each axis"


def axes_from(file: str | os.PathLike[str], module: nn.Module) -> Axes:
    """A yaml of parameter or buffer -> one entry for each of its axes: a permutation's name, null, or an ``Axis``.

    ``conv.weight: [hidden, null, null, null]`` and ``head.weight: [null, {permutation: hidden, inner: 16}]``. Sizes
    follow from the module; ``check_axes`` tries whether the outputs stay.

    Args:
        file: the yaml, read as data.
        module: whose parameters and buffers are named.

    Raises:
        InputError: what is written does not fit the module or itself.
    """
    content = _read(Path(file))
    told = f"{KEY}={file}"
    tensors, tied = _tensors(module)
    of: dict[str, tuple[Axis | None, ...]] = {}
    said: dict[str, str] = {}
    for name, entries in content.items():
        if name not in tensors and name not in tied:
            near = difflib.get_close_matches(str(name)[:200], [*tensors, *tied], 1)
            meant = f"; did you mean {near[0]}?" if near else ""
            raise InputError(f"{told} names {_short(name)}, which model={type(module).__name__} lacks{meant}")
        own = tied.get(name, name)
        found = _entries(f"{told}: {name}", entries, tensors[own])
        if of.get(own, found) != found:
            raise InputError(f"{told} gives {said[own]} and {name}, which are one tied tensor, different axes")
        of[own], said[own] = found, name
    of = {name: entries for name, entries in of.items() if any(entries)}
    axes = Axes(_sizes(told, of, tensors), of, {name: own for name, own in tied.items() if own in of})
    if (fault := fault_of(axes, tensors)) is not None:
        raise InputError(f"{told}: {fault}")
    return axes


def _read(file: Path) -> Mapping[str, Any]:
    told = f"{KEY}={file}"
    try:
        if not file.is_file():
            raise InputError(f"{told} is no file; give a yaml of parameter: {FORM}")
        if file.stat().st_size > MAX_BYTES:
            raise InputError(f"{told} has {file.stat().st_size} bytes, which is no list of parameters")
        text = file.read_text("utf-8")
        content, twice = yaml.safe_load(text), _twice(text)
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{told} cannot be read ({type(error).__name__}); give a yaml of parameter: {FORM}") from error
    except yaml.YAMLError as error:
        raise InputError(f"{told} is no yaml: {' '.join(str(error).split())[:200]}") from error
    if twice is not None:
        raise InputError(f"{told} has {_short(twice)} twice; keep one")
    if not isinstance(content, Mapping) or not content:
        raise InputError(f"{told} holds {_short(content)}, which is no table of parameter: {FORM}")
    return content


def _twice(text: str) -> str | None:
    """A key that stands twice in the table, or in an axis: yaml would take the last without a word."""
    table = yaml.compose(text, Loader=yaml.SafeLoader)
    nodes = [table] if isinstance(table, yaml.MappingNode) else []
    for _, entries in list(nodes[0].value) if nodes else []:
        axes = entries.value if isinstance(entries, yaml.SequenceNode) else []
        nodes += [axis for axis in axes if isinstance(axis, yaml.MappingNode)]
    for node in nodes:
        keys = Counter(str(key.value) for key, _ in node.value)
        for key, num in keys.items():
            if num > 1:
                return key
    return None


def _tensors(module: nn.Module) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Parameters and buffers by the first of their names, and the first for each other name."""
    module = unwrapped(module)
    tensors: dict[str, Tensor] = {}
    tied: dict[str, str] = {}
    first: dict[int, str] = {}
    for named in (module.named_parameters, module.named_buffers):
        for name, tensor in named(remove_duplicate=False):
            own = first.setdefault(id(tensor), name)
            if own == name:
                tensors[name] = tensor
            else:
                tied[name] = own
    return tensors, tied


def _entries(told: str, entries: Any, tensor: Tensor) -> tuple[Axis | None, ...]:
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        raise InputError(f"{told} is {_short(entries)}; give {FORM}")
    if len(entries) != tensor.dim():
        raise InputError(
            f"{told} has {len(entries)} entries for a shape of {list(tensor.shape)}; give one for each axis, null for "
            "an axis that stays"
        )
    found = tuple(_axis(f"{told}, axis {k}", entry) for k, entry in enumerate(entries))
    for k, axis in enumerate(found):
        if axis is not None and tensor.shape[k] % (axis.inner * axis.outer):
            raise InputError(
                f"{told}, axis {k} has length {tensor.shape[k]}, which is no multiple of inner {axis.inner} times "
                f"outer {axis.outer}"
            )
    return found


def _axis(told: str, entry: Any) -> Axis | None:
    if entry is None:
        return None
    if isinstance(entry, str) and entry:
        return Axis(entry)
    if not isinstance(entry, Mapping):
        raise InputError(
            f"{told} is {_short(entry)}; give the name of a permutation, null, or {{permutation: NAME, ...}}"
        )
    for key, value in entry.items():
        if key not in FIELDS:
            raise InputError(f"{told} has {_short(key)}; an axis has {', '.join(FIELDS)}")
        if (
            type(value) is not FIELDS[key]
            or value == ""
            or (isinstance(value, int) and key != "has_pieces" and value < 1)
        ):
            need = {str: "a name", int: "a count of at least 1", bool: "true or false"}[FIELDS[key]]
            raise InputError(f"{told} has {key}={_short(value)}; give {need}")
    if "permutation" not in entry:
        raise InputError(
            f"{told} names no permutation; give {{permutation: NAME, ...}}, or null for an axis that stays"
        )
    axis = Axis(**entry)
    if axis.has_pieces and (axis.pieces == 1 or (axis.inner > 1 and axis.outer > 1)):
        raise InputError(
            f"{told} has pieces, with inner {axis.inner} and outer {axis.outer}; give the number of pieces as inner "
            "where the pieces of a unit stand side by side, as outer where those of all units do"
        )
    return axis


def _sizes(told: str, of: Mapping[str, tuple[Axis | None, ...]], tensors: Mapping[str, Tensor]) -> dict[str, int]:
    """Units of each permutation, the same on every axis that follows it."""
    sizes: dict[str, int] = {}
    places: dict[str, str] = {}
    for name, entries in of.items():
        for k, axis in enumerate(entries):
            if axis is None:
                continue
            units, place = tensors[name].shape[k] // (axis.inner * axis.outer), f"{name}, axis {k}"
            if sizes.setdefault(axis.permutation, units) != units:
                raise InputError(
                    f"{told}: permutation {axis.permutation} has {sizes[axis.permutation]} units in "
                    f"{places[axis.permutation]}, and {units} in {place}"
                )
            places.setdefault(axis.permutation, place)
    if not sizes or max(sizes.values()) < 2:
        raise InputError(f"{told} names no permutation of two units or more, so nothing can change places")
    return sizes


def _short(value: Any) -> str:
    return reprlib.repr(value)  # a few lines of yaml can stand for a text without end
