"""Faster ways to evaluate a network along a line than one forward pass per point, exact up to rounding."""
