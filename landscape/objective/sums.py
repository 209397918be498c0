"""Where an objective gathers what the examples cost along a path: float64 sums, and each example's cost if asked."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape.cost.contract import WEIGHT, derived_of
from landscape.cost.labels import NothingCounts
from landscape.errors import InputError
from landscape.objective.two_level.sample import Sample

IN_MEMORY = 2**28
"""Bytes of all examples' costs along a path up to which they are held in memory (on the device that makes them), and
less where the budget has less room; beyond, in a file without a name in the system's temporary folder, which is gone
with its last reader."""


@dataclass(frozen=True)
class Evaluation:
    """Channels along a path: ``{"objective": [A, S], ...}``, and the objective of each replicate [K, A, S].

    Args:
        costs: each example's objective [S, A, N], a mean over replicates, in the order of the split, in the precision
            that was asked for; None unless it was, and of a stream, where ``take`` was told of them.
        num_examples: N.
        scale: what each example's objective was to be multiplied by, so that its mean is J: 1 but for costs that
            weigh examples and for streams; ``costs`` have it, what ``take`` was told of has not.
        bounds: with a tolerance, by channel: how far each value may be off [A, S]; 0 where it was taken over all
            examples, as every value is where this is empty.
        passes: the work, in passes of all examples over one point: A where every value was taken over all.
        sample: with a tolerance, the examples whose costs were taken at every point, in place of ``costs``.
    """

    channels: dict[str, NDArray[np.float64]]
    replicates: NDArray[np.float64]
    costs: NDArray[Any] | None = None
    num_examples: int = 0
    scale: float = 1.0
    bounds: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    passes: float = 0.0
    sample: Sample | None = None


class Listener(Protocol):
    """Who is told the costs of the examples of a stream, piece by piece, and may go on where it was cut."""

    def add(self, costs: Any) -> None:
        """Some examples more: [S, A, n]."""

    def forget(self) -> None:
        """Begin anew."""

    def state(self) -> tuple[dict[str, NDArray[np.float64]], dict[str, Any]]:
        """What was added so far: arrays, and numbers."""

    def restore(self, arrays: dict[str, NDArray[np.float64]], numbers: dict[str, Any]) -> None:
        """Go on where ``state`` was taken."""


class Sums:
    """Sums over the examples of every channel, in float64, of (replicate k, point a, row s).

    Args:
        shape: (K, A, S).
        num_examples: N; None: not known yet, see ``block``.
        device: where the values come from.
        keep_costs: keep each example's objective too: in float32, or in this precision.
        most: bytes up to which they are held in memory.
        take: told each block's costs [S, A, n], which are then forgotten.

    Raises:
        InputError: the costs fit neither memory nor the temporary folder.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        num_examples: int | None,
        device: torch.device,
        keep_costs: bool | torch.dtype = False,
        most: float = IN_MEMORY,
        take: Callable[[NDArray[Any]], None] | None = None,
    ) -> None:
        self.shape, self.num_examples, self.device = shape, num_examples or 0, device
        self.first = 0  # of the points that are numbered from 0 on now: a path may be done in several passes
        self.before = 0  # examples of earlier blocks
        self.totals: dict[str, Tensor] = {}
        self.counts: dict[str, float] = {}
        self.take, self.most, self.is_open = take, min(most, IN_MEMORY), num_examples is None
        self.cost_dtype = torch.float32 if keep_costs is True else keep_costs
        self.costs: Tensor | None = None
        self.held = 0
        """Bytes of memory that the costs take."""
        if num_examples is not None:
            self._make_room(num_examples)

    def _make_room(self, num: int) -> None:
        """For the costs of so many examples, if they are kept."""
        if not self.cost_dtype:
            return
        self.costs = _room_for((self.shape[2], self.shape[1], num), self.cost_dtype, self.device, self.most)
        self.held = self.costs.nbytes if self.costs.nbytes <= self.most else 0

    @contextmanager
    def block(self, num: int, counts: Mapping[str, float], factor: float = 1.0) -> Iterator[None]:
        """Inside it come the next ``num`` examples of a stream.

        Args:
            counts: what the sums of these channels are to be divided by, as far as these examples go; every other by
                their number.
            factor: of those channels: their values are means over so many labels of an example, and blocks may differ.
        """
        if self.take is not None:
            self._make_room(num)
        before = {name: self._of(name).clone() for name in counts} if factor != 1 else {}
        yield
        for name, total in before.items():
            self.totals[name] = total + factor * (self.totals[name] - total)
        if self.first == 0:
            self.num_examples += num
            for name, count in counts.items():
                self.counts[name] = self.counts.get(name, 0.0) + factor * count
        if self.take is not None and self.costs is not None:
            self.take(self.costs.cpu().numpy() * (factor if "objective" in counts else 1))
        self.before += num

    def add(self, k: int, a: int, s: int, channels: Mapping[str, Tensor], start: int) -> None:
        """One point of one batch: values [B] of the examples from ``start`` on."""
        for name, values in channels.items():
            self._of(name)[k, self.first + a, s].add_(values.detach().double().sum())
            self.keep(k, s, values.detach()[None], start, a, name)

    def add_together(self, k: int, a: int, s: int, channels: Mapping[str, Tensor], start: int) -> None:
        """Some points from a on of one batch: values [points, B] of the examples from ``start`` on."""
        self.add_line(k, s, {n: values.detach().sum(dim=1, dtype=torch.float64) for n, values in channels.items()}, a)
        for name, values in channels.items():
            self.keep(k, s, values.detach(), start, a, name)

    def add_line(self, k: int, s: int, totals: Mapping[str, Tensor], a: int = 0) -> None:
        """Sums [points] over some examples, at the points from a on; their costs are kept apart, by ``keep``."""
        for name, total in totals.items():
            self._of(name)[k, self.first + a : self.first + a + len(total), s] += total

    def at(self, a: int, s: int) -> dict[str, Tensor]:
        """The sums at one point of one row so far, of each replicate."""
        return {name: total[:, self.first + a, s].clone() for name, total in self.totals.items()}

    def put(self, a: int, s: int, found: Mapping[str, Tensor]) -> None:
        """Go on at one point of one row from what was there."""
        for name, total in self.totals.items():
            total[:, self.first + a, s] = found.get(name, 0.0)

    def forget(self, num_points: int) -> None:
        """Begin anew with so many points from the present first on."""
        if self.is_open:
            self.before = 0
            if self.first == 0:
                self.num_examples, self.counts = 0, {}
        for total in self.totals.values():
            total[:, self.first : self.first + num_points] = 0.0

    def keep(self, k: int, s: int, values: Tensor, start: int, a: int = 0, name: str = "objective") -> None:
        """A channel [points, B] of the examples from ``start`` on at the points from a on: the objective.

        The objective is kept where costs are. Replicates come in turn, and the first one forgets what was there: a
        batch that an engine gave up is kept anew by the next.
        """
        if self.costs is None or name != "objective":
            return
        a += self.first
        start -= self.before  # of a stream, in whose present block
        place = self.costs[s, a : a + len(values), start : start + values.shape[1]]
        share = (values / self.shape[0]).to(self.costs.device, self.costs.dtype)
        if k == 0:
            place.copy_(share)
        else:
            place += share

    def state(self) -> tuple[dict[str, NDArray[np.float64]], dict[str, Any]]:
        """The sums so far: arrays, and numbers."""
        totals = {name: total.cpu().numpy() for name, total in self.totals.items()}
        return totals, {"num_examples": self.num_examples, "before": self.before, "counts": self.counts}

    def restore(self, totals: Mapping[str, NDArray[np.float64]], numbers: Mapping[str, Any]) -> None:
        """Go on where ``state`` was taken."""
        self.totals = {name: torch.from_numpy(total).to(self.device) for name, total in totals.items()}
        self.num_examples, self.before = int(numbers["num_examples"]), int(numbers["before"])
        self.counts = dict(numbers["counts"])

    def shares(self) -> dict[str, float]:
        """What the sums of each channel are to be divided by: N, what was counted, or what all examples weigh."""
        weight = weight_of(self.totals[WEIGHT]) if WEIGHT in self.totals else 0.0
        return {n: weight or self.counts.get(n, self.num_examples) for n in self.totals if n != WEIGHT}

    def evaluation(self) -> Evaluation:
        """Means over the examples, and of the channels over replicates too; where the cost weighs them, by weight."""
        shares, num = self.shares(), self.num_examples
        totals = {name: total for name, total in self.totals.items() if name in shares}
        means = {name: (total / shares[name]).cpu().numpy() for name, total in totals.items()}
        scale = num / shares["objective"]
        costs = None if self.costs is None or self.take is not None else self.costs.cpu().numpy()
        if costs is not None and scale != 1:
            costs = costs * costs.dtype.type(scale)
        channels = {name: m.mean(axis=0) for name, m in means.items()}
        return Evaluation(channels, means["objective"], costs, num, scale, passes=float(self.shape[1]))

    def _of(self, name: str) -> Tensor:
        if name not in self.totals:
            self.totals[name] = torch.zeros(self.shape, dtype=torch.float64, device=self.device)
        return self.totals[name]


def with_derived(evaluation: Evaluation, cost: Any) -> Evaluation:
    """The same with what the cost says to compute from its means, such as a perplexity."""
    with np.errstate(over="ignore"):
        more = {
            name: np.asarray(function(evaluation.channels[channel]), dtype=np.float64)
            for name, (channel, function) in derived_of(cost).items()
            if channel in evaluation.channels
        }
    bounds = {
        name: _derived_bound(function, evaluation.channels[channel], evaluation.bounds[channel])
        for name, (channel, function) in derived_of(cost).items()
        if channel in evaluation.bounds
    }
    if not more:
        return evaluation
    return replace(evaluation, channels={**evaluation.channels, **more}, bounds={**evaluation.bounds, **bounds})


def _derived_bound(function: Any, values: NDArray[np.float64], bound: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far a monotonous function of values may be off that may themselves be."""
    with np.errstate(over="ignore", invalid="ignore"):
        middle, *ends = (np.asarray(function(values + part), dtype=np.float64) for part in (0.0, bound, -bound))
        return np.where(bound == 0, 0.0, np.maximum(*(np.abs(end - middle) for end in ends)))


def weight_of(total: Tensor) -> float:
    """What all examples count together, from its sums at each point.

    Raises:
        InputError: it differs from point to point.
        NothingCounts: it is nothing.
    """
    first, last = float(total.min()), float(total.max())
    if not 0 < first < math.inf:
        raise NothingCounts(
            f"the examples count {first:g} all together, and J is a mean; the weights of a cost must be 0 or more"
        )
    if last - first > 1e-6 * last:
        raise InputError(
            f"the weights of the cost depend on the point: they add up to {first:.8g} at one and {last:.8g} at "
            "another, so that J would be no mean over fixed examples; let them depend on the batch alone"
        )
    return first


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
