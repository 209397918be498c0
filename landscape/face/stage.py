"""A description read against the net: the house's own path, its ends, and what belongs to a plane."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from landscape.endpoints import Ends
from landscape.errors import InputError
from landscape.face.curve import ConnectingCurve
from landscape.face.directions import directions
from landscape.face.places import LineBetween, PlaneAround, PlaneThrough
from landscape.face.points import Reading
from landscape.measurement.plane import frame_of
from landscape.parameters import ParameterLayout
from landscape.path import BiasSchedule, Geometric, Linear, Plane
from landscape.path.contract import BetweenEnds

LINES: dict[str, Callable[..., Any]] = {"linear": Linear, "geometric": Geometric, "bias_schedule": BiasSchedule}
ALIKE = (
    "; a state dict follows its module as that trains, and a module is read when it is measured: copy.deepcopy keeps "
    "an earlier one"
)


@dataclass(frozen=True)
class Laid:
    """A path of the house and what belongs to it.

    Args:
        ends: of S paths.
        path: (theta_0, theta_1) -> the path between them.
        has_slopes: whether the path is of a kind that other ends can be tried with, before work.
        grid: of a plane, (a [A], b [B]).
        corners: of a plane, (a, b) of the points that it was laid through.
        names: what they are called.
        frame: of a plane through three points, (L, c, h).
        buffers: of a plane through three points, those of each by its name.
        kept: which of these hold on all of the plane.
    """

    ends: Ends
    path: Callable[..., Any]
    has_slopes: bool = False
    grid: tuple[np.ndarray, np.ndarray] | None = None
    corners: list[tuple[float, float]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    frame: tuple[float, float, float] | None = None
    buffers: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    kept: str = ""


def laid(place: Any, net: nn.Module, grid: Callable[[float, float], np.ndarray], seeds: Any) -> Laid:
    """A line or plane as somebody described it, or a path of the house's, against the names of a net.

    Args:
        place: what to lay.
        net: whose names the points have.
        grid: (first, last) -> positions on each axis of a plane.
        seeds: one per path; None: 0, 1, ...

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
        theta_0, theta_1, theta_2 = (theta for theta, _ in points)
        buffers = {name: own for name, (_, own) in zip("abc", points, strict=True)}
        ends = _ends(theta_0, theta_1, buffers["a"], buffers[place.statistics], seeds, theta_2)
        axis = grid(-place.margin, 1 + place.margin)
        corners = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]
        try:
            frame = frame_of(ends)
        except InputError as error:
            raise InputError("a, b and c lie on one line; a plane needs a third point beside it") from error
        path = _plane(theta_2, (axis, axis))
        names = list(buffers)
        return Laid(ends, path, False, (axis, axis), corners, names, frame, buffers, place.statistics)
    if isinstance(place, PlaneAround):
        [(theta, own)] = points_of((place.point,), place.reading, net)
        first, second = theta.double() + directions(net, theta, place.seed)
        axis = grid(-place.radius, place.radius)
        ends = _ends(theta.double(), first, {}, own, seeds, second)
        return Laid(ends, _plane(second, (axis, axis)), False, (axis, axis), [(0.0, 0.0)], ["a"])
    return _own(place, net, seeds)


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
    rows = len(theta_0)
    seeds = _seeds(seeds, rows)
    ends = Ends(theta_0, theta_1, [str(s) for s in seeds], seeds, [{}] * rows, [False] * rows)
    if isinstance(place, BetweenEnds):
        return Laid(ends, place._between, True)

    def moved(start: Tensor, end: Tensor) -> Any:
        return place.to(start.device, start.dtype) if hasattr(place, "to") else lambda alpha: place(alpha).to(start)

    if not is_plane:
        return Laid(ends, moved)
    return Laid(ends, moved, False, (place.first, place.second), [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)], ["a", "b", "c"])


def _plane(theta_2: Tensor, grid: tuple[np.ndarray, np.ndarray]) -> Callable[..., Any]:
    return lambda theta_0, theta_1: Plane(theta_0, theta_1, theta_2[None].to(theta_0), *grid)


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
    theta_2: Tensor | None = None,
) -> Ends:
    third = None if theta_2 is None else theta_2[None]
    starts = [buffers_0] if buffers_0 else []
    return Ends(theta_0[None], theta_1[None], ["0"], _seeds(seeds, 1), [buffers_1], [False], starts, third)


def _seeds(seeds: Any, rows: int) -> list[int]:
    """One per row, 0, 1, ... where none are given."""
    if seeds is None:
        return list(range(rows))
    good = isinstance(seeds, Sequence) and all(isinstance(s, Integral) and not isinstance(s, bool) for s in seeds)
    if not good or len(seeds) != rows or min(seeds) < 0:
        raise InputError(f"seeds={seeds!r} must be a list of whole numbers, one for each row of theta, here {rows}")
    return [int(s) for s in seeds]
