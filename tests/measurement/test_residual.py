"""A made-up run against plain geometry; a random walk in blocks against the walk held whole, and its exact law."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from landscape.errors import InputError
from landscape.measurement import OnPath, RandomWalk, Residual, Seeds, Trained, residual
from landscape.parameters import ParameterLayout
from landscape.result.curve import Projection
from landscape.store.trajectory import project
from tests.measurement.conftest import runs
from tests.twin import stream
from theory.walk.random_walk import RandomWalk as Law

WALK = 6  # again here: a renumbered stream must fail a test
CPU = torch.device("cpu")


def test_a_residual_is_the_projection_of_what_was_trained(subject: OnPath, tmp_path: Path) -> None:
    """And its numbers the largest of each run; a run that never moved has none."""
    trained = runs(tmp_path, ParameterLayout(("w",), ((6,),)))
    trained.theta_f[1] = trained.theta_i[1]
    measured = Residual()(replace(subject, solutions=trained))
    seen = measured.projections["trajectory"]
    ends = trained.theta_i.double().numpy(), trained.theta_f.double().numpy()
    plain = project(trained.trajectories, *ends, [3, 2])
    for field in fields(plain):
        np.testing.assert_array_equal(getattr(seen, field.name), getattr(plain, field.name))
    assert measured.labels == ["3", "5"] and not measured.curves and Residual.stage is Trained
    assert seen.steps.tolist() == [0, 10, 20, 30, 40] and np.isnan(seen.parameter_norm[4, 1])
    most = {"residual": seen.residual_norm, "parameter_norm": seen.parameter_norm}
    assert measured.numbers["length"] == [np.linalg.norm(ends[1][0] - ends[0][0]), 0]
    for name, values in most.items():
        assert measured.numbers[f"max_{name}"][0] == max(values[:, 0])
    assert np.isnan(measured.numbers["max_residual"][1])
    assert measured.numbers["max_parameter_norm"][1] == max(seen.parameter_norm[:4, 1])


def walked(seeds: list[int], *numbers: int) -> Projection:
    return RandomWalk(*numbers)(Seeds(seeds=seeds, device=CPU)).projections["walk"]


def whole(seed: int, dimension: int, num_steps: int) -> np.ndarray:
    """Every position [T + 1, P], from one call per step."""
    generator = stream(seed, WALK)
    steps = [torch.randn(dimension, generator=generator).double().numpy() for _ in range(num_steps)]
    return np.cumsum([np.zeros(dimension), *steps], axis=0)


@pytest.mark.parametrize(("dimension", "num_steps", "solution_step"), [(2, 9, 9), (7, 23, 20), (40, 30, 1), (3, 1, 1)])
@pytest.mark.parametrize("block", [1, 4, 1000])
def test_blocks_equal_the_walk_held_whole(
    dimension: int, num_steps: int, solution_step: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = walked([5, 8], dimension, num_steps, solution_step)
    monkeypatch.setattr(residual, "BLOCK_BYTES", 8 * dimension * block)
    seen = walked([5, 8], dimension, num_steps, solution_step)
    assert seen.steps.tolist() == list(range(num_steps + 1)) and seen.best_epoch.tolist() == [solution_step] * 2
    for s, seed in enumerate((5, 8)):
        positions = whole(seed, dimension, num_steps)
        end = positions[solution_step]
        length = math.sqrt(math.fsum(end**2))
        along = [math.fsum(p * end) / length for p in positions]
        aside = [math.sqrt(math.fsum((p - x * end / length) ** 2)) for p, x in zip(positions, along, strict=True)]
        norm = [math.sqrt(math.fsum(p**2)) for p in positions]
        for found, plain in ((seen.projection, along), (seen.residual_norm, aside), (seen.parameter_norm, norm)):
            np.testing.assert_allclose(found[:, s], plain, rtol=1e-13, atol=1e-13)
        assert seen.length[s] == pytest.approx(length, rel=1e-14)
        assert seen.projection[solution_step, s] == pytest.approx(length, rel=1e-14)
        assert seen.residual_norm[solution_step, s] < 1e-14 * length
        assert seen.projection[0, s] == seen.residual_norm[0, s] == seen.parameter_norm[0, s] == 0
    np.testing.assert_allclose(seen.projection**2 + seen.residual_norm**2, seen.parameter_norm**2, rtol=1e-13)
    # the size of a block changes at most the rounding of a dot product
    np.testing.assert_allclose(seen.projection, at_once.projection, rtol=1e-13, atol=1e-13)
    assert np.array_equal(seen.length, at_once.length)


def test_each_seed_has_its_own_walk_and_its_numbers() -> None:
    measured = RandomWalk(6, 25, 9)(Seeds(seeds=[3, 1, 4], device=CPU))
    seen, alone = measured.projections["walk"], walked([1], 6, 25, 9)
    assert measured.labels == ["3", "1", "4"] and RandomWalk.stage is Seeds and not measured.curves
    assert measured.numbers["length"] == seen.length.tolist() and len(set(seen.length)) == 3
    assert measured.numbers["max_residual"] == [max(seen.residual_norm[:10, s]) for s in range(3)]  # up to T alone
    assert seen.residual_norm.max() > max(measured.numbers["max_residual"])
    for name in ("projection", "residual_norm", "parameter_norm"):
        assert np.array_equal(getattr(seen, name)[:, 1:2], getattr(alone, name))


@pytest.mark.parametrize("dimension", [3, 40])
def test_the_law_of_many_walks_is_the_exact_one(dimension: int) -> None:
    """600 walks; means within z = 4, distributions within Kolmogorov's distance at the 0.1 % level."""
    num, num_steps, solution_step = 600, 25, 20
    law = Law(dimension, num_steps, solution_step)
    seen = walked(list(range(num)), dimension, num_steps, solution_step)
    x, r = seen.projection / seen.length, seen.residual_norm / seen.length
    steps = np.array([1, 7, 10, 19, 22, 25])
    (mean_x, mean_r), spread = law.mean(steps), np.sqrt(law.variance(steps) / num)
    assert (np.abs(x[steps].mean(axis=1) - mean_x) < 4 * spread).all()
    assert (np.abs(r[steps].mean(axis=1) - mean_r) < 4 * spread).all()
    distance = 1.95 / math.sqrt(num)
    for step in steps:
        laws: list[tuple[np.ndarray, Any]] = [
            (x[step], law.projection(step)),
            (r[step] ** 2, law.residual_squared(step)),
            (seen.residual_norm[step], law.raw_residual(step)),
        ]
        for drawn, exact in laws:
            assert stats.kstest(drawn, exact.cdf).statistic < distance
    assert stats.kstest(seen.length, law.length().cdf).statistic < distance


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((1,), r"measurement\.dimension=1 leaves no room"),
        ((2.5,), r"measurement\.dimension=2\.5 must be a whole number"),
        ((3, True, 1), r"measurement\.num_steps=True must be a whole number"),
        ((3, 10, 11), r"measurement\.solution_step=11 must lie in 1 \.\.\. measurement\.num_steps=10"),
        ((3, 10, 0), r"measurement\.solution_step=0 must lie"),
        ((3, 0, 0), r"measurement\.solution_step=0 must lie"),
    ],
)
def test_impossible_walks_are_refused(numbers: tuple[Any, ...], text: str) -> None:
    with pytest.raises(InputError, match=text):
        RandomWalk(*numbers)
