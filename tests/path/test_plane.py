"""A grid on a plane."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

from landscape.cost import CrossEntropy
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import Plane
from tests.objective.engine.pair import served
from tests.twin import maxout, normal, split

A, B = [-0.5, 0.0, 1.0], [0.0, 0.3, 1.0, 1.7]


def corners(num: int = 11) -> list[torch.Tensor]:
    """Two rows each, off the origin."""
    return [0.3 + normal(2, num, seed=k) for k in range(3)]


def test_points_follow_the_definition() -> None:
    one, two, three = corners()
    plane = Plane(one, two, three, A, B)
    assert len(plane.points) == 12
    for k, (a, b) in enumerate((a, b) for a in A for b in B):
        torch.testing.assert_close(plane(k), one + a * (two - one) + b * (three - one), rtol=1e-13, atol=1e-13)
        assert sum(plane.weights(k)) == pytest.approx(1, abs=1e-15)


def test_corners_are_bitwise_the_corners() -> None:
    plane = Plane(*corners(), A, B)
    for point, anchor in ((4, 0), (8, 1), (6, 2)):
        assert torch.equal(plane(point), plane.anchors[anchor])


@pytest.mark.parametrize("engine", ["plain", "prefix", "events"])
def test_j_is_that_of_each_point(engine: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    module = maxout()
    plane = Plane(*corners(ParameterLayout.of(module).num_parameters), A, B)
    objective, plain = (
        Objective(module, CrossEntropy(), split(23, 1), dtype="float64", engine=name, seeds=[3, 8])
        for name in (engine, "plain")
    )
    found = objective.along(plane, plane.points).channels["objective"].reshape(3, 4, 2)
    for i in range(3):
        for j in range(4):
            np.testing.assert_allclose(found[i, j], plain(plane(4 * i + j)), rtol=1e-12)
    assert served(caplog)


@pytest.mark.parametrize("point", [-1.0, 12.0, 0.25, float("nan")])
def test_a_point_that_the_grid_does_not_have_is_refused(point: float) -> None:
    with pytest.raises(ValueError, match="3 x 4 points has no number"):
        Plane(*corners(), A, B)(point)


def test_what_is_no_plane_is_refused() -> None:
    one, two, three = corners()
    with pytest.raises(ValueError, match="one shape"):
        Plane(one, two, three[:1], A, B)
    for first, second in (([], B), (A, 0.5), ([[1.0]], B)):
        with pytest.raises(ValueError, match="two lists"):
            Plane(one, two, three, first, second)
