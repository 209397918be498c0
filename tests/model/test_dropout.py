"""Dropout and its masks."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from landscape.errors import InputError
from landscape.model import Dropout, Masks
from tests.twin import INCLUDE, WIDTHS, D, H, maxout, normal, stream


def test_mask_and_scale_are_two_numbers() -> None:
    layer = Dropout(include=0.8, scale=1.1)
    x = torch.tensor([[1.5, -2.0, 3.0], [0.1, 0.2, -0.7]], dtype=torch.float64)
    layer.mask = torch.tensor([[True, False, True], [False, True, True]])
    expected = [[1.1 * 1.5, 0.0, 1.1 * 3.0], [0.0, 1.1 * 0.2, 1.1 * -0.7]]
    torch.testing.assert_close(layer(x), torch.tensor(expected, dtype=torch.float64), rtol=1e-15, atol=0)
    assert layer(x.float()).dtype == torch.float32


def test_evaluation_is_the_identity_and_training_draws() -> None:
    layer, x = Dropout(include=0.25, scale=4.0), 1 + normal(40, 50).abs()
    assert layer.eval()(x) is x
    torch.manual_seed(0)
    kept = layer.train()(x)
    assert torch.equal(kept[kept != 0], (4 * x)[kept != 0])
    spread = math.sqrt(0.25 * 0.75 / x.numel())
    assert abs((kept != 0).double().mean() - 0.25) < 4 * spread


def test_masks_know_layers_in_the_order_they_run() -> None:
    class Backwards(nn.Module):
        """Declares its layers in the wrong order."""

        def __init__(self) -> None:
            super().__init__()
            self.second, self.first = Dropout(0.5, 2.0), Dropout(0.9, 1.0)
            self.linear = nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            """x [B, 4] -> [B, 3]."""
            return self.second(self.linear(self.first(x)))

    module = Backwards().train()
    masks = Masks(module, torch.zeros(1, 4))
    assert masks.layers == [module.first, module.second] and masks.widths == [4, 3] and module.training
    assert len(Masks(nn.Linear(4, 3), torch.zeros(1, 4))) == 0


def test_a_layer_that_runs_twice_is_refused() -> None:
    class Twice(nn.Module):
        """One dropout layer, two places."""

        def __init__(self) -> None:
            super().__init__()
            self.drop, self.linear = Dropout(0.5, 2.0), nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            """x [B, 4] -> [B, 4]."""
            return self.linear(self.drop(self.linear(self.drop(x))))

    with pytest.raises(InputError, match="model=Twice"):
        Masks(Twice(), torch.zeros(1, 4))


def test_drawn_masks_keep_the_stated_share() -> None:
    masks = Masks(maxout(), torch.zeros(1, D), num_draws=2)
    drawn = masks.draw(4000, torch.Generator().manual_seed(3))
    assert drawn.shape == (2, 4000, D + H) and drawn.dtype == torch.bool
    share = drawn.double().mean(dim=1)  # [draws, F]
    for draw in range(2):
        for part, include in zip(share[draw].split(WIDTHS), INCLUDE, strict=True):
            assert (part - include).abs().max() < 4.5 * math.sqrt(include * (1 - include) / 4000)
    agree = (drawn[0] == drawn[1]).double().mean()  # independent: p^2 + (1-p)^2 on average
    expected = sum(w * (p * p + (1 - p) ** 2) for w, p in zip(WIDTHS, INCLUDE, strict=True)) / sum(WIDTHS)
    assert abs(agree - expected) < 0.01
    assert torch.equal(drawn, masks.draw(4000, torch.Generator().manual_seed(3)))


def test_bind_gives_each_layer_its_columns_and_takes_them_back() -> None:
    module = maxout().double()
    masks = Masks(module, torch.zeros(1, D, dtype=torch.float64), num_draws=2)
    drawn = masks.draw(3, stream(5, 5))
    with masks.bind(drawn, 1):
        first, second = (layer.mask for layer in masks.layers)
        assert first is not None and second is not None
        assert torch.equal(first, drawn[1, :, :D]) and torch.equal(second, drawn[1, :, D:])
    assert all(layer.mask is None for layer in masks.layers)
    with pytest.raises(RuntimeError, match="on purpose"), masks.bind(drawn, 0):
        raise RuntimeError("on purpose")
    assert all(layer.mask is None for layer in masks.layers)
    x, plain = normal(3, D), maxout(dropout=False).double()
    plain.load_state_dict(module.state_dict())
    with masks.bind(None):
        assert torch.equal(module.eval()(x), plain(x))
