"""The engines of one line, made for the shapes of its batches: which serves, and in how many parts."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, cast

from torch import Tensor

from landscape.objective.engine.choice import events_pay, parts_of, prefix_pays, rows_together, structure_for
from landscape.objective.engine.counts import Room
from landscape.objective.engine.events.structure import Structure
from landscape.objective.engine.graph import Trace, Unsuited, trace
from landscape.objective.engine.prefix import Prefix
from landscape.objective.engine.rows import Points, rows_of
from landscape.objective.forward import ForwardPass, cut, num_of
from landscape.objective.memory.passes import Limit

log = logging.getLogger(__name__)


class Runner(Protocol):
    """An engine made for one shape of a batch."""

    trace: Trace

    def __call__(
        self, anchors: Sequence[Tensor], known: Mapping[str, Tensor], points: Points, states: Sequence[Any] | None
    ) -> Iterator[tuple[dict[str, Tensor], Any]]:
        """({channel: [B]}, state after the batch) of each point in turn."""

    def room(self, num_examples: int, num_points: int, longest: int, plain: float, together: int = 1) -> Room:
        """Bytes that it takes."""


class Runners:
    """Makes each engine once for each shape of a batch.

    Args:
        engine: ``"auto"``, ``"prefix"`` or ``"events"``.
        forward: one pass of the plain path.
        points: of the path.
        limit: of memory.
    """

    def __init__(self, engine: str, forward: ForwardPass, points: Points, limit: Limit) -> None:
        self.engine, self.forward, self.points, self.limit = engine, forward, points, limit
        self.held: dict[str, Tensor] = {}
        self.traces: dict[Any, Trace] = {}
        self.made: dict[Any, Runner] = {}
        self._chosen: dict[Any, tuple[Prefix | Structure, int]] = {}

    @property
    def parts(self) -> dict[Any, int]:
        """Shape of a batch -> into how many parts such a batch goes, of those that came."""
        return {key: parts for key, (_, parts) in self._chosen.items()}

    def chosen(
        self, anchors: Sequence[Tensor], known: Mapping[str, Tensor], states: Sequence[Any] | None
    ) -> tuple[Prefix | Structure, int]:
        """What serves a batch, the prefix or the layers for the events, and the parts into which the batch goes.

        Raises:
            Unsuited: nothing does.
        """
        key = (states is None, *_shapes(known))
        if key not in self._chosen:
            whole = self._choice(self._traced(anchors, known, states), num_of(known))
            self._chosen[key] = whole, self._num_parts(whole, anchors, known, states)
        return self._chosen[key]

    def _num_parts(
        self,
        whole: Prefix | Structure,
        anchors: Sequence[Tensor],
        known: Mapping[str, Tensor],
        states: Sequence[Any] | None,
    ) -> int:
        """Into how many parts a batch goes, so that each fits.

        Raises:
            Unsuited: not even one example does, or a batch with states, which stays whole.
        """
        num = num_of(known)
        if isinstance(whole, Prefix):
            longest, parts, rows, probe = len(self.points), 1, num, cast(Runner, whole)
        else:
            longest = max(len(row.which) for row in rows_of(self.points))
            parts = parts_of(num, rows_together(longest, whole))
            rows = -(-num // parts)
            probe = self.of(whole, anchors, cut(known, 0, rows))
        limit = self.limit
        room = probe.room(rows, len(self.points), longest, limit.plain, limit.together)
        if (fit := room.examples(limit.bytes)) >= rows:
            return parts
        if fit < 1 or states is not None or probe.trace.state_spec is not None:
            raise Unsuited("objective.memory leaves too little room")
        return -(-num // fit)

    def _traced(self, anchors: Sequence[Tensor], known: Mapping[str, Tensor], states: Sequence[Any] | None) -> Trace:
        """The graph of a batch of this shape, written down once."""
        key = (states is None, *_shapes(known))
        if key not in self.traces:
            self.traces[key] = trace(self.forward, anchors[0], known, None if states is None else states[0])
        return self.traces[key]

    def _choice(self, traced: Trace, num: int) -> Prefix | Structure:
        """Events where they were asked for or pay on all the batches of ``num`` examples, else the prefix."""
        if self.engine in ("events", "auto"):
            try:
                structure = structure_for(traced, self.points, self.forward.device.type)
                if self.engine == "events" or events_pay(structure, self.points, max(1.0, self.limit.examples / num)):
                    return structure
            except Unsuited as reason:
                if self.engine == "events":
                    log.warning("objective.engine=events: by objective.engine=prefix instead: %s", reason)
        prefix = Prefix(traced, self.limit.together)
        if self.engine == "auto" and not prefix_pays(prefix, self.points):
            raise Unsuited("the part that is affine in theta is small")
        return prefix

    def of(self, whole: Prefix | Structure, anchors: Sequence[Tensor], known: Mapping[str, Tensor]) -> Runner:
        """The runner for some examples of a batch: of the same kind as for the whole."""
        key = (isinstance(whole, Prefix), *_shapes(known))
        if key not in self.made:
            traced = self._traced(anchors, known, None)
            if isinstance(whole, Prefix):
                self.made[key] = Prefix(traced, self.limit.together)
            else:
                from landscape.objective.engine.events.events import Events  # late: numba takes half a second to import

                structure = structure_for(traced, self.points, self.forward.device.type)
                self.made[key] = Events(traced, structure, self.held)
        return self.made[key]


def _shapes(known: Mapping[str, Tensor]) -> tuple[Any, ...]:
    return tuple((name, value.shape, value.dtype) for name, value in known.items())
