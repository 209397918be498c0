"""Random walks seen from their own end X_T: how far along it they are (projection) and how far off it (residual).

Given its end a walk is a straight line plus a bridge that knows nothing of that end, so every law here follows from
three independent parts. ``random_walk`` states the law of one position in any dimension; ``sampler`` draws whole
curves from the parts, without the steps. ``thales`` needs no walk: how far any path runs inside the circle over its
ends, and what a walk makes of that. ``variants`` lets the dimension grow, where a path is its covariance: a schedule,
drift, memory or momentum each leave the half circle in their own way. ``principal``: its principal axes are waves.
"""
