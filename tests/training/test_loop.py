"""The loop against one written out by hand, and what it returns."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from landscape.cost import Adversarial, CrossEntropy
from landscape.data import Dataset
from landscape.errors import InputError
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import Linear
from landscape.training import Momentum
from landscape.training.schedule import ExponentialDecay
from tests import twin
from tests.training.conftest import Train
from tests.training.test_seeds import batch_norm
from tests.twin import dataset, maxout

BOUND, TIGHT, SEED = 1.2, 0.8, 6


def rows(file: Path) -> np.ndarray[Any, Any]:
    return np.load(file / "trajectory.npy")


def test_epochs_equal_the_hand_written_loop(train: Train, tmp_path: Path) -> None:
    """Dropout, norm bounds, decaying lr, momentum, and a last batch of 3 in 23."""
    result = train(
        [SEED],
        max_epochs=3,
        lr_schedule=ExponentialDecay(1.05),
        momentum_schedule=None,
        optimizer=partial(Momentum, lr=0.1, momentum=0.6),
        model=partial(maxout, max_norm=TIGHT),
        folder=tmp_path,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(twin.stream(SEED, twin.INIT).initial_seed())
        module = maxout().double()
    start = twin.packed(twin.projected(twin.unpacked(ParameterLayout.of(module).theta(module)), TIGHT))
    torch.testing.assert_close(result.theta_i[0], start, rtol=1e-15, atol=0)
    assert not torch.equal(start, ParameterLayout.of(module).theta(module))  # the start was outside its bounds
    walk = partial(twin.train, start, dataset().train, SEED, 3, 5, lr=0.1, momentum=0.6, decay=1.05)
    plain = walk(bound=TIGHT)
    assert not torch.allclose(plain[-1], walk(bound=1e9)[-1], rtol=1e-3)  # the bounds bite on the way too
    stored = torch.from_numpy(rows(tmp_path))
    assert stored.shape == (4, 1, len(start))
    for epoch, theta in enumerate([start, *plain]):
        torch.testing.assert_close(stored[epoch, 0], theta.float(), rtol=2e-7, atol=1e-7)
        noisy = twin.objective(theta, dataset().train, twin.measured_masks(SEED, 23))
        assert result.learning_curve.channels["train/objective"][epoch, 0] == pytest.approx(noisy, rel=1e-11)
        clean = twin.error(theta, dataset().valid)
        assert result.learning_curve.channels["valid/error"][epoch, 0] == pytest.approx(clean, abs=1e-15)
    best = result.best_epoch[0]
    torch.testing.assert_close(result.theta_f[0], [start, *plain][best], rtol=1e-11, atol=1e-13)
    assert (stored[3] - stored[0]).abs().max() > 0.1
    assert result.trajectories[0].steps.tolist() == [0, 5, 10, 15]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cost", [CrossEntropy(), Adversarial(0.3, 0.35)], ids=["clean", "adversarial"])
def test_theta_f_is_the_best_epochs_snapshot_and_the_line_ends_on_the_learning_curve(
    train: Train, tmp_path: Path, dtype: str, cost: Any
) -> None:
    result = train([0, 1, 2], cost=cost, dtype=dtype, max_epochs=9, patience=3, folder=tmp_path)
    stored = rows(tmp_path)
    assert result.num_epochs != [9] * 3
    for s, best in enumerate(result.best_epoch):
        assert np.array_equal(stored[best, s], result.theta_f[s].float().numpy())
        assert np.array_equal(stored[0, s], result.theta_i[s].float().numpy())
        errors = result.learning_curve.channels["valid/error"][:, s]
        assert best == np.nanargmin(errors)  # the first of equal ones
        assert result.num_epochs[s] == min(best + 3, 9) == len(result.trajectories[s].epochs) - 1
        assert np.isnan(errors).tolist() == [e > result.num_epochs[s] for e in range(len(errors))]
    data = dataset()
    line = Linear(result.theta_i, result.theta_f)
    for name, split in {"train": data.train, "valid": data.valid}.items():
        objective = Objective(maxout(), cost, split, "stochastic", [0, 1, 2], dtype, batch_size=17)
        values = objective.along(line, np.array([0.0, 0.37, 1.0])).channels["objective"]
        curve = result.learning_curve.channels[f"{name}/objective"]
        assert values[2].tolist() == [curve[best, s] for s, best in enumerate(result.best_epoch)]
        assert values[0].tolist() == curve[0].tolist()


def test_epoch_0_is_recorded_before_any_learning(train: Train) -> None:
    told: list[dict[str, float]] = []
    result = train([4, 9], max_epochs=2, on_epoch=told.append)
    assert result.learning_curve.epochs.tolist() == [0, 1, 2]
    assert [row["epoch"] for row in told] == [0, 1, 2]
    for name, values in result.learning_curve.channels.items():
        for s, seed in enumerate((4, 9)):
            assert [row[f"seed{seed}/{name}"] for row in told] == values[:, s].tolist()


def test_select_last_takes_the_last_point(train: Train, tmp_path: Path) -> None:
    result = train([0, 1], select="last", patience=2, max_epochs=9, folder=tmp_path)
    for s in range(2):
        last = result.num_epochs[s]
        assert result.best_epoch[s] == last
        assert np.array_equal(rows(tmp_path)[last, s], result.theta_f[s].float().numpy())


def test_start_outside_the_bounds_is_kept_on_demand(train: Train) -> None:
    inside, raw = train([3], max_epochs=1), train([3], max_epochs=1, enforce_at_init=False)
    assert raw.theta_i.norm() > inside.theta_i.norm()
    norms = raw.layout.unflatten(raw.theta_i)["layers.0.weight"].norm(dim=2)
    assert norms.max() > BOUND > inside.layout.unflatten(inside.theta_i)["layers.0.weight"].norm(dim=2).max() - 1e-9


def test_trajectory_is_thinned_to_its_budget(train: Train, tmp_path: Path) -> None:
    num_parameters = ParameterLayout.of(maxout()).num_parameters
    budget = 4 * num_parameters * 26 / 1e9  # 26 rows
    result = train([0], max_epochs=40, trajectory_gigabytes=budget, folder=tmp_path, data=dataset(6))
    epochs = result.trajectories[0].epochs.tolist()
    assert epochs == [*range(21), 24, 28, 32, 36, 40] and len(rows(tmp_path)) == 26
    assert result.trajectories[0].steps.tolist() == [2 * e for e in epochs]


def test_inputs_that_cannot_be_are_refused(train: Train) -> None:
    with pytest.raises(InputError, match=r"training\.batch_size=24 is larger than the 23 training examples"):
        train([0], batch_size=24)
    train([0], batch_size=23, max_epochs=1)
    text = r"training\.monitor=valid/accuracy is not measured; choose one of .*valid/error"
    with pytest.raises(InputError, match=text):
        train([0], monitor="valid/accuracy")
    for seeds in ([0], [0, 1]):
        with pytest.raises(InputError, match=r"training\.batch_size leaves one of 1 example"):
            train(seeds, model=batch_norm, batch_size=11, max_epochs=1)  # 23 = 2 * 11 + 1


def test_labels_may_sit_on_images(train: Train) -> None:
    """x [N, 1, 1, D] trains as x [N, D] does."""
    flat = dataset()
    images = Dataset("toy", *(type(s)(s.x[:, None, None], s.y) for s in (flat.train, flat.valid, flat.test)), 5)
    one, other = train([0, 1], max_epochs=2), train([0, 1], max_epochs=2, data=images)
    assert torch.equal(one.theta_f, other.theta_f)
