"""Paths through parameter space."""

from typing import Any

import torch

from landscape.path.bias_schedule import BiasSchedule
from landscape.path.geometric import Geometric
from landscape.path.linear import Linear
from landscape.path.plane import Plane

OfEnds = BiasSchedule | Geometric | Linear | Plane
"""Paths whose every point is computed from their ends."""


def widened(path: Any, dtype: torch.dtype) -> Any:
    """The path with ends of at least this precision, so that what lies between is not rounded to that of the ends."""
    return path.to(dtype) if isinstance(path, OfEnds) and path.theta_0.dtype.itemsize < dtype.itemsize else path


__all__ = ["BiasSchedule", "Geometric", "Linear", "OfEnds", "Plane", "widened"]
