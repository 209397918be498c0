"""The laws of a random walk against walks that are walked, step by step."""

import numpy as np
import pytest

from landscape.result.curve import random_walk_bands, random_walk_limit, thales_defect


def walk(dimension, count, rng, steps=100, solution=90):
    """x and r [steps + 1, count] of ``count`` plain walks."""
    path = np.concatenate([np.zeros((1, count, dimension)), rng.normal(size=(steps, count, dimension)).cumsum(axis=0)])
    length = np.linalg.norm(path[solution], axis=-1)
    x = (path * path[solution]).sum(-1) / length**2
    r = np.linalg.norm(path - x[..., None] * path[solution], axis=-1) / length
    return path, x, r


def test_the_limit_is_a_half_circle_and_a_vertical_segment():
    x, r = random_walk_limit(num=50)
    assert np.allclose((x[:50] - 0.5) ** 2 + r[:50] ** 2, 0.25, atol=1e-15)
    assert (x[0], r[0]) == (0.0, 0.0) and (x[49], r[49]) == (1.0, 0.0)
    assert x[50] == 1.0 and r[50] == pytest.approx(1 / 3, abs=1e-15)
    assert (np.diff(x[:50]) > 0).all() and np.all(r >= 0)
    assert random_walk_limit(solution_step=50, num_steps=450)[1][-1] == pytest.approx(np.sqrt(8))


def test_a_walk_in_high_dimension_is_near_the_limit():
    _, x, r = walk(4000, 1, np.random.default_rng(5))
    tau = np.arange(101) / 90
    assert np.abs(x[:, 0] - np.minimum(tau, 1)).max() < 2 / np.sqrt(4000)
    assert np.abs(r[:, 0] - np.sqrt(np.where(tau <= 1, tau * (1 - tau), tau - 1))).max() < 2 / np.sqrt(4000)


@pytest.mark.parametrize("dimension", [2, 3, 10])
def test_bands_hold_their_share_of_walks_at_every_step(dimension):
    count = 4000
    _, x, r = walk(dimension, count, np.random.default_rng(dimension))
    bands = random_walk_bands(dimension, coverage=0.8, solution_step=90, num_steps=100)
    assert bands.tau[90] == 1.0 and len(bands.tau) == 101
    for step in (1, 20, 45, 89, 93, 100):
        for values, low, mid, high in (
            (x, bands.x_low, bands.x_mid, bands.x_high),
            (r, bands.r_low, bands.r_mid, bands.r_high),
        ):
            shares = [(values[step] < bound[step]).mean() for bound in (low, mid, high)]
            # standard error of a share is at most 0.008; five of them
            assert shares == pytest.approx([0.1, 0.5, 0.9], abs=0.04), (dimension, step)


def test_bands_close_at_both_ends_and_narrow_with_the_dimension():
    bands = random_walk_bands(7)
    for step, x in ((0, 0.0), (900, 1.0)):
        assert bands.x_low[step] == bands.x_high[step] == x and bands.r_high[step] == 0.0
    wide, narrow = random_walk_bands(10), random_walk_bands(100_000)
    assert (narrow.x_high - narrow.x_low)[450] < 0.02 * (wide.x_high - wide.x_low)[450]
    assert narrow.r_mid[[450, 1000]] == pytest.approx([0.5, 1 / 3], abs=1e-4)


def test_thales_defect_is_the_product_of_what_is_done_and_what_is_left():
    path, x, r = walk(5, 3, np.random.default_rng(1))
    ahead = (path * (path[90] - path)).sum(-1) / (path[90] ** 2).sum(-1)
    assert np.allclose(thales_defect(x, r), ahead, atol=1e-12) and np.abs(ahead).max() > 0.01
    assert np.abs(thales_defect(*(part[:-1] for part in random_walk_limit()))).max() < 1e-15


@pytest.mark.parametrize(
    "call",
    [
        lambda: random_walk_bands(1),
        lambda: random_walk_bands(3, coverage=1.0),
        lambda: random_walk_bands(3, solution_step=0),
        lambda: random_walk_limit(solution_step=1001),
        lambda: random_walk_limit(num=1),
    ],
)
def test_impossible_walks_are_refused(call):
    with pytest.raises(ValueError, match="="):
        call()
