"""Two layers under gradient flow: their ends, the line to them and its counterexample, one unit, balanced ones."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from tests.theory.refusals import refuses
from tests.theory.twins import flat, followed
from theory import deep_linear
from theory.certificate.certify import certificate_of
from theory.deep_linear import balanced, dynamics, scalar
from theory.deep_linear.balanced import balanced_start, one_unit
from theory.deep_linear.flow_limit import (
    COUNTEREXAMPLE,
    FlowLimit,
    flow_limit,
    line_of_modes,
    matrix_flow_end,
    slope_at_start,
)
from theory.deep_linear.projected import Run, project

Floats = NDArray[np.float64]


def random_limit(rng: np.random.Generator, scale: float = 1.5) -> tuple[FlowLimit, float]:
    width, strength = int(rng.integers(1, 6)), float(rng.choice([-1, 1]) * np.exp(rng.normal()))
    u, v = rng.normal(size=(2, width)) * scale
    return flow_limit(u, v, strength), strength


def test_end_is_the_ode_s() -> None:
    rng = np.random.default_rng(0)
    for _ in range(8):
        limit, strength = random_limit(rng, 0.6)
        u, v = limit.start
        points = followed([u[:, None], v[None]], np.array([[strength]]), [20 / abs(strength)])
        np.testing.assert_allclose(points[0], limit.end.ravel(), rtol=0, atol=1e-10)


def test_the_line_is_its_kappa_and_falls() -> None:
    rng, alphas = np.random.default_rng(1), np.linspace(0, 1, 101)
    for _ in range(200):
        limit, strength = random_limit(rng)
        at = (1 - alphas)[:, None, None] * limit.start + alphas[:, None, None] * limit.end
        plain = (strength - np.sum(at[:, 0] * at[:, 1], axis=1)) ** 2
        np.testing.assert_allclose(limit.objective(alphas), plain, rtol=0, atol=1e-12 * max(1, float(plain.max())))
        assert abs(limit.kappa) <= limit.bound() * (1 + 1e-12) < 1
        assert np.all(np.diff(limit.objective(alphas)) < 0)


def test_kappa_is_the_scalar_model_s() -> None:
    limit = flow_limit(0.1, 0.05)
    assert limit.kappa == pytest.approx(0.859390, abs=5e-7)
    assert limit.end.ravel() == pytest.approx([1.001877, 0.998127], abs=5e-7)
    assert limit.kappa == pytest.approx(scalar.kappa((0.1, 0.05), limit.end.ravel()), rel=1e-12)


def test_aligned_modes_add_and_fall_and_are_the_network() -> None:
    rng, alphas = np.random.default_rng(2), np.linspace(0, 1, 51)
    strengths = np.array([2.0, 0.7, 0.2])
    starts = rng.normal(size=(2, 3))
    limits = [flow_limit(a, b, s) for a, b, s in zip(*starts, strengths, strict=True)]
    total = line_of_modes(limits, alphas)
    low, high = (
        [np.diag([limit.__dict__[end][i, 0] for limit in limits]) for i in range(2)] for end in ("start", "end")
    )
    data = deep_linear.Moments(1, np.eye(3), np.diag(strengths), float(strengths @ strengths))
    np.testing.assert_allclose(deep_linear.line(low, high, data)(alphas), total, rtol=0, atol=1e-13)
    assert np.all(np.diff(total) < 0)


def test_extreme_starts_keep_their_digits() -> None:
    tiny = flow_limit(1e-70, 2e-70)
    assert tiny.end.ravel() == pytest.approx([1, 1], rel=1e-14) and tiny.growth == pytest.approx(2 / 3e-70, rel=1e-14)
    near = flow_limit(2.0, 0.5 + 2**-40)  # κ is (ϱ - 1)/2 times a number of order one: no digit may be lost to ϱ - 1
    assert near.kappa == pytest.approx(-(2.0**-39) * 4 / 8.5**2, rel=1e-9)


def test_depth_2_without_alignment_is_not_monotone() -> None:
    first, second = (np.array(w) for w in COUNTEREXAMPLE)
    end = matrix_flow_end(first, second, np.eye(2))
    assert np.max(np.abs(end[1] @ end[0] - np.eye(2))) < 1e-11
    points = followed([first, second], np.eye(2), [60], method="RK45")  # not the library's method
    np.testing.assert_allclose(points[0], flat(end), rtol=0, atol=1e-7)
    data = deep_linear.Moments(1, np.eye(2), np.eye(2), 2.0)
    curve = deep_linear.line([first, second], end, data)
    slope = slope_at_start(first, second, np.eye(2))
    assert slope == pytest.approx(float(curve.derivative(0.0) / curve(0.0)), rel=1e-9) and 0.004 < slope < 0.01
    assert certificate_of(curve).direction is None and curve.largest_rise() > 4e-6
    # the imbalance that makes it possible is no multiple of the identity
    excess = second.T @ second - first @ first.T
    assert np.max(np.abs(excess - np.trace(excess) / 3 * np.eye(3))) > 0.1


def test_projection_of_points() -> None:
    along, off = project(np.array([[1.0, 2.0, 3.0], [1.0, 5.0, 3.0]]), np.array([1.0, 2, 3]), np.array([1.0, 5, 7]))
    np.testing.assert_allclose([along, off], [[0, 9 / 5], [0, 12 / 5]], atol=1e-15)


test_bad_input_of_limits = refuses(
    (lambda: flow_limit([1.0, 2.0], [1.0]), "same H"),
    (lambda: flow_limit([], []), "same H"),
    (lambda: flow_limit(float("nan"), 1.0), "finite"),
    (lambda: flow_limit(1e90, 1.0), "at most"),
    (lambda: flow_limit(0.3, -0.3), "saddle"),
    (lambda: flow_limit(0.3, 0.3, -1.0), "saddle"),
    (lambda: flow_limit(2.0, 0.5), "length zero"),
    (lambda: flow_limit(2.0, 0.1, 0.0), "strength=0"),
    (lambda: flow_limit(2.0, 0.1, float("inf")), "strength=inf"),
    (lambda: line_of_modes([], [0.5]), "no mode"),
    (lambda: matrix_flow_end([[1.0]], [[1.0, 2.0]], [[1.0]]), "chain|give"),
    (lambda: matrix_flow_end([[np.nan]], [[1.0]], [[1.0]]), "finite"),
    (lambda: project(np.ones((1, 2)), np.ones(2), np.ones(2)), "length zero"),
    (lambda: Run(np.zeros(1), np.ones(1), lambda t: t[:, None])([-1.0]), "0 or more"),
    (lambda: Run(np.zeros(1), np.ones(1), lambda t: t[:, None])([]), "at least one"),
)


TIMES = np.array([0.0, 0.2, 1.0, 4.0])


def random_unit(rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    inputs, outputs = rng.integers(1, 5, size=2)
    return rng.normal(size=inputs), rng.normal(size=outputs), rng.normal(size=(outputs, inputs))


def test_one_unit_at_its_end() -> None:
    rng = np.random.default_rng(1)
    for _ in range(10):
        a, b, target = random_unit(rng)
        run = one_unit(a, b, target)
        np.testing.assert_allclose(run([1e4, 1e300]), [run.end] * 2, rtol=0, atol=1e-10 * np.linalg.norm(run.end))
        left, sizes, right = np.linalg.svd(target)  # the best map of rank one, and nothing else
        best = sizes[0] * np.outer(left[:, 0], right[0])
        np.testing.assert_allclose(run.product([1e300])[0], best, rtol=0, atol=1e-12 * sizes[0])


def test_one_unit_of_one_input_and_output_is_the_mode() -> None:
    run, plain = one_unit([0.3], [-0.1], [[1.4]]), dynamics.mode(0.3, -0.1, 1.4)
    np.testing.assert_allclose(run(TIMES), plain(TIMES), rtol=0, atol=1e-13)
    np.testing.assert_allclose(run.residual_norm(TIMES), plain.residual_norm(TIMES), rtol=0, atol=1e-13)


def test_gram_at_late_times_in_any_order() -> None:
    rng = np.random.default_rng(8)
    run = balanced.balanced(*balanced_start(2, 3, 4, 0.3, 0.05, rng), rng.normal(size=(4, 3)))
    late, zero, later = run.product([1e3, 0.0, 1e12])
    left, sizes, right = np.linalg.svd(run.target, full_matrices=False)
    np.testing.assert_allclose(late, (left[:, :2] * sizes[:2]) @ right[:2], rtol=0, atol=1e-11)
    np.testing.assert_allclose(later, late, rtol=0, atol=1e-11)
    np.testing.assert_allclose(zero, run.weights_2 @ run.weights_1, rtol=0, atol=1e-14)


def test_many_small_steps_are_one() -> None:
    rng = np.random.default_rng(9)
    run = balanced.balanced(*balanced_start(3, 3, 4, -0.3, 0.2, rng), rng.normal(size=(4, 3)))
    np.testing.assert_allclose(run.gram(np.linspace(0, 3, 61))[-1], run.gram([3.0])[0], rtol=0, atol=1e-12)


def test_the_hidden_units_turn_as_the_step_says() -> None:
    """Q = B Y, Y' = -½ N⁻¹N'Y: the one step that sympy does not prove."""
    rng = np.random.default_rng(4)
    first, second = balanced_start(2, 3, 4, 0.6, 0.5, rng)
    target = rng.normal(size=(4, 3))
    f = np.block([[-0.3 * np.eye(3), target.T], [target, 0.3 * np.eye(4)]])
    growth, basis = np.linalg.eigh(f)
    rows = basis.T @ np.concatenate([first.T, second])

    def norm(t: float) -> Floats:
        return np.eye(2) + (rows.T * (np.expm1(2 * growth * t) / (2 * growth))) @ rows

    def turn(t: float, y: Floats) -> Floats:
        rate = (rows.T * np.exp(2 * growth * t)) @ rows
        return (-np.linalg.solve(norm(t), rate) @ y.reshape(2, 2) / 2).ravel()

    y = solve_ivp(turn, (0, 1.5), np.eye(2).ravel(), method="DOP853", rtol=1e-11, atol=1e-13).y[:, -1].reshape(2, 2)
    found = (basis * np.exp(growth * 1.5)) @ rows @ y
    ends = followed([first, second], target, [1.5])[0]
    stack = np.concatenate([ends[:6].reshape(2, 3).T, ends[6:].reshape(4, 2)])
    np.testing.assert_allclose(found, stack, rtol=0, atol=1e-8)
    np.testing.assert_allclose(y @ y.T, np.linalg.inv(norm(1.5)), rtol=0, atol=1e-8)


ONE = np.ones((1, 1))
test_bad_input_of_balanced = refuses(
    (lambda: one_unit([1.0], [1.0, 2.0], ONE), "C, D"),
    (lambda: one_unit([], [], np.ones((0, 0))), "C, D"),
    (lambda: one_unit([np.nan], [1.0], ONE), "a_0 must be finite"),
    (lambda: one_unit([1.0], [1e200], ONE), "b_0 must be finite"),
    (lambda: one_unit([0.5], [-0.5], ONE), "saddle"),
    (lambda: one_unit([0.0, 0.3], [0.0, 0.2], np.diag([2.0, 1.0])), "saddle"),
    (lambda: one_unit([0.5], [0.5], 0 * ONE), "saddle"),
    (lambda: one_unit([1.0], [1.0], ONE), "length zero"),
    (lambda: one_unit([0.5], [1.0], ONE)([-1.0]), "times"),
    (lambda: balanced.balanced(ONE, np.ones((1, 2)), ONE), "give"),
    (lambda: balanced.balanced([1.0], ONE, ONE), "give"),
    (lambda: balanced.balanced(ONE, ONE, np.inf * ONE), "target must be finite"),
    (lambda: balanced.balanced(np.eye(2), np.diag([1.0, 2.0]), np.eye(2)), "start balanced"),
    (lambda: balanced_start(3, 2, 4, 0.1, 1.0, np.random.default_rng(0)), "width=3"),
    (lambda: balanced_start(1, 2, 4, np.nan, 1.0, np.random.default_rng(0)), "imbalance=nan"),
    (lambda: balanced_start(1, 2, 4, 0.0, 0.0, np.random.default_rng(0)), "scale=0"),
    (lambda: balanced.derive(width=0), "width=0"),
    (lambda: balanced.derive(width=17), "width=17"),
    (lambda: balanced.derive(seed=-1), "seed=-1"),
    (lambda: balanced.derive(imbalance=float("nan")), "imbalance=nan"),
)
