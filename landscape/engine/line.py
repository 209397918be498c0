"""One objective along one path: which engine serves, and what it needs to remember between batches."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape.engine.choice import choose
from landscape.engine.prefix import Prefix
from landscape.engine.trace import Forward, Unsuited, trace
from landscape.errors import InputError

log = logging.getLogger(__name__)

ENGINES = ("auto", "plain", "prefix", "events")
AGREEMENT = {torch.float32: 1e-3, torch.float64: 1e-8}
"""Largest relative difference to the plain path that rounding could make; a wrong graph is far off."""


Batch = tuple[dict[str, Tensor], list[Any]]
"""{channel: its sum over the batch [A], float64}, and the state after the batch at each point."""


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
    """

    def __init__(
        self, engine: str, forward: Forward, path: AffinePath, alphas: NDArray[np.float64], dtype: torch.dtype,
        device: torch.device,
    ) -> None:  # fmt: skip
        self.engine, self.forward, self.dtype = engine, forward, dtype
        self.anchors = [anchor.to(device, dtype) for anchor in path.anchors]
        self.points = [path.weights(float(alpha)) for alpha in alphas]
        self.alphas = alphas
        self.found: dict[Any, Prefix] = {}
        self.serves, self.is_checked = True, False

    def add(
        self, known: Mapping[tuple[int, int], Mapping[str, Tensor]], states: dict[tuple[int, int, int], Any],
        sums: dict[str, Tensor], shape: tuple[int, int, int],
    ) -> bool:  # fmt: skip
        """Add one batch at every point to ``sums`` and renew ``states``; False, and nothing done: the plain path must.

        Args:
            known: what does not depend on the point, of each (row of theta, replicate).
            states: of (point, row, replicate), as the batch before left them.
            sums: {channel: [K, A, S]}. shape: (K, A, S).
        """
        if not self.serves:
            return False
        found = {}
        try:
            with torch.no_grad():
                for (s, k), values in known.items():
                    before = None if states.get((0, s, k)) is None else [states[a, s, k] for a in range(shape[1])]
                    found[s, k] = self._batch([anchor[s] for anchor in self.anchors], values, before)
        except NotFinite:
            log.info("objective.engine=%s: a batch with values that are not finite, point by point", self.engine)
            return False
        except Unsuited as reason:
            self.serves = False
            level = logging.INFO if self.engine == "auto" else logging.WARNING
            log.log(level, "objective.engine=%s: every point by a forward pass of its own: %s", self.engine, reason)
            return False
        for (s, k), (channels, after) in found.items():
            for name, total in channels.items():
                sums.setdefault(name, total.new_zeros(shape))[k, :, s] += total
            states.update({(a, s, k): state for a, state in enumerate(after)})
        return True

    def _batch(self, anchors: list[Tensor], known: Mapping[str, Tensor], states: Sequence[Any] | None) -> Batch:
        runner = self._runner(anchors, known, states)
        sums: dict[str, Tensor] = {}
        after = []
        for a, (channels, state) in enumerate(runner(anchors, known, self.points, states)):
            for name, values in channels.items():
                total = sums.setdefault(name, values.new_zeros(len(self.points), dtype=torch.float64))
                total[a] = values.double().sum()
            after.append(state)
        if not all(bool(total.isfinite().all()) for total in sums.values()):
            raise NotFinite
        if not self.is_checked:
            self._check(anchors, known, states, sums)
        return sums, after

    def _runner(self, anchors: Sequence[Tensor], known: Mapping[str, Tensor], states: Sequence[Any] | None) -> Prefix:
        """The engine for a batch of this shape."""
        key = (states is None, *((name, value.shape, value.dtype) for name, value in known.items()))
        if key not in self.found:
            state = None if states is None else states[0]
            traced = trace(self.forward, anchors[0], known, state)
            self.found[key] = choose(self.engine, traced, self.points, self.alphas)
        return self.found[key]

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


class NotFinite(Unsuited):
    """This batch must be done by the plain path: what is infinite or no number is so in an order of its own."""


def line_of(
    engine: str, forward: Forward, path: Any, alphas: NDArray[np.float64], dtype: torch.dtype, device: torch.device
) -> Line | None:
    """A ``Line``, or None where the plain path serves, with a logged line if that was not to be expected."""
    if engine == "plain" or (engine == "auto" and len(alphas) < 3):
        return None
    if not (hasattr(path, "anchors") and hasattr(path, "weights")):
        if len(alphas) > 1:
            log.info("objective.engine=%s: the path is no straight line; every point is evaluated by itself", engine)
        return None
    return Line(engine, forward, path, alphas, dtype, device)


def check_engine(engine: str) -> None:
    """Raise InputError for an unknown name."""
    if engine not in ENGINES:
        raise InputError(f"objective.engine={engine} is unknown; use one of {', '.join(ENGINES)}")
