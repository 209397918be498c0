"""Faster ways to evaluate a network along a line than one forward pass per point, exact up to rounding.

**What a line is.** theta(alpha) = Σ w_n(alpha) theta_n over two anchors, or three of a plane. ``graph`` traces one pass
on shapes alone and sorts every operator: ``CONST`` does not depend on theta, ``AFFINE`` is affine in it, ``MOVING`` may
be anything. ``counts`` counts operations and bytes of the graph, and ``choice`` takes by them what pays.

**Prefix.** A value that is affine in theta is Σ w_n(alpha) times its values at the anchors. It is computed at the
anchors, and at A points only combined: A forward passes become two or three, plus those of the ``MOVING`` rest. The
first layer of a network is the large such value, x W' with its D products per unit.

**Events.** Let the first layer's units be piecewise linear: the maximum of several (1 - t) p + t q, t from 0 to 1 along
the line, or a function of one of them that has a few kinks or jumps (ReLU, leaky ReLU, ReLU6, hardtanh, hardshrink).
Both ends of each p, q are numbers once the prefix is done, so it is known beforehand at which t another piece takes the
lead or a kink is passed: an *event*. A unit has at most one per further piece or kink, since a line never turns back.
Between its events a unit is affine, and so are the weights W of the next layer; the layer is a quadratic in t, known by
three sums:

    Σ ((1 - t) W0 + t W1)((1 - t) h0 + t h1) = P0 + t (P1 - P0) + t (1 - t) (T - 2 (P0 + P1)),
    P0 = Σ W0 h0,   P1 = Σ W1 h1,   T = Σ (W0 + W1)(h0 + h1).

Expand the right side: P0 and P1 get (1 - t)² and t² in the end, and the cross terms t (1 - t), as on the left. So J is
exact: nothing is interpolated, only sums are made in another order. An event adds multiples of one row of W0 and of W1
to the sums, three products per output unit; a point then costs three per output unit, whatever the number H of units.
The next layer's own function of few kinks is a few instructions there.

**Products**, per example and output unit of that layer, of H units with E events between A points:

    one pass per point  A H           prefix  A H (the layer itself is MOVING)           events  3 H + 3 E + 3 A

With a ReLU E is at most H, about H / 2: 200 points of 1,200 units are 240,000 products by points, and about 6,000 by
events, of which each takes longer than one of a matrix product; ``choice.events_pay`` reckons with that. A narrow
layer behind is summed up in registers on the way; of one that is itself the last, the switches of its units take more
than its sums. A wide layer behind is paid at every point, and the limit is what it takes: three hidden layers of H
units behind D inputs are (D + 2 H) / H times as fast at most.

``runners`` chooses and makes the engines, ``line`` runs a batch by them, in parts that fit the memory, and compares its
middle point with the plain path; whatever an engine cannot do, the plain path does. ``scratch`` is memory that is
written over from point to point. ``quicker`` has functions in place of operators that are slow, and
``pooling`` one of them, which the plain path takes too. ``rows`` cuts a plane into lines. ``stacked`` is the plain path
at several points at once, by vmap.
"""
