"""Convolutional maxout against loops over units, pieces, positions and windows; its published shapes and numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from landscape.cost import CrossEntropy
from landscape.errors import InputError
from landscape.model import ConvMaxout, Dropout, Masks
from landscape.parameters import ParameterLayout
from landscape.training.gradient import Gradient
from tests.model.conftest import published
from tests.twin import normal

IMAGE = (2, 6, 5)  # not square, so a transposed map shows
NUMBERS: dict[str, Any] = {
    "classes": 3,
    "widths": [3, 2, 4],
    "pieces": [2, 3, 5],
    "kernels": [3, 2],
    "pads": [2, 1],
    "windows": [3, 2],
    "strides": [2, 2],
    "init_ranges": [0.5, 0.4, 0.3, 0.2],
    "include": [0.8, 0.5, 0.5, 0.5],
    "scale": [1.1, 2.0, 2.0, 2.0],
}


def small(image: Sequence[int] | None = IMAGE, **changes: Any) -> ConvMaxout:
    torch.manual_seed(0)
    return ConvMaxout(image, **{**NUMBERS, **changes})


def convolved(x: Tensor, weight: Tensor, bias: Tensor, pad: int) -> list[list[list[Tensor]]]:
    """One image x [C, H, W]: every filter at every place, zeros outside: [filter][row][column]."""
    channels, height, width = x.shape
    side = weight.shape[2]

    def at(f: int, row: int, column: int) -> Tensor:
        total = bias[f]
        for c, i, j in product(range(channels), range(side), range(side)):
            r, s = row + i - pad, column + j - pad
            if 0 <= r < height and 0 <= s < width:
                total = total + weight[f, c, i, j] * x[c, r, s]
        return total

    rows, columns = (n + 2 * pad - side + 1 for n in (height, width))
    return [[[at(f, r, c) for c in range(columns)] for r in range(rows)] for f in range(len(weight))]


def pooled(rows: list[list[Tensor]], window: int, stride: int) -> Tensor:
    """The largest of each window, windows cut off at the edge; enough of them that every value is in one."""
    nums = [math.ceil((n - window) / stride) + 1 for n in (len(rows), len(rows[0]))]

    def largest(i: int, j: int) -> Tensor:
        inside = [row[j * stride : j * stride + window] for row in rows[i * stride : i * stride + window]]
        return torch.stack([value for row in inside for value in row]).max()

    return torch.stack([torch.stack([largest(i, j) for j in range(nums[1])]) for i in range(nums[0])])


def twin(module: ConvMaxout, x: Tensor, masks: Sequence[Tensor] | None = None) -> Tensor:
    """Logits of one example x [D]."""
    h = x.reshape(IMAGE)
    for k in range(4):
        if masks is not None:
            h = h * masks[k].reshape(h.shape) * NUMBERS["scale"][k]
        weight, bias = module.layers[k].weight, module.layers[k].bias
        pieces = NUMBERS["pieces"][k] if k < 3 else 1
        if k < 2:
            maps = convolved(h, weight, bias, NUMBERS["pads"][k])
            units = []
            for u in range(NUMBERS["widths"][k]):
                own = maps[u * pieces : (u + 1) * pieces]
                largest = [
                    [torch.stack([piece[r][c] for piece in own]).max() for c in range(len(own[0][0]))]
                    for r in range(len(own[0]))
                ]
                units.append(pooled(largest, NUMBERS["windows"][k], NUMBERS["strides"][k]))
            h = torch.stack(units)
        else:
            values = [weight[f] @ h.flatten() + bias[f] for f in range(len(weight))]
            h = torch.stack([torch.stack(values[f : f + pieces]).max() for f in range(0, len(values), pieces)])
    return h


def test_logits_and_gradients_equal_the_twin_with_and_without_masks() -> None:
    module = small().double()
    layout = ParameterLayout.of(module)
    module.load_state_dict(layout.unflatten(0.4 * normal(layout.num_parameters, seed=4)))
    x = normal(2, math.prod(IMAGE), seed=5) + 0.2
    torch.testing.assert_close(module.eval()(x), torch.stack([twin(module, row) for row in x]), rtol=1e-13, atol=1e-13)
    masks = Masks(module, x[:1])
    drawn = masks.draw(2, torch.Generator().manual_seed(1))
    parts = [[part[n].double() for part in drawn[0].split(masks.widths, dim=-1)] for n in range(2)]
    plain = torch.stack([twin(module, row, mask) for row, mask in zip(x, parts, strict=True)])
    with masks.bind(drawn):
        masked = module.train()(x)
    torch.testing.assert_close(masked, plain, rtol=1e-13, atol=1e-13)
    direction = normal(*plain.shape, seed=6)
    found = torch.autograd.grad((masked * direction).sum(), list(module.parameters()))
    expected = torch.autograd.grad((plain * direction).sum(), list(module.parameters()))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_a_unit_is_the_largest_of_consecutive_pieces_and_overhanging_windows_count() -> None:
    one = {"widths": [2, 1], "pieces": [2, 1], "kernels": [1], "pads": [0], "windows": [2], "strides": [2]}
    module = small((1, 1, 3), **one, classes=1, init_ranges=[0.0] * 3, include=None, scale=None)
    with torch.no_grad():
        module.layers[0].weight.copy_(torch.tensor([1.0, -1.0, 0.0, 0.0]).view(4, 1, 1, 1))
        module.layers[0].bias.copy_(torch.tensor([0.0, 0.0, -4.0, -3.0]))
    assert module.shapes == [(1, 1, 3), (2, 1, 2)]
    seen = []
    module.layers[1].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].tolist()))
    module(torch.tensor([[0.5, -2.0, -7.0]]))
    assert seen == [[[2.0, 7.0, -3.0, -3.0]]]


@pytest.mark.parametrize(
    ("name", "widths", "parameters"),
    [
        (
            "conv_maxout",
            [96, 192, 192, 500],
            [36_864 + 192, 2_359_296 + 384, 1_843_200 + 384, 12_000_000 + 2_500, 5_010],
        ),
        ("conv_maxout_small", [24, 48, 48, 125], [9_216 + 48, 147_456 + 96, 115_200 + 96, 750_000 + 625, 1_260]),
    ],
)
def test_every_layer_has_its_published_shape(name: str, widths: list[int], parameters: list[int]) -> None:
    module = published(name, "data=cifar10", device="cpu")
    inputs, outputs = [], []
    for layer in module.layers:
        layer.register_forward_pre_hook(lambda _, x: inputs.append(tuple(x[0].shape)))
        layer.register_forward_hook(lambda _, x, y: outputs.append(tuple(y.shape)))
    with torch.no_grad():
        logits = module.eval()(torch.zeros(2, 3072))
    a, b, c, d = widths
    assert inputs == [(2, 3, 32, 32), (2, a, 16, 16), (2, b, 7, 7), (2, c * 25), (2, d)]
    assert outputs == [(2, 2 * a, 33, 33), (2, 2 * b, 15, 15), (2, 2 * c, 9, 9), (2, 5 * d), (2, 10)]
    assert logits.shape == (2, 10)
    assert module.shapes == [shape[1:] for shape in inputs[:3]] + [(c, 5, 5)]
    counts = [sum(p.numel() for p in layer.parameters()) for layer in module.layers]
    assert counts == parameters
    assert ParameterLayout.of(module).num_parameters == {96: 16_247_830, 24: 1_023_997}[a]


@pytest.mark.parametrize(
    ("name", "ranges", "lr"),
    [
        ("conv_maxout", [0.005] * 5, [0.05, 0.05, 0.05, 1.0, 1.0]),
        ("conv_maxout_small", [0.01, 0.02, 0.02, 0.02, 0.02], [0.5, 0.5, 0.5, 1.0, 1.0]),
    ],
)
def test_published_numbers(name: str, ranges: list[float], lr: list[float]) -> None:
    module = published(name, "data=cifar10", device="cpu")
    assert [(m.include, m.scale) for m in module.modules() if isinstance(m, Dropout)] == [(0.8, 1.0)] + [(0.5, 2.0)] * 4
    bounds = [0.9, 1.9365, 1.9365, 1.9, 1.9365]
    assert module.max_norms == {f"layers.{k}.weight": c for k, c in enumerate(bounds)}
    assert module.lr_scales == {f"layers.{k}.{part}": s for k, s in enumerate(lr) for part in ("weight", "bias")}
    assert set(module.lr_scales) == {name for name, _ in module.named_parameters()}
    for layer, bound in zip(module.layers, ranges, strict=True):
        assert 0.99 * bound < layer.weight.abs().max() <= bound and layer.bias.abs().max() == 0
        assert abs(layer.weight.mean()) < 0.05 * bound


def test_shrinking_averages_squares_of_pixels_first() -> None:
    module, whole = (small((2, 6, 6), shrink=k) for k in (2, 1))
    half = small((2, 3, 3))
    half.load_state_dict(module.state_dict())
    x = normal(4, 72, seed=3).float()
    averaged = x.view(4, 2, 3, 2, 3, 2).mean(dim=(3, 5)).flatten(1)
    torch.testing.assert_close(module.eval()(x), half.eval()(averaged))
    assert whole.shapes[0] == (2, 6, 6) and module.shapes == half.shapes
    with pytest.raises(InputError, match=r"model\.shrink=4 must divide both sides of model\.image=\[2, 6, 6\]"):
        small((2, 6, 6), shrink=4)
    with pytest.raises(InputError, match=r"leaves nothing .* or \+\+model\.shrink=1"):
        published("conv_maxout_small", "data=digits", "++model.shrink=2", device="cpu")


def test_dropout_masks_are_drawn_per_element_not_per_channel() -> None:
    module = published("conv_maxout_small", "data=cifar10", device="cpu")
    masks = Masks(module, torch.zeros(1, 3072))
    assert masks.widths == [3072, 24 * 256, 48 * 49, 48 * 25, 125]
    inside = masks.draw(1, torch.Generator().manual_seed(0))[0, 0].split(masks.widths)[1].view(24, 16, 16)
    shares = inside.float().mean(dim=(1, 2))
    assert (shares > 0.3).all() and (shares < 0.7).all()


def test_two_seeds_at_once_have_the_gradients_of_each_alone() -> None:
    module = small().double().train()
    layout = ParameterLayout.of(module)
    theta = 0.4 * normal(2, layout.num_parameters, seed=3)
    x, y = normal(2, 4, math.prod(IMAGE), seed=5), torch.tensor([[0, 1, 2, 1], [2, 2, 0, 1]])
    masks = Masks(module, x[0, :1])
    drawn = torch.stack([masks.draw(4, torch.Generator().manual_seed(s)) for s in range(2)])
    both, *_ = Gradient(module, CrossEntropy(), masks, vectorised=True)(
        layout.unflatten(theta), {"x": x, "y": y}, drawn
    )
    alone = Gradient(module, CrossEntropy(), masks, vectorised=False)
    for s in range(2):
        pick = slice(s, s + 1)
        single, *_ = alone(layout.unflatten(theta[pick]), {"x": x[pick], "y": y[pick]}, drawn[pick])
        for name, value in single.items():
            torch.testing.assert_close(both[name][pick], value, rtol=1e-12, atol=1e-14)


def test_other_images_fit() -> None:
    digits, mnist = (published("conv_maxout_small", f"data={name}", device="cpu") for name in ("digits", "mnist"))
    assert digits.shapes == [(1, 8, 8), (24, 4, 4), (48, 1, 1), (48, 2, 2)] and mnist.shapes[-1] == (48, 4, 4)
