"""One objective along one path: which engine serves, and what it needs to remember between batches."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape.engine.choice import events_pay, is_small, load_kernels, prefix_pays, rows_together, structure_for
from landscape.engine.events import Events
from landscape.engine.prefix import Prefix
from landscape.engine.trace import Forward, NotFinite, Trace, Unsuited, trace
from landscape.errors import InputError
from landscape.sums import Sums

log = logging.getLogger(__name__)

ENGINES = ("auto", "plain", "prefix", "events")
AGREEMENT = {torch.float32: 1e-3, torch.float64: 1e-8}
"""Largest relative difference to the plain path that rounding could make; a wrong graph is far off."""


Batch = tuple[dict[str, Tensor], list[Any]]
"""{channel: its sum over the batch [A], float64}, and the state after the batch at each point."""

Keep = Callable[[Tensor, int], None]
"""Told the objective [A, B] of the examples from a number on."""


class AffinePath(Protocol):
    """A path in the affine hull of a few anchors."""

    anchors: Sequence[Tensor]
    """theta_n [S, P], two of a line, three of a plane."""

    def weights(self, alpha: float) -> tuple[float, ...]:
        """w_n(alpha), of sum 1: theta(alpha) = Σ w_n theta_n."""


class Line:
    """Sums of every channel over a batch at every point of a path, by the engine that was asked for.

    Args:
        engine: of ``ENGINES``. forward: the plain path's function of a point and a batch.
        path: has ``anchors`` and ``weights``. alphas: [A]. dtype, device: of the forward pass.
        axes: which axis holds the examples, of what does not depend on the point; the rest holds for all of them.
    """

    def __init__(
        self, engine: str, forward: Forward, path: AffinePath, alphas: NDArray[np.float64], dtype: torch.dtype,
        device: torch.device, axes: Mapping[str, int],
    ) -> None:  # fmt: skip
        self.engine, self.forward, self.dtype, self.device, self.axes = engine, forward, dtype, device, axes
        self.anchors = [anchor.to(device, dtype) for anchor in path.anchors]
        self.points = [path.weights(float(alpha)) for alpha in alphas]
        self.prefixes: dict[Any, Prefix | None] = {}
        self.events: dict[Any, Events] = {}
        self.serves, self.is_checked = True, False

    def add(
        self, known: Mapping[tuple[int, int], Mapping[str, Tensor]], states: dict[tuple[int, int, int], Any],
        sums: Sums, start: int,
    ) -> bool:  # fmt: skip
        """Add one batch at every point to ``sums`` and renew ``states``; False, and nothing done: the plain path must.

        Args:
            known: what does not depend on the point, of each (row of theta, replicate).
            states: of (point, row, replicate), as the batch before left them.
            start: the batch's first example.
        """
        if self.engine == "auto" and not self.is_checked:
            num = len(next(iter(known.values()))["x"])
            self.serves = self.serves and not is_small(num, len(self.points), self.anchors[0].shape[-1])
        if not self.serves:
            return False
        found = {}
        try:
            with torch.no_grad():
                points = range(len(self.points))
                for (s, k), values in known.items():
                    before = None if states.get((0, s, k)) is None else [states[a, s, k] for a in points]
                    keep = partial(sums.keep, k, s)
                    found[s, k] = self._batch([anchor[s] for anchor in self.anchors], values, before, keep, start)
        except NotFinite:
            log.info("objective.engine=%s: a batch with values that are not finite, point by point", self.engine)
            return False
        except (Unsuited, RuntimeError) as reason:
            if self.is_checked and not isinstance(reason, Unsuited):
                raise
            self.serves = False
            level = logging.INFO if self.engine == "auto" else logging.WARNING
            log.log(level, "objective.engine=%s: every point by a forward pass of its own: %s", self.engine, reason)
            return False
        for (s, k), (channels, after) in found.items():
            sums.add_line(k, s, channels)
            states.update({(a, s, k): state for a, state in enumerate(after)})
        return True

    def _batch(
        self, anchors: list[Tensor], known: Mapping[str, Tensor], states: Sequence[Any] | None, keep: Keep, start: int
    ) -> Batch:
        """One batch of one line."""
        runner = self._runner(anchors, known, states)
        sums: dict[str, Tensor] = {}
        after: list[Any] = []
        if isinstance(runner, Prefix):
            after = self._sum(runner, anchors, known, states, sums, keep, start)
        else:
            num = known["x"].shape[0]
            parts = -(-num // rows_together(len(self.points)))
            for n in range(parts):
                first = num * n // parts
                piece = self._slice(known, first, num * (n + 1) // parts)
                self._sum(self._events_for(anchors, piece), anchors, piece, None, sums, keep, start + first)
        if not all(bool(total.isfinite().all()) for total in sums.values()):
            raise NotFinite
        if not self.is_checked:
            self._check(anchors, known, states, sums)
        return sums, after or [None] * len(self.points)

    def _sum(
        self, runner: Prefix | Events, anchors: list[Tensor], known: Mapping[str, Tensor], states: Sequence[Any] | None,
        sums: dict[str, Tensor], keep: Keep, start: int,
    ) -> list[Any]:  # fmt: skip
        """Add the channels of some examples at every point; the state after them at each."""
        after: list[Any] = []
        found: dict[str, list[Tensor]] = {}
        for channels, state in runner(anchors, known, self.points, states):
            for name, values in channels.items():
                found.setdefault(name, []).append(values)
            after.append(state)
        for name, each in found.items():
            total = sums.setdefault(name, each[0].new_zeros(len(each), dtype=torch.float64))
            values = torch.stack(each)
            total += values.sum(dim=1, dtype=torch.float64)
            if name == "objective":
                keep(values, start)
        return after

    def _slice(self, known: Mapping[str, Tensor], first: int, last: int) -> dict[str, Tensor]:
        """Examples first ... last - 1 of a batch."""
        return {n: v.narrow(self.axes[n], first, last - first) if n in self.axes else v for n, v in known.items()}

    def _runner(
        self, anchors: Sequence[Tensor], known: Mapping[str, Tensor], states: Sequence[Any] | None
    ) -> Prefix | None:
        """The prefix for a batch of this shape, None where the events serve.

        Raises:
            Unsuited: neither serves.
        """
        key = (states is None, *_shapes(known))
        if key not in self.prefixes:
            traced = trace(self.forward, anchors[0], known, None if states is None else states[0])
            self.prefixes[key] = self._chosen(traced)
        return self.prefixes[key]

    def _chosen(self, traced: Trace) -> Prefix | None:
        """Events where they were asked for or pay, else the prefix."""
        if self.engine in ("events", "auto"):
            try:
                structure = structure_for(traced, self.points, self.device.type)
                if self.engine == "events" or events_pay(structure, len(self.points)):
                    load_kernels()
                    return None
            except Unsuited as reason:
                if self.engine == "events":
                    log.warning("objective.engine=events: by objective.engine=prefix instead: %s", reason)
        prefix = Prefix(traced)
        if self.engine == "auto" and not prefix_pays(prefix, self.points):
            raise Unsuited("the part that is affine in theta is small")
        return prefix

    def _events_for(self, anchors: Sequence[Tensor], known: Mapping[str, Tensor]) -> Events:
        """The events for some examples of a batch."""
        key = _shapes(known)
        if key not in self.events:
            traced = trace(self.forward, anchors[0], known, None)
            self.events[key] = Events(traced, structure_for(traced, self.points, self.device.type))
        return self.events[key]

    def _check(
        self, anchors: Sequence[Tensor], known: Mapping[str, Tensor], states: Sequence[Any] | None,
        sums: Mapping[str, Tensor],
    ) -> None:  # fmt: skip
        """Once per line: one point of the first batch must agree with the plain path."""
        a = len(self.points) // 2
        theta = sum(w * anchor for w, anchor in zip(self.points[a], anchors, strict=True))
        assert isinstance(theta, Tensor)
        channels, _ = self.forward(theta, known, None if states is None else states[a])
        plain, ours = float(channels["objective"].double().sum()), float(sums["objective"][a])
        if not abs(ours - plain) <= AGREEMENT[self.dtype] * max(abs(plain), 1e-12):
            raise Unsuited(f"the traced graph gives {ours:.6g} where the plain path gives {plain:.6g}")
        self.is_checked = True


def _shapes(known: Mapping[str, Tensor]) -> tuple[Any, ...]:
    return tuple((name, value.shape, value.dtype) for name, value in known.items())


def line_of(
    engine: str, forward: Forward, path: Any, alphas: NDArray[np.float64], dtype: torch.dtype, device: torch.device,
    axes: Mapping[str, int],
) -> Line | None:  # fmt: skip
    """A ``Line``, or None where the plain path serves, with a logged line if that was not to be expected."""
    if engine == "plain" or (engine == "auto" and len(alphas) < 3):
        return None
    if not (hasattr(path, "anchors") and hasattr(path, "weights")):
        if len(alphas) > 1:
            log.info("objective.engine=%s: the path is no straight line; every point is evaluated by itself", engine)
        return None
    return Line(engine, forward, path, alphas, dtype, device, axes)


def check_engine(engine: str) -> None:
    """Raise InputError for an unknown name."""
    if engine not in ENGINES:
        raise InputError(f"objective.engine={engine} is unknown; use one of {', '.join(ENGINES)}")
