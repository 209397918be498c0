"""J on a plane against the network run on the data, against lines, and between three solutions."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from theory import deep_linear
from theory.deep_linear import plane
from theory.deep_linear.curve import Moments, moments


def network(seed, widths):
    rng = np.random.default_rng(seed)
    points = [[rng.standard_normal((o, i)) / np.sqrt(i) for i, o in pairwise(widths)] for _ in range(3)]
    return points, rng.standard_normal((40, widths[0])) + 0.3, rng.standard_normal((40, widths[-1]))


def run(points, x, y, u, v):
    hidden = x.T
    for a, b, c in zip(*points, strict=True):
        hidden = (a + u * (b - a) + v * (c - a)) @ hidden
    return np.mean(np.sum((hidden.T - y) ** 2, axis=1))


@pytest.mark.parametrize("widths", [(3, 2), (4, 5, 3), (2, 6, 1, 4), (5, 4, 4, 4, 4, 2), (3,) * 9])
@pytest.mark.parametrize("region", [((0.0, 1.0), (0.0, 1.0)), ((-0.7, 1.9), (0.2, 1.4))])
def test_grid_is_the_network_run_on_the_data(widths, region):
    points, x, y = network(len(widths), widths)
    surface = plane.plane(*points, moments(x, y), region)
    u, v = np.linspace(*region[0], 5), np.linspace(*region[1], 4)
    exact = np.array([[run(points, x, y, a, b) for b in v] for a in u])
    assert np.max(np.abs(surface.grid(u, v) - exact)) <= 8 * surface.noise < 1e-10 * exact.max()
    low, high = surface.bounds()
    assert low <= exact.min() and exact.max() <= high * (1 + 1e-12)
    assert surface(*region).shape == (2,) and surface(0.3, 0.9).shape == ()
    assert float(surface(2.5, -1)) == pytest.approx(run(points, x, y, 2.5, -1), rel=1e-6)


def test_derivatives_are_those_of_finite_differences():
    points, x, y = network(0, (3, 4, 4, 2))
    surface = plane.plane(*points, moments(x, y), ((-0.5, 2.0), (0.0, 1.0)))
    rng, h = np.random.default_rng(1), 1e-4
    u, v = rng.uniform(-0.5, 1, (2, 20))
    for orders, difference in (
        ((1, 0), (surface(u + h, v) - surface(u - h, v)) / (2 * h)),
        ((0, 1), (surface(u, v + h) - surface(u, v - h)) / (2 * h)),
        ((0, 2), (surface.derivative(u, v + h, 0, 1) - surface.derivative(u, v - h, 0, 1)) / (2 * h)),
        ((1, 1), (surface.derivative(u, v + h, 1, 0) - surface.derivative(u, v - h, 1, 0)) / (2 * h)),
    ):
        assert surface.derivative(u, v, *orders) == pytest.approx(difference, rel=1e-6, abs=1e-5)
    fourth = plane.plane(*[p[:1] for p in network(0, (3, 2))[0]], moments(x, y), ((0, 1), (0, 1)))
    assert not fourth.derivative(u, v, 3, 0).any()


def test_a_line_in_the_plane_is_the_line_of_the_network():
    points, x, y = network(5, (4, 3, 3, 2))
    data = moments(x, y)
    surface = plane.plane(*points, data)
    t = np.linspace(-0.2, 1.2, 9)
    for k, (u, v) in enumerate(((t, 0 * t), (0 * t, t), (1 - t, t))):
        pair = [(0, 1), (0, 2), (1, 2)][k]
        exact = deep_linear.line(points[pair[0]], points[pair[1]], data)
        assert surface(u, v) == pytest.approx(exact(t), rel=1e-11)
    start, end = (0.3, -0.2), (0.9, 1.1)
    along = surface.line(start, end)
    assert along.degree == 6
    assert surface(0.3 + 0.6 * t, -0.2 + 1.3 * t) == pytest.approx(along(t), rel=1e-11)


def test_three_solutions_at_depth_2():
    rng = np.random.default_rng(2)
    m, x = rng.standard_normal((2, 4)), rng.standard_normal((30, 4))
    y = x @ m.T
    solutions = []
    for _ in range(3):
        a = rng.standard_normal((4, 4))
        solutions.append([a, m @ np.linalg.inv(a)])
    surface = plane.plane(*solutions, moments(x, y))
    for u, v in rng.uniform(-0.5, 1, (6, 2)):
        shares, total = (1 - u - v, u, v), np.zeros((2, 4))
        for i, j in ((0, 1), (0, 2), (1, 2)):
            (a, b), (c, d) = solutions[i], solutions[j]
            total += shares[i] * shares[j] * (b - d) @ (a - c)
        exact = np.mean(np.sum((x @ total.T) ** 2, axis=1))
        assert float(surface(u, v)) == pytest.approx(exact, rel=1e-9, abs=1e-9 * surface.bounds()[1])


POINTS, X, Y = network(0, (2, 3, 2))
DATA = moments(X, Y)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plane.plane(POINTS[0], POINTS[1], POINTS[1][:1], DATA), "shapes|outputs"),
        (lambda: plane.plane(POINTS[0], POINTS[0], POINTS[1], DATA), "length zero"),
        (lambda: plane.plane(POINTS[0], POINTS[1], POINTS[1], DATA), "on one line"),
        (
            lambda: plane.plane(POINTS[0], POINTS[1], [2 * b - a for a, b in zip(*POINTS[:2], strict=True)], DATA),
            "on one line",
        ),
        (lambda: plane.plane(*POINTS, DATA, ((0, 1), (1, 1))), "interval"),
        (lambda: plane.plane(*POINTS, Moments(1, np.eye(3), np.eye(3), 1.0)), "inputs"),
        (lambda: plane.plane(*[[1e100 * w for w in p] for p in POINTS], DATA), "overflows"),
        (lambda: plane.plane(*POINTS, DATA)([0, 1], [0, 1, 2]), "broadcast"),
        (lambda: plane.plane(*POINTS, DATA).derivative(0, 0, -1), "orders"),
        (lambda: plane.plane(*POINTS, DATA).line((0, 1), (0, 1)), "length zero"),
        (lambda: plane.derive(depth=0), "depth=0"),
        (lambda: plane.derive(width=1), "width=1"),
        (lambda: plane.draw(None, seed=-1), "seed=-1"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
