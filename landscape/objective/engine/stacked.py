"""Several points of a path in one forward pass, where one point's batch is too small to fill the device."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import torch
from torch import Tensor

from landscape.objective.engine.graph import Forward
from landscape.objective.sums import Sums

log = logging.getLogger(__name__)


class StackedPoints:
    """The plain path at up to ``num`` points at once by ``torch.func.vmap``, equal up to rounding.

    Every operator keeps its meaning and gains an axis: a matrix product becomes a batched one. What vmap does not know
    is left to the plain path, with a logged line.
    """

    def __init__(self, forward: Forward, num: int) -> None:
        self.forward, self.num = forward, num

    def add(
        self, thetas: Tensor, known: Mapping[tuple[int, int], Mapping[str, Tensor]], sums: Sums, a: int, start: int
    ) -> bool:
        """Add one batch at some points to ``sums``; False, and one point at a time from then on: it does not work.

        Args:
            thetas: [G, S, P].
            known: what the batch brings besides theta, of each (row of theta, replicate).
            a: number of the first point.
            start: the batch's first example.
        """
        try:
            with torch.no_grad():
                found = {(s, k): self._channels(thetas[:, s], values) for (s, k), values in known.items()}
        except torch.OutOfMemoryError:
            raise
        except Exception as reason:  # whatever a module, a cost or a custom operator does not allow
            text = (str(reason) or type(reason).__name__).splitlines()[0]
            log.warning(
                "one point at a time instead of %d, because torch.func.vmap does not work here: %s",
                self.num,
                text,
            )
            self.num = 1
            return False
        for (s, k), channels in found.items():
            sums.add_together(k, a, s, channels, start)
        return True

    def _channels(self, thetas: Tensor, known: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """thetas [G, P] -> channels [G, B]."""
        return torch.func.vmap(lambda theta: dict(self.forward(theta, known, None)[0]))(thetas)
