"""Torch's layers by their plain formulas, where its fast kernels do something else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

from landscape.ground.precision import tf32


@contextmanager
def plain_attention() -> Iterator[None]:
    """Attention and ``TransformerEncoderLayer`` without fused kernels.

    The fused ones have no forward derivative, and in evaluation mode that of the layer leaves out a dropout that is on.
    """
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


class Instead(TorchFunctionMode):
    """Inside the block other functions stand in for some of torch."""

    others: dict[Any, Callable[..., Any]] = {}  # noqa: RUF012

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return self.others.get(func, func)(*args, **(kwargs or {}))


def _dropout(x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    if not training:
        return x
    # As torch does it for a contiguous x: of another one the layout would decide which element gets which number.
    kept = torch.empty(x.shape, dtype=x.dtype, device=x.device).bernoulli_(1 - p)
    return x * (kept if p == 1 else kept.div_(1 - p))


class PlainDropout(Instead):
    """Torch's dropout with masks that depend on the shape alone, not on how a kernel laid out its input in memory."""

    others = {F.dropout: _dropout}  # noqa: RUF012


def _normed(x: Tensor, axes: list[int], eps: float) -> Tensor:
    centred = x - x.mean(axes, keepdim=True)
    return centred * (centred.square().mean(axes, keepdim=True) + eps).rsqrt()


def _layer_norm(
    x: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Tensor:
    y = _normed(x, list(range(-len(normalized_shape), 0)), eps)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def _instance_norm(
    x: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    shape = (1, -1, *[1] * (x.dim() - 2))
    if use_input_stats or running_mean is None or running_var is None:
        y = _normed(x, list(range(2, x.dim())), eps)
    else:
        y = (x - running_mean.view(shape)) * (running_var.view(shape) + eps).rsqrt()
    y = y if weight is None else y * weight.view(shape)
    return y if bias is None else y + bias.view(shape)


def _weight_norm(v: Tensor, g: Tensor, dim: int = 0) -> Tensor:
    axes = [axis for axis in range(v.dim()) if axis != dim]
    return v * (g / v.square().sum(axes, keepdim=dim != -1).sqrt())


def _mse_loss(
    x: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean", weight: Any = None
) -> Tensor:
    if size_average is not None or reduce is not None:  # names of long ago for the reduction
        reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
    squares = (x - target).square() if weight is None else weight * (x - target).square()
    if reduction == "none":
        return squares
    num = squares.numel() if weight is None else weight.expand_as(squares).sum()
    return squares.sum() if reduction == "sum" else squares.sum() / num


class PlainDerivatives(Instead):
    """What the derivative of J along a path needs: no tensor held constant for training's sake, norms by their formula.

    A ``detach`` in a model steers its training; J moves with such a tensor too. Of layer norm and instance norm torch
    2.13 nests the forward derivatives wrongly, of weight norm it has none; of the mean squared error nesting them ends
    the process, with a signal.
    """

    others = {  # noqa: RUF012
        Tensor.detach: lambda x: x,
        F.layer_norm: _layer_norm,
        torch.layer_norm: _layer_norm,
        F.instance_norm: _instance_norm,
        F.mse_loss: _mse_loss,
        torch._weight_norm: _weight_norm,
    }


@contextmanager
def exact_formulas(module: nn.Module) -> Iterator[None]:
    """Inside the block a module runs by formulas that have derivatives of every order, without TF32."""
    # An LSTM of torch's is one operator of a library on a CPU, which has none; on a GPU it has no second one.
    # Not by torch.backends.mkldnn.flags, which warns of GPUs of Intel.
    before, cudnn = torch._C._get_mkldnn_enabled(), torch.backends.cudnn.enabled
    torch._C._set_mkldnn_enabled(before and not any(isinstance(part, nn.LSTM) for part in module.modules()))
    torch.backends.cudnn.enabled = cudnn and not any(isinstance(part, nn.RNNBase) for part in module.modules())
    try:
        with plain_attention(), PlainDerivatives(), tf32(False):
            yield
    finally:
        torch._C._set_mkldnn_enabled(before)
        torch.backends.cudnn.enabled = cudnn
