"""Paths through parameter space."""

from landscape.path.geometric import Geometric
from landscape.path.linear import Linear

__all__ = ["Geometric", "Linear"]
