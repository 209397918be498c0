"""Code that is known to write into nothing that it is given, and to keep nothing: torch's own and ours."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from torch import Tensor, nn

KNOWN = ("torch.nn.", "landscape.")


def is_known(part: nn.Module) -> bool:
    """Whether one module runs no code but torch's and ours, and none that works in place."""
    if not type(part).__module__.startswith(KNOWN) or getattr(part, "inplace", False):
        return False
    return not ("forward" in part.__dict__ or part._forward_hooks or part._forward_pre_hooks)


def is_safe(module: nn.Module, cost: Any) -> bool:
    """Whether all of module and cost is known."""
    loss = getattr(cost, "loss", cost)
    while hasattr(loss, "func"):  # functools.partial
        loss = loss.func
    named = loss if hasattr(loss, "__name__") else type(loss)
    return str(named.__module__).startswith(KNOWN) and all(is_known(part) for part in module.modules())


def copies(
    buffers: Mapping[str, Tensor],
    theta: Tensor,
    known: Mapping[str, Tensor],
    names: Set[str] | None = None,
    keeps_theta: bool = True,
) -> tuple[Tensor, Mapping[str, Tensor]]:
    """A point and what a batch brings besides, with copies of those of these names, or of all and every buffer.

    Args:
        buffers: of the module.
        keeps_theta: of the point too.
    """

    def copied(name: str, value: Tensor) -> Tensor:
        return value.clone() if names is None or name in names else value

    own = {f"buffer {n}": b for n, b in buffers.items() if names is None or f"buffer {n}" in names}
    theta = copied("theta", theta) if keeps_theta else theta
    return theta, {n: copied(n, v) for n, v in {**own, **known}.items()}
