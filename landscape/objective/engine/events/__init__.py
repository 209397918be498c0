"""Events: the layer after a piecewise-linear one, by work per switch of a unit instead of work per point.

On a line the two ends of a hidden unit's input decide everything: with h(t) = (1 - t) h0 + t h1 for each piece, a
maximum of affine pieces switches at most once per piece. Between switches the next layer is a quadratic in t,

    Σ ((1 - t) W0 + t W1) ((1 - t) h0 + t h1) = (1 - t)(1 - 2t) P0 + t (2t - 1) P1 + t (1 - t) T,
    P0 = Σ W0 h0,  P1 = Σ W1 h1,  T = Σ (W0 + W1)(h0 + h1),

and a switch of one unit adds multiples of its two rows of weights to P0, P1 and T: three products per event and output
unit, where a forward pass pays one product per point and unit. ``structure`` finds such layers in a traced graph,
``switches`` sorts the events by grid point, ``packed`` lays out weights, ``kernel`` follows the sums from point to
point in registers (``vectors``), ``events`` runs a batch.
"""
