"""What ``requires_grad_(False)`` freezes is part of the point and is never moved."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from landscape.cost import CrossEntropy
from landscape.errors import InputError
from landscape.training import Momentum, groups_of
from tests.training.conftest import PLAIN, Train
from tests.training.test_resume import goes_on
from tests.training.test_seeds import EXAMPLE, same
from tests.twin import C, D, maxout

FROZEN = ("0.weight", "0.bias", "2.weight")


def half_frozen(names: tuple[str, ...] = FROZEN, has_bounds: bool = True, has_scales: bool = True) -> nn.Module:
    """A backbone and one matrix of the head; with bounds and rates for frozen and free ones alike."""
    module = nn.Sequential(nn.Linear(D, 6), nn.Tanh(), nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, C))
    for name, p in module.named_parameters():
        p.requires_grad_(name not in names)
    module.max_norms = {"0.weight": 0.2, "4.weight": 0.3} if has_bounds else {}  # type: ignore[assignment]
    module.lr_scales = {"0.weight": 0.5, "4.bias": 0.5} if has_scales else {}  # type: ignore[assignment]
    return module


OPTIMIZERS: dict[str, Any] = {
    "momentum": partial(Momentum, lr=0.1, momentum=0.9),
    "decay": partial(torch.optim.AdamW, lr=0.02, weight_decay=0.5),
    "lbfgs": partial(torch.optim.LBFGS, lr=0.3, max_iter=2),
}


def parts(solutions: Any, s: int) -> list[tuple[str, torch.Tensor, torch.Tensor]]:
    start, end = (solutions.layout.unflatten(theta[s]) for theta in (solutions.theta_i, solutions.theta_f))
    return [(name, start[name], end[name]) for name in solutions.layout.names]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_frozen_parameters_stay_and_the_others_move(train: Train, name: str) -> None:
    model = partial(half_frozen, has_scales=name != "lbfgs")
    alone = train([3], model=model, optimizer=OPTIMIZERS[name], **PLAIN)
    for key, start, end in parts(alone, 0):
        assert torch.equal(start, end) == (key in FROZEN)
    bound = dict(half_frozen().named_parameters())["0.weight"].norm(dim=1).min()
    assert bound > 0.2 and alone.layout.unflatten(alone.theta_i[0])["0.weight"].norm(dim=1).min() > 0.2
    if name != "lbfgs":
        together = train([0, 3], model=model, optimizer=OPTIMIZERS[name], **PLAIN)
        same(together, 1, alone, 0)


def test_the_free_part_moves_as_if_the_frozen_were_numbers_of_the_net(train: Train) -> None:
    """The clipped norm too is that of what is trained."""

    class Constants(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = half_frozen()
            for owner, key in ((self.net[0], "weight"), (self.net[0], "bias"), (self.net[2], "weight")):
                value = getattr(owner, key).detach()
                delattr(owner, key)
                owner.register_buffer(key, value)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = self.net(x)
            return out

    numbers: dict[str, Any] = {**PLAIN, "optimizer": partial(torch.optim.SGD, lr=0.5), "max_gradient_norm": 0.05}
    frozen = train([0, 3], model=partial(half_frozen, FROZEN, False, False), **numbers)
    twin = train([0, 3], model=Constants, **numbers)
    for s in range(2):
        kept = torch.cat([end.flatten() for key, _, end in parts(frozen, s) if key not in FROZEN])
        torch.testing.assert_close(kept, twin.theta_f[s], rtol=1e-12, atol=1e-14)


def test_a_killed_run_goes_on_to_the_same_bits(train: Train, tmp_path: Path) -> None:
    numbers = {**PLAIN, "model": half_frozen, "optimizer": OPTIMIZERS["decay"], "checkpoint_seconds": 0.0}
    goes_on(train, tmp_path / "run", [0, 3], (2,), numbers)


def test_a_net_of_which_nothing_is_trained_is_refused(train: Train) -> None:
    words = r"model=.* has no parameter to train: requires_grad is False for all 4"
    with pytest.raises(InputError, match=words):
        train([0], model=lambda: maxout().requires_grad_(False))
    with pytest.raises(InputError, match=words):
        groups_of([0, 1], maxout().requires_grad_(False), CrossEntropy(), EXAMPLE, None)


def test_seeds_that_freeze_different_parameters_are_refused_before_training(train: Train) -> None:
    one, other = half_frozen(FROZEN[:1]), half_frozen(FROZEN[:2])
    for vectorise in (None, False):
        with pytest.raises(InputError, match=r"freezes other parameters under one seed .*0\.bias"):
            groups_of([0, 1], one, CrossEntropy(), EXAMPLE, vectorise, None, other)
    modules = iter([one, other])
    with pytest.raises(InputError, match="freezes other parameters under seed 1"):
        train([0, 1], model=lambda: next(modules), **PLAIN)


class Wired(nn.Module):
    """Its connections are drawn with each net, and no buffer keeps them."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.linear, order = nn.Linear(D, C), torch.randperm(D)
        if how == "buffer":
            self.register_buffer("order", order)
        else:
            self.order = order if how == "tensor" else order.tolist()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.linear(x[:, self.order])
        return out


@pytest.mark.parametrize("how", ["tensor", "list", "buffer"])
def test_numbers_that_no_buffer_keeps_are_refused_where_seeds_have_others(how: str) -> None:
    """One module trains and measures all seeds: it would give the second the connections of the first."""
    first, second = Wired(how), Wired(how)
    if how == "buffer":
        assert groups_of([0, 1], first, CrossEntropy(), EXAMPLE, None, None, second) == [[0, 1]]
        return
    for vectorise in (None, False):
        with pytest.raises(InputError, match=r"outside its parameters and buffers .*register_buffer"):
            groups_of([0, 1], first, CrossEntropy(), EXAMPLE, vectorise, None, second)


class Mixed(torch.autograd.Function):
    """Correct alone; its vmap rule adds up what belongs to different nets."""

    generate_vmap_rule = False

    @staticmethod
    def forward(x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        return grad

    @staticmethod
    def vmap(info: Any, in_dims: Any, x: torch.Tensor) -> Any:
        return x.mean(dim=in_dims[0], keepdim=True).expand_as(x).clone(), in_dims[0]


class Mixes(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(D, C)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = Mixed.apply(self.linear(x))  # type: ignore[no-untyped-call]
        return out


class Remembers(nn.Module):
    """Takes the mean of the last call off this one's, in no buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.last = nn.Linear(D, C), None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.linear(x)
        before, self.last = self.last, out.detach().mean(dim=0)  # type: ignore[assignment]
        return out if before is None else out * (1 + before)


@pytest.mark.parametrize(("make", "words"), [(Remembers, ""), (Mixes, "has other gradients when vectorised")])
def test_a_module_that_mixes_what_belongs_to_different_nets_trains_one_seed_at_a_time(
    caplog: pytest.LogCaptureFixture, make: Any, words: str
) -> None:
    with caplog.at_level("INFO"):
        assert groups_of([0, 1], make(), CrossEntropy(), EXAMPLE, None, None, make()) == [[0], [1]]
    assert words in caplog.text
