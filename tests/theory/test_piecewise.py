"""Exact curves of ReLU and maxout networks against running the network, exact fractions and fine grids."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tests.theory.refusals import refuses
from theory import piecewise
from theory.piecewise.curve import line, running_sums


def ends(rng, D, H, C, pieces=1):
    return [
        (
            rng.standard_normal((H * pieces, D)) / np.sqrt(D),
            0.5 * rng.standard_normal(H * pieces),
            rng.standard_normal((C, H)) / np.sqrt(H),
            0.3 * rng.standard_normal(C),
        )
        for _ in range(2)
    ]


def problem(seed, N=40, D=5, H=7, C=3, pieces=1):
    rng = np.random.default_rng(seed)
    return *ends(rng, D, H, C, pieces), rng.standard_normal((N, D)) + 0.2, rng.standard_normal((N, C)) - 0.1


def twin(network_0, network_1, x, y, alpha, pieces=0):
    """The plain forward pass."""
    w1, b1, w2, b2 = ((1 - alpha) * p + alpha * q for p, q in zip(network_0, network_1, strict=True))
    total = 0.0
    for example, target in zip(x, y, strict=True):
        z = w1 @ example + b1
        h = np.array([max(z[i : i + pieces]) for i in range(0, len(z), pieces)]) if pieces else np.where(z > 0, z, 0)
        total += np.sum((w2 @ h + b2 - target) ** 2)
    return total / len(x)


@pytest.mark.parametrize("pieces", [None, 1, 2, 3, 5])
@pytest.mark.parametrize("interval", [(0.0, 1.0), (-1.3, 2.2), (0.31, 0.32)])
def test_equals_the_network_run_on_the_data(pieces, interval):
    data = problem(1, pieces=pieces or 1)
    curve = line(*data, interval=interval, pieces=pieces)
    rng = np.random.default_rng(2)
    near = (curve.kinks[::7, None] + np.array([-1e-8, -1e-13, 0, 1e-13, 1e-8])).ravel()
    alphas = np.clip(np.concatenate([rng.uniform(*interval, 60), near, interval]), *interval)
    direct = np.array([twin(*data, alpha=a, pieces=pieces or 0) for a in alphas])
    assert curve.num_kinks > 0 or pieces == 1
    error = np.max(np.abs(curve(alphas) - direct))
    assert error <= 1e-13 * np.max(np.abs(curve.pieces))
    assert error <= 3 * curve.noise <= 1e-9


def exactly(array):
    return np.vectorize(Fraction, otypes=[object])(np.asarray(array, dtype=np.float64))


@pytest.mark.parametrize("pieces", [0, 3])
def test_a_tiny_network_in_exact_fractions(pieces):
    data = problem(4, N=5, D=2, H=3, C=2, pieces=pieces or 1)
    networks, x, y = [[exactly(part) for part in network] for network in data[:2]], exactly(data[2]), exactly(data[3])
    curve = line(*data, pieces=pieces or None)
    values = {a: piecewise.forward(*networks, x, y, a, pieces) for a in (Fraction(k, 32) for k in range(33))}
    largest = max(values.values())
    assert (
        max(abs(Fraction(float(curve(float(a)))) - v) for a, v in values.items()) <= Fraction(1, 10**15) * 2 * largest
    )
    # All kinks: pairs of lines that meet inside on top of their unit.
    rows = [np.asarray(x) @ w1.T + b1 for w1, b1, _, _ in networks]
    size = pieces or 1
    kinks = set()
    for n in range(len(x)):
        for unit in range(3):
            low, high = (list(r[n, unit * size : (unit + 1) * size]) + [Fraction(0)] * (not pieces) for r in rows)
            for i in range(len(low)):
                for j in range(i):
                    gap, other = low[i] - low[j], high[i] - high[j]
                    if gap * other < 0:
                        at = gap / (gap - other)
                        levels = [(1 - at) * p + at * q for p, q in zip(low, high, strict=True)]
                        if levels[i] == max(levels):
                            kinks.add(at)
    assert curve.num_pieces == len(kinks) + 1 == curve.num_kinks + 1 > 5
    np.testing.assert_allclose(curve.kinks, [float(k) for k in sorted(kinks)], atol=1e-15)


def test_extrema_are_complete_against_a_fine_grid():
    grid = np.linspace(-0.5, 1.5, 40001)
    interior = at_kinks = 0
    for seed in range(60):
        data = problem(seed, N=4, D=2, H=3, C=2)
        curve = line(*data, interval=(-0.5, 1.5))
        values = curve(grid)
        bends = np.flatnonzero(np.diff(np.sign(np.diff(values))) != 0) + 1
        found = [p for p in curve.extrema() if p.interior]
        interior += len(found)
        at_kinks += sum(np.min(np.abs(curve.kinks - p.alpha), initial=1) < 1e-12 for p in found)
        assert [p.alpha for p in found] == pytest.approx(grid[bends].tolist(), abs=1.1e-4)
        assert [p.kind for p in found] == ["minimum" if values[b] < values[b - 1] else "maximum" for b in bends]
        lowest = np.minimum.accumulate(values)
        rise = np.max(values - lowest)
        assert rise - 1e-13 <= curve.largest_rise() <= rise + 1e-4 * np.ptp(values)  # a grid misses the tips of kinks
    assert interior > 60 and at_kinks > 10  # of both kinds


def test_a_bump_that_a_grid_of_a_thousand_misses():
    """One unit on for a moment: J = (1 - α)² but for a spike of width 2e-5."""
    centre, width = 0.12345, 1e-5
    # Three hinges at centre - width, centre, centre + width: slopes +1, -2, +1 make a tent.
    places, slopes = np.array([centre - width, centre, centre + width]), np.array([1.0, -2.0, 1.0])
    start = (np.zeros((4, 1)), np.concatenate([-places, [1.0]]), np.append(3e2 * slopes, 1.0)[None], np.zeros(1))
    end = (np.zeros((4, 1)), np.concatenate([1 - places, [0.0]]), np.append(3e2 * slopes, 1.0)[None], np.zeros(1))
    curve = line(start, end, np.zeros((1, 1)), np.zeros((1, 1)))
    coarse = curve(np.linspace(0, 1, 1001))
    assert np.all(np.diff(coarse) < 0)
    assert [p.kind for p in curve.extrema()] == ["maximum", "minimum", "maximum", "minimum"]
    low, high = (p.alpha for p in curve.extrema()[1:3])
    assert (low, high) == pytest.approx((centre - width, centre), abs=1e-12)
    tip = (1 - centre + 3e2 * width) ** 2 - (1 - centre + width) ** 2
    assert curve.largest_rise() == pytest.approx(tip, rel=1e-9)


def test_running_sums_do_not_drift():
    rng = np.random.default_rng(6)
    steps = rng.standard_normal((30_000, 2)) + 1e6
    sums = running_sums(np.array([1e12, -1e12]), steps)
    exact = [1e12 + float(sum((Fraction(v) for v in steps[:, 0]), Fraction(0)))]
    assert sums[-1, 0] == pytest.approx(exact[0], rel=4e-16)
    plain = 1e12 + np.cumsum(steps[:, 0])[-1]
    assert abs(sums[-1, 0] - exact[0]) <= abs(plain - exact[0])
    np.testing.assert_array_equal(running_sums(np.ones(3), np.zeros((0, 3))), np.ones((1, 3)))


def test_blocks_of_examples_and_equal_kinks_change_nothing(monkeypatch):
    network_0, network_1, x, y = problem(7, N=30)
    whole = line(network_0, network_1, x, y)
    monkeypatch.setattr("theory.piecewise.events.BLOCK", 1)
    np.testing.assert_allclose(line(network_0, network_1, x, y).pieces, whole.pieces, atol=1e-13)
    before = whole.derivative(np.nextafter(whole.kinks, -1))
    assert np.max(np.abs(before - whole.derivative(whole.kinks))) > 1e-3  # at a kink it is the slope to the right
    twice = line(network_0, network_1, np.concatenate([x, x]), np.concatenate([y, y]))
    assert (twice.num_pieces, twice.num_kinks) == (whole.num_pieces, 2 * whole.num_kinks)
    np.testing.assert_allclose(twice.pieces, whole.pieces, atol=1e-13)


def test_float32_ends_are_taken_as_they_are():
    network_0, network_1, x, y = problem(8)
    narrow = [[part.astype(np.float32) for part in network] for network in (network_0, network_1)]
    wide = [[part.astype(np.float64) for part in network] for network in narrow]
    x = x.astype(np.float32)
    np.testing.assert_array_equal(line(*narrow, x, y).pieces, line(*wide, x.astype(np.float64), y).pieces)


def test_a_constant_objective_has_no_extremum_and_dead_units_no_kink():
    w1, b1 = np.array([[1.0, 0.5]]), np.array([-100.0])
    start, end = (w1, b1, np.ones((1, 1)), np.zeros(1)), (2 * w1, b1, -np.ones((1, 1)), np.zeros(1))
    curve = line(start, end, np.ones((3, 2)), np.ones((3, 1)))
    assert curve.num_pieces == 1 and curve.extrema() == [] and curve.largest_rise() == 0
    assert curve([0.0, 0.4]).tolist() == [1.0, 1.0]


a, b, x, y = problem(10)
three = (*a[:3], np.zeros(4))
nan = (a[0], a[1] * np.nan, *a[2:])
test_bad_input_is_refused_in_one_sentence = refuses(
    (lambda: line(a[:3], b, x, y), "3 entries"),
    (lambda: line(three, b, x, y), "network_0 has shapes"),
    (lambda: line(a, problem(1, H=6)[0], x, y), "one architecture"),
    (lambda: line(a, a, x, y), "length zero"),
    (lambda: line(nan, b, x, y), "b1 of network_0 holds NaN"),
    (lambda: line(a, b, x[:0], y[:0]), "at least one example"),
    (lambda: line(a, b, x[:, :3], y), "W1 needs"),
    (lambda: line(a, b, x * np.inf, y), "x holds NaN or infinity"),
    (lambda: line(a, b, x, y[:5]), "y is"),
    (lambda: line(a, b, x, y * np.nan), "y holds NaN"),
    (lambda: line(a, b, x, y, interval=(1.0, 0.0)), "interval"),
    (lambda: line(a, b, x, y, pieces=0), "pieces=0"),
    (lambda: line(a, b, x, y, pieces=2), "pieces=2"),
    (lambda: line([p * 1e160 for p in a], b, x, y), "overflows"),
    (lambda: line(a, b, x, y)(1.5), "outside interval"),
    (lambda: line(a, b, x, y)([0.1, np.nan]), "outside interval"),
    end=".",
)
