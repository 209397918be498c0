"""A description read against the net: the house's own path and its ends, or its own plane and a grid on that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from landscape.endpoints import Ends, point_of
from landscape.errors import InputError
from landscape.face.curve import ConnectingCurve
from landscape.face.places import LineBetween
from landscape.face.planes import PlaneAlong, PlaneAround, PlaneThrough
from landscape.face.points import Reading
from landscape.face.run import ALIKE, axes_of
from landscape.measurement import grid
from landscape.parameters import ParameterLayout
from landscape.path import (
    BiasSchedule,
    CornersPlane,
    Geometric,
    GivenPlane,
    HessianPlane,
    LaidPlane,
    Linear,
    Plane,
    PrincipalPlane,
    RandomPlane,
)
from landscape.path.contract import BetweenEnds
from landscape.path.laid_plane import Mark

LINES: dict[str, Callable[..., Any]] = {"linear": Linear, "geometric": Geometric, "bias_schedule": BiasSchedule}
Axes = Callable[[LaidPlane], tuple[Any, Any]]
"""a [A] and b [B] on a plane."""
Leading = Callable[[Tensor, dict[str, Tensor]], tuple[Any, Tensor, Any]]
"""(theta [P], buffers) -> the leading eigenvalues and eigenvectors of the Hessian there, with their residuals."""


@dataclass(frozen=True)
class Laid:
    """A path of the house and what belongs to it.

    Args:
        ends: of S paths; of a plane, of the points that it was laid through.
        path: (theta_0, theta_1) -> the path between them.
        has_slopes: whether the path is of a kind that other ends can be tried with, before work.
        grid: on a plane.
    """

    ends: Ends
    path: Callable[..., Any]
    has_slopes: bool = False
    grid: grid.Laid | None = None


def laid(place: Any, net: nn.Module, axes: Axes, seeds: Any, leading: Leading | None = None) -> Laid:
    """A line or plane as somebody described it, or a path of the house's, against the names of a net.

    Args:
        place: what to lay.
        net: whose names the points have.
        axes: where to look on a plane.
        seeds: one per path; None: 0, 1, ...
        leading: of J, for a plane that asks for them.

    Raises:
        InputError: points that are not of this net, or that are one.
    """
    if isinstance(place, LineBetween):
        (theta_0, buffers_0), (theta_1, buffers_1) = points_of(place.points, place.reading, net)
        ends = _ends(theta_0, theta_1, buffers_0, buffers_1, seeds)
        return Laid(ends, LINES[place.path], True)
    if isinstance(place, ConnectingCurve):
        curve, seeds = place.path, [place.seed] if seeds is None else seeds
        num = ParameterLayout.of(net).num_parameters
        if curve.theta_0.shape[1] != num:
            raise InputError(
                f"the curve was trained for a net of {curve.theta_0.shape[1]} parameters, and net={type(net).__name__} "
                f"has {num}; give the net of ls.connect"
            )
        ends = _ends(curve.theta_0[0], curve.theta_1[0], place.buffers_0, place.buffers_1, seeds)
        return Laid(ends, curve._between, True)
    if isinstance(place, PlaneThrough):
        points = points_of(place.points, place.reading, net)
        one, two, three = (theta[None] for theta, _ in points)
        buffers = {name: own for name, (_, own) in zip("abc", points, strict=True)}
        ends = _ends(one[0], two[0], buffers["a"], buffers[place.statistics], seeds)
        plane: LaidPlane = CornersPlane(one, two, three, "abc", place.margin, place.axes)
        return _on(plane, ends, axes, {name: [own] for name, own in buffers.items()}, place.statistics)
    if isinstance(place, PlaneAround):
        [(theta, own)] = points_of((place.point,), place.reading, net)
        ends, here = _ends(theta, theta, {}, own, seeds), theta[None]
        if place.directions is None:
            plane = RandomPlane(here, here, net, [0], place.seed, place.radius, place.one_axis, "a")
        elif isinstance(place.directions, str):
            if leading is None:
                raise InputError("directions='hessian' is for ls.measure, which knows J")
            plane = HessianPlane(here, here, lambda: [leading(theta, own)], place.radius, "a")
        else:
            pair = [
                point_of(d, net, ignore=place.reading.ignore, name=f"directions[{k}]")[0]
                for k, d in enumerate(place.directions)
            ]
            plane = GivenPlane(here, here, lambda given, key: given, pair, radius=place.radius, name="a")
        return _on(plane, ends, axes)
    if isinstance(place, PlaneAlong):
        last, own, found = axes_of(place.run, net)
        plane = PrincipalPlane(last[None], last[None], lambda: [found], place.margin, "last")
        return _on(plane, _ends(last, last, {}, own, seeds), axes)
    if isinstance(place, LaidPlane):
        return _on(place, _rows(place.anchors[0], place.anchors[1], seeds), axes)
    return _own(place, net, seeds)


def _on(plane: LaidPlane, ends: Ends, axes: Axes, buffers: Any = None, kept: str = "") -> Laid:
    return Laid(ends, Linear, False, grid.Laid(plane, *axes(plane), buffers or {}, kept))


class _AsItIs(LaidPlane):
    """A grid that somebody made."""

    def __init__(self, made: Plane) -> None:
        one, two, three = made.anchors
        marks = [Mark(name, np.array(at)) for name, at in (("a", (0.0, 0.0)), ("b", (1.0, 0.0)), ("c", (0.0, 1.0)))]
        super().__init__(one, two - one, three - one, marks, ((0, 1), (0, 1)), ("", ""), has_lengths=False)
        self.made = made

    def on(self, first: Any, second: Any) -> Plane:
        return self.made

    def _check_apart(self) -> None:
        """Whoever made it knows."""


def _own(place: Any, net: nn.Module, seeds: Any) -> Laid:
    """A path of the house's, or of somebody who made one like it."""
    if not callable(place) or isinstance(place, nn.Module):
        raise InputError(
            f"path came as {type(place).__name__}; give ls.line(a, b), ls.plane(...), ls.trajectory(...), or a path of "
            "landscape.path"
        )
    is_plane = isinstance(place, Plane)
    theta_0, theta_1 = (place.theta_0, place.theta_1) if is_plane else (place(0.0), place(1.0))
    num = ParameterLayout.of(net).num_parameters
    if not isinstance(theta_0, Tensor) or theta_0.dim() != 2 or theta_0.shape[1] != num:
        found = list(theta_0.shape) if isinstance(theta_0, Tensor) else type(theta_0).__name__
        raise InputError(f"path gives {found} at its start, and net={type(net).__name__} needs theta [S, {num}]")
    ends = _rows(theta_0, theta_1, seeds)
    if isinstance(place, BetweenEnds):
        return Laid(ends, place._between, True)
    if isinstance(place, Plane):
        return Laid(ends, Linear, False, grid.Laid(_AsItIs(place), place.first, place.second))

    def moved(start: Tensor, end: Tensor) -> Any:
        return place.to(start.device, start.dtype) if hasattr(place, "to") else lambda alpha: place(alpha).to(start)

    return Laid(ends, moved)


def _rows(theta_0: Tensor, theta_1: Tensor, seeds: Any) -> Ends:
    """Of points that came without buffers."""
    rows = len(theta_0)
    seeds = _seeds(seeds, rows)
    return Ends(theta_0, theta_1, [str(s) for s in seeds], seeds, [{}] * rows, [False] * rows)


def points_of(points: tuple[Any, ...], reading: Reading, net: nn.Module) -> list[tuple[Tensor, dict[str, Tensor]]]:
    """Each point on the CPU, no two of them alike."""
    found = list(reading.points(points, "abc", net))
    wide = max((theta.dtype for theta, _ in found), key=lambda dtype: dtype.itemsize)
    found = [(theta.to(wide), buffers) for theta, buffers in found]
    for k, (theta, _) in enumerate(found):
        for j in range(k):
            if torch.equal(theta, found[j][0]):
                raise InputError(f"{'abc'[j]} and {'abc'[k]} hold the same parameters{ALIKE}")
    return found


def _ends(
    theta_0: Tensor,
    theta_1: Tensor,
    buffers_0: dict[str, Tensor],
    buffers_1: dict[str, Tensor],
    seeds: Any,
) -> Ends:
    starts = [buffers_0] if buffers_0 else []
    return Ends(theta_0[None], theta_1[None], ["0"], _seeds(seeds, 1), [buffers_1], [False], starts)


def _seeds(seeds: Any, rows: int) -> list[int]:
    """One per row, 0, 1, ... where none are given."""
    if seeds is None:
        return list(range(rows))
    good = isinstance(seeds, Sequence) and all(isinstance(s, Integral) and not isinstance(s, bool) for s in seeds)
    if not good or len(seeds) != rows or min(seeds) < 0:
        raise InputError(f"seeds={seeds!r} must be a list of whole numbers, one for each row of theta, here {rows}")
    return [int(s) for s in seeds]
