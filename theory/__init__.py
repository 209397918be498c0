"""Exact mathematics behind the measurements, in symbols and in numbers.

Derivations are sympy expressions with their steps (``derivation``), and NumPy functions that evaluate the closed forms
in float64. By topic: ``deep_linear`` networks and the ``certificate`` of their lines, ``piecewise`` linear nets,
``smooth`` units, the random ``walk``, the convex ``quadratic``, and in ``conjectures`` what is not true; ``arithmetic``
is what they compute with. It imports sympy, numpy and scipy only, and nothing of ``landscape``.
"""
