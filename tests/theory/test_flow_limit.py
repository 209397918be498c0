"""Ends of gradient flow against an accurate ODE, the line to them, and the two counterexamples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from theory import deep_linear
from theory.certificate.certify import certificate_of, certify
from theory.deep_linear import scalar
from theory.deep_linear.deep_mode import deep_mode
from theory.deep_linear.flow_limit import (
    COUNTEREXAMPLE,
    FlowLimit,
    flow_limit,
    line_of_modes,
    matrix_flow_end,
    slope_at_start,
)
from theory.deep_linear.projected import Run, project


def random_limit(rng: np.random.Generator, scale: float = 1.5) -> tuple[FlowLimit, float, int]:
    width, strength = int(rng.integers(1, 6)), float(rng.choice([-1, 1]) * np.exp(rng.normal()))
    u, v = rng.normal(size=(2, width)) * scale
    return flow_limit(u, v, strength), strength, width


def test_end_is_the_ode_s() -> None:
    rng = np.random.default_rng(0)
    for _ in range(8):
        limit, strength, width = random_limit(rng, 0.6)

        def flow(_: float, w: np.ndarray, s: float = strength, n: int = width) -> np.ndarray:
            return (s - w[:n] @ w[n:]) * np.concatenate([w[n:], w[:n]])

        run = solve_ivp(flow, (0, 20 / abs(strength)), limit.start.ravel(), method="DOP853", rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(run.y[:, -1], limit.end.ravel(), rtol=0, atol=1e-10)


def test_the_line_is_its_kappa_and_falls() -> None:
    rng, alphas = np.random.default_rng(1), np.linspace(0, 1, 101)
    for _ in range(200):
        limit, strength, _ = random_limit(rng)
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


def test_depth_3_is_not_monotone() -> None:
    start = scalar.DEPTH_3_START
    end = deep_mode(start).end
    assert list(end) == pytest.approx(scalar.flow_limit(start), abs=1e-14)

    def flow(_: float, w: np.ndarray) -> np.ndarray:
        return (1 - w.prod()) * np.array([w[1] * w[2], w[0] * w[2], w[0] * w[1]])

    run = solve_ivp(flow, (0, 200), start, method="DOP853", rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(run.y[:, -1], end, rtol=0, atol=1e-10)
    curve = scalar.line(start, end)
    top = curve.maxima()[0]
    assert (float(curve(0.0)), top.objective, top.alpha) == pytest.approx((1.019454, 1.019649, 0.0175), abs=5e-5)
    layers = [[np.array([[w]]) for w in point] for point in (start, end)]
    one = np.ones((1, 1))
    certificate = certify(*layers, deep_linear.Moments(1, one, one, 1.0))
    assert certificate.direction is None and certificate(0.0175) > certificate(0)


def test_depth_2_without_alignment_is_not_monotone() -> None:
    first, second = (np.array(w) for w in COUNTEREXAMPLE)
    end = matrix_flow_end(first, second, np.eye(2))
    assert np.max(np.abs(end[1] @ end[0] - np.eye(2))) < 1e-11

    def flow(_: float, w: np.ndarray) -> np.ndarray:
        a, b = w[:6].reshape(3, 2), w[6:].reshape(2, 3)
        return np.concatenate([(b.T @ (np.eye(2) - b @ a)).ravel(), ((np.eye(2) - b @ a) @ a.T).ravel()])

    start = np.concatenate([first.ravel(), second.ravel()])
    run = solve_ivp(flow, (0, 60), start, method="RK45", rtol=1e-10, atol=1e-12)  # not the library's method
    np.testing.assert_allclose(run.y[:, -1], np.concatenate([w.ravel() for w in end]), rtol=0, atol=1e-7)
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


@pytest.mark.parametrize(
    ("call", "needle"),
    [
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
    ],
)
def test_bad_input(call: Callable[[], object], needle: str) -> None:
    with pytest.raises(ValueError, match=needle):
        call()
