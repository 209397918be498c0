"""What validation sees after each epoch, and which seeds that stops."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from landscape.cost import CrossEntropy
from landscape.model import LSTM
from landscape.objective import Objective
from landscape.store.solutions import joined
from landscape.training import Momentum
from landscape.training.monitor import EarlyStopping
from tests.training.conftest import READING, Train, text

DROPPING = partial(LSTM, 9, 6, 2, 0.5, 0.3, False)


def test_validation_without_dropout_is_the_deterministic_objective_and_changes_no_update(train: Train) -> None:
    noisy, plain = (train([3], model=DROPPING, validation=how, **READING) for how in ("stochastic", "deterministic"))
    assert torch.equal(noisy.theta_f, plain.theta_f)
    objective = Objective(DROPPING(), CrossEntropy(), text().valid, "deterministic", [3], "float64")
    channels = plain.learning_curve.channels
    for epoch in (0, 2):
        theta = plain.theta_i if epoch == 0 else plain.theta_f
        assert channels["valid/objective"][epoch, 0] == pytest.approx(objective(theta).item(), rel=1e-12)
    assert not np.array_equal(channels["valid/objective"], noisy.learning_curve.channels["valid/objective"])
    for name in ("train/objective", "valid/error", "valid/perplexity"):
        np.testing.assert_array_equal(channels[name], noisy.learning_curve.channels[name])


def test_a_text_has_its_perplexity_without_dropout_after_each_epoch(train: Train) -> None:
    channels = train([3], model=DROPPING, validation="deterministic", **READING).learning_curve.channels
    np.testing.assert_allclose(channels["valid/perplexity"], np.exp(channels["valid/objective"]), rtol=1e-15)
    assert 8 < channels["valid/perplexity"][0, 0] < 10  # nine tokens, all as likely at the start
    assert "valid/perplexity" not in train([3], max_epochs=1).learning_curve.channels


@pytest.mark.filterwarnings("error")
def test_a_perplexity_beyond_all_numbers_makes_no_run_diverge(train: Train) -> None:
    class Sure(LSTM):
        def forward(self, inputs: Any) -> Any:
            logits = super().forward(inputs)
            return 1e6 * logits if isinstance(logits, torch.Tensor) else (1e6 * logits[0], logits[1])

    numbers = {**READING, "optimizer": partial(Momentum, lr=1e-30)}
    found = train([3], model=partial(Sure, 9, 6, 2, 0.0, 0.9, False), **numbers)
    assert found.learning_curve.channels["valid/objective"].min() > 710 and found.status == ["max_epochs"]
    assert np.isinf(found.learning_curve.channels["valid/perplexity"]).all()


def test_seeds_of_two_editions_join(train: Train) -> None:
    one, other = (train([seed], model=DROPPING, **READING) for seed in (3, 4))
    del one.learning_curve.channels["valid/perplexity"]
    values = joined([one, other]).learning_curve.channels["valid/perplexity"]
    assert values.shape == (3, 2) and np.isnan(values[:, 0]).all() and np.isfinite(values[:, 1]).all()


def run(values: list[list[float]], patience: int | None) -> EarlyStopping:
    """One row per epoch, one column per seed; epoch 0 first."""
    stopping = EarlyStopping(len(values[0]), patience)
    for epoch, row in enumerate(values):
        if stopping.stopped.all():
            break
        stopping.update(epoch, np.array(row), np.isfinite(row))
    return stopping


@pytest.mark.parametrize("patience", [1, 2, 5, None])
def test_a_loop_by_hand_agrees(patience: int | None) -> None:
    values = np.round(np.random.default_rng(4).uniform(size=(40, 6)), 1)
    stopping = run(values.tolist(), patience)
    for s in range(6):
        best, since, last = np.inf, 0, 0
        for epoch in range(40):
            last = epoch
            if values[epoch, s] < best:
                best, best_epoch, since = values[epoch, s], epoch, 0
            else:
                since += 1
            if since == patience:
                break
        assert (stopping.best[s], stopping.best_epoch[s], stopping.last_epoch[s]) == (best, best_epoch, last)
        assert stopping.status()[s] == ("stopped" if since == patience else "max_epochs")


def test_a_stopped_seed_is_deaf_and_improvement_is_told() -> None:
    stopping = EarlyStopping(2, patience=1)
    finite = np.array([True, True])
    assert stopping.update(0, np.array([0.5, 0.5]), finite).tolist() == [True, True]
    assert stopping.update(1, np.array([0.6, 0.4]), finite).tolist() == [False, True]
    assert stopping.stopped.tolist() == [True, False]
    assert stopping.update(2, np.array([0.0, 0.3]), finite).tolist() == [False, True]
    assert stopping.best.tolist() == [0.5, 0.3] and stopping.last_epoch.tolist() == [1, 2]
    stopping.update(3, np.array([0.0, 0.3]), np.array([False, True]))
    assert stopping.status() == ["stopped", "stopped"]  # a stopped seed cannot diverge any more


def test_a_seed_that_is_not_finite_has_diverged_and_keeps_its_best() -> None:
    stopping = run([[0.9, np.nan], [0.4, 0.0], [np.inf, 0.0], [0.1, 0.0]], patience=10)
    assert stopping.status() == ["diverged", "diverged"]
    assert stopping.best_epoch.tolist() == [1, 0] and stopping.last_epoch.tolist() == [2, 0]
    assert stopping.best.tolist() == [0.4, np.inf]


def test_a_finite_value_of_a_seed_whose_theta_is_not_is_no_improvement() -> None:
    stopping = EarlyStopping(1, patience=None)
    assert not stopping.update(0, np.array([0.1]), np.array([False]))[0]
    assert stopping.status() == ["diverged"]


def test_state_survives_saving() -> None:
    values = np.random.default_rng(1).uniform(size=(12, 3)).tolist()
    whole, first = run(values, patience=4), run(values[:3], patience=4)
    second = EarlyStopping(3, patience=4)
    second.restore(json.loads(json.dumps(first.state())))
    for epoch in range(3, 12):
        if not second.stopped.all():
            second.update(epoch, np.array(values[epoch]), np.array([True] * 3))
    assert second.state() == whole.state() and second.best_epoch.dtype == np.int64
