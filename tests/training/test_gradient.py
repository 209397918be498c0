"""A module that computes with borrowed tensors, the gradient that is taken that way, and what is refused for it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from landscape.cost import CrossEntropy
from landscape.errors import InputError
from landscape.model.dropout import Masks
from landscape.objective.module.borrowed import Borrowed
from landscape.training.gradient import Gradient
from landscape.training.groups import check_training
from tests.training.test_plain_loop import half_labelled, tanh
from tests.twin import C, D, dataset, normal


class Tied(nn.Module):
    """One linear layer twice, one weight under two owners, a buffer, and a parameter that nothing reads."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.other, self.last = nn.Linear(D, D), nn.Linear(D, D, bias=False), nn.Linear(D, C)
        self.again = self.first
        self.other.weight = self.first.weight
        self.idle = nn.Parameter(torch.ones(2))
        self.register_buffer("shift", torch.zeros(D))

    def forward(self, x: Tensor) -> Tensor:
        """x [B, D] -> logits [B, C]."""
        return self.last(self.again(torch.tanh(self.first(x))) + self.other(x) + self.shift)


def named(module: nn.Module, *lead: int) -> dict[str, Tensor]:
    """Something else in place of each parameter and buffer, in float64."""
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {name: normal(*lead, *t.shape, seed=k) for k, (name, t) in enumerate(tensors.items())}


def filled(module: nn.Module, values: dict[str, Tensor]) -> nn.Module:
    """A copy whose own tensors hold the values."""
    twin = copy.deepcopy(module)
    with torch.no_grad():
        for name, tensor in [*twin.named_parameters(), *twin.named_buffers()]:
            tensor.copy_(values[name])
    return twin


def test_a_borrowed_module_computes_with_the_values_and_its_own_again_afterwards() -> None:
    module = Tied().double()
    own, values, x = [id(p) for p in module.parameters()], named(module), normal(5, D)
    before = module(x)
    borrowed = Borrowed(module)
    with borrowed.values(values) as there:
        found = there(x)
    assert torch.equal(found, filled(module, values)(x)) and not torch.allclose(found, before)
    with pytest.raises(RuntimeError, match="shapes"), borrowed.values(values) as there:
        there(x[:, :-1])
    assert [id(p) for p in module.parameters()] == own and torch.equal(module(x), before)


@pytest.mark.parametrize("num_seeds", [1, 3])
def test_the_gradient_is_that_of_the_mean_cost_of_each_seed(num_seeds: int) -> None:
    """Also after theta moved in place, after another theta came, and on a batch of another size."""
    module = Tied().double().train()
    gradient = Gradient(module, CrossEntropy(), Masks(module, normal(1, D)), vectorised=num_seeds > 1)
    both = named(module, num_seeds)
    buffers = {"shift": both.pop("shift")}
    other = {name: value + 0.5 for name, value in both.items()}
    for theta, size, step in ((both, 5, 0.0), (both, 5, 0.3), (other, 4, 0.0), (both, 4, 0.1)):
        for value in theta.values():
            value.add_(step)
        x, y = normal(num_seeds, size, D, seed=9), torch.arange(num_seeds * size).view(num_seeds, size) % C
        found, _, _ = gradient(theta, {"x": x, "y": y}, None, (), buffers)
        for s in range(num_seeds):
            twin = filled(module, {n: v[s] for n, v in {**theta, **buffers}.items()})
            leaves, logits = dict(twin.named_parameters()), twin(x[s])
            cost = sum(torch.logsumexp(z, dim=0) - z[k] for z, k in zip(logits, y[s], strict=True)) / size
            slow = torch.autograd.grad(cost, list(leaves.values()), allow_unused=True)
            for name, g in zip(leaves, slow, strict=True):
                assert (g is None) == (name not in found)
                if g is not None:
                    torch.testing.assert_close(found[name][s], g, rtol=1e-12, atol=1e-13)


def test_a_minibatch_without_labels_moves_nothing() -> None:
    module, data = tanh().double(), half_labelled().train
    x, y = data.x[None, ::2], data.y[None, ::2]
    theta = {name: p.detach()[None] for name, p in module.named_parameters()}
    gradient = Gradient(module, CrossEntropy(), Masks(module, x[0, :1]), False, CrossEntropy().counts)
    slopes, *_ = gradient(theta, {"x": x, "y": y}, None)
    assert all(torch.equal(slope, torch.zeros_like(slope)) for slope in slopes.values())


class Auxiliary(nn.Module):
    """Returns something else in training."""

    def __init__(self, extra: Any) -> None:
        super().__init__()
        self.head, self.extra = nn.Linear(D, C), extra

    def forward(self, x: torch.Tensor) -> Any:
        return self.extra(self.head(x)) if self.training else self.head(x)


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (lambda z: (z, 2 * z), r"tuple of 0 .* none is called logits.*\+cost\.output=NAME"),
        (lambda z: z[:, :2], "does not fit data and cost CrossEntropy in training mode"),
    ],
)
def test_a_module_that_differs_in_training_is_refused_before(extra: Any, words: str) -> None:
    few = dataset().train.first(8).to(dtype=torch.float32)
    module = Auxiliary(extra).eval()
    with pytest.raises(InputError, match=words):
        check_training(module, CrossEntropy(), few)
    assert not module.training
    check_training(Auxiliary(lambda z: (z, 2 * z)), CrossEntropy(output=0), few)
