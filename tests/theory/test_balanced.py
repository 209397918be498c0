"""One unit and balanced networks against the flow integrated as written and against each other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from theory.deep_linear import balanced, dynamics
from theory.deep_linear.balanced import balanced_start, one_unit
from theory.deep_linear.projected import project

Floats = NDArray[np.float64]
TIMES = np.array([0.0, 0.2, 1.0, 4.0])


def ode(first: Floats, second: Floats, target: Floats, times: Floats) -> list[tuple[Floats, Floats]]:
    def split(w: Floats) -> tuple[Floats, Floats]:
        return w[: first.size].reshape(first.shape), w[first.size :].reshape(second.shape)

    def flow(_: float, w: Floats) -> Floats:
        a, b = split(w)
        return np.concatenate([(b.T @ (target - b @ a)).ravel(), ((target - b @ a) @ a.T).ravel()])

    start = np.concatenate([first.ravel(), second.ravel()])
    run = solve_ivp(flow, (0, times[-1]), start, t_eval=times, method="DOP853", rtol=1e-11, atol=1e-13)
    return [split(w) for w in run.y.T]


def random_unit(rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    inputs, outputs = rng.integers(1, 5, size=2)
    return rng.normal(size=inputs), rng.normal(size=outputs), rng.normal(size=(outputs, inputs))


def test_one_unit_is_the_ode() -> None:
    rng = np.random.default_rng(0)
    for _ in range(10):
        a, b, target = random_unit(rng)
        run = one_unit(a, b, target)
        points = np.array([np.concatenate([x[0], y[:, 0]]) for x, y in ode(a[None], b[:, None], target, TIMES)])
        np.testing.assert_allclose(run(TIMES), points, rtol=0, atol=1e-9)
        along, off = project(points, run.start, run.end)
        np.testing.assert_allclose(run.projection(TIMES), along, rtol=0, atol=1e-9)
        np.testing.assert_allclose(run.residual_norm(TIMES), off, rtol=0, atol=1e-9)
        split = run(TIMES)
        assert np.ptp((split[:, len(a) :] ** 2).sum(1) - (split[:, : len(a)] ** 2).sum(1)) < 1e-12


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


@pytest.mark.parametrize(("width", "imbalance"), [(1, 0.4), (2, 0.0), (3, 0.7), (3, -0.5)])
def test_gram_is_the_ode(width: int, imbalance: float) -> None:
    rng = np.random.default_rng(width)
    first, second = balanced_start(width, 4, 5, imbalance, 0.4, rng)
    target = rng.normal(size=(5, 4))
    run = balanced.balanced(first, second, target)
    assert run.imbalance == pytest.approx(imbalance, abs=1e-12)
    found, products = run.gram(TIMES), run.product(TIMES)
    for gram, product, (a, b) in zip(found, products, ode(first, second, target, TIMES), strict=True):
        stack = np.concatenate([a.T, b])
        np.testing.assert_allclose(gram, stack @ stack.T, rtol=0, atol=1e-8)
        np.testing.assert_allclose(product, b @ a, rtol=0, atol=1e-8)


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
    a, b = ode(first, second, target, np.array([1.5]))[0]
    np.testing.assert_allclose(found, np.concatenate([a.T, b]), rtol=0, atol=1e-8)
    np.testing.assert_allclose(y @ y.T, np.linalg.inv(norm(1.5)), rtol=0, atol=1e-8)


ONE = np.ones((1, 1))


@pytest.mark.parametrize(
    ("call", "needle"),
    [
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
    ],
)
def test_bad_input(call: Callable[[], object], needle: str) -> None:
    with pytest.raises(ValueError, match=needle):
        call()
