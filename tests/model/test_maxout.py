"""Maxout against the plain maximum of consecutive pieces."""

from __future__ import annotations

import torch

from landscape.model import Masks, MaxoutMLP
from landscape.parameters import ParameterLayout
from tests.twin import D, H, K, logits, maxout, normal, parts, unpacked


def test_logits_equal_the_twin_with_and_without_masks() -> None:
    module = maxout().double().eval()
    layout = ParameterLayout.of(module)
    theta = normal(layout.num_parameters, seed=4)
    module.load_state_dict(layout.unflatten(theta))
    x = normal(9, D, seed=5) + 0.2
    plain = torch.stack([logits(unpacked(theta), row) for row in x])
    torch.testing.assert_close(module(x), plain, rtol=1e-13, atol=1e-13)
    masks = Masks(module, x[:1])
    uniform = torch.rand(9, D + H, generator=torch.Generator().manual_seed(1))
    drawn = masks.draw(9, torch.Generator().manual_seed(1))
    plain = torch.stack([logits(unpacked(theta), row, parts(u)) for row, u in zip(x, uniform, strict=True)])
    with masks.bind(drawn):
        torch.testing.assert_close(module(x), plain, rtol=1e-13, atol=1e-13)


def test_a_unit_is_the_largest_of_consecutive_pieces_and_may_be_negative() -> None:
    module = MaxoutMLP(1, 2, widths=[2], pieces=3, init_range=0.1)
    with torch.no_grad():
        module.layers[0].weight.zero_()
        module.layers[0].bias.copy_(torch.tensor([-3.0, -1.0, -2.0, 5.0, 4.0, 6.0]))
        module.layers[1].weight.copy_(torch.eye(2))
    assert module(torch.zeros(1, 1)).tolist() == [[-1.0, 6.0]]


def test_every_layer_starts_in_the_range_with_zero_biases_and_one_bound() -> None:
    torch.manual_seed(0)
    module = MaxoutMLP(50, 10, widths=[40, 30], pieces=K, init_range=0.005, max_norm=1.9)
    for layer in module.layers:
        assert 0.9 * 0.005 < layer.weight.abs().max() <= 0.005 and layer.bias.abs().max() == 0
        assert abs(layer.weight.mean()) < 0.001
    assert module.max_norms == {f"layers.{k}.weight": 1.9 for k in range(3)}
    assert MaxoutMLP(5, 2, widths=[3], pieces=K, init_range=0.1).max_norms == {}
