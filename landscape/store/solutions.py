"""What training returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from landscape.parameters import ParameterLayout
from landscape.result.curve import LearningCurve
from landscape.store.trajectory import Course, Trajectory


class Runs(Protocol):
    """What measurements ask of S runs, whoever trained them.

    ``Solutions`` are those of the house, ``landscape.endpoints.Run`` finds others. ``best_epoch`` is that of theta_f.
    """

    @property
    def seeds(self) -> list[int]: ...
    @property
    def theta_i(self) -> Tensor: ...
    @property
    def theta_f(self) -> Tensor: ...
    @property
    def trajectories(self) -> Sequence[Course]: ...
    @property
    def best_epoch(self) -> Sequence[float]: ...
    @property
    def buffers(self) -> list[dict[str, Tensor]]: ...


@dataclass(frozen=True)
class Solutions:
    """S trained networks of one recipe.

    Args:
        layout: what the P values are.
        seeds: [S].
        theta_i, theta_f: first and best point of each run [S, P], CPU, in the training dtype.
        learning_curve: what the monitor saw.
        trajectories: snapshots per seed.
        status: per seed ``"stopped"``, ``"max_epochs"`` or ``"diverged"``.
        num_epochs: run [S].
        buffers: per seed, the module's buffers at theta_f.
        buffers_i: those at theta_i; empty in a set that was stored before they were kept.
    """

    layout: ParameterLayout
    seeds: list[int]
    theta_i: Tensor
    theta_f: Tensor
    learning_curve: LearningCurve
    trajectories: list[Trajectory]
    status: list[str]
    num_epochs: list[int]
    buffers: list[dict[str, Tensor]]
    buffers_i: list[dict[str, Tensor]] = field(default_factory=list)

    @property
    def best_epoch(self) -> list[int]:
        """The epoch of theta_f per seed [S]."""
        return [int(e) for e in self.learning_curve.best_epoch]


def joined(parts: Sequence[Solutions]) -> Solutions:
    """Groups of seeds, each trained on its own, as one set; shorter learning curves are padded with NaN.

    So is a channel that one of them lacks, which was trained when the monitor did not know it.
    """
    if len(parts) == 1:
        return parts[0]
    num_rows = max(len(p.learning_curve.epochs) for p in parts)

    def padded(values: np.ndarray) -> np.ndarray:
        return np.pad(values, ((0, num_rows - len(values)), (0, 0)), constant_values=np.nan)

    names = dict.fromkeys(name for p in parts for name in p.learning_curve.channels)

    def channel(part: Solutions, name: str) -> np.ndarray:
        nowhere = np.full((1, len(part.seeds)), np.nan)
        return padded(part.learning_curve.channels.get(name, nowhere))

    curve = LearningCurve(
        epochs=np.arange(num_rows, dtype=np.float64),
        channels={n: np.concatenate([channel(p, n) for p in parts], axis=1) for n in names},
        best_epoch=np.concatenate([p.learning_curve.best_epoch for p in parts]),
    )
    return Solutions(
        layout=parts[0].layout,
        seeds=[s for p in parts for s in p.seeds],
        theta_i=torch.cat([p.theta_i for p in parts]),
        theta_f=torch.cat([p.theta_f for p in parts]),
        learning_curve=curve,
        trajectories=[t for p in parts for t in p.trajectories],
        status=[s for p in parts for s in p.status],
        num_epochs=[n for p in parts for n in p.num_epochs],
        buffers=[b for p in parts for b in p.buffers],
        buffers_i=[b for p in parts for b in p.buffers_i] if all(p.buffers_i for p in parts) else [],
    )
