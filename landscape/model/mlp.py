"""A multilayer perceptron with one init range, one norm bound and one dropout setting per layer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from landscape.errors import InputError
from landscape.model.checks import check_counts, check_init_ranges, check_init_scale, check_max_norms, check_per_layer
from landscape.model.dropout import dropout_layers


class MLP(nn.Module):
    """inputs -> widths -> classes, logits out; dropout in front of every layer, batch norm in front of activations.

    Args:
        inputs: D; images are flattened.
        classes: C.
        widths: hidden units per layer.
        activation: an elementwise module, for example ``torch.nn.ReLU()``.
        init_ranges: weights of layer l start as U(-r_l, r_l), biases as 0; r_l = 0 gives an exactly zero layer; None
            takes r_l = sqrt(6 / fan_in) for hidden layers and 0 for the last.
        init_scale: factor on every r_l.
        zero_last: False gives the last layer r_l = sqrt(3 / fan_in) where init_ranges does not say, so that the logits
            start with the mean square of the units below them.
        bias: False leaves all biases out.
        max_norms: bound c_l on the incoming weight vector of each unit, enforced by the training loop; None: no bound.
        include, scale: dropout of each layer's input; None: no dropout.
        dropout: False drops the dropout layers without touching the other numbers.
        batch_norm: True puts ``torch.nn.BatchNorm1d`` (momentum 0.1, eps 1e-5) between each hidden layer and its
            activation, whose own shift takes the place of the layer's bias: a bias in front of it would have no
            gradient but rounding. How its running statistics go along a path, ``objective.running_statistics`` says.
        torch_init: True starts as torch does, weights and biases from U(-r, r), r = 1 / sqrt(fan_in).

    Raises:
        InputError: a per-layer list whose length is not the number of layers; a bad init_scale; two inits.

    Source: paper, appendix A; pylearn2 ``RectifiedLinear``, ``Sigmoid``, ``Softmax``.
    """

    def __init__(
        self,
        inputs: int,
        classes: int,
        widths: Sequence[int],
        activation: nn.Module,
        init_ranges: Sequence[float] | None = None,
        max_norms: Sequence[float] | None = None,
        include: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        dropout: bool = True,
        bias: bool = True,
        init_scale: float = 1.0,
        zero_last: bool = True,
        batch_norm: bool = False,
        torch_init: bool = False,
    ) -> None:
        super().__init__()
        check_counts("model.widths", widths)
        sizes = [inputs, *widths, classes]
        num_layers = len(sizes) - 1
        check_per_layer(widths, init_ranges=init_ranges, max_norms=max_norms, include=include, scale=scale)
        check_init_scale(init_scale)
        check_init_ranges("model.init_ranges", init_ranges or ())
        check_max_norms("model.max_norms", max_norms or ())
        if torch_init and init_ranges is not None:
            raise InputError(
                f"model.torch_init=true and model.init_ranges={list(init_ranges)} are two starts; keep one"
            )
        self.activation = activation
        # The last layer has no norm, so batch norm leaves it its bias.
        biased = [bias and (not batch_norm or k == num_layers - 1) for k in range(num_layers)]
        linear = [nn.Linear(a, b, bias=has) for (a, b), has in zip(pairwise(sizes), biased, strict=True)]
        self.layers = nn.ModuleList(linear)
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for width in widths) if batch_norm else nn.ModuleList()
        self.dropouts = dropout_layers(include, scale, dropout)
        last = 0.0 if zero_last else (3 / sizes[-2]) ** 0.5
        ranges = init_ranges or [(6 / fan_in) ** 0.5 for fan_in in sizes[:-2]] + [last]
        with torch.no_grad():
            for layer, r in zip([] if torch_init else linear, [] if torch_init else ranges, strict=True):
                layer.weight.uniform_(-r * init_scale, r * init_scale)
                if layer.bias is not None:
                    layer.bias.zero_()
        self.max_norms = {} if max_norms is None else {f"layers.{k}.weight": c for k, c in enumerate(max_norms)}

    def forward(self, x: Tensor) -> Tensor:
        """x [B, ...] -> logits [B, C]."""
        h = x.flatten(1)
        for k, layer in enumerate(self.layers):
            if self.dropouts:
                h = self.dropouts[k](h)
            h = layer(h)
            if k < len(self.layers) - 1:
                if self.norms:
                    h = self.norms[k](h)
                h = self.activation(h)  # [B, H]
        return h
