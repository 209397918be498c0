"""Paths through parameter space."""

from landscape.path.linear import Linear

__all__ = ["Linear"]
