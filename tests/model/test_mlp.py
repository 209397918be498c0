"""The multilayer perceptron against a hand computation."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from landscape.errors import InputError
from landscape.model import MLP, Masks
from tests.twin import normal

NONLINEAR = {"relu": (nn.ReLU(), lambda v: max(v, 0.0)), "sigmoid": (nn.Sigmoid(), lambda v: 1 / (1 + math.exp(-v)))}


@pytest.mark.parametrize("name", NONLINEAR)
@pytest.mark.parametrize("use_masks", [False, True])
def test_logits_equal_the_twin(name: str, use_masks: bool) -> None:
    activation, plain_activation = NONLINEAR[name]
    module = MLP(4, 3, [6, 5], activation, include=[0.8, 0.5, 0.5], scale=[1.25, 2.0, 2.0]).double().eval()
    with torch.no_grad():
        for k, p in enumerate(module.parameters()):
            p.copy_(normal(*p.shape, seed=k))
    x = normal(5, 4, seed=20) + 0.1
    masks = Masks(module, x[:1])
    drawn = masks.draw(5, torch.Generator().manual_seed(2))
    expected = []
    for n in range(5):
        h, at = x[n].tolist(), 0
        for k, layer in enumerate(module.layers):
            if use_masks:
                scale = (1.25, 2.0, 2.0)[k]
                h = [v * scale * float(drawn[0, n, at + i]) for i, v in enumerate(h)]
                at += len(h)
            h = [
                math.fsum(w * v for w, v in zip(row, h, strict=True)) + b
                for row, b in zip(layer.weight.tolist(), layer.bias.tolist(), strict=True)
            ]
            h = h if k == 2 else [plain_activation(v) for v in h]
        expected.append(h)
    with masks.bind(drawn if use_masks else None):
        torch.testing.assert_close(module(x), torch.tensor(expected, dtype=torch.float64), rtol=1e-13, atol=1e-13)


def test_default_start_is_he_with_a_zero_last_layer() -> None:
    torch.manual_seed(0)
    module = MLP(60, 10, [40, 30], nn.ReLU())
    for layer, fan_in in zip(module.layers, (60, 40), strict=False):
        bound = math.sqrt(6 / fan_in)
        assert 0.95 * bound < layer.weight.abs().max() <= bound
    assert module.layers[2].weight.abs().max() == 0
    assert all(layer.bias.abs().max() == 0 for layer in module.layers)
    assert module.max_norms == {} and len(module.dropouts) == 0


def test_torch_s_own_start_is_torch_s_own() -> None:
    torch.manual_seed(0)
    module = MLP(60, 10, [40, 30], nn.ReLU(), torch_init=True)
    torch.manual_seed(0)
    plain = [nn.Linear(60, 40), nn.Linear(40, 30), nn.Linear(30, 10)]
    for layer, other in zip(module.layers, plain, strict=True):
        assert torch.equal(layer.weight, other.weight) and torch.equal(layer.bias, other.bias)
    with pytest.raises(InputError, match=r"model\.torch_init=true and model\.init_ranges=\[0\.5, 0\.5\]"):
        MLP(4, 3, [6], nn.ReLU(), init_ranges=[0.5, 0.5], torch_init=True)


def test_batch_norm_stands_before_the_activation_and_takes_the_bias() -> None:
    module = MLP(4, 3, [6, 5], nn.Tanh(), batch_norm=True).double().train()
    x = normal(7, 4, seed=20)
    with torch.no_grad():
        for k, p in enumerate(module.parameters()):
            p.copy_(normal(*p.shape, seed=k))
    h = x
    for k in range(2):
        h = h @ module.layers[k].weight.T
        h = (h - h.mean(dim=0)) / (h.var(dim=0, correction=0) + 1e-5).sqrt()
        h = torch.tanh(h * module.norms[k].weight + module.norms[k].bias)
    expected = h @ module.layers[2].weight.T + module.layers[2].bias
    torch.testing.assert_close(module(x), expected, rtol=1e-11, atol=1e-12)
    assert [layer.bias is None for layer in module.layers] == [True, True, False]


def test_switching_dropout_off_leaves_the_rest() -> None:
    numbers = {"max_norms": [1.0, 2.0], "include": [0.8, 0.5], "scale": [1.25, 2.0]}
    module = MLP(4, 3, [6], nn.ReLU(), dropout=False, **numbers)
    assert len(module.dropouts) == 0 and module.max_norms == {"layers.0.weight": 1.0, "layers.1.weight": 2.0}


def test_bias_scale_and_last_layer_of_the_start() -> None:
    """The same draws, stretched; without biases the net is homogeneous."""
    torch.manual_seed(0)
    plain = MLP(60, 10, [40, 30], nn.ReLU(), zero_last=False)
    bound = math.sqrt(3 / 30)
    assert 0.95 * bound < plain.layers[2].weight.abs().max() <= bound
    torch.manual_seed(0)
    small = MLP(60, 10, [40, 30], nn.ReLU(), zero_last=False, init_scale=0.25, bias=False)
    for a, b in zip(plain.layers, small.layers, strict=True):
        assert b.bias is None
        # nn.Linear draws a bias of its own before, so only the range can agree
        assert b.weight.abs().max() <= 0.25 * (6 / b.in_features) ** 0.5
        assert b.weight.std().item() == pytest.approx(0.25 * a.weight.std().item(), rel=0.1)
    x, small = normal(5, 60, seed=1), small.double()
    before = small(x)
    with torch.no_grad():
        for p in small.parameters():
            p.mul_(1.7)
    torch.testing.assert_close(small(x), 1.7**3 * before, rtol=1e-12, atol=0)
    given = MLP(60, 10, [40], nn.ReLU(), init_ranges=[0.1, 0.2], init_scale=3.0)
    assert [round(layer.weight.abs().max().item(), 2) for layer in given.layers] == [0.3, 0.6]
