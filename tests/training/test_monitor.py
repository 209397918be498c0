"""What validation sees after each epoch."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from landscape.cost import CrossEntropy
from landscape.data import Dataset, Split
from landscape.model import LSTM
from landscape.objective import Objective
from landscape.store.solutions import joined
from landscape.training import Momentum
from tests.training.conftest import Train


def text() -> Dataset:
    tokens = torch.randint(0, 9, (12, 6), generator=torch.Generator().manual_seed(0))
    split = Split(tokens[:, :-1], tokens[:, 1:], 4)
    return Dataset("tokens", split, split.first(8), split, 9)


NUMBERS: dict[str, Any] = {
    "data": text(),
    "batch_size": 4,
    "max_epochs": 2,
    "select": "last",
    "monitor": "valid/objective",
    "lr_schedule": None,
    "momentum_schedule": None,
    "optimizer": partial(Momentum, lr=0.5),
}
DROPPING = partial(LSTM, 9, 6, 2, 0.5, 0.3, False)


def test_validation_without_dropout_is_the_deterministic_objective_and_changes_no_update(train: Train) -> None:
    noisy, plain = (train([3], model=DROPPING, validation=how, **NUMBERS) for how in ("stochastic", "deterministic"))
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
    channels = train([3], model=DROPPING, validation="deterministic", **NUMBERS).learning_curve.channels
    np.testing.assert_allclose(channels["valid/perplexity"], np.exp(channels["valid/objective"]), rtol=1e-15)
    assert 8 < channels["valid/perplexity"][0, 0] < 10  # nine tokens, all as likely at the start
    assert "valid/perplexity" not in train([3], max_epochs=1).learning_curve.channels


@pytest.mark.filterwarnings("error")
def test_a_perplexity_beyond_all_numbers_makes_no_run_diverge(train: Train) -> None:
    class Sure(LSTM):
        def forward(self, inputs: Any) -> Any:
            logits = super().forward(inputs)
            return 1e6 * logits if isinstance(logits, torch.Tensor) else (1e6 * logits[0], logits[1])

    numbers = {**NUMBERS, "optimizer": partial(Momentum, lr=1e-30)}
    found = train([3], model=partial(Sure, 9, 6, 2, 0.0, 0.9, False), **numbers)
    assert found.learning_curve.channels["valid/objective"].min() > 710 and found.status == ["max_epochs"]
    assert np.isinf(found.learning_curve.channels["valid/perplexity"]).all()


def test_seeds_of_two_editions_join(train: Train) -> None:
    one, other = (train([seed], model=DROPPING, **NUMBERS) for seed in (3, 4))
    del one.learning_curve.channels["valid/perplexity"]
    values = joined([one, other]).learning_curve.channels["valid/perplexity"]
    assert values.shape == (3, 2) and np.isnan(values[:, 0]).all() and np.isfinite(values[:, 1]).all()
