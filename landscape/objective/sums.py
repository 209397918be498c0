"""Where an objective gathers what the examples cost along a path: float64 sums, and each example's cost if asked."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape.errors import InputError

IN_MEMORY = 2**28
"""Bytes of all examples' costs along a path up to which they are held in memory (on the device that makes them), and
less where the budget has less room; beyond, in a file without a name in the system's temporary folder, which is gone
with its last reader."""


@dataclass(frozen=True)
class Evaluation:
    """Channels along a path: ``{"objective": [A, S], ...}``, and the objective of each replicate [K, A, S].

    Args:
        costs: each example's objective [S, A, N], a mean over replicates, in the order of the split, in the precision
            that was asked for; None unless it was.
    """

    channels: dict[str, NDArray[np.float64]]
    replicates: NDArray[np.float64]
    costs: NDArray[Any] | None = None


class Sums:
    """Sums over the examples of every channel, in float64, of (replicate k, point a, row s).

    Args:
        shape: (K, A, S).
        num_examples: N.
        device: where the values come from.
        keep_costs: keep each example's objective too: in float32, or in this precision.
        most: bytes up to which they are held in memory.

    Raises:
        InputError: the costs fit neither memory nor the temporary folder.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        num_examples: int,
        device: torch.device,
        keep_costs: bool | torch.dtype = False,
        most: float = IN_MEMORY,
    ) -> None:
        self.shape, self.num_examples, self.device = shape, num_examples, device
        self.first = 0  # of the points that are numbered from 0 on now: a path may be done in several passes
        self.totals: dict[str, Tensor] = {}
        costs, most = (shape[2], shape[1], num_examples), min(most, IN_MEMORY)
        dtype = torch.float32 if keep_costs is True else keep_costs
        self.costs = _room_for(costs, dtype, device, most) if dtype else None
        num_bytes = 0 if self.costs is None else self.costs.nbytes
        self.held = num_bytes if num_bytes <= most else 0
        """Bytes of memory that the costs take."""

    def add(self, k: int, a: int, s: int, channels: Mapping[str, Tensor], start: int) -> None:
        """One point of one batch: values [B] of the examples from ``start`` on."""
        for name, values in channels.items():
            self._of(name)[k, self.first + a, s] += values.detach().double().sum()
        self.keep(k, s, channels["objective"].detach()[None], start, a)

    def add_together(self, k: int, a: int, s: int, channels: Mapping[str, Tensor], start: int) -> None:
        """Some points from a on of one batch: values [points, B] of the examples from ``start`` on."""
        self.add_line(k, s, {n: values.detach().sum(dim=1, dtype=torch.float64) for n, values in channels.items()}, a)
        self.keep(k, s, channels["objective"].detach(), start, a)

    def add_line(self, k: int, s: int, totals: Mapping[str, Tensor], a: int = 0) -> None:
        """Sums [points] over some examples, at the points from a on; their costs are kept apart, by ``keep``."""
        for name, total in totals.items():
            self._of(name)[k, self.first + a : self.first + a + len(total), s] += total

    def forget(self, num_points: int) -> None:
        """Begin anew with so many points from the present first on."""
        for total in self.totals.values():
            total[:, self.first : self.first + num_points] = 0.0

    def keep(self, k: int, s: int, values: Tensor, start: int, a: int = 0) -> None:
        """The objective [points, B] of the examples from ``start`` on at the points from a on, if costs are kept.

        Replicates come in turn, and the first one forgets what was there: a batch that an engine gave up is kept anew
        by the next.
        """
        if self.costs is None:
            return
        a += self.first
        place = self.costs[s, a : a + len(values), start : start + values.shape[1]]
        share = (values / self.shape[0]).to(self.costs.device, self.costs.dtype)
        if k == 0:
            place.copy_(share)
        else:
            place += share

    def evaluation(self) -> Evaluation:
        """Means over the examples, and of the channels over replicates too."""
        means = {name: (total / self.num_examples).cpu().numpy() for name, total in self.totals.items()}
        costs = None if self.costs is None else self.costs.cpu().numpy()
        return Evaluation({name: m.mean(axis=0) for name, m in means.items()}, means["objective"], costs)

    def _of(self, name: str) -> Tensor:
        if name not in self.totals:
            self.totals[name] = torch.zeros(self.shape, dtype=torch.float64, device=self.device)
        return self.totals[name]


def _room_for(shape: tuple[int, int, int], dtype: torch.dtype, device: torch.device, most: float) -> Tensor:
    """Values of this shape: on the device up to ``most`` bytes, else mapped from a file that has no name."""
    num_bytes = dtype.itemsize * math.prod(shape)
    if num_bytes <= most:
        return torch.empty(shape, dtype=dtype, device=device)
    with tempfile.TemporaryFile() as file:
        try:
            # A sparse file on a full disk would end the process at the first write that finds no room.
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, num_bytes)
            mapped: Any = np.memmap(file, dtype=str(dtype).removeprefix("torch."), mode="w+", shape=shape)
        except OSError as error:
            raise InputError(
                f"measurement.noise=true keeps {num_bytes / 2**30:.1f} GiB of examples' costs in "
                f"{tempfile.gettempdir()}, which has no room ({error.strerror}); set TMPDIR to another folder, or "
                "use measurement.noise=false"
            ) from error
    return torch.from_numpy(mapped)
