"""In which precision is computed: of a module, and whether a GPU may shorten float32 in matrix products."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """TF32 in products, convolutions and recurrent kernels inside the block, on or off; as it was afterwards.

    torch's own default leaves it on for convolutions and recurrent layers, so that a curve measured there would not be
    a float32 curve.
    """
    matmul, cudnn = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = allowed
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = matmul, cudnn


def converted(module: nn.Module, device: torch.device | str, dtype: torch.dtype) -> nn.Module:
    """The module on another device and in another precision; ``module.to`` would drop imaginary parts.

    Args:
        dtype: of real numbers; complex ones get the same number of digits, whole numbers stay.
    """
    module.to(device)

    def convert(tensor: Tensor) -> Tensor:
        if tensor.is_complex():
            return tensor.to(dtype.to_complex())
        return tensor.to(dtype) if tensor.is_floating_point() else tensor

    module._apply(convert)
    return module
