"""Curves along a path and every number read off them. Numpy, and scipy where a formula needs it."""

from landscape.result.curve.between import hidden_rise, noise_of, num_turning_points, turning_points
from landscape.result.curve.curve import Curve
from landscape.result.curve.null import WalkBands, random_walk_bands, random_walk_limit, thales_defect
from landscape.result.curve.numbers import (
    argmin_alpha,
    chord_barrier,
    curvature_changes,
    drop,
    end_barrier,
    flattening,
    largest_rise,
    local_maxima,
    local_minima,
    mean_barrier,
    num_rises,
    plateau_length,
    relative_rise,
    spline_deviation,
    tolerance,
    turning,
    value_at,
)
from landscape.result.curve.surface import Surface
from landscape.result.curve.types import Array, Columns, LearningCurve, Projection

__all__ = [
    "Array",
    "Columns",
    "Curve",
    "LearningCurve",
    "Projection",
    "Surface",
    "WalkBands",
    "argmin_alpha",
    "chord_barrier",
    "curvature_changes",
    "drop",
    "end_barrier",
    "flattening",
    "hidden_rise",
    "largest_rise",
    "local_maxima",
    "local_minima",
    "mean_barrier",
    "noise_of",
    "num_rises",
    "num_turning_points",
    "plateau_length",
    "random_walk_bands",
    "random_walk_limit",
    "relative_rise",
    "spline_deviation",
    "thales_defect",
    "tolerance",
    "turning",
    "turning_points",
    "value_at",
]
