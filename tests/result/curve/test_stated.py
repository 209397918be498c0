"""The stated error of J: kept, joined, read off, and a rise just below and just above it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from landscape.result.curve import Curve, Surface, largest_rise, stated, tolerance
from landscape.result.curve.noise import rise_between, steepest
from landscape.result.saved import Result

ALPHAS = np.linspace(0.0, 1.0, 5)
FALL = np.array([2.0, 1.5, 1.0, 0.6, 0.5])
BOUND = np.array([0.0, 0.02, 0.03, 0.01, 0.0])


def line(values: np.ndarray = FALL, bound: np.ndarray | None = BOUND, floor: float = 1e-9) -> Curve:
    noise = {"floor": np.array([floor])}
    if bound is not None:
        noise |= {"bound": bound[:, None], "bound/error": bound[:, None] / 2, "passes": np.array([2.5])}
    return Curve(ALPHAS, values[:, None], {"error": values[:, None] / 4}, num_examples=100, noise=noise)


def plane(bound: float) -> Surface:
    axis = np.linspace(-1.0, 1.0, 3)
    values = (axis[:, None] ** 2 + axis**2)[:, :, None]
    bounds = np.full(values.shape, bound)
    bounds[0, 0] = 0.0
    return Surface(axis, axis, values, noise={"bound": bounds, "passes": np.array([4.0])})


@pytest.mark.parametrize(("height", "is_larger"), [(0.0499, False), (0.0501, True)])
def test_a_rise_must_exceed_the_bounds_of_both_its_ends(height: float, is_larger: bool) -> None:
    values = FALL.copy()
    values[2] = values[1] + height  # bounds of 0.02 and 0.03
    for noise in ({}, {"floor": np.array([1e-9])}):
        curve = line(values)
        curve = replace(curve, noise={**noise, "bound": curve.noise["bound"]})
        rise = steepest(curve, 0)
        assert rise is not None and rise.height == pytest.approx(height) and rise.bound == pytest.approx(0.05)
        assert (rise.is_larger, rise.noise) == (is_larger, pytest.approx(0.05))
        assert ("within the stated error" in str(curve)) is not is_larger
    within = rise_between(line(values, floor=1.0), 0, 0.25, 0.5)
    assert within is not None and within.noise == 2.0  # the larger of both decides
    plain = steepest(line(values, bound=None), 0)
    assert plain is not None and plain.bound == 0 and plain.is_larger


def test_tau_is_no_less_than_what_the_bound_can_do() -> None:
    assert tolerance(line(), 0) == pytest.approx((0.02 + 0.03) / 1.5)
    assert tolerance(line(bound=None), 0) == tolerance(line(bound=0 * BOUND), 0)
    zoom = line().at(ALPHAS[1:3])  # without a drop to compare with, as before
    assert tolerance(zoom, 0) == tolerance(replace(zoom, noise={}), 0)


def test_it_is_cut_joined_and_kept(tmp_path: Path) -> None:
    one, whole = line(), line(bound=None)
    both = one.beside(whole)
    assert both.noise["bound"].tolist() == [[value, 0.0] for value in BOUND.tolist()]
    assert both.noise["passes"].tolist() == [2.5, 5.0]  # in full: a pass for every point
    assert np.array_equal(whole.beside(one).noise["bound/error"][:, 1], BOUND / 2)
    assert both.columns([0]).noise["bound"].tolist() == one.noise["bound"].tolist()
    assert one.at(ALPHAS[2:4]).noise["bound"][:, 0].tolist() == [0.03, 0.01]
    assert "bound" not in whole.beside(whole).noise
    one.save(tmp_path / "curve.npz")
    assert Curve.load(tmp_path / "curve.npz") == one
    result = Result("a", "b", "full", {}, {}, curves={"train/deterministic": one}, surfaces={"s": plane(0.1)})
    result.save(tmp_path)
    again = Result.load(tmp_path)
    assert again.curves["train/deterministic"] == one and again.surfaces["s"] == plane(0.1)
    pair = plane(0.1).beside(replace(plane(0.0), noise={}))
    assert pair.noise["bound"].max(axis=(0, 1)).tolist() == [0.1, 0.0] and pair.noise["passes"].tolist() == [4.0, 9.0]


def test_it_is_told_with_every_number() -> None:
    curve, told = line(), str(line())
    assert (
        "J to within 3.0e-02, stated from a sample, not proven; 2 of 5 points in full, 2.5 passes over the data" in told
    )
    assert "never rises from point to point by more than 5.0e-02" in told and "in [0, 1]" not in told
    assert "by the stated error" in told
    assert "over the higher end; each to within 5.0e-02" in told
    assert (curve.summary()["bound"], curve.summary()["num_in_full"]) == ([0.03], [2.0])
    assert {"bound", "bound/error"} <= set(curve._frame())
    assert "stated" not in str(line(bound=None)) and "bound" not in line(bound=None).summary()
    near = str(line(np.array([2.0, 1.5, 1.0, 0.509, 0.5])))
    assert "0.5 at alpha = 1, or at one other by the stated error" in near and "or at" not in told
    beyond = replace(curve, alphas=2 * curve.alphas)
    assert "never rises from point to point in [0, 1] by more than" in str(beyond)
    surface = plane(0.6)
    assert (
        "J to within 6.0e-01, stated from a sample, not proven; 1 of 9 points in full" in str(surface)
        and "bound" in surface._frame()
    )


def test_a_minimum_that_the_bound_may_have_made_is_none() -> None:
    along, beside = np.array([1.0, 0.0, 0.5, 0.1, 1.0]), np.array([1.0, 0.0, 1.0])
    values = (along[:, None] + beside)[:, :, None]  # the second of two minima is left over a pass 0.4 above it
    for bound, num in ((0.19, 2.0), (0.21, 1.0)):
        surface = Surface(np.arange(5.0), np.arange(3.0), values, noise={"bound": np.full(values.shape, bound)})
        assert surface.summary()["num_minima"] == [num]


@pytest.mark.parametrize("seed", range(8))
def test_all_that_is_allowed_stays_within_the_bound_and_reaches_the_extremes(seed: int) -> None:
    """The largest rise on [0, 1] of every curve within the bound lies between the least and the most of these."""
    rng = np.random.default_rng(seed)
    alphas, values = np.linspace(-0.25, 1.25, 7), np.cumsum(rng.normal(size=7)) * np.linspace(2, 1, 7)
    bound = rng.uniform(0, 0.7, 7) * rng.integers(0, 2, 7)
    curve = Curve(alphas, values[:, None], {"error": values[:, None]}, noise={"bound": bound[:, None]})
    curve = replace(curve, noise={**curve.noise, "bound/error": bound[:, None] / 2})
    ways = list(stated.allowed(curve, lambda part: np.isin(part.alphas, [0.0, 1.0])))
    for way in ways:
        assert (np.abs(way["objective"][:, 0] - values) <= bound + 1e-15).all() and "bound" not in way["noise"]
        assert (np.abs(way["metrics"]["error"][:, 0] - values) <= bound / 2 + 1e-15).all()
    for sign in (1, -1):
        rises = [largest_rise(alphas, sign * way["objective"][:, 0]) for way in ways]
        pairs = [(a, b) for a in range(1, 6) for b in range(a + 1, 6)]
        apart = [sign * (values[b] - values[a]) for a, b in pairs]
        noise = [bound[a] + bound[b] for a, b in pairs]
        assert max(rises) == pytest.approx(max(0.0, *map(sum, zip(apart, noise, strict=True))))
        assert min(rises) == pytest.approx(max(0.0, *(height - off for height, off in zip(apart, noise, strict=True))))
