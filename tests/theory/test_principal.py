"""The principal axes of a walk: closed forms against the matrices, and against walks that were walked."""

from __future__ import annotations

import numpy as np
import pytest

from tests.theory.refusals import refuses
from theory.walk import principal, variants


@pytest.mark.parametrize("num", [2, 3, 17])
@pytest.mark.parametrize("origin", ["mean", "start", "end"])
def test_eigenvalues_are_those_of_the_inner_products(num: int, origin: str) -> None:
    """Written out: E X_s . X_t is min(s, t) per dimension."""
    at = {"mean": None, "start": 0, "end": num - 1}[origin]
    walk = np.array([[min(s, t) for t in range(num)] for s in range(num)], dtype=float)
    away = np.eye(num) - (1 / num if at is None else np.eye(num)[at])
    wanted = np.linalg.eigvalsh(away @ walk @ away.T)[::-1]
    values, vectors = principal.axes_of(np.arange(num), at)
    assert values == pytest.approx(wanted, abs=1e-12 * num**2) and values[-1] < 1e-12 * num**2
    assert principal.eigenvalues(num, at is None) == pytest.approx(wanted[:-1], rel=1e-10)
    k = np.arange(1, num)
    waves = np.cos((np.arange(num)[:, None] + 0.5) * np.pi * k / num)
    if at is not None:
        waves = np.sin(np.abs(np.arange(num) - at)[:, None] * np.pi * (2 * k - 1) / (2 * num - 1))
    waves /= np.linalg.norm(waves, axis=0)
    assert np.abs((waves * vectors[:, :-1]).sum(axis=0)) == pytest.approx(1, abs=1e-10)
    place = principal.coordinates(np.arange(num), at, num - 1)
    assert np.abs(place) == pytest.approx(np.abs(np.sqrt(wanted[:-1]) * waves), abs=1e-10 * num)
    assert (place[0] < 0).all() if at != 0 else (place[-1] > 0).all()


def test_the_limits_are_those_of_the_paper() -> None:
    k = np.arange(1, 5)
    for is_centred, limit in ((True, 6 / (np.pi * k) ** 2), (False, 8 / (np.pi * (2 * k - 1)) ** 2)):
        values = principal.eigenvalues(1000, is_centred)
        assert values.sum() == pytest.approx((1000**2 - 1) / 6 if is_centred else 1000 * 999 / 2, rel=1e-12)
        assert values[:4] / values.sum() == pytest.approx(limit, rel=2e-3)
    assert principal.shares(np.arange(300), dimension=1e9)[0][:2] == pytest.approx([0.608, 0.152], abs=5e-4)
    assert principal.shares(np.arange(300), 299)[0][:2] == pytest.approx([0.811, 0.090], abs=5e-4)


def test_a_clock_that_is_uneven_is_that_of_a_walk_with_a_schedule() -> None:
    """Steps of another length: the covariance of ``variants.scheduled`` is the minimum of the clocks."""
    rates = np.array([1.0, 0.1, 3.0, 0.5, 0.5])
    clock = np.concatenate([[0.0], np.cumsum(rates**2)])
    rng = np.random.default_rng(0)
    path = np.zeros((6, 20_000))
    path[1:] = np.cumsum(rates[:, None] * rng.standard_normal((5, 20_000)), axis=0)
    assert variants.scheduled(rates)[0] == pytest.approx(clock / clock[-1])
    for origin in (None, 0, 2, 5):
        moved = path - (path.mean(axis=0) if origin is None else path[origin])
        seen = np.linalg.svd(moved, compute_uv=False) ** 2
        mean, spread = principal.shares(clock, origin, 20_000)
        assert np.all(np.abs(np.cumsum(seen / seen.sum() - mean)) < 4 * spread + 1e-12)


@pytest.mark.parametrize("dimension", [1, 3, 200])
def test_shares_in_few_dimensions(dimension: int) -> None:
    """Drawn below 100 dimensions, the first order from there on: both against other walks."""
    size, num = 9, 1500
    rng = np.random.default_rng(7)
    paths = np.cumsum(rng.standard_normal((num, size, dimension)), axis=1)
    seen = np.linalg.svd(paths - paths.mean(axis=1, keepdims=True), compute_uv=False) ** 2
    parts = seen / seen.sum(axis=1, keepdims=True)
    mean, spread = principal.shares(np.arange(size), None, dimension)
    errors = spread[:2] * np.sqrt(1 / num + (1 / principal.NUM_DRAWN if dimension < 100 else 0))
    wanted = np.pad(parts, ((0, 0), (0, size)))[:, :size].cumsum(axis=1)
    assert np.all(np.abs(wanted.mean(axis=0)[:2] - mean.cumsum()[:2]) <= 4 * errors + 1e-12)
    assert wanted.std(axis=0)[:2] == pytest.approx(spread[:2], rel=0.12, abs=1e-12)
    assert mean.sum() == pytest.approx(1, abs=0.01)


def test_a_walk_has_the_cosines_and_a_straight_run_has_one_of_them() -> None:
    clock = np.arange(50)
    assert principal.cosine_content(principal.coordinates(clock, None, 3), clock) == pytest.approx(1)
    straight = (clock - clock.mean())[:, None]
    assert principal.cosine_content(straight, clock) == pytest.approx([96 / np.pi**4], abs=1e-3)


test_refusals = refuses(
    (lambda: principal.eigenvalues(1), "num_points=1 is not allowed"),
    (lambda: principal.axes_of([1.0]), r"shape \(1,\)"),
    (lambda: principal.axes_of([0.0, 2.0, 1.0]), "must be finite, not fall"),
    (lambda: principal.axes_of([1.0, 1.0]), "end later than it begins"),
    (lambda: principal.axes_of([0.0, 1.0], 2), "origin=2 is none of the 2 points; use 0 to 1"),
    (lambda: principal.shares([0.0, 1.0], dimension=0), "dimension=0 is not allowed"),
    (lambda: principal.derive(num_points=3), "num_points=3 is not allowed"),
)
