"""Module <-> point: the order in which a module's parameters become one flat vector theta."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, reduce

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from landscape.errors import InputError

ALIGNED = 64
"""Bytes to a multiple of which torch aligns what it allocates."""


@dataclass(frozen=True)
class ParameterLayout:
    """Names and shapes of the parameters that make up theta [..., P].

    Tied parameters appear once, under the first of their names; buffers never appear, because a running
    statistic is not something that the optimiser walked through. A complex number is two values, real part first.
    Parameters that are whole numbers or truth values have no points between them: they stay what they are, see
    ``beside``.

    Args:
        names: qualified parameter names in the module's own order.
        shapes: one shape per name.
        complex_names: those whose values are complex.
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    complex_names: tuple[str, ...] = ()

    @classmethod
    def of(cls, module: nn.Module) -> ParameterLayout:
        """Read the layout off a module.

        Raises:
            InputError: the module has no parameters, or some whose shapes are not known yet.
        """
        check_shapes(module)
        named = {name: p for name, p in module.named_parameters() if _is_continuous(p)}
        if not named:
            raise InputError(
                f"model={type(module).__name__} has no parameters, so there is no space to walk in; "
                "choose a model._target_ with trainable parameters"
            )
        is_complex = tuple(name for name, p in named.items() if p.is_complex())
        return cls(tuple(named), tuple(tuple(p.shape) for p in named.values()), is_complex)

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Number of values per name."""
        pairs = zip(self.names, self.shapes, strict=True)
        return tuple(math.prod(shape) * (2 if name in self.complex_names else 1) for name, shape in pairs)

    @property
    def num_parameters(self) -> int:
        """P."""
        return sum(self.sizes)

    def flatten(self, named: Mapping[str, Tensor]) -> Tensor:
        """{name: [..., *shape]} -> theta [..., P], a copy; float32 at least, since points are mixed in it."""
        parts = []
        for name, shape in zip(self.names, self.shapes, strict=True):
            value = named[name]
            if value.is_complex() != (name in self.complex_names):
                kinds = ("complex", "real")
                raise InputError(
                    f"parameter {name} is {kinds[not value.is_complex()]} here but "
                    f"{kinds[value.is_complex()]} in the model; use the model that was saved"
                )
            lead = value.shape[: value.ndim - len(shape)]
            parts.append((torch.view_as_real(value.resolve_conj()) if value.is_complex() else value).reshape(*lead, -1))
        dtype = reduce(torch.promote_types, (part.dtype for part in parts), torch.float32)
        return torch.cat([part.to(dtype) for part in parts], dim=-1)

    def unflatten(self, theta: Tensor) -> dict[str, Tensor]:
        """theta [..., P] -> {name: [..., *shape]}, views of theta; copies where they are complex."""
        if theta.shape[-1] != self.num_parameters:
            raise ValueError(f"theta has {theta.shape[-1]} values, the layout needs {self.num_parameters}")
        parts = theta.split(self.sizes, dim=-1)
        lead = theta.shape[:-1]
        if not lead and not self.complex_names:  # at every point of every batch
            return {n: part.view(shape) for n, part, shape in zip(self.names, parts, self.shapes, strict=True)}
        found = {}
        for name, part, shape in zip(self.names, parts, self.shapes, strict=True):
            # One argument, a tuple: a scalar parameter of a single point has the empty shape.
            if name in self.complex_names:
                found[name] = torch.complex(*part.view((*lead, *shape, 2)).unbind(-1))
            else:
                found[name] = part.view((*lead, *shape))
        return found

    def theta(self, module: nn.Module) -> Tensor:
        """The module's present point [P], detached."""
        return self.flatten({name: p.detach() for name, p in module.named_parameters()})


def beside(module: nn.Module) -> dict[str, Tensor]:
    """What a module computes with that is no part of theta: its buffers, and parameters that are whole numbers."""
    whole = {name: p.detach() for name, p in module.named_parameters() if not _is_continuous(p)}
    return whole | dict(module.named_buffers())


def check_shapes(module: nn.Module) -> None:
    """Raise InputError for a lazy module, whose shapes are known after its first batch alone."""
    named = [*module.named_parameters(), *module.named_buffers()]
    lazy = [name for name, tensor in named if is_lazy(tensor)]
    if lazy:
        raise InputError(
            f"model={type(module).__name__} has lazy layers ({', '.join(lazy[:3])}{', ...' if len(lazy) > 3 else ''}), "
            "whose shapes nobody knows before a first batch; write the sizes out (nn.Linear for nn.LazyLinear), or "
            "run one batch through the module where it is made"
        )


def _is_continuous(tensor: Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()


def row_of(theta: Tensor, s: int) -> Tensor:
    """theta [S, P] -> its row s, in memory that begins as that of a row alone does.

    Where an array begins decides on some processors in which order a matrix product adds, and so its last bits.
    """
    return aligned(theta[s])


def aligned(row: Tensor) -> Tensor:
    """A row of theta [P] itself, or a copy where it begins elsewhere than what torch allocates."""
    return row if row.data_ptr() % ALIGNED == 0 else row.clone()
