"""Early stopping."""

from __future__ import annotations

import json

import numpy as np
import pytest

from landscape.training.stopping import EarlyStopping


def run(values: list[list[float]], patience: int | None) -> EarlyStopping:
    """One row per epoch, one column per seed; epoch 0 first."""
    stopping = EarlyStopping(len(values[0]), patience)
    for epoch, row in enumerate(values):
        if stopping.stopped.all():
            break
        stopping.update(epoch, np.array(row), np.isfinite(row))
    return stopping


def test_any_strict_decrease_starts_the_count_again() -> None:
    column = [0.9, 0.9, 0.9, np.nextafter(0.9, 0), 0.95, 0.95, 0.2]
    stopping = run([[v] for v in column], patience=3)
    assert stopping.best_epoch.tolist() == [6] and stopping.status() == ["max_epochs"]


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
