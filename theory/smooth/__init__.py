"""Nets of smooth or homogeneous units: infinitely wide ones as kernels (``kernel``), Taylor series along a line
(``taylor``), homogeneous nets and how far their direction turns (``homogeneous``, ``segment``, ``gauss_length``).
"""
