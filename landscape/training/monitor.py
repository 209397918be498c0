"""What is measured after every epoch, by the same objectives that the line is measured with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from landscape.cost import CrossEntropy
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
