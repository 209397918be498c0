"""Principal axes of the saved points of training, beside those of a random walk: what two axes explain of nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape.errors import InputError
from landscape.ground.streams import WALK, stream
from landscape.measurement.contract import Measured, Steps, Work
from landscape.measurement.stages import Seeds, Trained
from landscape.result.curve import Components
from landscape.store.principal import MOST_POINTS, principal
from landscape.store.trajectory import Course
from theory.walk import principal as law

log = logging.getLogger(__name__)

ORIGINS = ("mean", "end")
NUMBERS = ("one_axis", "two_axes", "two_axes_walk", "two_axes_paced", "cosine_content", "second_cosine_content")
"""Of every run's components, those that a result holds as its numbers."""

Array = NDArray[np.float64]


class PrincipalAxes:
    """The saved points of every run along its two leading principal axes, and the share of each axis.

    Args:
        origins: what the axes go through: ``"mean"``, of the points; ``"end"``, theta_f.
        walk: the same of a random walk beside each run, in as many dimensions, saved after as many steps, as
            ``"walk_mean"`` and ``"walk_end"``, whose end is its last point.

    Source: Li et al. 2018 (arXiv 1712.09913), section 7; Antognini & Sohl-Dickstein 2018 (arXiv 1806.08805).
    """

    stage = Trained
    least_points = 3

    def __init__(self, origins: Sequence[str] = ORIGINS, walk: bool = False) -> None:
        self.origins, self.walk = origins_of(origins), walk
        if not isinstance(walk, bool):
            raise InputError(f"measurement.walk={walk} must be true or false")

    def work(self, trained: Trained) -> Work:
        """No pass over the data."""
        return Work(unknown="reading the trajectory")

    def __call__(self, trained: Trained) -> Measured:
        """Trained networks -> components ``{"mean": ..., "end": ...}``, a column per seed."""
        runs = trained.solutions
        found = measured(runs.trajectories, list(runs.theta_f), runs.seeds, self.origins)
        if not self.walk:
            return found
        dimension = runs.theta_f.shape[1]
        walks = [
            Walk(dimension, run.steps, seed, trained.device)
            for seed, run in zip(runs.seeds, runs.trajectories, strict=True)
        ]
        drawn = measured(walks, [walk.end() for walk in walks], runs.seeds, self.origins)
        return replace(
            found,
            components=found.components | {f"walk_{name}": part for name, part in drawn.components.items()},
            numbers=found.numbers | {f"walk_{name}": values for name, values in drawn.numbers.items()},
        )


class PrincipalWalk:
    """The same of a random walk theta_{t+1} = theta_t + N(0, I), every step of which is saved; no network.

    Args:
        dimension: P, at least 2.
        num_steps: steps walked, at least 2.
        origins: as of ``PrincipalAxes``; the end is the last point.

    Source: Antognini & Sohl-Dickstein 2018 (arXiv 1806.08805).
    """

    stage = Seeds

    def __init__(self, dimension: int = 1000, num_steps: int = 999, origins: Sequence[str] = ORIGINS) -> None:
        for key, value in {"dimension": dimension, "num_steps": num_steps}.items():
            if isinstance(value, bool) or not isinstance(value, int) or value < 2:
                raise InputError(f"measurement.{key}={value!r} must be a whole number, 2 or more")
        if num_steps >= MOST_POINTS:
            raise InputError(
                f"measurement.num_steps={num_steps} is too many for the law; use {MOST_POINTS - 1} at most"
            )
        self.dimension, self.num_steps, self.origins = dimension, num_steps, origins_of(origins)

    def work(self, start: Seeds) -> Work:
        """Steps alone; a shorter walk tells how long one takes."""

        def shorter(num: int) -> PrincipalWalk:
            return PrincipalWalk(self.dimension, max(num, 2), self.origins)

        return Work(steps=Steps(self.num_steps, len(start.seeds), 0, shorter))

    def __call__(self, start: Seeds) -> Measured:
        """Seeds -> components ``{"mean": ..., "end": ...}``, one walk per seed."""
        walks = [Walk(self.dimension, np.arange(self.num_steps + 1), seed, start.device) for seed in start.seeds]
        return measured(walks, [walk.end() for walk in walks], start.seeds, self.origins)


class Walk:
    """The points of a walk from 0 on, drawn again each time that they are asked for.

    Args:
        dimension: P.
        steps: after how many steps each point is saved [T].
        seed: of the steps.
        device: where they are drawn.
    """

    held: int | None = None

    def __init__(self, dimension: int, steps: NDArray[np.int64], seed: int, device: torch.device) -> None:
        self.dimension, self.steps, self.seed, self.device = dimension, steps, seed, device
        self.epochs: Array = steps.astype(np.float64)

    def __iter__(self) -> Iterator[Array]:
        generator = stream(self.seed, WALK, device=self.device)
        theta = np.zeros(self.dimension)
        yield theta.copy()
        for apart in np.diff(self.epochs):
            drawn = torch.randn(self.dimension, generator=generator, device=self.device)
            theta += np.sqrt(apart) * drawn.cpu().double().numpy()
            yield theta.copy()

    def rows(self) -> None:
        """Nothing: they are nowhere held at once."""
        return

    def theta(self, row: float) -> Tensor:
        """Point number ``row`` [1, P]."""
        return torch.from_numpy(next(islice(self, int(row), None)))[None]

    def end(self) -> Tensor:
        """The last point [P]."""
        return self.theta(len(self.steps) - 1)[0]


def origins_of(origins: Sequence[str]) -> list[str]:
    """The origins, each once.

    Raises:
        InputError: there is none, or one that is not known.
    """
    names = [origins] if isinstance(origins, str) else list(origins)
    if not names or not set(names) <= set(ORIGINS):
        raise InputError(f"measurement.origins={names} must be some of {', '.join(ORIGINS)}")
    return list(dict.fromkeys(names))


def measured(runs: Sequence[Course], ends: Sequence[Tensor], seeds: Sequence[int], origins: Sequence[str]) -> Measured:
    """Components of all runs about each origin; NaN throughout for a run that has no principal axes, which is named.

    Args:
        runs: one per seed.
        ends: theta_f [P] of each.
        seeds: for messages.
        origins: as of ``PrincipalAxes``.

    Raises:
        InputError: no run has principal axes.
    """
    found, numbers = dict[str, Components](), dict[str, list[float]]()
    for origin in origins:
        parts, failed = list[Components | None](), list[InputError]()
        for seed, run, end in zip(seeds, runs, ends, strict=True):
            try:
                parts.append(components_of(run, end if origin == "end" else None))
            except InputError as error:
                log.warning("seed %s: %s", seed, error)
                parts.append(None)
                failed.append(error)
        if len(failed) == len(parts):
            raise failed[0]
        found[origin] = _together(parts)
        summary, suffix = found[origin].summary(), "" if origin == "mean" else f"_from_{origin}"
        numbers |= {f"{name}{suffix}": summary[name] for name in NUMBERS}
    return Measured(components=found, numbers=numbers, labels=[str(seed) for seed in seeds])


def _together(parts: Sequence[Components | None]) -> Components:
    """One set of columns; that of a run without axes is NaN."""
    good = next(part for part in parts if part is not None)
    nowhere: dict[str, Any] = {name: np.full((1, 1), np.nan) for name in good._in_columns()}
    nowhere["dimension"] = good.dimension
    blank = replace(good, steps=good.steps[:1], epochs=good.epochs[:1], **nowhere)
    first, *rest = (blank if part is None else part for part in parts)
    return first.beside(*rest)


def components_of(run: Course, end: Tensor | None = None) -> Components:
    """One run along its principal axes, beside a random walk's.

    Args:
        run: its saved points.
        end: the point [P] that the axes go through; None: the mean.

    Raises:
        InputError: the run has no principal axes, see ``principal``.
    """
    axes = principal(run, end)
    places, beside = axes.coordinates.numpy(), axes.beside.numpy()
    known = np.isfinite(beside)
    steps, dimension = run.steps.astype(np.float64), axes.axes.shape[1]
    at = None if end is None else int(np.argmin(np.hypot(np.linalg.norm(places[known, :2], axis=1), beside[known])))
    pace = np.concatenate([[0.0], np.cumsum(axes.legs.numpy()[known][1:] ** 2)])

    def tall(values: Array) -> Array:
        """[N] in the first rows of [T, 1]."""
        column = np.full((len(steps), 1), np.nan)
        column[: len(values), 0] = values[: len(steps)]
        return column

    num = len(axes.shares)
    walk, walk_spread = (tall(values[:num]) for values in law.shares(steps[known], at, dimension))
    paced, paced_spread = (tall(values[:num]) for values in law.shares(pace, at, dimension))
    size = np.nansum(places[:, :2] ** 2) + np.nansum(beside**2)
    curves = np.full((2, len(steps), 2), np.nan)
    for curve, clock in zip(curves, (steps[known], pace), strict=True):
        curve[known] = law.coordinates(clock, at) * np.sqrt(size / law.axes_of(clock, at)[0].sum())
    return Components(
        steps=steps,
        epochs=run.epochs.astype(np.float64),
        first=places[:, :1],
        second=places[:, 1:2],
        plane_distance=beside[:, None],
        shares=tall(axes.shares.numpy()),
        walk=walk,
        walk_spread=walk_spread,
        paced=paced,
        paced_spread=paced_spread,
        walk_first=curves[0, :, :1],
        walk_second=curves[0, :, 1:],
        paced_first=curves[1, :, :1],
        paced_second=curves[1, :, 1:],
        dimension=np.array([float(dimension)]),
        origin="mean" if end is None else "end",
    )
