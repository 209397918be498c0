"""A point of one module, read off whatever holds one: a checkpoint, a state dict, another module, a flat tensor."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from landscape.endpoints.file import content_of
from landscape.endpoints.reader import Point, Reader, check_missing, on_cpu, patterns_of, refuse_not_finite, wide_enough
from landscape.errors import InputError
from landscape.parameters import beside, check_shapes

Source = nn.Module | Mapping[str, Any] | str | os.PathLike[str] | Tensor | NDArray[Any]


def point_of(
    source: Source,
    module: nn.Module,
    *,
    entry: str | None = None,
    ignore: Sequence[str] = (),
    missing: str | None = None,
    name: str = "source",
    is_finite: bool = True,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The point that ``source`` is in the space of the module's parameters, and the buffers that belong to it.

    Args:
        source: a module of the same kind, a state dict (also one that lies deeper in a dict), the path of a checkpoint
            (file or folder), or a flat tensor [P], which comes with the buffers of ``module``.
        module: whose parameters make up theta; neither it nor ``source`` is touched.
        entry: which state dict, where several fit, ``"ema"``.
        ignore: patterns of names that the module lacks and that may be passed over.
        missing: ``"model"`` takes what is lacking from the module.
        name: of the argument, for messages.
        is_finite: refuse numbers that are not.

    Returns:
        theta [P], a copy on the CPU, float32 or wider, and {name: buffer}, copies under the module's own names.

    Raises:
        InputError: it is none of these, or does not fit.

    Example:
        >>> import torch
        >>> net = torch.nn.Linear(2, 1)
        >>> theta, buffers = point_of({"weight": torch.ones(1, 2), "bias": torch.zeros(1)}, net)
        >>> theta
        tensor([1., 1., 0.])
    """
    reader = Reader(module, patterns_of(ignore), check_missing(missing), room="")
    point = read(source, reader, name, entry, is_finite=is_finite)
    return point.theta, {n: b.clone() for n, b in point.buffers.items()}


def read(
    source: Any, reader: Reader, name: str, entry: str | None = None, is_for_all: bool = False, is_finite: bool = True
) -> Point:
    """The point that a source is, see ``point_of``; ``Reader.point`` says what the other arguments are."""
    if isinstance(source, Tensor | np.ndarray):
        theta = _flat(source, reader, name, is_finite)
        return Point(theta, {n: on_cpu(b) for n, b in beside(reader.module).items()}, [])
    if isinstance(source, str | os.PathLike):
        content, told = content_of(os.fspath(source), name), f"{name}={os.fspath(source)}"
    elif isinstance(source, nn.Module):
        check_shapes(source)
        named = [*source.named_parameters(remove_duplicate=False), *source.named_buffers(remove_duplicate=False)]
        content, told = on_cpu(dict(named)), f"{name} (a {type(source).__name__})"
    elif isinstance(source, Mapping):
        content, told = on_cpu(source), f"{name} (a {type(source).__name__})"
    else:
        raise InputError(
            f"{name} is a {type(source).__name__}; give a module, a state dict, the path of a checkpoint, or a "
            "flat tensor with one number per parameter"
        )
    return reader.point(content, told, entry, is_for_all, is_finite)


def _flat(source: Tensor | NDArray[Any], reader: Reader, name: str, is_finite: bool) -> Tensor:
    """A flat tensor as theta [P], a copy."""
    num = reader.layout.num_parameters
    if isinstance(source, np.ndarray):
        if source.dtype.kind not in "biuf":
            raise InputError(f"{name} is an array of {source.dtype}; give {num} real numbers")
        source = torch.tensor(source)
    if tuple(source.shape) != (num,):
        raise InputError(
            f"{name} has shape {tuple(source.shape)}, but {reader.model} has {num} parameters; give one number "
            f"each, a flat tensor of shape ({num},)"
        )
    if source.is_complex() or source.layout != torch.strided or source.is_quantized or source.is_meta:
        raise InputError(f"{name} must be a plain tensor of {num} real numbers")
    theta = wide_enough(on_cpu(source)).clone()
    if is_finite:
        refuse_not_finite(name, {"theta": theta})
    return theta
