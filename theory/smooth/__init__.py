"""Nets of smooth or homogeneous units: infinitely wide ones as kernels (``kernel``), Taylor series along a line
(``taylor``), homogeneous nets and how far their direction turns (``homogeneous``, ``segment``, ``gauss_length``).
What they share is that J is known in closed form as a function of α alone: a mean over Gaussian inputs,
a series, or a convex cost of outputs that move on a straight segment.
"""
