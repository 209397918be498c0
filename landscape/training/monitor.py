"""What is measured after every epoch, by the objectives that the line is measured with, and which seeds that stops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from landscape.cost import CrossEntropy
from landscape.cost.contract import derived_of
from landscape.data.dataset import Dataset
from landscape.errors import InputError
from landscape.objective.objective import Objective

PERPLEXITY = "valid/perplexity"


class Monitor:
    """monitor(theta [S, P]) -> {"train/objective": [S], "valid/objective": [S], "valid/error": [S], ...}.

    The objective is the training cost with its dropout, under masks that stay the same from epoch to epoch; every
    other channel is without dropout, and so is the objective of validation if ``validation`` says so. The value at the
    best epoch is therefore the line's value at alpha = 1. Of a text ``valid/perplexity`` is exp of the cross-entropy
    per token, without dropout.

    Attributes:
        derived: channels that say nothing that another does not, but may overflow where it is finite.
    """

    def __init__(
        self,
        module: nn.Module,
        cost: Any,
        dataset: Dataset,
        seeds: Sequence[int],
        dtype: str,
        device: torch.device,
        batch_size: int,
        validation: str = "stochastic",
    ) -> None:
        objective = partial(
            Objective,
            module,
            cost,
            seeds=seeds,
            dtype=dtype,
            device=device,
            batch_size=batch_size,
            running_statistics="keep",
        )
        self.noisy = {"train": objective(dataset.train, mode="stochastic")}
        if validation == "stochastic" and self.noisy["train"].is_random:
            self.noisy["valid"] = objective(dataset.valid, mode="stochastic")
        self.is_text = dataset.valid.num_streams is not None and isinstance(cost, CrossEntropy)
        self.derived = frozenset({PERPLEXITY, *(f"valid/{name}" for name in derived_of(cost))})
        self.plain = objective(dataset.valid, mode="deterministic")

    def __call__(
        self, theta: Tensor, buffers: Sequence[Mapping[str, Tensor]] | None = None
    ) -> dict[str, NDArray[np.float64]]:
        """theta [S, P] -> channels."""
        for objective in (*self.noisy.values(), self.plain):
            objective.buffers = buffers
        row = {f"{name}/objective": noisy.evaluate(theta)["objective"] for name, noisy in self.noisy.items()}
        plain = self.plain.evaluate(theta)
        row.setdefault("valid/objective", plain["objective"])
        row.update({f"valid/{name}": values for name, values in plain.items() if name != "objective"})
        if self.is_text:
            with np.errstate(over="ignore"):  # infinite from 710 nats on
                row[PERPLEXITY] = np.exp(plain["objective"])
        return row


def monitored(row: Mapping[str, NDArray[np.float64]], channel: str) -> NDArray[np.float64]:
    """The channel that early stopping watches [S].

    Raises:
        InputError: the cost has no such channel.
    """
    if channel not in row:
        raise InputError(f"training.monitor={channel} is not measured; choose one of {', '.join(sorted(row))}")
    return row[channel]


class EarlyStopping:
    """Stop a seed after ``patience`` epochs in a row without a strict decrease of its monitored value.

    Args:
        num_seeds: S.
        patience: epochs; None never stops.

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
