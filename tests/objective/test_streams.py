"""Data as people have them: J along a line equals a plain loop over the batches, at every point, in float64."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader

from landscape.cost import CausalLM, CrossEntropy
from landscape.objective import Objective
from landscape.objective.slope import slopes
from landscape.parameters import ParameterLayout
from landscape.path import Linear
from tests.objective.loaded import KINDS, PARTS, SET, Augmented, Both, C, Kept, N, Net, Rows, X, Y, cost_of, line, pairs

ALPHAS = np.array([-0.3, 0.0, 0.4, 1.0, 1.6])


def loop(net: nn.Module, path: Linear, batches: Sequence[Any], forward: Callable[..., Tensor], s: int = 0) -> Any:
    """The mean over all examples at each point, one net after the other, one batch after the other."""
    values = []
    for alpha in ALPHAS:
        theta = (1 - alpha) * path.theta_0[s].double() + alpha * path.theta_1[s].double()
        torch.nn.utils.vector_to_parameters(theta, net.parameters())
        costs = [forward(net, *((batch,) if isinstance(batch, dict) else batch)) for batch in batches]
        values.append(torch.cat(costs).mean().item())
    return np.array(values)


@pytest.mark.parametrize("kind", KINDS)
def test_j_is_that_of_a_plain_loop(kind: str) -> None:
    make, part, settings = KINDS[kind]
    batches, forward = PARTS[part]
    net = Both() if part == "two inputs" else Net()
    path = line(type(net), seeds=2)
    world = torch.get_rng_state()
    objective = Objective(net, CrossEntropy(), make(), dtype="float64", seeds=(0, 1), batch_size=9, **settings)
    found = objective.along(path, ALPHAS)
    assert torch.equal(torch.get_rng_state(), world)
    for s in range(2):
        right = loop(type(net)().double(), path, batches, forward, s)
        np.testing.assert_allclose(found.channels["objective"][:, s], right, rtol=1e-12)
    assert found.num_examples == sum(len(batch[-1]) for batch in batches)
    again = objective.along(path, ALPHAS[::-1])
    assert (again.channels["objective"][::-1] == found.channels["objective"]).all()  # to the same bits


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.int32, torch.uint8, torch.bool])
def test_numbers_of_any_precision(kind: torch.dtype, dtype: str) -> None:
    x = (4 * X.abs()).to(kind)
    batches, path, net = [(x[i : i + 7], Y[i : i + 7]) for i in range(0, N, 7)], line(), Net()
    found = Objective(net, CrossEntropy(), batches, dtype=dtype).along(path, ALPHAS)
    right = loop(Net().double(), path, [(x.double(), Y)], cost_of)
    np.testing.assert_allclose(found.channels["objective"][:, 0], right, rtol=1e-12 if dtype == "float64" else 1e-5)


@pytest.mark.parametrize("size", [1, 4, 7, N])
@pytest.mark.parametrize("given", [None, 3])
def test_an_example_of_a_stream_gets_the_masks_that_it_would_get_in_memory(size: int, given: int | None) -> None:
    path, numbers = line(seeds=2), {"mode": "stochastic", "seeds": (5, 8), "num_replicates": 3, "dtype": "float64"}
    there, here = (
        Objective(Net(include=0.6), CrossEntropy(), data, batch_size=given, **numbers).along(
            path, ALPHAS, keep_costs=True
        )
        for data in ((X, Y), pairs(size))
    )
    for name in there.channels:
        np.testing.assert_allclose(here.channels[name], there.channels[name], rtol=1e-12)
    np.testing.assert_allclose(here.replicates, there.replicates, rtol=1e-12)
    assert not np.allclose(there.replicates[0], there.replicates[1])


def test_each_example_costs_what_it_costs_in_memory() -> None:
    kept, path = Kept(), line(seeds=2)
    Objective(Net(), CrossEntropy(), pairs(7), dtype="float64", seeds=(0, 1)).along(
        path, ALPHAS, keep_costs=torch.float64, noise=kept
    )
    right = Objective(Net(), CrossEntropy(), (X, Y), dtype="float64", seeds=(0, 1)).along(
        path, ALPHAS, keep_costs=torch.float64
    )
    np.testing.assert_allclose(np.concatenate(kept.costs, axis=2), right.costs, rtol=1e-12)


def weighed(outputs: Tensor, batch: Any) -> tuple[Tensor, Tensor]:
    x, y = batch
    return F.cross_entropy(outputs, y, reduction="none"), x[:, 0].abs()


UNLABELLED = torch.where(torch.arange(N) % 3 == 1, -100, Y)
LATE = torch.where(torch.arange(N) < 30, Y, -100)


@pytest.mark.parametrize(
    ("cost", "y", "weight"),
    [
        (weighed, Y, X[:, 0].abs()),
        (CrossEntropy(), UNLABELLED, (UNLABELLED != -100).double()),
        (nn.CrossEntropyLoss(), UNLABELLED, (UNLABELLED != -100).double()),
        (CrossEntropy(), LATE, (LATE != -100).double()),
        (CrossEntropy(), LATE.flip(0), (LATE.flip(0) != -100).double()),
        (nn.CrossEntropyLoss(weight=torch.arange(1.0, C + 1)), Y, 1.0 + Y),
    ],
    ids=["function", "labels", "torch's", "none at the end", "none at the start", "by class"],
)
def test_examples_that_count_differently_do_so_over_all_of_the_data(cost: Any, y: Tensor, weight: Tensor) -> None:
    path, right = line(), []
    for alpha in ALPHAS:
        net = Net().double()
        torch.nn.utils.vector_to_parameters(path(float(alpha))[0].double(), net.parameters())
        each = F.cross_entropy(net(X), y.clamp(min=0), reduction="none").detach()
        right.append(float((weight.double() * each).sum() / weight.double().sum()))
    for data in ((X, y), [(X[i : i + 7], y[i : i + 7]) for i in range(0, N, 7)]):
        found = Objective(Net(), cost, data, dtype="float64", batch_size=5).along(path, ALPHAS)
        np.testing.assert_allclose(found.channels["objective"][:, 0], right, rtol=1e-12)


class Text(nn.Module):
    """Tokens [B, T] -> logits [B, T, 11], in which the past counts and padding does not."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.head = nn.Embedding(11, 5), nn.Linear(5, 11)

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> dict[str, Tensor]:
        return {"logits": self.head(self.embedding(input_ids).cumsum(dim=1).tanh())}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("tail", [0, 2])
def test_ragged_batches_of_tokens_are_one_mean_over_all_tokens(seed: int, tail: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    texts = [torch.randint(1, 11, (int(n),), generator=draw) for n in torch.randint(2, 9, (17,), generator=draw)]
    texts += [torch.tensor([3])] * tail  # one token predicts none: a last batch that counts for nothing

    def collated(some: list[Tensor]) -> dict[str, Tensor]:
        ids = nn.utils.rnn.pad_sequence(some, batch_first=True)
        mask = nn.utils.rnn.pad_sequence([torch.ones_like(t) for t in some], batch_first=True)
        return {"input_ids": ids, "attention_mask": mask, "labels": ids.masked_fill(mask == 0, -100)}

    loader = DataLoader(texts, batch_size=17 if tail else 4, collate_fn=collated)  # type: ignore[arg-type]
    path, right = line(Text), []
    for alpha in ALPHAS:
        net = Text().double()
        torch.nn.utils.vector_to_parameters(path(float(alpha))[0].double(), net.parameters())
        each = [F.cross_entropy(net(t[None])["logits"][0, :-1], t[1:], reduction="sum").item() for t in texts]
        right.append(math.fsum(each) / sum(len(t) - 1 for t in texts))
    found = Objective(Text(), CausalLM(), loader, dtype="float64").along(path, ALPHAS)
    np.testing.assert_allclose(found.channels["objective"][:, 0], right, rtol=1e-12)
    np.testing.assert_allclose(found.channels["perplexity"][:, 0], np.exp(right), rtol=1e-12)


def test_slopes_over_a_stream_are_those_over_all() -> None:
    path = line(seeds=2)
    there, here = (
        slopes(Objective(Net(), CrossEntropy(), data, dtype="float64", seeds=(0, 1)), path, ALPHAS, 2)
        for data in ((X, Y), DataLoader(SET, batch_size=7, shuffle=True))
    )
    for name in there:
        np.testing.assert_allclose(here[name], there[name], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_the_same_batch_is_seen_at_every_alpha_and_in_every_pass(num_workers: int) -> None:
    """On a line that stays where it is J is one number, though the loader shuffles and its data set augments."""
    loader = DataLoader(
        Augmented(), batch_size=7, shuffle=True, num_workers=num_workers, persistent_workers=num_workers > 0
    )
    theta = ParameterLayout.of(Net()).theta(Net())[None]
    objective = Objective(Net(), CrossEntropy(), loader, dtype="float64", engine="plain")
    caller = iter(loader)
    before, world = [batch[1] for batch in (next(caller), next(caller))], torch.get_rng_state()
    still = objective.along(Linear(theta, theta.clone()), ALPHAS).channels["objective"]
    np.testing.assert_allclose(still, still[0, 0], rtol=1e-13)
    assert float(still[0, 0]) != float(objective.on((X, Y))(theta))
    assert (objective.along(Linear(theta, theta.clone()), ALPHAS).channels["objective"] == still).all()
    assert torch.equal(torch.get_rng_state(), world)  # nor is a pass that the caller has begun
    rest = [batch[1] for batch in caller]
    assert len(torch.cat([*before, *rest])) == N and (loader._iterator is caller) == (num_workers > 0)


def test_all_points_and_seeds_share_one_pass() -> None:
    asked: list[int] = []
    data = Rows(lambda i: (asked.append(i), (X[i], int(Y[i])))[1])
    objective = Objective(Net(), CrossEntropy(), DataLoader(data, batch_size=7), dtype="float64", seeds=(0, 1))
    asked.clear()
    objective.along(line(seeds=2), np.linspace(0, 1, 51), keep_costs=True, noise=Kept())
    assert asked == list(range(N))


def test_an_augmented_example_differs_from_pass_to_pass_of_the_caller() -> None:
    """The data set that the law above stands on does augment."""
    assert not torch.equal(Augmented()[0][0], Augmented()[0][0])
