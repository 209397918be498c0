"""Random walks seen from their own end: the law of projection and residual (``random_walk``), drawn exactly without the
steps (``sampler``), walks with drift, decay or correlation (``variants``), and the circle of Thales (``thales``).
"""
