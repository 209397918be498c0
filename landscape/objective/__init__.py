"""J(theta): the mean cost per example over a whole split (``objective``), summed in float64 (``sums``); its
slopes (``slope``), and what becomes of batch norm's statistics along a path (``running_statistics``). ``module``
holds somebody's module and says what it does besides computing; ``fitting`` and ``soundness`` refuse what has no J;
``memory`` says how much is done at once, ``engine`` how a line is evaluated faster than point by point.
"""

from landscape.objective.objective import Objective as Objective
