"""Faster ways to evaluate a network along a line than one forward pass per point, exact up to rounding."""

from landscape.objective.engine.line import Limit, Line, check_engine, line_of
from landscape.objective.engine.stacked import Together

__all__ = ["Limit", "Line", "Together", "check_engine", "line_of"]
