"""Numbers of a surface against slow plain twins, on rough grids that are not even."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from landscape.result.curve import Array
from landscape.result.curve.terrain import bends, minima, pass_between, rays, share_below

Place = tuple[int, int]


def rough(seed: int, shape: Place = (7, 9), num_holes: int = 4) -> Array:
    """Values like a rugged surface, some of them unknown."""
    random = np.random.default_rng(seed)
    values = random.standard_normal(shape)
    values.flat[random.choice(values.size, num_holes, replace=False)] = [np.nan, np.inf] * (num_holes // 2)
    return values


def near(place: Place, values: Array) -> list[Place]:
    """The neighbours of a place whose values are known."""
    found = [(place[0] + i, place[1] + j) for i, j in product((-1, 0, 1), repeat=2) if (i, j) != (0, 0)]
    rows, columns = values.shape
    return [(i, j) for i, j in found if 0 <= i < rows and 0 <= j < columns and np.isfinite(values[i, j])]


def heights(start: Place, values: Array) -> dict[Place, float]:
    """The least height of a way's highest point, to every place that one leads to: relaxed until nothing changes."""
    found = {start: float(values[start])}
    while True:
        before = dict(found)
        for place, height in before.items():
            for other in near(place, values):
                found[other] = min(found.get(other, math.inf), max(height, float(values[other])))
        if found == before:
            return found


@pytest.mark.parametrize("seed", range(6))
def test_minima_and_passes_are_those_of_the_plain_twin(seed: int) -> None:
    values = rough(seed)
    places = [(int(i), int(j)) for i, j in np.argwhere(np.isfinite(values))]
    lows = [p for p in places if all(values[p] < values[other] for other in near(p, values))]
    found = {one.place: one for one in minima(values)}
    assert sorted(found) == sorted(lows) and found
    assert [one.value for one in found.values()] == sorted(values[p] for p in lows)
    for place, one in found.items():
        ways = heights(place, values)
        lower = [height for other, height in ways.items() if values[other] < values[place]]
        assert one.climb == pytest.approx(min(lower, default=math.inf) - values[place], abs=1e-15)
        assert one.is_inside == (len(near(place, values)) == 8)
        for other in places:
            assert pass_between(values, place, other) == ways.get(other, math.inf)


def test_a_flat_floor_is_one_minimum_and_a_hole_none() -> None:
    values = np.ones((5, 5))
    values[1:4, 2] = 0.0
    (one,) = minima(values)
    assert one.value == 0 and one.climb == math.inf
    assert minima(np.full((3, 3), np.nan)) == [] and pass_between(np.full((3, 3), np.nan), (0, 0), (2, 2)) == math.inf


def test_shares_are_areas_whatever_the_grid() -> None:
    """A half plane, cut between two rows of the grid: the same on an even grid and on one with a row more elsewhere."""
    even, more = np.linspace(-1, 1, 5), np.array([-1, -0.9, -0.5, 0, 0.5, 1])
    for first in (even, more):
        slope = np.repeat(first[:, None], 3, axis=1)
        assert share_below(first, np.array([0.0, 1.0, 5.0]), slope, 0.3) == pytest.approx(1.25 / 2)
        slope[0] = np.nan
        assert share_below(first, np.array([0.0, 1.0, 5.0]), slope, 9.0) == pytest.approx(1 - (first[1] + 1) / 4)


def test_rays_are_straight_and_go_to_the_edge() -> None:
    """Along each a linear function goes by equal steps; together they name 32 directions."""
    first, second = np.linspace(-1, 1, 25), np.linspace(0, 3, 31)
    a, b = np.meshgrid(first, second, indexing="ij")
    slope = a + 2 * b
    found = rays(first, second, slope, (12, 15))
    assert len(found) == 32 and min(map(len, found)) == 5
    assert all(ray[0] == slope[12, 15] and np.allclose(np.diff(ray), ray[1] - ray[0]) for ray in found)
    assert len({round(float(ray[1] - ray[0]), 9) for ray in found}) == 32
    slope[14, 15] = np.nan
    assert len(rays(first, second, slope, (12, 15))) == 31  # two points are left of one
    assert rays(first**3, second, slope, (12, 15)) == []


@pytest.mark.parametrize("seed", range(3))
def test_bends_of_a_quadratic_are_its_lower_eigenvalue(seed: int) -> None:
    random = np.random.default_rng(seed)
    half = random.standard_normal((2, 2))
    matrix, slope = half + half.T, random.standard_normal(2)
    first, second = np.sort(random.standard_normal(6)), np.sort(random.standard_normal(5))
    a, b = np.meshgrid(first, second, indexing="ij")
    points = np.stack([a, b], axis=-1)
    values = 0.5 * np.einsum("abi,ij,abj->ab", points, matrix, points) + points @ slope + 3.0
    # The mixed difference of an uneven grid is exact for a b, not for a^2 b: a quadratic has none.
    np.testing.assert_allclose(bends(first, second, values), np.linalg.eigvalsh(matrix)[0], rtol=0, atol=1e-6)
    assert bends(first, second[:2], values[:, :2]).shape == (4, 0)
