"""What a seed does never depends on who trains beside it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from landscape.cost import Adversarial, CrossEntropy
from landscape.objective import Objective
from landscape.store.solutions import Solutions, joined
from landscape.training import Momentum, build, groups_of
from tests import twin
from tests.training.conftest import Train
from tests.twin import C, D, dataset, maxout, normal

SEEDS = [5, 1, 8]


def same(one: Solutions, s: int, other: Solutions, o: int) -> None:
    """Seed s of one is seed o of the other: points, snapshots, learning curve, epochs, status."""
    close = {"rtol": 1e-12, "atol": 1e-14}
    assert (one.seeds[s], one.status[s], one.num_epochs[s]) == (other.seeds[o], other.status[o], other.num_epochs[o])
    assert one.best_epoch[s] == other.best_epoch[o]
    torch.testing.assert_close(one.theta_i[s], other.theta_i[o], rtol=0, atol=0, equal_nan=True)
    torch.testing.assert_close(one.theta_f[s], other.theta_f[o], equal_nan=True, **close)
    assert one.learning_curve.channels.keys() == other.learning_curve.channels.keys()
    rows = one.num_epochs[s] + 1
    for name, values in one.learning_curve.channels.items():
        mine, theirs = values[:, s], other.learning_curve.channels[name][:, o]
        np.testing.assert_allclose(mine[:rows], theirs[:rows], rtol=1e-12, atol=1e-14, err_msg=name)
        assert np.isnan(mine[rows:]).all() and np.isnan(theirs[rows:]).all()
    for mine, theirs in zip(one.trajectories[s], other.trajectories[o], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=2e-7, atol=1e-9)


@pytest.mark.parametrize("cost", [CrossEntropy(), Adversarial(0.3, 0.35)], ids=["clean", "adversarial"])
def test_seed_s_alone_equals_seed_s_among_many(train: Train, cost: Any) -> None:
    """Dropout, norm bounds, and early stopping that ends at a different epoch for each seed."""
    numbers: dict[str, Any] = {"cost": cost, "max_epochs": 14, "patience": 3}
    together = train(SEEDS, **numbers)
    assert len(set(together.num_epochs)) > 1 and min(together.num_epochs) > 3
    alone = [train([seed], **numbers) for seed in SEEDS]
    for s in range(3):
        same(together, s, alone[s], 0)
    one_by_one = joined(alone)
    assert one_by_one.seeds == SEEDS and one_by_one.theta_f.shape == together.theta_f.shape
    for s in range(3):
        same(together, s, one_by_one, s)
    assert one_by_one.learning_curve.epochs.tolist() == together.learning_curve.epochs.tolist()
    assert len({tuple(row) for row in together.theta_f.tolist()}) == 3


def test_the_global_generator_is_left_where_it_was(train: Train) -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    train([0], max_epochs=1, model=torch_dropout)
    build(maxout, 3)
    assert torch.equal(torch.get_rng_state(), state)


def broken(seed: int, how: Callable[[nn.Module], None]) -> Callable[[], nn.Module]:
    """A model that starts badly under one seed."""

    def model() -> nn.Module:
        module = maxout()
        if torch.initial_seed() == twin.stream(seed, twin.INIT).initial_seed():
            with torch.no_grad():
                how(module)
        return module

    return model


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seeds", [[5, 1, 8], [1]])
def test_a_seed_that_starts_as_nan_is_reported_and_alone_in_it(train: Train, seeds: list[int]) -> None:
    model = broken(1, lambda module: nn.init.constant_(module.layers[1].bias, float("nan")))
    numbers: dict[str, Any] = {"model": model, "max_epochs": 7, "patience": 4}
    together = train(seeds, **numbers)
    for s, seed in enumerate(seeds):
        assert (together.status[s] == "diverged") == (seed == 1)
        if seed == 1:
            assert together.num_epochs[s] == together.best_epoch[s] == 0
            assert torch.equal(together.theta_f[s].isnan(), together.theta_i[s].isnan())
        else:
            same(together, s, train([seed], max_epochs=7, patience=4), 0)


class Quartic(CrossEntropy):
    """Mean of logits^4: gradient descent runs away from far starts and not from near ones."""

    def __call__(self, predict: Any, x: Tensor, y: Tensor) -> Tensor:
        """[B]."""
        return self.channels(predict, x, y)["objective"]

    def channels(self, predict: Any, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """The cost alone: there is no error."""
        return {"objective": predict(x, 0).pow(4).mean(dim=1)}


@pytest.mark.filterwarnings("error")
def test_a_seed_that_diverges_on_the_way_keeps_its_best_point(train: Train) -> None:
    model = broken(1, lambda module: nn.init.constant_(module.layers[1].bias, 30.0))
    numbers: dict[str, Any] = {
        "cost": Quartic(),
        "monitor": "train/objective",
        "max_epochs": 12,
        "optimizer": partial(Momentum, lr=0.002),
        "momentum_schedule": None,
    }
    together = train(SEEDS, model=model, **numbers)
    assert together.status == ["max_epochs", "diverged", "max_epochs"]
    assert 0 < together.num_epochs[1] < 12 and together.best_epoch[1] == 0
    assert torch.equal(together.theta_f[1], together.theta_i[1]) and together.theta_f.isfinite().all()
    for s, seed in enumerate(SEEDS):
        same(together, s, train([seed], model=model, **numbers), 0)


def torch_dropout() -> nn.Module:
    return nn.Sequential(nn.Linear(D, 6), nn.ReLU(), nn.Dropout(0.4), nn.Linear(6, C))


def batch_norm() -> nn.Module:
    """No bias before the norm: it would have no gradient but rounding, which Adam makes large."""
    return nn.Sequential(nn.Linear(D, 6, bias=False), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, C))


def cumulative_norm() -> nn.Module:
    return nn.Sequential(nn.Linear(D, 6), nn.BatchNorm1d(6, momentum=None), nn.ReLU(), nn.Linear(6, C))


EXAMPLE = (normal(8, D).float(), torch.arange(8) % C)


@pytest.mark.parametrize(
    ("model", "reason"), [(torch_dropout, "random"), (cumulative_norm, "item")], ids=["dropout", "cumulative norm"]
)
@pytest.mark.parametrize("vectorise", [None, True])
def test_what_cannot_be_vectorised_trains_one_at_a_time_and_says_so(
    caplog: pytest.LogCaptureFixture, model: Callable[[], nn.Module], reason: str, vectorise: bool | None
) -> None:
    module = model().eval()
    with caplog.at_level(logging.INFO):
        assert groups_of(SEEDS, module, CrossEntropy(), EXAMPLE, vectorise) == [[5], [1], [8]]
    assert "training 3 seeds one after the other: Sequential cannot be vectorised" in caplog.text
    assert reason in caplog.text and not module.training


def test_groups_follow_the_config_and_the_size(caplog: pytest.LogCaptureFixture) -> None:
    alone = [[5], [1], [8]]
    for cost in (CrossEntropy(), Adversarial()):
        for model in (maxout(), maxout(dropout=False)):
            for vectorise in (None, True):
                assert groups_of(SEEDS, model, cost, EXAMPLE, vectorise) == [SEEDS]
    assert groups_of(SEEDS, maxout(), CrossEntropy(), EXAMPLE, False) == alone
    assert groups_of([5], maxout(), CrossEntropy(), EXAMPLE, True) == [[5]]
    large = maxout(widths=[12_000])
    with caplog.at_level(logging.INFO):
        assert groups_of(SEEDS, large, CrossEntropy(), EXAMPLE, None) == alone
    assert "parameters are too many" in caplog.text
    assert groups_of(SEEDS, large, CrossEntropy(), EXAMPLE, True) == [SEEDS]


def test_torch_dropout_trains_and_repeats(train: Train) -> None:
    one, other, next_seed = (train([seed], model=torch_dropout, max_epochs=3) for seed in (2, 2, 3))
    assert torch.equal(one.theta_f, other.theta_f) and not torch.equal(one.theta_f, next_seed.theta_f)
    plain = Objective(torch_dropout(), CrossEntropy(), dataset().train, "deterministic", [2], "float64")
    assert one.learning_curve.channels["train/objective"][0, 0] != plain(one.theta_i).item()  # the monitor's is noisy
    assert plain(one.theta_f) < plain(one.theta_i)


def test_batch_norm_keeps_the_statistics_of_the_best_epoch(train: Train) -> None:
    result = train([2], model=batch_norm, max_epochs=7, patience=3)
    assert result.best_epoch[0] < result.num_epochs[0]
    assert result.buffers[0]["1.num_batches_tracked"] == 5 * result.best_epoch[0]
    valid = Objective(
        batch_norm(),
        CrossEntropy(),
        dataset().valid,
        "deterministic",
        [2],
        "float64",
        17,
        running_statistics="keep",
        buffers=result.buffers,
    )
    measured = valid.evaluate(result.theta_f)
    for name, values in measured.items():
        assert values[0] == result.learning_curve.channels[f"valid/{name}"][result.best_epoch[0], 0]
