"""The loop with torch's own optimizers and batch norm against one that anybody would write in torch."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from landscape.errors import InputError
from landscape.model import MLP
from tests.training.conftest import Train, by_hand
from tests.twin import C, D

SEED, EPOCHS, BATCH = 6, 5, 5
OPTIMIZERS = {
    "adam": partial(torch.optim.Adam, lr=0.02, betas=(0.8, 0.95), eps=1e-7),
    "sgd": partial(torch.optim.SGD, lr=0.05, momentum=0.9),
}


def net(batch_norm: bool) -> nn.Module:
    return MLP(D, C, [6, 4], nn.Tanh(), init_ranges=[0.5, 0.6, 0.7], batch_norm=batch_norm)


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_is_the_loop_of_any_torch_tutorial(train: Train, name: str, batch_norm: bool) -> None:
    result = train(
        [SEED, 2],
        model=partial(net, batch_norm),
        optimizer=OPTIMIZERS[name],
        momentum_schedule=None,
        lr_schedule=None,
        max_epochs=EPOCHS,
        batch_size=BATCH,
        select="last",
    )
    start, module = (by_hand(partial(net, batch_norm), OPTIMIZERS[name], SEED, n, BATCH) for n in (0, EPOCHS))
    assert torch.equal(result.layout.theta(start), result.theta_i[0])
    torch.testing.assert_close(result.theta_f[0], result.layout.theta(module), rtol=1e-9, atol=1e-11)
    assert (result.theta_f[0] - result.theta_i[0]).abs().max() > 0.1
    named = dict(module.named_buffers())
    assert result.buffers[0].keys() == named.keys()
    assert bool(named) == batch_norm
    for key, buffer in named.items():
        torch.testing.assert_close(result.buffers[0][key], buffer, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("seeds", [[0], [0, 1]])
def test_batch_norm_refuses_a_minibatch_of_one(train: Train, seeds: list[int]) -> None:
    with pytest.raises(InputError, match=r"training\.batch_size leaves one of 1 example"):
        train(seeds, model=partial(net, True), batch_size=11, max_epochs=1)  # 23 = 2 * 11 + 1
