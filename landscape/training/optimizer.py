"""The optimizer over the stacked parameters of all seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from landscape.errors import InputError


def optimizer_of(
    make: Callable[..., torch.optim.Optimizer], theta: Mapping[str, Tensor], scales: Mapping[str, float]
) -> torch.optim.Optimizer:
    """One group of parameters per learning-rate scale, in theta's order within each.

    The seeds do not mix as long as the optimizer works elementwise, as momentum and Adam do.

    Args:
        make: (groups) -> optimizer. theta: {name: [S, *shape]}.
        scales: {name: factor on the lr}, 1 where none is named.

    Raises:
        InputError: the optimizer refuses its numbers.
    """
    groups: dict[float, list[Tensor]] = {}
    for name, value in theta.items():
        groups.setdefault(scales.get(name, 1.0), []).append(value)
    try:
        made = make([{"params": params} for params in groups.values()])
    except (TypeError, ValueError) as error:
        raise InputError(f"optimizer cannot be made: {error}; look at the keys under optimizer") from error
    for group, scale in zip(made.param_groups, groups, strict=True):
        group["lr"] *= scale
    return made
