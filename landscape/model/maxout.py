"""Maxout: each unit is the largest of K affine pieces of its input."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from landscape.model.checks import check_counts, check_init_ranges, check_max_norms, check_per_layer
from landscape.model.dropout import dropout_layers


class MaxoutMLP(nn.Module):
    """inputs -> widths maxout units of ``pieces`` consecutive affine pieces -> classes, logits out.

    No zero is among the pieces, so a unit may be negative; at a start of tiny weights every layer is tiny.

    Args:
        inputs: D.
        classes: C.
        widths: maxout units per hidden layer.
        pieces: K.
        init_range: every weight, the last layer's too, starts as U(-r, r); biases as 0.
        max_norm: bound on the incoming weights of each *piece* (and of each class); None: no bound.
        include, scale: dropout of each layer's input; None: no dropout.
        dropout: False drops the dropout layers without touching the other numbers.

    Source: Goodfellow et al. 2013 (arXiv 1302.4389); pylearn2 ``scripts/papers/maxout/mnist_pi.yaml``.
    """

    def __init__(
        self,
        inputs: int,
        classes: int,
        widths: Sequence[int],
        pieces: int,
        init_range: float,
        max_norm: float | None = None,
        include: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        dropout: bool = True,
    ) -> None:
        super().__init__()
        check_counts("model.widths", widths)
        check_counts("model.pieces", [pieces])
        check_per_layer(widths, include=include, scale=scale)
        check_init_ranges("model.init_range", init_range)
        check_max_norms("model.max_norm", [] if max_norm is None else [max_norm])
        self.pieces = pieces
        fan_ins = [inputs, *widths]
        fan_outs = [pieces * w for w in widths] + [classes]
        linear = [nn.Linear(a, b) for a, b in zip(fan_ins, fan_outs, strict=True)]
        self.layers = nn.ModuleList(linear)
        self.dropouts = dropout_layers(include, scale, dropout)
        with torch.no_grad():
            for layer in linear:
                layer.weight.uniform_(-init_range, init_range)
                layer.bias.zero_()
        self.max_norms = {} if max_norm is None else {f"layers.{k}.weight": max_norm for k in range(len(linear))}

    def forward(self, x: Tensor) -> Tensor:
        """x [B, ...] -> logits [B, C]."""
        h = x.flatten(1)
        for k, layer in enumerate(self.layers):
            if self.dropouts:
                h = self.dropouts[k](h)
            h = layer(h)  # [B, H*K], or [B, C] for the last
            if k < len(self.layers) - 1:
                h = h.unflatten(1, (-1, self.pieces)).amax(dim=2)  # [B, H]
        return h
