"""The two ends of a path, and how to come by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from numbers import Real
from typing import Any

import torch
from torch import Tensor, nn

from landscape.endpoints.align import Align
from landscape.errors import InputError
from landscape.ground.streams import ENDPOINT, stream
from landscape.parameters import ParameterLayout, beside
from landscape.store.solutions import Runs, Solutions

LARGEST = 1e30
"""Of a standard deviation: float32 ends at 3.4e38."""
MOST_SHOWN = 6
"""Numbers of a point that a message tells."""


@dataclass(frozen=True)
class Ends:
    """Two ends of S lines.

    Args:
        theta_0, theta_1: [S, P]. labels: one per line, for legends. seeds: one per line, for dropout masks.
        buffers: one dict per line, the running statistics that belong to theta_1.
        diverged: per line, whether an end comes from a run that diverged.
        buffers_0: those that belong to theta_0; empty where there are none, as of a random point.
        theta_2: a third point [S, P], where a plane was asked for; buffers_2: those that belong to it.
        names: what the three points are called.
        runs: those that the lines belong to, where somebody else trained them.
        numbers: what is told of each line beside J, by name.
    """

    theta_0: Tensor
    theta_1: Tensor
    labels: list[str]
    seeds: list[int]
    buffers: list[dict[str, Tensor]]
    diverged: list[bool]
    buffers_0: list[dict[str, Tensor]] = field(default_factory=list)
    theta_2: Tensor | None = None
    runs: Runs | None = None
    buffers_2: list[dict[str, Tensor]] = field(default_factory=list)
    names: tuple[str, str, str] = ("start", "end", "third")
    numbers: dict[str, list[float]] = field(default_factory=dict)

    def cast(self, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """(theta_0, theta_1) in the precision in which points between them are mixed.

        Raises:
            InputError: a finite number is too large for it.
        """
        ends = self.theta_0.to(device, dtype), self.theta_1.to(device, dtype)
        for name, before, after in zip(("start", "end"), (self.theta_0, self.theta_1), ends, strict=True):
            lost = before.isfinite() & ~after.to(before.device).isfinite()
            if lost.any():
                kind = str(dtype).removeprefix("torch.")
                raise InputError(
                    f"the {name} of the line holds {before[lost][0].item():g}, which is too large for "
                    f"objective.dtype={kind}; use objective.dtype=float64, or smaller endpoints"
                )
        return ends


def number(key: str, value: Any) -> float:
    """The value of a key that must be a number; InputError if it is none."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputError(f"{key}={value} must be a number")
    return float(value)


def of_runs(solutions: Solutions, theta_0: Tensor, buffers_0: Sequence[dict[str, Tensor]] = ()) -> Ends:
    """One line per run, from theta_0 [S, P], where the buffers are buffers_0, to its best point."""
    return Ends(
        theta_0,
        solutions.theta_f,
        [str(seed) for seed in solutions.seeds],
        solutions.seeds,
        solutions.buffers,
        [status == "diverged" for status in solutions.status],
        list(buffers_0),
    )


class InitToSolution:
    """From each run's first point to its best point.

    Source: paper, section 3 and figures 1 to 4.
    """

    needs_solutions = True
    starts_training = True

    def check(self, num_seeds: int) -> None:
        """Any number of seeds will do."""

    def __call__(self, solutions: Solutions) -> Ends:
        """Solutions -> S lines."""
        return of_runs(solutions, solutions.theta_i, solutions.buffers_i)


class BetweenSolutions:
    """From one run's best point to another's: seeds 0 and 1, then 2 and 3, and so on; of three seeds all three pairs.

    The dropout masks along a line are those of its first seed.

    Args:
        align, axes, rescale, starts, align_seed: how the second of each pair is brought near the first; see ``Align``.

    Source: paper, section 4 and figure 5 left.
    """

    needs_solutions = True
    starts_training = False

    def __init__(
        self,
        align: str | None = None,
        axes: str | None = None,
        rescale: bool = False,
        starts: int = 1,
        align_seed: int = 0,
    ) -> None:
        self.align = Align(align, axes, rescale, starts, align_seed)

    def check(self, num_seeds: int) -> None:
        """Raise InputError unless the seeds pair up."""
        if num_seeds < 2 or (num_seeds % 2 and num_seeds != 3):
            more = ", or with three for all three pairs of them" * (num_seeds > 3)
            raise InputError(
                f"endpoints=between_solutions needs seeds in pairs but training.num_seeds={num_seeds}; "
                f"run with training.num_seeds={num_seeds + 1}{more}"
            )

    def __call__(self, solutions: Solutions) -> Ends:
        """Solutions -> S/2 lines, or three of three."""
        rows = range(len(solutions.seeds))
        self.check(len(rows))
        pairs = list(combinations(rows, 2) if len(rows) == 3 else zip(rows[::2], rows[1::2], strict=True))
        first, second = [a for a, _ in pairs], [b for _, b in pairs]
        return Ends(
            solutions.theta_f[first],
            solutions.theta_f[second],
            [f"{solutions.seeds[a]}-{solutions.seeds[b]}" for a, b in pairs],
            [solutions.seeds[a] for a in first],
            [solutions.buffers[b] for b in second],
            ["diverged" in (solutions.status[a], solutions.status[b]) for a, b in pairs],
            [solutions.buffers[a] for a in first],
        )


class ThreeSolutions:
    """Three runs' best points, the corners of a plane: seeds 0, 1 and 2, then 3, 4 and 5, and so on.

    The dropout masks on a plane are those of its first seed.

    Source: Garipov et al. 2018 (arXiv 1802.10026), figure 1.
    """

    needs_solutions = True
    starts_training = False
    has_third = True

    def check(self, num_seeds: int) -> None:
        """Raise InputError unless the seeds come in threes."""
        if num_seeds < 3 or num_seeds % 3:
            raise InputError(
                f"endpoints=three_solutions needs seeds in threes but training.num_seeds={num_seeds}; "
                f"run with training.num_seeds={max(3, num_seeds + -num_seeds % 3)}"
            )

    def __call__(self, solutions: Solutions) -> Ends:
        """Solutions -> S/3 planes."""
        num_seeds = len(solutions.seeds)
        self.check(num_seeds)
        corners = [range(k, num_seeds, 3) for k in range(3)]
        theta = [solutions.theta_f[list(rows)] for rows in corners]
        buffers = [[solutions.buffers[s] for s in rows] for rows in corners]
        planes = list(zip(*corners, strict=True))
        return Ends(
            theta[0],
            theta[1],
            ["-".join(str(solutions.seeds[s]) for s in rows) for rows in planes],
            [solutions.seeds[rows[0]] for rows in planes],
            buffers[1],
            [any(solutions.status[s] == "diverged" for s in rows) for rows in planes],
            buffers[0],
            theta[2],
            buffers_2=buffers[2],
            names=("first", "second", "third"),
        )


class RandomToSolution:
    """From a point N(0, scale^2 I) to each run's best point.

    Args:
        scale: standard deviation of every coordinate.

    Source: paper, figure 5 right.
    """

    needs_solutions = True
    starts_training = False
    knows_statistics = False

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = number("endpoints.scale", scale)
        if not 0 < self.scale <= LARGEST:
            raise InputError(f"endpoints.scale={scale} must be positive and at most {LARGEST:g}")

    def check(self, num_seeds: int) -> None:
        """Any number of seeds will do."""

    def __call__(self, solutions: Solutions) -> Ends:
        """Solutions -> S lines."""
        end = solutions.theta_f
        random = torch.stack([torch.randn(end.shape[1], generator=stream(s, ENDPOINT)) for s in solutions.seeds])
        return of_runs(solutions, self.scale * random.to(end.dtype))


class Points:
    """From one given point to another: no training.

    Args:
        start, end: theta as a flat list of P numbers, in the order of the module's parameters.
        third: another one, for the plane of ``measurement=plane``.
        align, axes, rescale, starts, align_seed: how ``end`` is brought near ``start``; see ``Align``.
    """

    needs_solutions = False

    def __init__(
        self,
        start: Sequence[float],
        end: Sequence[float],
        third: Sequence[float] | None = None,
        align: str | None = None,
        axes: str | None = None,
        rescale: bool = False,
        starts: int = 1,
        align_seed: int = 0,
    ) -> None:
        self.align = Align(align, axes, rescale, starts, align_seed)
        self.points: dict[str, list[float]] = {}
        given = {"start": start, "end": end} | ({} if third is None else {"third": third})
        try:
            for key, point in given.items():
                if isinstance(point, str) or any(isinstance(value, str | bool) for value in point):
                    raise ValueError("no numbers")
                self.points[key] = [float(value) for value in point]
        except (TypeError, ValueError) as error:
            told = " and ".join(f"endpoints.{key}={_few(point)}" for key, point in given.items())
            raise InputError(f"{told} must be lists of numbers") from error

    @property
    def has_third(self) -> bool:
        """Whether there is a third corner of a plane."""
        return "third" in self.points

    def check(self, num_seeds: int) -> None:
        """Raise InputError unless all are finite and differ."""
        for key, point in self.points.items():
            if not torch.isfinite(torch.tensor(point, dtype=torch.float64)).all():
                raise InputError(f"endpoints.{key}={_few(point)} must hold finite numbers")
        for one, other in combinations(self.points, 2):
            if self.points[one] == self.points[other]:
                raise InputError(
                    f"endpoints.{one} and endpoints.{other} are the same point {_few(self.points[one])}; "
                    f"{'a plane needs three' if len(self.points) > 2 else 'a line needs two'}"
                )

    def load(self, module: nn.Module) -> Ends:
        """One line for this module's layout, in float64."""
        layout = ParameterLayout.of(module)
        for key, point in self.points.items():
            if len(point) != layout.num_parameters:
                raise InputError(
                    f"endpoints.{key} has {len(point)} numbers but model={type(module).__name__} has "
                    f"{layout.num_parameters} parameters; give one number per parameter"
                    + ", or take recipe=deep_linear, whose model has two"
                    * (len(point) == 2)
                )
        theta = {key: torch.tensor([point], dtype=torch.float64) for key, point in self.points.items()}
        buffers = beside(module)
        return Ends(theta["start"], theta["end"], ["0"], [0], [buffers], [False], theta_2=theta.get("third"))


def _few(point: Any) -> str:
    """A point in a message: of many numbers the first few."""
    if isinstance(point, str) or not isinstance(point, Sequence) or len(point) <= MOST_SHOWN:
        return str(point) if len(str(point)) <= 200 else f"{str(point)[:200]}..."
    return f"[{', '.join(str(value)[:40] for value in point[:MOST_SHOWN])}, ... ({len(point)} in all)]"
