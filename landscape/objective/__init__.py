"""J(theta): the mean cost per example over the whole of one split, measured the same way at every theta.

A ``ForwardPass`` (``forward``) is module and cost as a function of a point theta [P] and of what a batch brings. What
that is, each seed's masks and samples of it included, ``Batches`` (``batch``) always make the same. An ``Objective``
(``objective``) goes over all batches, all points of a path for each, and adds up in float64 (``sums``); ``slope`` takes
derivatives along the path of the same passes, and ``running_statistics`` says what becomes of batch norm's means.

``module`` holds somebody's module, ``check`` refuses what has no J, ``memory`` says how much is done at once, and
``engine`` evaluates a straight line faster than point by point. ``objective.on`` makes others of the same family.
"""

from landscape.objective.objective import Objective as Objective
