"""Exact mathematics behind the measurements, in symbols and in numbers.

This room will hold derivations as sympy expressions, with their steps, and numpy functions that evaluate the
closed forms: the deep linear network on a line, the convex quadratic under gradient descent with momentum,
and the residual of a random walk. It may import sympy, numpy and scipy only, and nothing of ``landscape``,
so it can be read and used without torch.
"""
