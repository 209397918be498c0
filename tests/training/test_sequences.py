"""Sequences read side by side, inputs that are resampled, scaled rates, clipped gradients, early snapshots."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from landscape.cost import SquaredError
from landscape.data import Dataset, Split
from landscape.errors import InputError
from landscape.ground.streams import MEASURE_SAMPLE
from landscape.model import LSTM
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.training import Momentum
from landscape.training.step import clip
from tests.training.conftest import READING, Train
from tests.training.test_resume import goes_on
from tests.twin import dataset, maxout, normal, stream

STREAMS, BLOCKS, T = 3, 4, 5


class Echo(nn.Module):
    """h_t = tanh(w x_t + u h_{t-1}), output v h_T: small, and worthless without its state."""

    def __init__(self) -> None:
        super().__init__()
        self.w, self.u, self.v = (nn.Parameter(torch.rand(1) + 0.3) for _ in range(3))

    def initial_state(self, x: Tensor) -> tuple[Tensor]:
        return (x.new_zeros(len(x)),)

    def forward(self, x: Any) -> Any:
        if isinstance(x, Tensor):
            return self((x, self.initial_state(x)))[0]
        inputs, (h,) = x
        for t in range(inputs.shape[1]):
            h = torch.tanh(self.w * inputs[:, t] + self.u * h)
        return (self.v * h)[:, None], (h,)


def sequences(num_blocks: int = BLOCKS, seed: int = 0) -> Split:
    """Rows k STREAMS + i: window k of stream i."""
    num = num_blocks * STREAMS
    return Split(normal(num, T, seed=seed), 0.5 * normal(num, 1, seed=seed + 1) + 0.4, STREAMS)


def toy() -> Dataset:
    return Dataset("streams", sequences(), sequences(3, 4), sequences(2, 8), 1)


SEQUENCES: dict[str, Any] = {
    "model": Echo,
    "cost": SquaredError(),
    "data": toy(),
    "batch_size": STREAMS,
    "monitor": "valid/objective",
    "optimizer": partial(Momentum, lr=0.05),
    "momentum_schedule": None,
}


def whole(theta: Tensor, split: Split) -> list[list[float]]:
    """[block][stream] outputs of each stream read from its beginning to its end, in plain numbers."""
    w, u, v = theta.tolist()
    outputs: list[list[float]] = [[] for _ in range(len(split) // STREAMS)]
    for i in range(STREAMS):
        h = 0.0
        for k in range(len(outputs)):
            for x in split.x[k * STREAMS + i].tolist():
                h = float(np.tanh(w * x + u * h))
            outputs[k].append(v * h)
    return outputs


def test_a_measurement_carries_the_state_from_block_to_block_and_starts_each_pass_anew() -> None:
    split = sequences()
    objective = Objective(Echo(), SquaredError(), split, dtype="float64", seeds=[0, 1])
    theta = normal(2, 3, seed=5)
    values = objective.along(lambda alpha: theta * (1 + alpha), np.array([0.0, 0.7])).channels["objective"]
    for a, alpha in enumerate((0.0, 0.7)):
        for s in range(2):
            outputs = np.array(whole(theta[s] * (1 + alpha), split)).ravel()
            expected = np.mean((outputs - split.y[:, 0].numpy()) ** 2)
            assert values[a, s] == pytest.approx(expected, rel=1e-13)
    assert objective.num_batches == BLOCKS
    torch.testing.assert_close(objective(theta), torch.from_numpy(values[0]), rtol=0, atol=0)


@pytest.mark.parametrize("seeds", [[0], [0, 2]])
def test_training_equals_the_loop_by_hand_in_order_with_detached_state(train: Train, seeds: list[int]) -> None:
    numbers = {"max_epochs": 3, "select": "last", "lr_schedule": None, "gradient_scale": 7.0, "max_gradient_norm": 2.5}
    found = train(seeds, **SEQUENCES, **numbers)
    for s in range(len(seeds)):
        module = Echo().double()
        layout = ParameterLayout.of(module)
        module.load_state_dict(layout.unflatten(found.theta_i[s]))
        split, clipped = toy().train, 0
        for _ in range(3):
            state: Any = module.initial_state(split.x[:STREAMS])
            for k in range(BLOCKS):
                rows = slice(k * STREAMS, (k + 1) * STREAMS)
                outputs, state = module((split.x[rows], state))
                cost = ((outputs - split.y[rows]) ** 2).sum(dim=1).mean()
                grads = torch.autograd.grad(cost, list(module.parameters()))
                norm = 7 * float(torch.cat([g.flatten() for g in grads]).norm())
                factor = 7 * min(1.0, 2.5 / norm)
                clipped += norm > 2.5
                with torch.no_grad():
                    for p, g in zip(module.parameters(), grads, strict=True):
                        p -= 0.05 * factor * g
                state = tuple(h.detach() for h in state)
        assert 0 < clipped < 3 * BLOCKS  # both cases were met
        torch.testing.assert_close(found.theta_f[s], layout.theta(module).detach(), rtol=1e-12, atol=1e-13)


def test_what_does_not_fit_sequences_is_refused(train: Train) -> None:
    with pytest.raises(InputError, match=r"training\.batch_size=5 .* 3 sequences .* training\.batch_size=3"):
        train([0], model=Echo, cost=SquaredError(), data=toy(), monitor="valid/objective")
    with pytest.raises(ValueError, match="whole blocks"):
        Split(normal(10, 2), normal(10, 1), 3)
    assert len(sequences().first(7)) == 6 and len(sequences().first(2)) == 3 and sequences().first(7).num_streams == 3
    assert toy().fingerprint != replace(toy(), train=replace(toy().train, num_streams=2)).fingerprint


class Scaled(nn.Module):
    """Two parameters, one of which learns twenty times slower."""

    def __init__(self) -> None:
        super().__init__()
        self.slow, self.fast = nn.Linear(7, 5), nn.Linear(7, 5)
        self.lr_scales = {"slow.weight": 0.05, "slow.bias": 0.05}

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.slow(x) + self.fast(x)
        return out


def test_learning_rates_are_scaled_per_parameter_in_every_update(train: Train) -> None:
    found = train([4, 1], model=Scaled, max_epochs=4, select="last")
    for s in range(2):
        start, end = (found.layout.unflatten(t[s]) for t in (found.theta_i, found.theta_f))
        # The two layers see one gradient, so their ways differ by the scale alone, schedule and momentum included.
        slow, fast = (end[f"{n}.weight"] - start[f"{n}.weight"] for n in ("slow", "fast"))
        torch.testing.assert_close(slow, 0.05 * fast, rtol=1e-9, atol=1e-14)
        assert fast.abs().max() > 0.01


def test_clip_shortens_each_seed_by_its_own_norm() -> None:
    gradients = {"a": normal(2, 3, 2, seed=1), "b": normal(2, 4, seed=2)}
    gradients["a"][1] *= 100
    before = {n: g.clone() for n, g in gradients.items()}
    norm = [float(torch.cat([g[s].flatten() for g in before.values()]).norm()) for s in range(2)]
    found = clip(gradients, 0.5, 3.0)
    for s in range(2):
        for name, g in found.items():
            torch.testing.assert_close(g[s], 0.5 * min(1.0, 3.0 / (0.5 * norm[s])) * before[name][s])
    assert 0.5 * norm[0] < 3.0 < 0.5 * norm[1]
    shared = normal(1, 3, seed=7)
    found = clip({"a": shared, "b": shared, "c": normal(1, seed=8)}, 2.0, None)  # autograd may return one tensor twice
    torch.testing.assert_close(found["a"], 2 * normal(1, 3, seed=7))
    torch.testing.assert_close(found["b"], found["a"])
    zero = clip({"a": torch.zeros(1, 2)}, 1.0, 1.0)["a"]
    assert bool((zero == 0).all())


def resampled() -> Dataset:
    """Grey training inputs that are probabilities."""
    data = dataset()
    grey = Split(torch.sigmoid(data.train.x), data.train.y, is_resampled=True)
    return replace(data, train=grey)


def test_a_measurement_sees_one_fixed_sample_per_seed_and_example() -> None:
    split = resampled().train
    objective = Objective(maxout(dropout=False), _Mean(), split, dtype="float64", seeds=[3, 5], batch_size=10)
    theta = normal(2, ParameterLayout.of(maxout()).num_parameters, seed=2)
    values = objective(theta)
    for s, seed in enumerate((3, 5)):
        uniform = torch.rand(1000, split.x.shape[1], generator=stream(seed, MEASURE_SAMPLE, 0))[: len(split)]
        drawn = (uniform < split.x).double()
        assert values[s].item() == pytest.approx(drawn.mean(dim=1).mean().item(), rel=1e-13)
    assert values[0] != values[1]


class _Mean:
    """The mean of the inputs as the cost: shows what was seen."""

    num_draws = 1

    def channels(self, predict: Any, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        return {"objective": x.mean(dim=1)}


def test_training_draws_a_new_sample_for_every_minibatch_alone_as_beside_others(train: Train) -> None:
    together, alone = train([3, 5], data=resampled()), train([5], data=resampled())
    torch.testing.assert_close(together.theta_f[1], alone.theta_f[0], rtol=1e-9, atol=1e-11)
    still = train([5], data=replace(resampled(), train=replace(resampled().train, is_resampled=False)))
    assert not torch.allclose(still.theta_f[0], alone.theta_f[0])


@pytest.mark.parametrize("kind", ["resampled", "sequences"])
def test_a_killed_run_goes_on_to_the_same_bits(train: Train, tmp_path: Path, kind: str) -> None:
    numbers: dict[str, Any] = {"checkpoint_seconds": 0.0, "max_epochs": 5}
    numbers |= SEQUENCES if kind == "sequences" else {"data": resampled()}
    goes_on(train, tmp_path / "run", [2], (3,), numbers)


def test_snapshots_within_the_first_epoch(train: Train) -> None:
    found = train([0], snapshot_updates=2, max_epochs=2)  # 23 examples in batches of 5: 5 updates an epoch
    run = found.trajectories[0]
    assert run.epochs.tolist() == pytest.approx([0, 10 / 23, 20 / 23, 1, 2]) and run.steps.tolist() == [0, 2, 4, 5, 10]
    plain = train([0], max_epochs=2)
    assert torch.equal(plain.theta_f, found.theta_f)
    assert torch.equal(run.theta(3), plain.trajectories[0].theta(1))
    with pytest.raises(InputError, match="snapshot_updates=0"):
        train([0], snapshot_updates=0)


def test_a_scaled_and_clipped_lstm_walks_the_same_way_alone_beside_others_and_by_either_kernel(train: Train) -> None:
    """In the loop over time two biases share one gradient: it must be scaled once."""
    numbers: dict[str, Any] = {**READING, "gradient_scale": 5.0, "max_gradient_norm": 2.0}
    found = [
        train(seeds, model=partial(LSTM, 9, 6, 2, 0.0, 0.3, fused), **numbers).theta_f[0]
        for seeds, fused in (([3], True), ([3], False), ([3, 4], None))
    ]
    for other in found[1:]:
        torch.testing.assert_close(other, found[0], rtol=1e-10, atol=1e-12)
