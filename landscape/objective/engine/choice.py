"""Which engine serves a batch."""

from __future__ import annotations

import math

from landscape.objective.engine.counts import TOUCH, elements, reads_data, work
from landscape.objective.engine.events.structure import NARROW, Structure, find
from landscape.objective.engine.graph import Kind, Trace, Unsuited
from landscape.objective.engine.prefix import Prefix
from landscape.objective.engine.rows import Points, rows_of
from landscape.objective.memory.passes import Limit

SMALL = 2e10
"""Operations at all points below which a trace takes longer than what could be saved."""
SHARE = 0.05
"""Less is not worth a graph."""
LOADING = 1e10
"""A tenth of the operations in the time that numba takes to be imported and to load the kernels, which it does once,
and a process seldom evaluates one line alone."""
ROWS, FEW_ROWS = 1024, 5000
"""Most examples that go through the events together; and where those of a few at a time serve, see ``Events``."""
SUMS = 1 << 25
"""About how many sums of their layers are held at once."""

PACKED, MOST_BYTES = 9, 512 << 20
"""Copies of a layer's weights that the events need, see ``Events.room``; and up to how many bytes they take them
unasked: of a larger network every copy weighs, and a pass has enough to do as it is."""


def may_pay(limit: Limit, num_points: int) -> bool:
    """Whether a trace of the network could save more than it takes.

    Without a product of data and parameters there is nothing to share, and convolutions of them are all that is. A
    matrix product may be the first layer of the events, which save nearly everything.
    """
    if limit.first <= SHARE * limit.flops and not limit.rows:
        return False
    saved = limit.flops if limit.rows else limit.first
    return limit.examples * num_points * saved >= SMALL


def rows_together(num_points: int, structure: Structure) -> int:
    """Examples that go through the events together: fewer where there are many points."""
    # Of a layer of few outputs the events are gone after some examples, and the values at all points stay.
    most, each = (FEW_ROWS, NARROW) if structure.is_few else (ROWS, 24)
    return max(16, min(most, SUMS // (each * num_points)))


def parts_of(num: int, most: int) -> int:
    """Parts of at most so many examples, and all of one size if that takes few more: another size is another trace."""
    least = -(-num // most)
    return next((n for n in range(least, 2 * least) if num % n == 0), least)


def prefix_pays(prefix: Prefix, points: Points) -> bool:
    """Whether sharing saves a twentieth, after what it costs to combine the shared values anew at every point."""
    trace = prefix.trace
    shared, rest = work(trace, Kind.AFFINE), work(trace, Kind.MOVING)
    saved = (len(points) - len(points[0])) * shared
    costs = len(points) * TOUCH * elements(n for n in prefix.affine if reads_data(n, trace))
    return saved - costs > SHARE * len(points) * (shared + rest)


def structure_for(trace: Trace, points: Points, device_type: str) -> Structure:
    """The layers that the events serve.

    Raises:
        Unsuited: there are none, or something that the events need is missing.
    """
    if len(points[0]) > 3:
        raise Unsuited("the events need a line or a plane")
    if device_type != "cpu":
        raise Unsuited(f"the events run on the CPU, and this is {device_type}")
    if trace.state:
        raise Unsuited("the model carries a state from batch to batch")
    structure = find(trace)
    if structure is None:
        raise Unsuited("no linear layer reads a piecewise-linear one whose input does not depend on theta")
    return structure


def events_pay(structure: Structure, points: Points, batches: float = 1.0) -> bool:
    """Whether one update per switch and row of points is less work than one product per point, in little memory.

    Args:
        structure: of one batch.
        batches: how many there are like it.
    """
    hidden = structure.hidden
    num_rows, num_points = len(rows_of(points)), len(points)
    rows = batches * math.prod(structure.linear.meta["val"].shape[:-1])
    outputs, units = structure.linear.meta["val"].shape[-1], hidden.pieces[0].meta["val"].shape[-1]
    pieces = hidden.num_lines
    if PACKED * outputs * units * pieces * structure.linear.meta["val"].element_size() > MOST_BYTES:
        return False
    # An update has three products per output unit, two thirds as fast as a matrix product's; half the pieces switch.
    by_events = num_rows * 9 * outputs * units * (1 + 0.5 * (pieces - 1)) + num_points * outputs * TOUCH
    by_points = num_points * (2 * outputs * units + units * pieces * TOUCH)
    return bool(rows * by_events + LOADING < 0.8 * rows * by_points)
