"""Early stopping, one state per seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class EarlyStopping:
    """Stop a seed after ``patience`` epochs in a row without a strict decrease of its monitored value.

    Args:
        num_seeds: S. patience: epochs; None never stops.

    Source: pylearn2 ``MonitorBased`` with ``prop_decrease = 0``.
    """

    def __init__(self, num_seeds: int, patience: int | None) -> None:
        self.patience = patience
        self.best = np.full(num_seeds, np.inf)
        self.best_epoch = np.zeros(num_seeds, dtype=np.int64)
        self.last_epoch = np.zeros(num_seeds, dtype=np.int64)
        self.diverged = np.zeros(num_seeds, dtype=bool)
        self.stopped = np.zeros(num_seeds, dtype=bool)

    def update(self, epoch: int, value: NDArray[np.float64], finite: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Note the monitored value [S]; returns which seeds improved [S].

        A seed that is not finite is marked as diverged and stopped; seeds already stopped never change.
        """
        running = ~self.stopped
        self.last_epoch[running] = epoch
        self.diverged |= running & ~finite
        improved: NDArray[np.bool_] = running & finite & (value < self.best)
        self.best[improved] = value[improved]
        self.best_epoch[improved] = epoch
        if self.patience is not None:
            self.stopped |= running & (epoch - self.best_epoch >= self.patience)
        self.stopped |= self.diverged
        return improved

    def status(self) -> list[str]:
        """Per seed: ``"stopped"``, ``"max_epochs"`` or ``"diverged"``."""
        return [
            "diverged" if d else "stopped" if s else "max_epochs"
            for d, s in zip(self.diverged, self.stopped, strict=True)
        ]

    def state(self) -> dict[str, list[float]]:
        """Plain lists for a checkpoint."""
        return {k: getattr(self, k).tolist() for k in ("best", "best_epoch", "last_epoch", "diverged", "stopped")}

    def restore(self, state: dict[str, list[float]]) -> None:
        """Take back what ``state`` gave."""
        for name, values in state.items():
            setattr(self, name, np.array(values, dtype=getattr(self, name).dtype))
