"""J on the plane through three given points."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from landscape.endpoints import Ends
from landscape.errors import InputError
from landscape.ground.progress import progress_of
from landscape.objective.objective import Objective
from landscape.path import Plane
from landscape.result.curve import Projection

FLAT = 1e-6
"""Height of a triangle, relative to its side, from which on its corners lie on one line."""


def plane_of(ends: Ends, alphas: np.ndarray, objective: Objective) -> Plane:
    """The points theta_0 + a (theta_1 - theta_0) + b (theta_2 - theta_0), a and b in ``alphas``."""
    theta_0, theta_1 = ends.cast(objective.device, objective.dtype)
    assert ends.theta_2 is not None
    return Plane(theta_0, theta_1, ends.theta_2.to(theta_0), alphas, alphas)


def frame_of(ends: Ends) -> tuple[float, float, float]:
    """(L, c, h): the corners are (0, 0), (L, 0) and (c, h) in the plane, in parameter units.

    Raises:
        InputError: the three lie on one line.
    """
    assert ends.theta_2 is not None
    start = ends.theta_0[0].double()
    along, aside = ends.theta_1[0].double() - start, ends.theta_2[0].double() - start
    length = float(along.norm())
    shift = float(aside @ along) / length
    height = float((aside - shift / length * along).norm())
    if not height > FLAT * float(aside.norm()):
        raise InputError(
            "endpoints.start, endpoints.end and endpoints.third lie on one line; a plane needs a third point beside it"
        )
    return length, shift, height


def projection_of(ends: Ends, plane: Plane, objective: Objective, what: str) -> Projection:
    """J at every point of the grid, with its place along and beside the line of the first two corners [A A, 1]."""
    length, shift, height = frame_of(ends)
    points = plane.points
    with progress_of(what, objective.num_batches * len(points)) as progress:
        values = objective.along(plane, points, progress).channels["objective"]
    a, b = np.repeat(plane.first, len(plane.second)), np.tile(plane.second, len(plane.first))
    norms = _norms(plane, points)
    return Projection(
        steps=points,
        epochs=points,
        projection=(a * length + b * shift)[:, None],
        residual_norm=np.abs(b * height)[:, None],
        parameter_norm=norms[:, None],
        length=np.array([length]),
        best_epoch=np.full(1, np.nan),
        second_projection=(b * height)[:, None],
        objective=values,
    )


def _norms(plane: Callable[[float], Tensor], points: np.ndarray) -> np.ndarray:
    return np.array([float(torch.linalg.vector_norm(plane(float(k))[0].double())) for k in points])
