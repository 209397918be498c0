"""Faster ways to evaluate a network along a line than one forward pass per point, exact up to rounding."""

from landscape.engine.line import Line, check_engine, line_of

__all__ = ["Line", "check_engine", "line_of"]
