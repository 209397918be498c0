"""Convolutional maxout: each unit is the largest of K affine maps of its patch, then the largest over a window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from landscape.errors import InputError
from landscape.model.checks import check_counts, check_init_ranges, check_init_scale, check_max_norms
from landscape.model.dropout import dropout_layers


class ConvMaxout(nn.Module):
    """Maxout convolutions with max pooling, one dense maxout layer, then classes; logits out.

    The detector map of a convolution has side n + 2 pad - kernel + 1, what is pooled from it ceil((m - window)/stride)
    + 1: a window that overhangs the edge is cut off there, not left out.

    Args:
        image: (channels, height, width) of one input, which may come flat.
        classes: C.
        widths: maxout units H of each layer but the last: channels of the convolutions, units of the dense layer.
        pieces: K of each of these layers; the pieces of a unit are consecutive channels.
        kernels, pads: side of the square kernel and zeros around the map, per convolution; the stride is 1.
        windows, strides: side and step of the square pooling windows, per convolution.
        init_ranges: weights of layer l start as U(-r_l, r_l), biases as 0.
        max_norms: bound per layer on the incoming weights of each piece (and each class); None: no bound.
        lr_scales: factor per layer on the learning rate of its weights and biases; None: 1.
        include, scale: dropout of each layer's input, every element for itself; None: no dropout.
        dropout: False drops the dropout layers without touching the other numbers.
        init_scale: factor on every r_l.
        shrink: side of the squares of pixels that are averaged first, so that the net sees an image that much smaller.

    Raises:
        InputError: no image, a list of the wrong length, a bad init_scale, squares that do not fill the image, or a
            layer whose map would be empty.

    Source: Goodfellow et al. 2013 (arXiv 1302.4389); pylearn2 ``scripts/papers/maxout/cifar10_no_aug_valid.yaml``.
    """

    def __init__(
        self,
        image: Sequence[int] | None,
        classes: int,
        widths: Sequence[int],
        pieces: Sequence[int],
        kernels: Sequence[int],
        pads: Sequence[int],
        windows: Sequence[int],
        strides: Sequence[int],
        init_ranges: Sequence[float],
        max_norms: Sequence[float] | None = None,
        lr_scales: Sequence[float] | None = None,
        include: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        dropout: bool = True,
        init_scale: float = 1.0,
        shrink: int = 1,
    ) -> None:
        super().__init__()
        if image is None or len(image) != 3 or min(image) < 1:
            raise InputError(
                f"model.image={image} must be the channels, height and width of the data's images; choose "
                "data=cifar10, mnist or digits, or set dimensions.image=[C,H,W]"
            )
        check_counts("model.shrink", [shrink])
        if any(side % shrink for side in image[1:]):
            raise InputError(f"model.shrink={shrink} must divide both sides of model.image={list(image)}")
        num_convs = len(kernels)
        _require_lengths({"pads": pads, "windows": windows, "strides": strides}, num_convs, 0)
        _require_lengths({"widths": widths, "pieces": pieces}, num_convs, 1)
        every = {"init_ranges": init_ranges, "max_norms": max_norms, "lr_scales": lr_scales, "include": include}
        _require_lengths({**every, "scale": scale}, num_convs, 2)
        for key, counts in (("widths", widths), ("pieces", pieces), ("kernels", kernels), ("windows", windows)):
            check_counts(f"model.{key}", counts)
        check_init_ranges("model.init_ranges", init_ranges)
        check_init_scale(init_scale)
        check_max_norms("model.max_norms", max_norms or ())
        self.image, self.pieces = tuple(image), list(pieces)
        self.pads, self.windows, self.strides = list(pads), list(windows), list(strides)
        layers: list[nn.Conv2d | nn.Linear] = []
        self.shrink = shrink
        channels, *sides = image[0], *(side // shrink for side in image[1:])
        self.shapes = [(channels, *sides)]
        """(channels, height, width) of what the first convolution sees and of what each hands on."""
        for k in range(num_convs):
            layers.append(nn.Conv2d(channels, pieces[k] * widths[k], kernels[k], padding=pads[k]))
            sides = [self._pooled(k, side, kernels[k]) for side in sides]
            channels = widths[k]
            self.shapes.append((channels, *sides))
        layers.append(nn.Linear(channels * sides[0] * sides[1], pieces[-1] * widths[-1]))
        layers.append(nn.Linear(widths[-1], classes))
        self.layers = nn.ModuleList(layers)
        self.dropouts = dropout_layers(include, scale, dropout)
        with torch.no_grad():
            for layer, r in zip(layers, init_ranges, strict=True):
                assert layer.bias is not None
                layer.weight.uniform_(-r * init_scale, r * init_scale)
                layer.bias.zero_()
        self.max_norms = {f"layers.{k}.weight": c for k, c in enumerate(max_norms or ())}
        self.lr_scales = {f"layers.{k}.{part}": s for k, s in enumerate(lr_scales or ()) for part in ("weight", "bias")}

    def _pooled(self, k: int, side: int, kernel: int) -> int:
        """The side of what convolution k hands on when its input has this side."""
        detector = side + 2 * self.pads[k] - kernel + 1
        pooled = -(-(detector - self.windows[k]) // self.strides[k]) + 1
        if detector < 1 or pooled < 1:
            raise InputError(
                f"model.kernels[{k}]={kernel} with pads {self.pads[k]} and a pooling window of {self.windows[k]} "
                f"leaves nothing of a map of side {side} (model.image={list(self.image)}); choose larger images or "
                f"smaller kernels{', or ++model.shrink=1' * (self.shrink > 1)}"
            )
        return pooled

    def forward(self, x: Tensor) -> Tensor:
        """x [B, ...] -> logits [B, C]."""
        h = x.reshape(len(x), *self.image)
        if self.shrink > 1:
            h = F.avg_pool2d(h, self.shrink)
        for k, layer in enumerate(self.layers):
            if k == len(self.windows):
                h = h.flatten(1)
            if self.dropouts:
                h = self.dropouts[k](h)
            if k == 0 and h.device.type == "cpu":  # channels innermost in memory: a quarter less time there
                h = h.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
            h = layer(h)  # [B, H*K, m, m], [B, H*K] or, of the last, [B, C]
            if k < len(self.pieces):
                h = reduce(torch.maximum, h.unflatten(1, (-1, self.pieces[k])).unbind(dim=2))
            if k < len(self.windows):
                h = F.max_pool2d(h, self.windows[k], self.strides[k], ceil_mode=True)
        return h


def _require_lengths(lists: Mapping[str, Sequence[float] | None], num_convs: int, num_more: int) -> None:
    """One entry per convolution, and ``num_more`` for the dense layer and the last one."""
    for key, values in lists.items():
        if values is not None and len(values) != num_convs + num_more:
            raise InputError(
                f"model.{key} has {len(values)} entries but {num_convs} convolutions (model.kernels) need "
                f"{num_convs + num_more}; give one entry per layer"
            )
