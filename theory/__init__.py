"""Exact mathematics behind the measurements, in symbols and in numbers.

Deep linear networks on a line, a plane and on average (``scalar``, ``deep_linear``, ``certify``, ``plane``,
``barrier_statistics``, ``logits``), how they learn (``dynamics``, ``balanced``), nets of ReLU, maxout, erf and smooth
units (``piecewise``, ``certified_decrease``, ``kernel``, ``homogeneous``, ``taylor``), random walks seen from their own
end (``random_walk``, ``walk_sampler``, ``walk_variants``, ``thales``), convex quadratics under gradient descent with
momentum (``modes``, ``spectra``, ``quadratic``, ``lanczos``, ``multiplicative_noise``), and what is not true
(``conjectures``): derivations as sympy expressions with their steps, and NumPy functions that evaluate the closed
forms. It imports sympy, numpy and scipy only, and nothing of ``landscape``.
"""
