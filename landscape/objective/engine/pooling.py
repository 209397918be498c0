"""The largest value in each window of images, without where it was: torch's own kernel finds both, and is slow at it.

Of images whose rows lie in one piece torch 2.13 goes over the windows on a CPU one number at a time. The largest of a
window is the largest of its rows' largest, and each of these is a maximum of few shifted maps, which torch takes by
vectors: four to eight times as fast. The largest of some numbers is one of them, so that nothing is rounded.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.modules.activation import MultiheadAttention

from landscape.model.plain import Instead

LEAST = 1 << 14
"""Numbers in all windows from which on the calls of some more operators are outweighed."""

Sides = int | list[int] | tuple[int, ...]


def largest(
    x: Tensor,
    kernel_size: Sides,
    stride: Sides | None = None,
    padding: Sides = 0,
    dilation: Sides = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """``torch.max_pool2d``, equal in every number; where nothing is gained, torch's own."""
    given = (kernel_size, stride or kernel_size, padding, dilation, ceil_mode)
    if not is_slow(x) or torch._C._functorch.maybe_current_level() is not None:
        return torch.max_pool2d(x, *given)
    shape = torch.max_pool2d(x.new_empty(x.shape, device="meta"), *given).shape  # refuses what torch refuses
    kernels, steps, pads, gaps = (_sides(v) for v in given[:4])
    if shape.numel() * kernels[0] * kernels[1] < LEAST:
        return torch.max_pool2d(x, *given)
    for k, axis in enumerate((-2, -1)):  # rows first: they are what lies in one piece
        x = _along(x, axis, kernels[k], steps[k], pads[k], gaps[k], shape[axis])
    return x


def is_slow(x: Tensor) -> bool:
    """Whether torch would go over the windows of images [..., H, W] one number at a time."""
    return (
        x.device.type == "cpu"
        and x.dtype in (torch.float32, torch.float64)
        and x.dim() in (3, 4)
        and x.is_contiguous()
        and not (x.requires_grad and torch.is_grad_enabled())
    )


def _function(*given: Any, **named: Any) -> Any:
    """``torch.nn.functional.max_pool2d``, which is asked by name or by place."""
    if len(given) > 6 or named.get("return_indices"):
        return F.max_pool2d(*given, **named)
    named.pop("return_indices", None)
    return largest(named.pop("input"), **named) if not given else largest(*given, **named)


class QuickPooling(Instead):
    """Inside the block images are pooled so."""

    others = {torch.max_pool2d: _function, F.max_pool2d: _function}  # noqa: RUF012

    @staticmethod
    def suits(module: torch.nn.Module) -> bool:
        """False where a module leaves fused kernels for its formulas because functions of torch's are replaced."""
        return not any(isinstance(part, MultiheadAttention) for part in module.modules())


def _sides(value: Sides) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[-1])


def _along(x: Tensor, axis: int, kernel: int, step: int, pad: int, gap: int, size: int) -> Tensor:
    """The largest in each of ``size`` windows along one axis; what a window has outside counts for nothing."""
    num, found, clipped = x.shape[axis], None, list[tuple[int, int, Tensor]]()
    for k in range(kernel):
        first = k * gap - pad  # where window 0 has its number k
        low, high = max(0, -(first // step)), min(size, (num - 1 - first) // step + 1)
        if low >= high:
            continue
        part = x.narrow(axis, low * step + first, (high - low - 1) * step + 1)
        part = part[..., ::step, :] if axis == -2 else part[..., ::step]
        if high - low < size:
            clipped.append((low, high - low, part))
        else:
            found = part if found is None else torch.maximum(found, part)
    if found is None:
        shape = list(x.shape)
        shape[axis] = size
        found = x.new_full(shape, -torch.inf)
    elif found.untyped_storage().data_ptr() == x.untyped_storage().data_ptr():  # one number per window
        found = found.clone(memory_format=torch.contiguous_format)
    for low, count, part in clipped:
        here = found.narrow(axis, low, count)
        torch.maximum(here, part, out=here)
    return found
