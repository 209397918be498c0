"""The kernels of the events; their arithmetic stands in ``landscape.objective.engine``.

``structure`` finds in a traced graph a piecewise-linear layer, the linear layer behind it and perhaps a narrow one
behind that; ``piecewise`` says which functions of few kinks its operators apply. ``switches`` finds when each unit's
lead changes or a kink is passed and sorts these events by grid point, ``relu`` the same of units that are on or off.
``packed`` lays out weights in blocks of output units. ``kernel`` follows the three sums of a block from point to point,
in registers, by ``instructions`` in LLVM's own vectors (``vectors``). ``events`` runs a batch. All but ``structure``
and ``piecewise`` import numba, so nobody imports them before they serve.
"""
