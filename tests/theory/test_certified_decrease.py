"""The proof of decrease: never beyond a rise, its bounds above anything measured, its rounding bounds above exact."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest

from tests.theory.refusals import refuses
from theory import piecewise
from theory.piecewise import certified_decrease
from theory.piecewise.certified_decrease import SHORTEST, line


def problem(seed, N=60, D=6, H=8, C=4):
    rng = np.random.default_rng(seed)
    shapes = ((H, D), (H,), (C, H), (C,))
    networks = [tuple(0.7 * rng.standard_normal(s) for s in shapes) for _ in range(2)]
    return *networks, rng.standard_normal((N, D)) + 0.3, rng.integers(0, C, N)


def descended(seed, steps=60, **sizes):
    """A start and where plain gradient descent on the cross-entropy takes it."""
    start, _, x, labels = problem(seed, **sizes)
    w1, b1, w2, b2 = (part.copy() for part in start)
    for _ in range(steps):
        a = x @ w1.T + b1
        h = np.maximum(a, 0)
        p = np.exp(h @ w2.T + b2)
        p /= p.sum(1, keepdims=True)
        p[np.arange(len(x)), labels] -= 1
        back = (p @ w2) * (a > 0)
        for weight, gradient in ((w1, back.T @ x), (b1, back.sum(0)), (w2, p.T @ h), (b2, p.sum(0))):
            weight -= 0.3 * gradient / len(x)
    return start, (w1, b1, w2, b2), x, labels


def objective(network_0, network_1, x, labels, alpha):
    w1, b1, w2, b2 = ((1 - alpha) * p + alpha * q for p, q in zip(network_0, network_1, strict=True))
    z = np.maximum(x @ w1.T + b1, 0) @ w2.T + b2
    if labels.ndim == 2:
        return np.mean(np.sum((z - labels) ** 2, 1))
    top = z.max(1)
    return np.mean(top + np.log(np.exp(z - top[:, None]).sum(1)) - z[np.arange(len(x)), labels])


COSTS = ("cross_entropy", "squared_error")


def data_for(cost, data):
    network_0, network_1, x, labels = data
    return data if cost == "cross_entropy" else (network_0, network_1, x, np.eye(len(network_0[3]))[labels])


@pytest.mark.parametrize("cost", COSTS)
def test_proves_the_descent_to_where_training_led(cost):
    proven = 0
    for seed in range(4):
        data = data_for(cost, descended(seed, N=40))
        proof = line(*data, cost=cost)
        values = [objective(*data, alpha=a) for a in np.linspace(0, proof.reached, 1001)]
        assert np.all(np.diff(values) < 0)
        proven += proof.decreasing
        if proof.decreasing:
            assert proof.proven == ((0.0, 1.0),) and proof.slope < 0
            assert proof.statement.startswith("Proven: J is strictly decreasing on [0.0, 1.0]")
            assert proof.windows[0] == 0 and proof.windows[-1] == 1 and np.all(np.diff(proof.windows) > 0)
            assert proof.num_slopes == len(proof.windows) - 1
    assert proven >= (3 if cost == "cross_entropy" else 1)


@pytest.mark.parametrize("cost", COSTS)
def test_stops_just_before_the_first_rise(cost):
    """Between unrelated networks J rises somewhere, and at times where a grid of a thousand does not see it."""
    unseen = 0
    for seed in (13, 33, 37, *range(20, 28)):
        data = data_for(cost, problem(seed, N=20))
        proof = line(*data, cost=cost)
        assert not proof.decreasing and "ot decided beyond" in proof.statement and proof.stopped
        grid = np.linspace(0, 1, 1001)
        rises = np.diff([objective(*data, alpha=a) for a in grid]) > 0
        first = int(np.argmax(rises)) if rises.any() else len(grid) - 1
        assert proof.reached <= grid[min(first + 1, len(grid) - 1)]
        beyond = np.array([objective(*data, alpha=a) for a in np.linspace(0, 1e-4, 41) + proof.reached])
        assert np.max(beyond - np.minimum.accumulate(beyond)) > 1e-9  # a rise indeed
        unseen += proof.reached < grid[max(first - 1, 0)]
    assert unseen >= (3 if cost == "cross_entropy" else 0)


def test_squared_error_stops_at_the_exact_minimum():
    for seed in range(12):
        data = data_for("squared_error", problem(seed))
        minimum = piecewise.line(*data).extrema()
        first = next(p.alpha for p in minimum if p.kind == "minimum")
        reached = line(*data, cost="squared_error").reached
        assert first - 1e-6 <= reached <= first + 1e-14


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("height", [1e-3, 1e-7])
def test_never_certifies_a_planted_bump(cost, height):
    """A tent of three extra units, of width 2e-6 or 2e-10, on one line that is otherwise proven to decrease."""
    network_0, network_1, x, labels = data = data_for(cost, descended(3))
    assert cost != "cross_entropy" or line(*data, cost=cost).decreasing
    centre, width = 0.3712345, height / 1000
    places, slopes = centre + np.array([-width, 0.0, width]), np.array([1.0, -2.0, 1.0]) * height / width

    def with_tent(network, alpha):
        w1, b1, w2, b2 = network
        shift = np.zeros((len(w2), 3))
        shift[0] = slopes  # raises class 0, which is right for some and wrong for more
        return (
            np.vstack([w1, np.zeros((3, w1.shape[1]))]),
            np.concatenate([b1, alpha - places]),
            np.hstack([w2, shift]),
            b2,
        )

    planted = (with_tent(network_0, 0.0), with_tent(network_1, 1.0), x, labels)
    proof = line(*planted, cost=cost)
    edge = centre - width
    steps = [objective(*planted, alpha=a) for a in np.linspace(edge, centre + width, 2001)]
    rises = np.max(np.diff(steps)) > 0
    assert not proof.decreasing or not rises
    assert rises and proof.reached <= centre + width


def slopes(network_0, network_1, x, labels, alphas):
    """Σ over examples of J' at every alpha, by the chain rule: the twin."""
    at = alphas[:, None, None]
    w1, w2 = ((1 - at) * network_0[i] + at * network_1[i] for i in (0, 2))
    b1, b2 = ((1 - at) * network_0[i] + at * network_1[i] for i in (1, 3))
    d1, e1, d2, e2 = (q - p for p, q in zip(network_0, network_1, strict=True))
    a, da = x @ w1.swapaxes(1, 2) + b1, x @ d1.T + e1
    h, dh = np.maximum(a, 0), np.where(a > 0, da, 0)
    z, first = h @ w2.swapaxes(1, 2) + b2, h @ d2.T + dh @ w2.swapaxes(1, 2) + e2
    if labels.ndim == 2:
        g = 2 * (z - labels)
    else:
        g = np.exp(z - z.max(2, keepdims=True))
        g /= g.sum(2, keepdims=True)
        g[:, np.arange(len(x)), labels] -= 1
    return np.sum(g * first, axis=(1, 2))


def bounded(cost, data, low, length, wrong_by=0.0, rng=None):
    """(largest slope of the twin in the window, the bound), the pre-activations spoilt by up to ``wrong_by``."""
    start, end, x = certified_decrease.read_line(*data[:3])
    rule = certified_decrease._cost(cost, np.asarray(data[3]), len(x), start[2], end[2])
    network = certified_decrease._Network(start, end, x)
    for part in (network.a_0, network.a_1) if wrong_by else ():
        part += rng.uniform(-wrong_by, wrong_by, part.shape)
    network.rate = network.a_1 - network.a_0
    a, outputs = network.at(low)
    slope, error = rule.prepare(outputs)
    with np.errstate(over="ignore"):  # as in line
        bound = slope + error + rule.rise(outputs, network.window(a, low, low + length))
    return np.max(slopes(*data, np.linspace(low, low + length, 33))), bound


@pytest.mark.parametrize("cost", COSTS)
def test_the_bound_is_above_the_slope_anywhere_in_the_window(cost):
    """Windows of many lengths, also where J rises, which a proof would never visit."""
    rng = np.random.default_rng(0)
    loose = []
    for seed in range(16):
        data = data_for(cost, problem(seed, N=15) if seed % 2 else descended(seed, N=15))
        for length in (0.3, 0.05, 1e-2, 1e-3, 1e-5):
            truth, bound = bounded(cost, data, float(rng.uniform(0, 1 - length)), length)
            assert truth <= bound
            if length == 1e-2:
                loose.append((bound - truth) / abs(truth))
    assert np.median(loose) < 0.5  # a bound, and not an empty one


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("wrong_by", [0.0, 1e-2])
def test_the_bound_holds_for_single_examples(cost, wrong_by, monkeypatch):
    """No average to hide a missing term; with ``wrong_by`` the rounding is made large, so that doubt and all errors
    count."""
    if wrong_by:
        real = certified_decrease.affine_error
        monkeypatch.setattr(certified_decrease, "affine_error", lambda *args: real(*args) + wrong_by)
    rng = np.random.default_rng(1)
    least = np.inf
    for case in range(300 if wrong_by else 1500):
        H, C, size = int(rng.integers(1, 4)), int(rng.integers(2, 4)), float(np.exp(rng.normal()))
        shapes = ((H, 1), (H,), (C, H), (C,))
        network_0, network_1 = (tuple(size * rng.standard_normal(s) for s in shapes) for _ in range(2))
        if case % 3 == 0:  # a kink in the window or next to its start
            at = rng.uniform(0.05, 0.95)
            network_1[1][:] = (-(1 - at) * network_0[1] - at * network_1[0][:, 0] - (1 - at) * network_0[0][:, 0]) / at
            low = float(np.clip(at + rng.choice([-0.02, -1e-3, 0.0, 1e-3]) * rng.uniform(), 0, 0.9))
        else:
            low = float(rng.uniform(0, 0.9))
        data = data_for(cost, (network_0, network_1, np.ones((1, 1)), rng.integers(0, C, 1)))
        truth, bound = bounded(cost, data, low, float(rng.choice([1e-6, 1e-3, 0.03, 0.1])), wrong_by, rng)
        assert truth <= bound + 1e-14 * abs(truth), case
        least = min(least, (bound - truth) / (abs(truth) + 1e-9))
    assert wrong_by or least < 1e-3


@pytest.mark.parametrize("cost", COSTS)
def test_slope_and_its_error_against_fractions(cost):
    """Squared error: exact rationals. Cross-entropy: 60 digits by mpmath, through sympy."""
    mpmath.mp.dps = 60
    for seed in range(4):
        data = data_for(cost, problem(seed, N=5, D=3, H=4, C=3))
        start, end, x = certified_decrease.read_line(*data[:3])
        rule = certified_decrease._cost(cost, np.asarray(data[3]), len(x), start[2], end[2])
        network = certified_decrease._Network(start, end, x)
        exactly = np.vectorize(Fraction, otypes=[object])
        ends = [[exactly(part) for part in side] for side in (start, end)]
        for alpha in (0.0, 0.3141, 0.75, 1.0):
            at = Fraction(alpha)
            w1, b1, w2, b2 = ((1 - at) * p + at * q for p, q in zip(*ends, strict=True))
            d1, e1, d2, e2 = (q - p for p, q in zip(*ends, strict=True))
            a, da = exactly(x) @ w1.T + b1, exactly(x) @ d1.T + e1
            on = np.where(a > 0, 1, 0)
            z, first = (a * on) @ w2.T + b2, (a * on) @ d2.T + (da * on) @ w2.T + e2
            _, outputs = network.at(alpha)
            slope, error = rule.prepare(outputs)
            if cost == "squared_error":
                truth = float(
                    sum(2 * r * f for r, f in zip((z - exactly(data[3])).ravel(), first.ravel(), strict=True))
                    - Fraction(slope)
                )
            else:
                total = mpmath.mpf(0)
                for row, change, label in zip(z, first, data[3], strict=True):
                    weights = [mpmath.exp(mpmath.mpf(v.numerator) / v.denominator) for v in row]
                    changes = [mpmath.mpf(v.numerator) / v.denominator for v in change]
                    mean = sum(w * c for w, c in zip(weights, changes, strict=True)) / sum(weights)
                    total += mean - changes[label]
                truth = float(total - mpmath.mpf(slope))
            assert abs(truth) <= error <= 1e-10
            for name, exact in (("z", z), ("first", first)):
                computed = exactly(getattr(outputs, name))
                worst = np.max(np.abs(computed - exact).astype(float), axis=1)
                assert np.all(worst <= outputs.errors[("z", "first").index(name)])


def test_no_kink_is_missed_at_the_border_of_a_window():
    data = data_for("squared_error", problem(5))
    start, end, x = certified_decrease.read_line(*data[:3])
    network = certified_decrease._Network(start, end, x)
    curve = piecewise.line(*data)
    for kink in curve.kinks[::5]:
        for low, high in ((kink, min(1.0, kink + 1e-3)), (max(0.0, kink - 1e-3), kink)):
            a, _ = network.at(float(low))
            window = network.window(a, float(low), float(high))
            exact = x[window.example] @ (start[0] + kink * (end[0] - start[0])).T
            z = exact[np.arange(len(window.unit)), window.unit] + (start[1] + kink * (end[1] - start[1]))[window.unit]
            assert np.min(np.abs(z), initial=np.inf) < 1e-13


def test_zero_slope_is_not_called_decrease():
    """A start at an exact critical point, and an end at one: the open interval may be proven, the ends not."""
    start = (np.array([[1.0]]), np.zeros(1), np.zeros((2, 1)), np.zeros(2))
    end = (np.array([[2.0]]), np.zeros(1), np.zeros((2, 1)), np.zeros(2))
    proof = line(start, end, np.ones((2, 1)), np.array([0, 1]))
    assert proof.proven == () and np.isnan(proof.slope) and proof.reached == 0
    assert proof.statement.startswith("Not decided beyond 0.0")
    quadratic = (
        (start[0] * 0, start[1], np.zeros((1, 1)), np.zeros(1)),
        (start[0] * 0, start[1], np.zeros((1, 1)), np.ones(1)),
    )
    proof = line(*quadratic, np.ones((1, 1)), np.ones((1, 1)), cost="squared_error")  # (1 - α)²
    assert 1 - 4 * SHORTEST < proof.reached < 1 and not proof.decreasing


def test_interval_and_budget():
    data = descended(1)
    part = line(*data, interval=(0.25, 0.5))
    assert part.decreasing and part.proven == ((0.25, 0.5),)
    short = line(*data, max_slopes=2)
    assert not short.decreasing and short.num_slopes == 2 and "max_slopes=2" in short.statement
    assert 0 < short.reached < 1 and short.proven == ((0.0, short.reached),)


a, b, x, labels = problem(2)
test_bad_input_is_refused_in_one_sentence = refuses(
    (lambda: line(a, a, x, labels), "length zero"),
    (lambda: line(a, b, x[:0], labels[:0]), "at least one example"),
    (lambda: line(a, b, x, labels[:3]), "whole numbers"),
    (lambda: line(a, b, x, labels * 1.0), "whole numbers"),
    (lambda: line(a, b, x, labels + 1), "4 rows"),
    (lambda: line(a, b, x, labels - 1), "from -1"),
    (lambda: line(a, b, x, labels, cost="squared_error"), "cost=squared_error needs"),
    (lambda: line(a, b, x, labels, cost="hinge"), "cost=hinge is unknown"),
    (lambda: line(a, b, x, labels, interval=(0.0, 1.5)), "leaves"),
    (lambda: line(a, b, x, labels, interval=(0.5, 0.5)), "interval"),
    (lambda: line(a, b, x, labels, max_slopes=0), "max_slopes=0"),
    (lambda: line([p * 1e200 for p in a], b, x, labels), "overflow"),
    end=".",
)
