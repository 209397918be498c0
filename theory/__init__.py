"""Exact mathematics behind the measurements, in symbols and in numbers.

Derivations are sympy expressions with their steps (``derivation``), and NumPy functions that evaluate the closed forms
in float64. By topic: ``deep_linear`` networks and the ``certificate`` of their lines, ``piecewise`` linear nets,
``smooth`` units, the random ``walk``, the convex ``quadratic``, and in ``conjectures`` what is not true; ``arithmetic``
is what they compute with. A topic's ``x`` holds the numbers and ``derive``, ``x_steps`` the proofs behind; ``page``
and ``__main__`` know every topic by name, ``command`` tells and draws what one derives. Rooms stand on ``arithmetic``
and ``derivation``; ``certificate`` stands above the ``deep_linear`` line that it proves things of, ``conjectures``
above all topics.

It imports sympy, numpy and scipy only, and nothing of ``landscape``: ``terminal`` and ``npz``, which the commands of
both need, lie here for that reason, since theory must stand where landscape is not installed.
"""
