"""Paths through parameter space."""

from landscape.path.bias_schedule import BiasSchedule
from landscape.path.geometric import Geometric
from landscape.path.linear import Linear
from landscape.path.plane import Plane

__all__ = ["BiasSchedule", "Geometric", "Linear", "Plane"]
