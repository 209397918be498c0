"""Faster ways to evaluate a network along a line than one forward pass per point, exact up to rounding."""

from landscape.engine.line import Limit, Line, check_engine, line_of
from landscape.engine.together import Together

__all__ = ["Limit", "Line", "Together", "check_engine", "line_of"]
