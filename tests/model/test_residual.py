"""The deep net with and without skip connections against a plain loop in float64."""

from __future__ import annotations

import math

import pytest
import torch

from landscape.errors import InputError
from landscape.model import Residual
from tests.model.conftest import published
from tests.twin import normal


def plain(module: Residual, x: list[float], skip: bool) -> list[float]:
    """Logits of one example, unit by unit."""

    def affine(layer: torch.nn.Linear, h: list[float]) -> list[float]:
        rows = zip(layer.weight.tolist(), layer.bias.tolist(), strict=True)
        return [math.fsum(w * v for w, v in zip(row, h, strict=True)) + b for row, b in rows]

    h = affine(module.layers[0], x)
    for layer in list(module.layers)[1:]:
        f = affine(layer, [max(v, 0.0) for v in h])
        h = [a + b / math.sqrt(len(module.layers) - 1) for a, b in zip(h, f, strict=True)] if skip else f
    return affine(module.last, [max(v, 0.0) for v in h])


@pytest.mark.parametrize("skip", [True, False])
def test_logits_equal_the_twin(skip: bool) -> None:
    module = Residual(4, 3, 5, 3, skip=skip).double().eval()
    with torch.no_grad():
        for k, p in enumerate(module.parameters()):
            p.copy_(normal(*p.shape, seed=k))
    x = normal(6, 2, 2, seed=20)
    expected = torch.tensor([plain(module, row.flatten().tolist(), skip) for row in x], dtype=torch.float64)
    torch.testing.assert_close(module(x), expected, rtol=1e-13, atol=1e-13)


def test_without_skips_it_is_the_same_net_without_skips() -> None:
    """Names, shapes and the start: all that differs is the way of the sums."""
    nets = []
    for skip in (True, False):
        torch.manual_seed(0)
        nets.append(Residual(64, 10, 32, 20, skip, batch_norm=True))
    one, other = (net.state_dict() for net in nets)
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
    x = normal(50, 64, seed=1).float()
    assert not torch.allclose(nets[0](x), nets[1](x))
    assert all(layer.bias is None for layer in nets[0].layers) and nets[0].last.bias is not None


@pytest.mark.parametrize("skip", ["true", "false"])
def test_the_size_of_the_units_is_kept_through_all_layers(skip: str) -> None:
    """At the start, in the mean square: within a factor of e with skips, of the width's fluctuations without."""
    module, sizes = published("residual", f"model.skip={skip}", "model.width=500", device="cpu"), []
    for layer in (module.layers[1], module.last):
        layer.register_forward_pre_hook(lambda _, inputs: sizes.append(inputs[0].detach().square().mean().item()))
    module(torch.randn(100, 64, generator=torch.Generator().manual_seed(0)))
    assert 0.5 < sizes[1] / sizes[0] < 1.2 * math.e


def test_batch_norm_stands_before_the_activation() -> None:
    module = Residual(4, 3, 5, 2, batch_norm=True).double().train()
    x = normal(7, 4, seed=20)
    with torch.no_grad():
        for k, p in enumerate(module.parameters()):
            p.copy_(normal(*p.shape, seed=k))
    h = x @ module.layers[0].weight.T
    for k, layer in enumerate([*module.layers[1:], module.last]):
        f = (h - h.mean(dim=0)) / (h.var(dim=0, correction=0) + 1e-5).sqrt()
        f = torch.relu(f * module.norms[k].weight + module.norms[k].bias) @ layer.weight.T
        h = f + module.last.bias if k == 2 else h + f / math.sqrt(2)
    torch.testing.assert_close(module(x), h, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("key", ["width", "depth", "skip"])
def test_bad_numbers_are_refused(key: str) -> None:
    with pytest.raises(InputError, match=f"model.{key}="):
        Residual(**{"inputs": 4, "classes": 3, "width": 5, "depth": 2, key: 0})  # type: ignore[arg-type]
