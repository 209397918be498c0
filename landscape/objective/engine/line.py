"""One objective along one path: which engine serves, and what it needs to remember between batches."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MethodType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape.errors import InputError
from landscape.objective.engine.choice import may_pay
from landscape.objective.engine.counts import HELD_POINTS
from landscape.objective.engine.graph import NotFinite, Unsuited
from landscape.objective.engine.prefix import Prefix, combine
from landscape.objective.engine.runners import Runner, Runners
from landscape.objective.forward import ForwardPass, cut, num_of
from landscape.objective.memory.passes import Limit
from landscape.objective.sums import Sums
from landscape.parameters import row_of
from landscape.path.contract import AffinePath, is_affine

log = logging.getLogger(__name__)

ENGINES = ("auto", "plain", "prefix", "events")
AGREEMENT = {torch.float32: 1e-3, torch.float64: 1e-8}
"""Largest relative difference to the plain path that rounding could make; a wrong graph is far off."""
CHECKED = 256
"""Examples that are compared with the plain path, where each is evaluated by itself."""


Batch = tuple[dict[str, Tensor], list[Any]]
"""{channel: its sum over the batch [A], float64}, and the state after the batch at each point."""

Keep = Callable[[Tensor, int, int, str], None]
"""Told a channel [points, B] of the examples from a number on, at the points from a number on, and its name."""


class LineSums:
    """Sums of every channel over a batch at every point of a path, by the engine that was asked for.

    Args:
        engine: of ``ENGINES``.
        forward: one pass of the plain path.
        path: in the affine hull of its anchors.
        alphas: [A].
        limit: of memory.
    """

    def __init__(
        self,
        engine: str,
        forward: ForwardPass,
        path: AffinePath,
        alphas: NDArray[np.float64],
        limit: Limit,
    ) -> None:
        self.engine, self.forward = engine, forward
        self.anchors = [anchor.to(forward.device, forward.dtype) for anchor in path.anchors]
        self.points = [path.weights(float(alpha)) for alpha in alphas]
        self.limit, self.runners = limit, Runners(engine, forward, self.points, limit)
        self.serves, self.is_checked = engine != "auto" or may_pay(limit, len(self.points)), False
        self.num_served = 0
        """Batches so far that were added."""
        self._finite = torch.ones((), dtype=torch.bool, device=forward.device)

    @property
    def is_lost(self) -> bool:
        """Whether a value that is not finite came up on a GPU, which is asked only once, at the end of the line."""
        return not bool(self._finite)

    def add(
        self,
        known: Mapping[tuple[int, int], Mapping[str, Tensor]],
        states: dict[tuple[int, int, int], Any],
        sums: Sums,
        start: int,
    ) -> bool:
        """Add one batch at every point to ``sums`` and renew ``states``; False, and nothing done: the plain path must.

        Args:
            known: what does not depend on the point, of each (row of theta, replicate).
            states: of (point, row, replicate), as the batch before left them.
            start: the batch's first example.
        """
        if not self.serves:
            return False
        found = {}
        try:
            with torch.no_grad():
                points = range(len(self.points))
                for (s, k), values in known.items():
                    before = None if states.get((0, s, k)) is None else [states[a, s, k] for a in points]
                    keep = partial(sums.keep, k, s)
                    anchors = [row_of(anchor, s) for anchor in self.anchors]
                    found[s, k] = self._batch(anchors, values, before, keep, start)
        except NotFinite:
            log.info("objective.engine=%s: a batch with values that are not finite, point by point", self.engine)
            self.runners.held.clear()
            return False
        except (Unsuited, RuntimeError) as reason:
            if self.is_checked and not isinstance(reason, Unsuited):
                raise
            self.serves = False
            self.runners.held.clear()
            level = logging.INFO if self.engine == "auto" else logging.WARNING
            log.log(level, "objective.engine=%s: every point by a forward pass of its own: %s", self.engine, reason)
            return False
        for (s, k), (channels, after) in found.items():
            sums.add_line(k, s, channels)
            states.update({(a, s, k): state for a, state in enumerate(after)})
        self.num_served += 1
        return True

    def _batch(
        self, anchors: list[Tensor], known: Mapping[str, Tensor], states: Sequence[Any] | None, keep: Keep, start: int
    ) -> Batch:
        """One batch of one line."""
        whole, parts = self.runners.chosen(anchors, known, states)
        num = num_of(known)
        # Before the engine takes any memory, since the plain path needs some of its own.
        plain, few, middle = None, num // parts, len(self.points) // 2
        if not self.is_checked:
            few = few if isinstance(whole, Prefix) else min(few, CHECKED)
            plain = self._plain(anchors, known if few == num else cut(known, 0, few), states)
        ours: list[Tensor] = []

        def checked(values: Tensor, at: int, first: int, name: str) -> None:
            if plain is not None and name == "objective" and not ours and first <= middle < first + len(values):
                ours.append(values[middle - first, :few].double().sum())
            keep(values, at, first, name)

        sums: dict[str, Tensor] = {}
        after: list[Any] = []
        for n in range(parts):
            first, last = num * n // parts, num * (n + 1) // parts
            piece = known if parts == 1 else cut(known, first, last - first)
            runner = whole if parts == 1 and isinstance(whole, Prefix) else self.runners.of(whole, anchors, piece)
            after = self._sum(runner, anchors, piece, states, sums, checked, start + first)
            if plain is not None and n == 0:
                self._check_finite(sums)
                self._check(plain, ours[0])
        self._check_finite(sums)
        return sums, after or [None] * len(self.points)

    def _sum(
        self,
        runner: Runner,
        anchors: list[Tensor],
        known: Mapping[str, Tensor],
        states: Sequence[Any] | None,
        sums: dict[str, Tensor],
        keep: Keep,
        start: int,
    ) -> list[Any]:
        """Add the channels of some examples at every point; the state after them at each."""
        after: list[Any] = []
        found: list[dict[str, Tensor]] = []
        for channels, state in runner(anchors, known, self.points, states):
            found.append(channels)
            after.append(state)
            if len(found) < HELD_POINTS and len(after) < len(self.points):
                continue
            first = len(after) - len(found)
            for name in found[0]:
                values = torch.stack([each[name] for each in found])
                if name not in sums:
                    sums[name] = values.new_zeros(len(self.points), dtype=torch.float64)
                sums[name][first : len(after)] += values.sum(dim=1, dtype=torch.float64)
                keep(values, start, first, name)
            found.clear()
        return after

    def _check_finite(self, sums: Mapping[str, Tensor]) -> None:
        """Raise NotFinite; on a GPU only note it, because to look at a value would be to wait for all before it."""
        for total in sums.values():
            self._finite &= total.isfinite().all()
        if self.forward.device.type == "cpu" and self.is_lost:
            self._finite.fill_(True)
            raise NotFinite

    def _plain(self, anchors: Sequence[Tensor], known: Mapping[str, Tensor], states: Sequence[Any] | None) -> Tensor:
        """The objective summed over some examples at the middle point, by the plain path."""
        a = len(self.points) // 2
        theta = combine(anchors, self.points[a])  # one point more, of many parameters, and not one per step of a sum
        theta = theta.clone() if any(theta is anchor for anchor in anchors) else theta
        known = {name: value.clone() for name, value in known.items()}  # that it may write into
        channels, _ = self.forward(theta, known, None if states is None else states[a])
        return channels["objective"].double().sum()

    def _check(self, plain: Tensor, found: Tensor) -> None:
        """Once per line: the middle point of the first examples must agree with the plain path."""
        expected, ours = float(plain), float(found)
        if not abs(ours - expected) <= AGREEMENT[self.forward.dtype] * max(abs(expected), 1e-12):
            raise Unsuited(f"the traced graph gives {ours:.6g} where the plain path gives {expected:.6g}")
        self.is_checked = True


def line_sums(
    engine: str, forward: ForwardPass, path: Any, alphas: NDArray[np.float64], limit: Limit
) -> LineSums | None:
    """A ``LineSums``, or None where the plain path serves, with a logged line if that was not to be expected."""
    if engine == "plain" or (engine == "auto" and len(alphas) < 3):
        return None
    if not is_affine(path):
        # The saved points of a run are no path; who asks for them says how they are evaluated.
        if len(alphas) > 1 and not isinstance(path, MethodType):
            log.info("objective.engine=%s: the path is no straight line; every point is evaluated by itself", engine)
        return None
    return LineSums(engine, forward, path, alphas, limit)


def check_engine(engine: str) -> None:
    """Raise InputError for an unknown name."""
    if engine not in ENGINES:
        raise InputError(f"objective.engine={engine} is unknown; use one of {', '.join(ENGINES)}")
