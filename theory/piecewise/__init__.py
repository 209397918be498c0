"""Nets of one hidden layer of ReLU or maxout along a line: exact between kinks, and there are finitely many kinks.

Each unit of each example is linear in α until it switches; ``events`` finds where, and what each switch does to J.
Between two switches J of the squared error is a quartic: ``curve`` sums them up from left to right, and ``pieces``
reads every extremum off. ``certified_decrease`` proves that J falls without summing: from a point with a negative
slope, as far as the curvature and the switches ahead allow, rounding bounded; ``certified_costs`` bounds these for
the squared error and the cross-entropy.
"""

from theory.piecewise.curve import forward as forward
from theory.piecewise.curve import line as line
