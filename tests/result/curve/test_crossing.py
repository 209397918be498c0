"""A position read between samples, and whether its range holds the true one."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from landscape.result.curve import Array, plateau_length
from landscape.result.curve.crossing import plateau_end

SHAPES: list[Callable[[Array], Array]] = [
    lambda a: np.exp(-7 * np.abs(a) ** 3),
    lambda a: np.exp(-2 * a),
    lambda a: (1 - a**2) ** 2,
    lambda a: 1 / (1 + np.exp((a - 0.3) / 0.1)),
    lambda a: 1 - a,
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("num", [6, 10, 19, 40])
def test_the_range_holds_the_true_end_of_the_plateau(shape: Callable[[Array], Array], num: int) -> None:
    grid, fine = np.linspace(0, 1, num), np.linspace(0, 1, 20_001)
    found = plateau_end(grid, shape(grid))
    true = plateau_length(fine, shape(fine))
    assert found.at == plateau_length(grid, shape(grid))
    assert found.low - 1e-4 <= true <= found.high + 1e-4
    assert found.high - found.low <= grid[1]


def test_noise_widens_the_range_and_a_rising_line_has_none() -> None:
    grid = np.linspace(0, 1, 11)
    exact, noisy = (plateau_end(grid, 1 - grid, noise=noise) for noise in (0.0, 0.02))
    assert (exact.low, exact.at, exact.high) == pytest.approx((0.1, 0.1, 0.1))
    assert (noisy.low, noisy.high) == pytest.approx((0.08, 0.12))
    assert math.isnan(plateau_end(grid, grid).at) and math.isnan(plateau_end(grid, 1 + 0 * grid).high)
