"""Parameters that are not trained: they stay where they are, and are part of the point."""

from __future__ import annotations

from torch import nn

from landscape.errors import InputError


def frozen_in(module: nn.Module) -> frozenset[str]:
    """The names of the parameters that ``requires_grad_(False)`` keeps from being trained.

    Raises:
        InputError: all of them.
    """
    named = dict(module.named_parameters())
    frozen = frozenset(name for name, p in named.items() if not p.requires_grad)
    if named and len(frozen) == len(named):
        raise InputError(
            f"model={type(module).__name__} has no parameter to train: requires_grad is False for all "
            f"{len(named)}; leave some of them free, or measure lines that need no training "
            "(endpoints=points)"
        )
    return frozen
