"""Nets of one hidden layer of ReLU or maxout: ``events`` finds where units switch along the line, between two of which
J has a closed form (``pieces``, put together by ``curve``); ``certified_decrease`` proves that J falls, rounding and
kinks bounded, from a cost's slope (``certified_costs``).
"""

from theory.piecewise.curve import forward as forward
from theory.piecewise.curve import line as line
