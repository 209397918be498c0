"""The kernels of the events; their arithmetic stands in ``landscape.objective.engine``.

``structure`` finds in a traced graph a piecewise-linear layer, the linear layer behind it and perhaps a narrow one
behind that. ``switches`` finds when each unit's lead changes and sorts these events by grid point. ``packed`` lays out
weights in blocks of output units. ``kernel`` follows the three sums of a block from point to point, in registers, by
``instructions`` in LLVM's own vectors (``vectors``). ``events`` runs a batch. All but ``structure`` import numba, so
nobody imports them before they serve.
"""
