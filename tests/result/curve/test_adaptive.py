"""Adaptive placement on cubics, hand-made bumps and the saved curves of real runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from landscape.result.curve import Array
from landscape.result.curve.adaptive import Probe, cubic, refine, turns
from landscape.result.saved import Result

RESULTS = Path(__file__).parents[3] / "docs" / "results"


def counted(value: object, slope: object) -> tuple[Probe, list[int]]:
    """A probe of one column that remembers how many points it was asked for."""
    asked: list[int] = []

    def probe(alphas: Array) -> tuple[Array, Array]:
        asked.append(len(alphas))
        return value(alphas)[:, None], slope(alphas)[:, None]  # type: ignore[operator]

    return probe, asked


def test_a_cubic_is_foretold_at_once() -> None:
    p = np.polynomial.Polynomial([0.3, -2.0, 0.7, 1.1])
    probe, asked = counted(p, p.deriv())
    found = refine(probe, np.array([-0.5, 0.2, 1.0, 1.7]), tolerance=1e-12)
    assert asked == [4, 3] and found.is_met and found.error < 1e-14
    at = np.linspace(-0.5, 1.7, 33)
    value, slope = cubic(found.alphas, found.values, found.slopes, at)
    assert np.allclose(value[:, 0], p(at), rtol=0, atol=1e-13) and np.allclose(slope[:, 0], p.deriv()(at), atol=1e-12)
    inside = [r for r in p.deriv().roots() if 0 < r < 1]
    assert turns_of(found) == pytest.approx(inside)


def bumpy(place: float, width: float, height: float, steep: float = 0.0) -> tuple[Any, Any]:
    """A falling line with a bump, and beyond alpha = 1 a steep rise: value and slope."""

    def bump(a: Array) -> Any:
        return height * np.exp(-(((a - place) / width) ** 2))

    return (
        lambda a: 1 - a + bump(a) + steep * np.clip(a - 1, 0, None) ** 3,
        lambda a: -1 - 2 * bump(a) * (a - place) / width**2 + 3 * steep * np.clip(a - 1, 0, None) ** 2,
    )


def turns_of(found: Any) -> list[float]:
    return turns(found.alphas, found.values[:, 0], found.slopes[:, 0])


@pytest.mark.parametrize("width", [0.2, 0.05, 0.02, 0.005])
@pytest.mark.parametrize("place", [0.31, 0.5, 0.77])
def test_a_bump_that_touches_a_sample_or_a_middle_is_found(width: float, place: float) -> None:
    """On a falling line, heights of a tenth of the drop; the start grid is fine enough to touch it."""
    value, slope = bumpy(place, width, 0.1)
    probe, asked = counted(value, slope)
    start = np.linspace(0, 1, 1 + int(np.ceil(1 / (4 * width))))
    found = refine(probe, start, tolerance=1e-3, max_points=4000)
    fine = np.linspace(0, 1, 20001)
    seen = np.flatnonzero(np.diff(np.sign(np.diff(value(fine)))) != 0)
    assert turns_of(found) == pytest.approx(fine[seen + 1].tolist(), abs=0.02 * width + 1e-4)
    off = np.abs(cubic(found.alphas, found.values, found.slopes, fine)[0][:, 0] - value(fine))
    assert found.is_met and off.max() < 1e-3
    assert sum(asked) == len(found.alphas) < 20 / width


def test_a_bump_between_samples_can_be_missed_and_the_width_says_so() -> None:
    probe, _ = counted(lambda a: 1 - a + np.exp(-(((a - 0.3137) / 1e-4) ** 2)), lambda a: -np.ones_like(a))
    found = refine(probe, np.linspace(0, 1, 11))
    assert found.is_met and found.error < 1e-12 and turns_of(found) == []
    assert found.width == pytest.approx(0.1) and found.width > 1e-4


def test_a_small_bump_before_a_steep_rise_is_found() -> None:
    """Beyond alpha = 1 the curve is five hundred times its drop; the tolerance inside is one of the drop."""
    value, slope = bumpy(0.43, 0.03, 0.06, steep=500.0)
    found = refine(counted(value, slope)[0], np.arange(20) / 9)
    told = turns_of(found)
    fine = np.linspace(0, 1, 10001)
    seen = fine[1:-1][np.diff(np.sign(np.diff(value(fine)))) != 0]
    assert found.is_met and len(seen) == 2 and told == pytest.approx(seen.tolist(), abs=1e-3)


def test_rounding_is_no_misfit() -> None:
    """A flat line with noise of one part in a million stops at once; told nothing of it, it is halved to the end."""
    rng = np.random.default_rng(0)

    def probe(alphas: Array) -> tuple[Array, Array]:
        return 2.3 + 1e-7 * rng.standard_normal((len(alphas), 1)), np.zeros((len(alphas), 1))

    start = np.linspace(0, 1, 10)
    assert len(refine(probe, start, rounding=1e-6).alphas) == 19
    assert not refine(probe, start, max_points=60).is_met


def test_the_gap_is_that_of_the_points() -> None:
    found = refine(counted(lambda a: a**2, lambda a: 2 * a)[0], np.array([0.0, 0.1, 0.5]))
    assert found.gap == pytest.approx(0.2) and found.width == pytest.approx(0.4)


def test_points_run_out_in_the_open() -> None:
    probe, asked = counted(lambda a: np.sin(200 * a), lambda a: 200 * np.cos(200 * a))
    found = refine(probe, np.linspace(0, 1, 9), tolerance=1e-6, max_points=60)
    assert not found.is_met and sum(asked) == len(found.alphas) == 60
    assert (np.diff(found.alphas) > 0).all()


def test_a_step_ends_at_the_smallest_width() -> None:
    probe, _ = counted(lambda a: (a > 0.4321).astype(float), np.zeros_like)
    found = refine(probe, np.linspace(0, 1, 5), min_width=1e-3, max_points=10_000)
    assert not found.is_met and np.diff(found.alphas).min() >= 1e-3 and len(found.alphas) < 60


def test_the_worst_column_decides() -> None:
    def probe(a: Array) -> tuple[Array, Array]:
        return np.stack([a, np.sin(20 * a)], 1), np.stack([np.ones_like(a), 20 * np.cos(20 * a)], 1)

    alone = refine(lambda a: tuple(v[:, :1] for v in probe(a)), np.linspace(0, 1, 5))  # type: ignore[arg-type,return-value]
    both = refine(probe, np.linspace(0, 1, 5))
    assert len(alone.alphas) == 9 and len(both.alphas) > 20 and both.is_met


def saved() -> list[tuple[str, CubicSpline, float, float]]:
    """Every saved measured line of figures 1 to 8 as a smooth curve through its samples."""
    found = []
    for folder in sorted(path.parent for path in RESULTS.glob("fig0[1-8]*/*/**/result.json")):
        for name, curve in Result.load(folder).curves.items():
            if curve.source == "measured" and len(curve.alphas) > 8:
                for s in range(curve.objective.shape[1]):
                    if np.isfinite(curve.objective[:, s]).all():
                        spline = CubicSpline(curve.alphas, curve.objective[:, s])
                        found.append((f"{folder.name}/{name}/{s}", spline, curve.alphas[0], curve.alphas[-1]))
    return found


@pytest.mark.parametrize("tolerance", [1e-3, 1e-4])
def test_no_extremum_of_a_saved_curve_is_missed(tolerance: float) -> None:
    """Those that a grid of 1,000 points shows, and that stand out of the curve by more than the tolerance."""
    from scipy.signal import find_peaks

    lines = saved()
    assert len(lines) >= 20
    for name, spline, first, last in lines:
        probe, asked = counted(spline, spline.derivative())
        found = refine(probe, np.linspace(first, last, 20), tolerance)
        fine = np.linspace(first, last, 1000)
        told = np.array(turns(found.alphas, found.values[:, 0], found.slopes[:, 0], first, last))
        for sign in (1, -1):
            peaks, _ = find_peaks(sign * spline(fine), prominence=2 * tolerance * np.ptp(spline(fine)))
            for peak in fine[peaks]:
                assert len(told) and np.abs(told - peak).min() < (last - first) / 200, (name, peak)
        assert found.is_met and sum(asked) < 400, name
