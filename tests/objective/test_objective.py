"""J(theta) against one example after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import landscape.ground.streams
from landscape.cost import Adversarial, CrossEntropy
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import BiasSchedule, Geometric, Linear, Plane
from tests import twin
from tests.twin import maxout, measured_masks, normal, split

DATA = split(23, seed=1)
SEEDS = [3, 0, 11]


def objective(mode: str = "stochastic", seeds: Sequence[int] = SEEDS, data: Any = DATA, **numbers: Any) -> Objective:
    """In float64, in batches that do not divide 23."""
    numbers = {"dtype": "float64", "batch_size": 9, "cost": CrossEntropy(), **numbers}
    return Objective(maxout(), split=data, mode=mode, seeds=seeds, **numbers)


def points(num: int = len(SEEDS), seed: int = 5) -> Tensor:
    """Random theta [S, P], off the origin."""
    return 0.9 * normal(num, ParameterLayout.of(maxout()).num_parameters, seed=seed) + 0.1


def test_deterministic_equals_the_twin() -> None:
    theta = points()
    values = objective("deterministic").evaluate(theta)
    assert values["objective"].dtype == np.float64 and values["objective"].shape == (3,)
    assert values["objective"] == pytest.approx([twin.objective(row, DATA) for row in theta], rel=1e-13)
    assert values["error"] == pytest.approx([twin.error(row, DATA) for row in theta], abs=1e-15)
    assert objective("deterministic")(theta).tolist() == values["objective"].tolist()


def test_stochastic_equals_the_twin_for_each_seed_and_replicate() -> None:
    theta = points()
    evaluation = objective(num_replicates=3).along(lambda alpha: theta, np.array([0.3]))
    plain = [
        [
            twin.objective(row, DATA, measured_masks(seed, 23, replicate=k))
            for row, seed in zip(theta, SEEDS, strict=True)
        ]
        for k in range(3)
    ]
    assert evaluation.replicates.shape == (3, 1, 3)
    assert evaluation.replicates[:, 0] == pytest.approx(np.array(plain), rel=1e-13)
    assert evaluation.channels["objective"][0] == pytest.approx(np.mean(plain, axis=0), rel=1e-13)
    assert len(np.unique(np.round(evaluation.replicates, 9))) == 9


def test_adversarial_equals_the_twin() -> None:
    theta, masks = points(1), measured_masks(7, 23, num_draws=2)
    values = objective(seeds=[7], cost=Adversarial(0.3, 0.35)).evaluate(theta)
    pairs = [
        twin.adversarial_cost(theta[0], x, int(y), 0.3, 0.35, m) for x, y, m in zip(DATA.x, DATA.y, masks, strict=True)
    ]
    assert values["clean_objective"][0] == pytest.approx(np.mean([c for c, _ in pairs]), rel=1e-12)
    assert values["objective"][0] == pytest.approx(np.mean([0.35 * c + 0.65 * p for c, p in pairs]), rel=1e-12)


@pytest.mark.parametrize("mode", ["deterministic", "stochastic"])
def test_batch_size_changes_nothing_and_the_last_batch_is_weighted(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landscape.ground.streams, "MASK_BLOCK", 7)  # so that batches cross blocks
    theta = points()
    whole = objective(mode, batch_size=23)(theta)
    for batch_size in (1, 4, 7, 22, 1000):
        part = objective(mode, batch_size=batch_size)
        assert part.num_batches == -(-23 // batch_size)
        torch.testing.assert_close(part(theta), whole, rtol=1e-13, atol=0)


def test_masks_run_on_past_a_thousand_examples() -> None:
    data, theta = split(1009, seed=4), points(1)
    masks = measured_masks(2, 1009)
    plain = twin.objective(theta[0], data, masks)
    assert objective(seeds=[2], data=data, batch_size=300)(theta).item() == pytest.approx(plain, rel=1e-13)


def test_masks_do_not_depend_on_alpha() -> None:
    """The same theta at other positions, between other points: the same bits."""
    theta, other = points(), points(seed=6)
    alphas = np.array([-0.7, 0.0, 0.31, 0.5, 1.0, 2.3])
    there = {-0.7, 0.31, 1.0}
    evaluation = objective(num_replicates=2).along(lambda alpha: theta if alpha in there else other, alphas)
    for name, values in evaluation.channels.items():
        assert (values[[0, 2, 4]] == values[0]).all(), name
        assert (values[[1, 3, 5]] == values[1]).all(), name
    assert (evaluation.channels["objective"][0] != evaluation.channels["objective"][1]).all()
    assert (evaluation.channels["objective"][0] == objective(num_replicates=2).evaluate(theta)["objective"]).all()


def test_seed_s_alone_equals_seed_s_among_many() -> None:
    theta = points()
    together = objective(num_replicates=2)(theta)
    for s, seed in enumerate(SEEDS):
        torch.testing.assert_close(
            objective(seeds=[seed], num_replicates=2)(theta[s : s + 1])[0], together[s], rtol=1e-14, atol=0
        )
    same_point = objective()(theta[:1].expand(3, -1))
    assert len(set(same_point.tolist())) == 3  # the seeds differ by their masks


class Steep(CrossEntropy):
    """One example costs 1e8 and the others 1: a float32 sum of them would lose all but the first."""

    def channels(self, predict: Any, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """x[:, 0] tells which example it is."""
        return {"objective": torch.where(x[:, 0] == DATA.x[0, 0].to(x.dtype), 1e8, 1.0).to(x.dtype)}


def test_sums_are_float64_where_the_forward_pass_is_float32() -> None:
    value = objective("deterministic", seeds=[0], cost=Steep(), dtype="float32")(points(1)).item()
    assert value == (1e8 + 22) / 23 != float(torch.tensor(1e8 + 22).float()) / 23


def test_without_dropout_the_two_modes_are_one() -> None:
    theta = points()
    plain = Objective(maxout(dropout=False), CrossEntropy(), DATA, "stochastic", SEEDS, "float64", 9, num_replicates=4)
    assert not plain.is_random and plain.num_replicates == 1
    assert torch.equal(plain(theta), objective("deterministic")(theta))


def test_progress_counts_every_batch_at_every_alpha() -> None:
    told: list[int] = []
    part = objective("deterministic")
    part.along(lambda alpha: points(), np.linspace(0, 1, 4), told.append)
    assert told == list(range(1, 3 * 4 + 1)) and part.num_batches == 3


def test_nan_stays_nan_and_only_where_it_is() -> None:
    theta = points()
    theta[1, 4] = float("nan")
    values = objective("deterministic")(theta)
    assert values.isnan().tolist() == [False, True, False]


def test_points_for_which_there_are_no_seeds_are_refused() -> None:
    with pytest.raises(ValueError, match="theta has 3 rows and the objective 1 seeds"):
        objective("deterministic", seeds=[0])(points(3))


LAYOUT = ParameterLayout.of(maxout())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize(
    "make",
    [
        Linear,
        Geometric,
        lambda *ends: BiasSchedule(*ends, LAYOUT, 2),
        lambda a, b: Plane(a, b, b.flip(1), [0.3], [0.3]),
    ],
    ids=["line", "geometric", "biases", "plane"],
)
def test_points_between_ends_of_less_precision_are_not_rounded_to_theirs(make: Any, dtype: torch.dtype) -> None:
    ends = points(1).abs().to(dtype), points(1, seed=6).abs().to(dtype)
    at = np.array([0.0 if make(*ends).__class__ is Plane else 0.3])
    found = objective("deterministic", seeds=[0]).along(make(*ends), at).channels["objective"]
    exact = make(*(end.double() for end in ends))(float(at[0]))
    assert found[0, 0] == pytest.approx(twin.objective(exact[0], DATA), rel=1e-12)
