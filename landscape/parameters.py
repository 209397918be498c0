"""Module <-> point: the order in which a module's parameters become one flat vector theta."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from landscape.errors import InputError

ALIGNED = 64
"""Bytes to a multiple of which torch aligns what it allocates."""


@dataclass(frozen=True)
class ParameterLayout:
    """Names and shapes of the parameters that make up theta [..., P].

    Tied parameters appear once, under the first of their names; buffers never appear, because a running
    statistic is not something that the optimiser walked through.

    Args:
        names: qualified parameter names in the module's own order.
        shapes: one shape per name.
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, module: nn.Module) -> ParameterLayout:
        """Read the layout off a module.

        Raises:
            InputError: the module has no parameters.
        """
        named = dict(module.named_parameters())
        if not named:
            raise InputError(
                f"model={type(module).__name__} has no parameters, so there is no space to walk in; "
                "choose a model._target_ with trainable parameters"
            )
        return cls(tuple(named), tuple(tuple(p.shape) for p in named.values()))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of values per name."""
        return tuple(math.prod(shape) for shape in self.shapes)

    @property
    def num_parameters(self) -> int:
        """P."""
        return sum(self.sizes)

    def flatten(self, named: Mapping[str, Tensor]) -> Tensor:
        """{name: [..., *shape]} -> theta [..., P], a copy."""
        parts = []
        for name, shape in zip(self.names, self.shapes, strict=True):
            lead = named[name].shape[: named[name].ndim - len(shape)]
            parts.append(named[name].reshape(*lead, -1))
        return torch.cat(parts, dim=-1)

    def unflatten(self, theta: Tensor) -> dict[str, Tensor]:
        """theta [..., P] -> {name: [..., *shape]}, views of theta."""
        if theta.shape[-1] != self.num_parameters:
            raise ValueError(f"theta has {theta.shape[-1]} values, the layout needs {self.num_parameters}")
        parts = theta.split(self.sizes, dim=-1)
        lead = theta.shape[:-1]
        # One argument, a tuple: a scalar parameter of a single point has the empty shape.
        return {n: part.view((*lead, *shape)) for n, part, shape in zip(self.names, parts, self.shapes, strict=True)}

    def theta(self, module: nn.Module) -> Tensor:
        """The module's present point [P], detached."""
        return self.flatten({name: p.detach() for name, p in module.named_parameters()})


def row_of(theta: Tensor, s: int) -> Tensor:
    """theta [S, P] -> its row s, in memory that begins as that of a row alone does.

    Where an array begins decides on some processors in which order a matrix product adds, and so its last bits.
    """
    row = theta[s]
    return row if row.data_ptr() % ALIGNED == 0 else row.clone()
