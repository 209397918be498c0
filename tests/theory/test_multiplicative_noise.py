"""Second moments under noise that grows with the gradient: against runs, exact enumeration and fixed points."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from theory.quadratic import multiplicative_noise as noise

Z = 4.5  # of some dozens of means each; seeds are fixed


def test_two_point_noise_is_enumerated():
    """ξ = 1 or -1: all 2^(2t) paths of two coordinates, without any draw."""
    eigen, weights, lr, s, t = np.array([0.7, 0.2]), np.array([3.0, 1.0]), 0.9, 0.6, 4
    curve = noise.proportional(eigen, weights, lr, s, [t])
    signs = np.array(np.meshgrid(*[[-1, 1]] * (2 * t))).reshape(2, t, -1)
    start = np.sqrt(weights / 4)[:, None]
    e = start * np.prod(1 - (lr * eigen)[:, None, None] * (1 + s * signs), axis=1)
    along = (e * start).sum(axis=0)
    assert curve.projection == pytest.approx([1 - along.mean()], rel=1e-13)
    assert curve.projection_square == pytest.approx([(along**2).mean()], rel=1e-13)
    assert curve.error_square == pytest.approx([(e**2).sum(axis=0).mean()], rel=1e-13)
    assert curve.projection_variance == pytest.approx([along.var()], rel=1e-12)
    assert curve.residual_square == pytest.approx([((e**2).sum(axis=0) - along**2).mean()], rel=1e-12)


def test_without_noise_it_is_gradient_descent():
    eigen, weights = np.array([1.0, 0.3, 0.05]), np.array([1.0, 2.0, 5.0])
    g = (1 - 0.8 * eigen) ** np.arange(9)[:, None]
    share = weights / 8
    for curve in (
        noise.proportional(eigen, weights, 0.8, 0.0, range(9)),
        noise.minibatch(eigen, weights, 0.8, 10**15, 0.0, 8),
    ):
        assert curve.projection == pytest.approx(1 - g @ share, rel=1e-12, abs=1e-14)
        assert curve.residual_square == pytest.approx(g**2 @ share - (g @ share) ** 2, rel=1e-9, abs=1e-13)
        assert np.all(curve.projection_variance < 1e-12)


@pytest.mark.parametrize(("batch", "label_noise"), [(1, 0.0), (1, 0.4), (5, 0.2)])
def test_minibatch_moments_are_those_of_runs(batch, label_noise):
    eigen, weights, lr, count, steps = np.array([1.0, 0.6, 0.3, 0.1]), np.array([1.0, 3.0, 0.0, 2.0]), 0.25, 20_000, 12
    curve, rng = noise.minibatch(eigen, weights, lr, batch, label_noise, steps), np.random.default_rng(batch)
    start = np.sqrt(weights / 6)
    e = np.tile(start, (count, 1))
    for t in range(1, steps + 1):
        x = rng.standard_normal((count, batch, 4)) * np.sqrt(eigen)
        gap = np.einsum("nbi,ni->nb", x, e) + label_noise * rng.standard_normal((count, batch))
        e = e - lr * np.einsum("nbi,nb->ni", x, gap) / batch
        along = e @ start
        for drawn, mean in (
            (1 - along, curve.projection[t]),
            (along**2, curve.projection_square[t]),
            ((e**2).sum(axis=1), curve.error_square[t]),
            ((e**2).sum(axis=1) - along**2, curve.residual_square[t]),
        ):
            assert abs(drawn.mean() - mean) < Z * drawn.std() / np.sqrt(count)


def test_equal_eigenvalues_may_be_given_once():
    eigen, weights = np.array([0.9, 0.9, 0.9, 0.2, 0.2]), np.array([1.0, 2.0, 0.5, 3.0, 0.0])
    apart = noise.minibatch(eigen, weights, 0.3, 4, 0.3, 25)
    together = noise.minibatch([0.9, 0.2], [3.5, 3.0], 0.3, 4, 0.3, 25, multiplicity=[3, 2])
    for name in ("projection", "projection_square", "error_square"):
        assert getattr(apart, name) == pytest.approx(getattr(together, name), rel=1e-12)


def test_the_stationary_error_and_the_largest_rate():
    eigen, batch, sigma = np.geomspace(0.05, 1, 12), 3, 0.7
    top = noise.largest_rate(eigen, batch)
    assert noise.minibatch_gain(eigen, top, batch) == pytest.approx(1, rel=1e-9)
    lr = 0.6 * top
    gain = noise.minibatch_gain(eigen, lr, batch)
    x = lr * eigen
    expected = (lr / batch) * (gain * sigma**2 / (1 - gain) + sigma**2) / (2 - x * (1 + 1 / batch))
    curve = noise.minibatch(eigen, np.ones(12), lr, batch, sigma, 2000)
    assert curve.error_square[-1] == pytest.approx(expected.sum(), rel=1e-10)
    below, above = (noise.minibatch(eigen, np.ones(12), f * top, batch, 0.0, 4000).error_square for f in (0.99, 1.01))
    assert below[-1] < below[100] and above[-1] > 10 * above[100]
    assert noise.largest_rate([2.0], 5) == pytest.approx(2 * 5 / 7 / 2, rel=1e-12)
    assert noise.minibatch_gain([1.0], 3.0, 1) == np.inf


def test_the_typical_run_is_better_than_the_mean():
    x, s = 0.8, 1.4
    factors = np.abs(1 - x - s * x * np.random.default_rng(0).standard_normal(400_000))
    logs = np.log(factors)
    rate = noise.typical_rate(x, s)
    assert abs(logs.mean() - rate) < Z * logs.std() / np.sqrt(len(logs))
    mean = 0.5 * np.log((1 - x) ** 2 + s**2 * x**2)
    assert rate < -0.3 and mean > 0.1  # falls almost surely, while its mean square grows
    assert noise.typical_rate(0.3, 0.0) == pytest.approx(np.log(0.7))
    assert noise.typical_rate(0.1, 1e-3) == pytest.approx(np.log(0.9), abs=1e-7)


def test_draw_shows_three_curves_and_the_circle():
    axes = Figure().add_subplot()
    noise.draw(axes, num_steps=10)
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels[0] == "without noise" and "minibatches of 8" in labels[2] and labels[3] == "half circle"
    quiet, noisy = (line.get_ydata()[-1] for line in axes.get_lines()[:2])
    assert quiet < noisy


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: noise.proportional([], [], 0.1, 0.1, [1]), "one length"),
        (lambda: noise.proportional([1.0], [1.0, 2.0], 0.1, 0.1, [1]), "one length"),
        (lambda: noise.proportional([-1.0], [1.0], 0.1, 0.1, [1]), "eigenvalues must be"),
        (lambda: noise.proportional([1.0], [np.nan], 0.1, 0.1, [1]), "weights must be"),
        (lambda: noise.proportional([1.0], [0.0], 0.1, 0.1, [1]), "all zero"),
        (lambda: noise.proportional([1.0], [1.0], np.inf, 0.1, [1]), "lr=inf"),
        (lambda: noise.proportional([1.0], [1.0], 0.1, -1, [1]), "relative_noise=-1"),
        (lambda: noise.proportional([1.0], [1.0], 0.1, 1, [1.5]), "no steps"),
        (lambda: noise.minibatch([1.0], [1.0], 0.1, 0, 0.1, 5), "batch_size=0"),
        (lambda: noise.minibatch([1.0], [1.0], 0.1, 1, 0.1, 0), "num_steps=0"),
        (lambda: noise.minibatch([1.0], [1.0], 0.1, 1, 0.1, 5, [0.5]), "multiplicity"),
        (lambda: noise.minibatch(np.ones(4001), np.ones(4001), 0.1, 1, 0.1, 5), "bin them"),
        (lambda: noise.largest_rate([0.0], 3), "eigenvalues are zero"),
        (lambda: noise.typical_rate(1.0, 0.0), "no rate"),
        (lambda: noise.derive(dimension=0), "dimension=0"),
        (lambda: noise.derive(batch_size=0), "batch_size=0"),
        (lambda: noise.draw(None, num_steps=1001), "num_steps=1001"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(("dimension", "batch", "share"), [(3, 2, 0.999), (20, 100, 0.9), (1, 2, 0.98), (20, 8, 0.5)])
def test_the_derivation_passes_its_own_check_up_to_the_stable_bound(dimension, batch, share):
    """Heavy tails made three of these four fail at |z| up to 13."""
    top = noise.derive(dimension=dimension, batch_size=batch, lr=1e-3).values
    rate = share * min(top["proportional_largest_stable_lr"], top["minibatch_largest_stable_lr"])
    found = noise.derive(dimension=dimension, batch_size=batch, lr=rate).check()
    assert all(check.holds for check in found), found
    assert len(found) == (0 if dimension == 1 else 1 if dimension == 3 else 2)


def test_the_check_sees_wrong_moments(monkeypatch):
    right = noise.proportional
    monkeypatch.setattr(noise, "proportional", lambda e, w, lr, s, steps: right(e, w, 1.02 * lr, s, steps))
    assert [check.holds for check in noise.derive().check()] == [False, True]
