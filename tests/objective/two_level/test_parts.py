"""What an evaluation to a tolerance is made of: the choice of examples, the estimate, and what is settled."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from landscape.model.dropout import Dropout
from landscape.objective.objective import Objective
from landscape.objective.two_level.estimate import FOLDS, fit
from landscape.objective.two_level.nodes import interpolation, places
from landscape.objective.two_level.settle import deciding, held
from landscape.objective.two_level.strata import Strata
from landscape.objective.two_level.subset import Strewn, chosen, keys


def test_an_example_has_one_key_and_more_examples_hold_the_same_ones() -> None:
    whole = keys(0, 10000)
    assert (np.concatenate([keys(0, 3000), keys(3000, 4500), keys(7500, 2500)]) == whole).all()
    assert set(chosen(10000, 50)) < set(chosen(10000, 200))
    assert set(chosen(10000, 200, seed=1)) != set(chosen(10000, 200))


def test_strewn_examples_have_the_masks_of_their_own_numbers() -> None:
    net = torch.nn.Sequential(torch.nn.Linear(3, 5), Dropout(0.5, 1.0), torch.nn.Linear(5, 2))
    x, y = torch.rand(2500, 3), torch.randint(0, 2, (2500,))
    objective = Objective(net, torch.nn.CrossEntropyLoss(), (x, y), mode="stochastic", seeds=[4])
    numbers = np.array([0, 7, 999, 1000, 2001, 2499])
    found = Strewn(objective.batches, numbers)(0, 6, [{}], objective.split.first(6)).known[0, 0]
    whole = objective.batches.masks(0, 2500, 0, 0)
    assert whole is not None
    assert any(torch.equal(value, whole[:, numbers]) for value in found.values())


def test_the_estimate_is_right_on_average_and_as_far_off_as_it_says() -> None:
    """Of 400 choices of 60 among 600 curves, one in ten of which has a step somewhere, cut into strata."""
    draw = np.random.default_rng(0)
    axis = np.linspace(0, 1, 15)
    costs = np.exp(-draw.gamma(2.0, 1.0, (600, 1)) * axis) + draw.normal(0, 0.05, (600, 4)) @ np.sin(
        np.outer(np.arange(1, 5), 3 * axis)
    )
    costs[:60] += 2.0 * (axis > draw.random((60, 1)))
    strata = Strata.by(np.where(np.arange(600) < 60, 8.0, 1.0) + 0.01 * draw.random(600), 60)
    nodes, truth = [0, 4, 9, 14], costs.mean(axis=0)
    means, stated = [], []
    for _ in range(100):
        numbers = strata.first(draw.permutation(600), np.minimum(strata.sizes, 12))
        fold = draw.integers(0, FOLDS, len(numbers))
        weights, inside = strata.weights(numbers), strata.of[numbers]
        found = fit(costs[numbers], nodes, places((axis,)), fold, weights, inside, strata.sizes, truth[nodes])
        means.append(found.mean(truth[nodes]))
        stated.append(np.sqrt(found.squares(found.nums).sum(axis=0)))
    off = np.array(means) - truth
    np.testing.assert_allclose(off[:, nodes], 0, atol=1e-12)
    rest = np.setdiff1d(np.arange(15), nodes)
    spread = off[:, rest].std(axis=0)
    assert (np.abs(off[:, rest].mean(axis=0)) < 4.5 * spread / 10 + 0.1 * spread).all()
    assert (np.abs(off[:, rest]) <= np.array(stated)[:, rest]).mean() > 0.98
    assert np.array(stated)[:, rest].mean() < 8 * spread.mean()  # and not by saying much


@pytest.mark.parametrize("axes", [(np.linspace(-1, 2, 40),), (np.linspace(0, 1, 9), np.linspace(2, 5, 7))])
def test_splines_are_exact_at_the_nodes_and_of_straight_lines(axes: tuple[np.ndarray, ...]) -> None:
    at = places(axes)
    nodes = np.random.default_rng(1).choice(len(at), 12, replace=False).tolist()
    told = interpolation(at, nodes)
    assert (told[nodes] == np.eye(12)).all()
    line = 3 + at @ np.arange(2, 2 + at.shape[1])
    np.testing.assert_allclose(told @ line[nodes], line, atol=1e-9)


def test_no_record_is_held_by_an_estimate() -> None:
    draw = np.random.default_rng(0)
    along = np.linspace(-0.3, 1.3, 40)
    for _ in range(200):
        values, full = np.cumsum(draw.normal(size=40)), draw.random(40) < 0.3
        full[[0, 8, 31, 39]] = True  # both ends, and those of what lies within [0, 1]
        settled = held(values, full, along)
        assert (settled[full] == values[full]).all() and full[deciding(settled, along)].all()
        assert (held(settled, full, along) == settled).all()
        assert full[deciding(held(values, full, None), None)].all()
