"""Projection and residual on a quadratic: Figure 12's table, random starts, noise of either kind, ceilings."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.theory.refusals import refuses
from tests.theory.twins import EVERY_KIND, descended, on_axis
from theory import quadratic
from theory.quadratic import multiplicative_noise as noise
from theory.quadratic.law import TrackLaw
from theory.quadratic.modes import Method, gradient_descent, heavy_ball, nesterov
from theory.quadratic.spectra import LogUniform, Spectrum, even, from_start, modes

Floats = NDArray[np.float64]


@pytest.mark.parametrize(
    ("lr", "momentum", "residual", "projection"),
    [
        (0.1, 0.0, 0.337, 0.53),
        (1.0, 0.0, 0.347, 0.52),
        (1.9, 0.0, 0.474, 0.41),
        (0.1, 0.9, 0.526, 0.66),
        (0.5, 0.9, 0.613, 0.78),
        (0.1, 0.99, 0.670, 0.86),
    ],
)
def test_figure_12_table(lr: float, momentum: float, residual: float, projection: float) -> None:
    """Largest residual and its place, six settings, log-uniform spectrum on [0.01, 1], 3000 steps, within 2 %."""
    found = quadratic.track(heavy_ball(lr, momentum), modes(LogUniform(0.01, 1.0), 500), np.arange(3001))
    assert found.peak() == pytest.approx((residual, projection), rel=0.02)
    assert (found.projection[0], found.residual[0]) == (0, 0)
    assert abs(found.projection[-1] - 1) < 0.02 and found.residual[-1] < 0.05


@pytest.mark.parametrize("method", EVERY_KIND, ids=str)
def test_track_is_the_run(method: Method) -> None:
    rng = np.random.default_rng(3)
    values, start = rng.uniform(0.01, 1, 60), rng.standard_normal(60) + 0.3
    steps = np.array([0, 1, 5, 40, 200])
    found = quadratic.track(method, from_start(values, start), steps)
    along, off = on_axis(start, descended(method, lambda v: values * v, start, np.zeros((200, 1)))[steps])
    assert found.projection == pytest.approx(along, abs=1e-13)
    assert found.residual**2 == pytest.approx(off**2, abs=1e-13)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    spectrum = modes(LogUniform(0.01, 1.0), 40)
    whole = quadratic.track(heavy_ball(0.5, 0.9), spectrum, np.arange(100))
    monkeypatch.setattr("theory.quadratic.law._BLOCK", 280)
    parts = quadratic.track(heavy_ball(0.5, 0.9), spectrum, np.arange(100))
    np.testing.assert_allclose(parts.residual, whole.residual, rtol=1e-13)


def agrees(law: TrackLaw, start: Floats, errors: Floats) -> None:
    """|z| < 4 for E α, Var α and E ρ² of the runs that end with these errors [S, D]."""
    along, off = on_axis(start, errors)
    for sample, mean in (
        (along, law.projection[0]),
        ((along - along.mean()) ** 2, law.projection_std[0] ** 2),
        (off**2, law.residual[0] ** 2),
    ):
        assert abs(sample.mean() - mean) < 4 * sample.std() / len(errors) ** 0.5


def test_random_start_law() -> None:
    """200,000 Gaussian starts in 7 dimensions, two eigenvalues equal."""
    rng = np.random.default_rng(8)
    values, method, step = np.array([0.05, 0.2, 0.2, 0.4, 0.7, 0.9, 1.0]), heavy_ball(0.5, 0.8), 6
    merged = np.array([0.05, 0.2, 0.4, 0.7, 0.9, 1.0])
    counts = np.array([1.0, 2.0, 1.0, 1.0, 1.0, 1.0])
    law = quadratic.random_start(method, Spectrum(merged, np.full(6, 1 / 6), counts), step)
    start = rng.standard_normal((200_000, 7))
    agrees(law, start, descended(method, lambda v: values * v, start, np.zeros((step, 1, 1)))[-1])


@pytest.mark.parametrize("method", EVERY_KIND, ids=str)
def test_noisy_law(method: Method) -> None:
    """20,000 noisy runs, noise uneven over coordinates."""
    rng = np.random.default_rng(9)
    values, start = np.array([0.05, 0.3, 0.8, 1.0]), np.array([2.0, -1.0, 0.5, 1.5])
    variance, runs, step = np.array([0.4, 0.1, 0.7, 0.2]), 20_000, 25
    noise = rng.standard_normal((step, runs, 4)) * np.sqrt(variance)
    law = quadratic.noisy(
        method, from_start(values, start), step, variance=variance, distance=float(np.linalg.norm(start))
    )
    agrees(law, start, descended(method, lambda v: values * v, np.tile(start, (runs, 1)), noise)[-1])


def test_noise_settles_at_its_stationary_level() -> None:
    """Far on, heavy ball's variance is ε(1 + μ)c/((1 - μ)λ(2(1 + μ) - ελ)) in each coordinate."""
    eps, m, value, c, size = 0.5, 0.9, 0.3, 0.04, 3.0
    law = quadratic.noisy(heavy_ball(eps, m), even([value], 10.0), 10**9, variance=c, distance=size)
    v = eps * (1 + m) * c / ((1 - m) * value * (2 * (1 + m) - eps * value)) / size**2
    assert law.projection_std[0] == pytest.approx(v**0.5, rel=1e-12)
    assert law.residual[0] == pytest.approx((9 * v) ** 0.5, rel=1e-12)


@pytest.mark.parametrize(
    "method", [gradient_descent(1.0), gradient_descent(1.9), heavy_ball(1.0, 0.97), nesterov(0.9, 0.95)], ids=str
)
def test_residual_stays_under_its_ceiling(method: Method) -> None:
    rng = np.random.default_rng(10)
    for _ in range(20):
        spectrum = from_start(10 ** rng.uniform(-3, 0, 5), rng.standard_normal(5))
        found = quadratic.track(method, spectrum, np.arange(400))
        assert np.all(found.residual <= quadratic.residual_bound(method, spectrum, found.projection) + 1e-7)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"lr": 4.0}, r"lr=4.0 is unstable .* take lr < 3.8$"),
        ({"lr": -1.0}, "lr=-1.0"),
        ({"lr": 1e-200}, "too slow"),
        ({"momentum": 1.0}, "momentum=1.0"),
        ({"dimension": 1.5}, "dimension=1.5"),
        ({"condition": 1.0}, "condition=1.0"),
    ],
)
def test_bad_parameters_are_named(parameters: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        quadratic.derive(**parameters)


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


test_bad_input_is_refused = refuses(
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
)


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
