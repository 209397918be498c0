"""A product of matrices."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from landscape.errors import InputError


class DeepLinear(nn.Module):
    """f(x) = W_L ... W_1 x without bias: linear in x, of degree L in theta.

    Args:
        inputs: D; images are flattened.
        classes: outputs C.
        depth: L, the number of matrices.
        width: units of each of the L - 1 hidden layers.
        init_std: every weight starts as N(0, init_std²); None takes 1/sqrt(fan_in).

    Raises:
        InputError: a number out of range.

    Source: paper, section 5 (inputs = classes = width = 1, depth 2); Saxe et al. (arXiv 1312.6120).
    """

    def __init__(
        self, inputs: int, classes: int, depth: int = 2, width: int = 1, init_std: float | None = 0.01
    ) -> None:
        super().__init__()
        if depth < 1 or width < 1:
            raise InputError(f"model.depth={depth} and model.width={width} must be at least 1")
        if init_std is not None and not 0 <= init_std < float("inf"):
            raise InputError(f"model.init_std={init_std} must be finite and not negative; null takes 1/sqrt(fan_in)")
        sizes = [inputs, *[width] * (depth - 1), classes]
        self.layers = nn.ModuleList(nn.Linear(a, b, bias=False) for a, b in pairwise(sizes))
        self.factors = [f"layers.{k}.weight" for k in range(depth)]
        """Names of W_1 ... W_L: whoever knows the closed form of a product of matrices asks for them."""
        with torch.no_grad():
            for layer in self.layers:
                # Drawn in float64: a net is the same in both precisions up to rounding.
                weight: Tensor = layer.weight  # type: ignore[assignment]
                std = weight.shape[1] ** -0.5 if init_std is None else init_std
                weight.copy_(std * torch.randn(weight.shape, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        """x [B, ...] -> outputs [B, C]."""
        h = x.flatten(1)
        for layer in self.layers:
            h = layer(h)
        return h
