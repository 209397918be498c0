"""A deep ReLU net of equal layers, with or without skip connections and batch norm."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from landscape.errors import InputError
from landscape.model.checks import check_counts


class Residual(nn.Module):
    """h_0 = W_0 x + b_0; h_l = h_{l-1} + f_l(h_{l-1}) / sqrt(L), f_l(h) = W_l relu(h) + b_l; logits W relu(h_L) + b.

    Without skip connections h_l = f_l(h_{l-1}): the same parameters, from the same start, in a plain deep net. With the
    division h keeps its size at the start, within a factor sqrt(e) in norm, whatever the depth L.

    Args:
        inputs: D; images are flattened.
        classes: C.
        width: H, units of every layer.
        depth: L, layers between the first and the last.
        skip: False leaves the skip connections out.
        batch_norm: True puts ``torch.nn.BatchNorm1d`` in front of every ReLU; its shift takes the place of the layer's
            bias. How its running statistics go along a path, ``objective.running_statistics`` says.

    Weights start as He's normal, N(0, 2 / fan_in), those of the last layer as N(0, 1 / H); biases as 0.

    Raises:
        InputError: a width or depth below 1.

    Source: He et al. 2016 (arXiv 1603.05027), activation first; the division: Hayou et al. 2021 (arXiv 2010.12859).
    """

    def __init__(
        self, inputs: int, classes: int, width: int, depth: int, skip: bool = True, batch_norm: bool = False
    ) -> None:
        super().__init__()
        check_counts("model.width", [width])
        check_counts("model.depth", [depth])
        if not isinstance(skip, bool) or not isinstance(batch_norm, bool):
            raise InputError(f"model.skip={skip} and model.batch_norm={batch_norm} must be true or false")
        self.skip = skip
        sizes = [inputs, *[width] * depth]
        self.layers = nn.ModuleList(nn.Linear(size, width, bias=not batch_norm) for size in sizes)
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for _ in sizes) if batch_norm else nn.ModuleList()
        self.last = nn.Linear(width, classes)
        self.share = depth**-0.5
        with torch.no_grad():
            for layer in [*self.layers, self.last]:
                gain = 1.0 if layer is self.last else 2.0
                layer.weight.normal_(0.0, (gain / layer.in_features) ** 0.5)
                if layer.bias is not None:
                    layer.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """x [B, ...] -> logits [B, C]."""
        h = self.layers[0](x.flatten(1))  # [B, H]
        for k, layer in enumerate([*self.layers[1:], self.last]):
            f = layer(torch.relu(self.norms[k](h) if self.norms else h))
            h = h + self.share * f if self.skip and layer is not self.last else f
        logits: Tensor = h
        return logits
