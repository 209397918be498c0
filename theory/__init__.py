"""Exact mathematics behind the measurements, in symbols and in numbers.

Deep linear networks on a line (``scalar``, ``deep_linear``, ``certify``), random walks seen from their own end
(``random_walk``, ``walk_sampler``, ``thales``), convex quadratics under gradient descent with momentum (``modes``,
``spectra``, ``quadratic``, ``lanczos``): derivations as sympy expressions with their steps, and NumPy functions that
evaluate the closed forms. It imports sympy, numpy and scipy only, and nothing of ``landscape``.
"""
