"""Paths through parameter space: ``path(alpha) -> theta [S, P]``, most with a velocity and an acceleration.

``contract`` says what may be asked of a path, and holds what those between two points share: ``Linear``, ``Geometric``
and ``BiasSchedule`` say only what lies between, ``PartialLine`` which parameters move. ``Bezier`` and ``Polygon`` have
bends (``bent``) that are trained: what of them a config decides is a ``Connection``.

A plane is a ``LaidPlane``: its kinds say which point and which two directions, ``RandomPlane``, ``CornersPlane``,
``PrincipalPlane`` of a run, ``GivenPlane``, ``HessianPlane``. ``Plane`` numbers the points of a grid on one, and so is
a path as well.
"""

from typing import Any

import torch

from landscape.path.bent import Bent
from landscape.path.bezier import Bezier
from landscape.path.bias_schedule import BiasSchedule
from landscape.path.connection import BezierConnection, Connection, PolygonConnection
from landscape.path.contract import BetweenEnds
from landscape.path.corners_plane import CornersPlane
from landscape.path.geometric import Geometric
from landscape.path.given_plane import GivenPlane
from landscape.path.hessian_plane import HessianPlane
from landscape.path.laid_plane import LaidPlane, plane_kind
from landscape.path.linear import Linear
from landscape.path.partial_line import PartialLine
from landscape.path.plane import Plane
from landscape.path.polygon import Polygon
from landscape.path.principal_plane import PrincipalPlane
from landscape.path.random_plane import RandomPlane


def widened(path: Any, dtype: torch.dtype) -> Any:
    """The path with ends of at least this precision, so that what lies between is not rounded to that of the ends."""
    return (
        path.to(dtype)
        if isinstance(path, BetweenEnds | Plane) and path.theta_0.dtype.itemsize < dtype.itemsize
        else path
    )


__all__ = [
    "Bent",
    "Bezier",
    "BezierConnection",
    "BiasSchedule",
    "Connection",
    "CornersPlane",
    "Geometric",
    "GivenPlane",
    "HessianPlane",
    "LaidPlane",
    "Linear",
    "PartialLine",
    "Plane",
    "Polygon",
    "PolygonConnection",
    "PrincipalPlane",
    "RandomPlane",
    "plane_kind",
    "widened",
]
