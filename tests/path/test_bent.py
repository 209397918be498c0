"""Curves with bends: bitwise ends, points by de Casteljau's construction, slopes, equal steps, and the engines."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from landscape.cost import CrossEntropy
from landscape.errors import InputError
from landscape.model import MLP
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import Bent, Bezier, BezierConnection, Linear, Polygon, PolygonConnection, widened
from tests.twin import C, D, dataset, normal

P = 40
CURVES = [(kind, num) for kind in (Bezier, Polygon) for num in (1, 4)]
SPACINGS = ("parameter", "arc_length")


def curve(kind: type[Bent], num: int, spacing: str = "parameter") -> Bent:
    """Two rows, off the origin."""
    return kind(normal(2, P, seed=1) + 2, normal(2, P, seed=2) - 1, 3 * normal(num, 2, P, seed=3), spacing)


def plain(kind: type[Bent], points: list[Tensor], t: float) -> Tensor:
    if kind is Bezier:
        while len(points) > 1:
            points = [(1 - t) * a + t * b for a, b in pairwise(points)]
        return points[0]
    piece = min(max(int(t * (len(points) - 1)), 0), len(points) - 2)
    inside = t * (len(points) - 1) - piece
    return (1 - inside) * points[piece] + inside * points[piece + 1]


@pytest.mark.parametrize(("kind", "num"), CURVES)
def test_ends_are_bitwise_and_points_follow_the_construction(kind: type[Bent], num: int) -> None:
    for spacing in SPACINGS:
        for dtype in (torch.float32, torch.float64):
            path = curve(kind, num, spacing).to(dtype)
            assert path(0.0) is path.theta_0 and path(1.0) is path.theta_1 and path(0.3).dtype == dtype
    path = curve(kind, num)
    for t in (-0.4, 0.1, 1 / 3, 0.5, 0.9, 1.7):
        torch.testing.assert_close(path(t), plain(kind, list(path.points), t), rtol=1e-13, atol=1e-13)
    narrow = curve(kind, num).to(torch.float32)
    assert widened(narrow, torch.float64).bends.dtype == torch.float64


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_bends_that_diverged_never_pass_for_a_point(spacing: str, value: float) -> None:
    for kind, num in CURVES:
        path = kind(normal(1, P, seed=1), normal(1, P, seed=2), torch.full((num, 1, P), value), spacing)
        assert not any(path(alpha).isfinite().any() for alpha in (0.1, 0.5, 0.9)) and np.isnan(path.length).all()


@pytest.mark.parametrize(("kind", "num"), CURVES)
@pytest.mark.parametrize("spacing", SPACINGS)
def test_bends_on_the_line_make_the_line(kind: type[Bent], num: int, spacing: str) -> None:
    start, end = normal(2, P, seed=1), normal(2, P, seed=2)
    path = kind.straight(start, end, num, spacing)
    for alpha in (-0.3, 0.2, 0.5, 1.4):
        torch.testing.assert_close(path(alpha), Linear(start, end)(alpha), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(path.length, (end - start).norm(dim=1).numpy(), rtol=1e-13)


@pytest.mark.parametrize(("kind", "num"), [(Bezier, 2), (Polygon, 3)])
def test_equal_steps_of_arc_length_are_equal_ways(kind: type[Bent], num: int) -> None:
    path = curve(kind, num, "arc_length")
    fine = torch.stack([path(k / 400) for k in range(401)])  # [A, S, P]
    chords = (fine[1:] - fine[:-1]).norm(dim=2)
    kinks = path.kinks() if isinstance(path, Polygon) else []
    smooth = [k for k in range(400) if not any(k <= 400 * kink <= k + 1 for kink in kinks)]
    expected = path.length / 400
    np.testing.assert_allclose(chords[smooth], np.tile(expected, (len(smooth), 1)), rtol=1e-3)
    assert torch.equal(kind(path.theta_0[1:], path.theta_1[1:], path.bends[:, 1:], "arc_length")(0.3)[0], path(0.3)[1])


@pytest.mark.parametrize(("kind", "num"), CURVES)
@pytest.mark.parametrize("spacing", SPACINGS)
def test_velocity_and_acceleration_are_those_of_differences(kind: type[Bent], num: int, spacing: str) -> None:
    path: Any = curve(kind, num, spacing)
    for alpha in (-0.2, 0.13, 0.58, 1.2):
        one, two = 1e-6, 1e-5
        slope = (path(alpha + one) - path(alpha - one)) / (2 * one)
        torch.testing.assert_close(path.velocity(alpha), slope, rtol=1e-6, atol=1e-6)
        turn = (path.velocity(alpha + two) - path.velocity(alpha - two)) / (2 * two)
        torch.testing.assert_close(path.acceleration(alpha), turn, rtol=1e-5, atol=1e-4)


def test_at_a_kink_the_velocity_is_that_of_the_piece_which_begins() -> None:
    path = curve(Polygon, 3)
    assert isinstance(path, Polygon) and path.kinks() == [0.25, 0.5, 0.75]
    assert torch.equal(path.velocity(0.25), path.velocity(0.26)) and torch.equal(path(0.25), path.bends[0])


@pytest.mark.parametrize("engine", ["prefix", pytest.param("events", marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", [Bezier, Polygon])
def test_every_engine_gives_the_same_objective(kind: type[Bent], engine: str) -> None:
    """One row also at equal arc length; several rows then have weights of their own, and are no affine path."""
    module = MLP(D, C, [6, 5], nn.ReLU(), init_ranges=[0.5, 0.6, 0.7]).double()
    size = ParameterLayout.of(module).num_parameters
    start, end, bends = normal(2, size, seed=1), normal(2, size, seed=2), normal(1, 2, size, seed=3)
    alphas = np.linspace(-0.2, 1.2, 15)
    for spacing, rows in (("parameter", slice(2)), ("arc_length", slice(1)), ("arc_length", slice(2))):
        path = kind(start[rows], end[rows], bends[:, rows], spacing)
        assert hasattr(path, "anchors") == (spacing == "parameter" or rows == slice(1))
        plainly, found = (
            Objective(
                module, CrossEntropy(), dataset().train, seeds=range(len(path.theta_0)), dtype="float64", engine=e
            )
            .along(path, alphas)
            .channels["objective"]
            for e in ("plain", engine)
        )
        np.testing.assert_allclose(found, plainly, rtol=1e-12)


def test_what_is_no_curve_is_refused() -> None:
    start, end = normal(2, P, seed=1), normal(2, P, seed=2)
    for make in (BezierConnection, PolygonConnection):
        with pytest.raises(InputError, match="no bend"):
            make(num_bends=0)
        with pytest.raises(InputError, match=r"path\.spacing=even is unknown"):
            make(spacing="even")
    with pytest.raises(ValueError, match="do not fit"):
        Bezier(start, end, normal(1, 1, P))
    assert [BezierConnection(epochs=10).lr_factor(e) for e in (1, 6, 10)] == [1.0, 1.0, pytest.approx(0.01)]
