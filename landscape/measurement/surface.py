"""J on a plane: the grid, what it owes to rounding and to its examples, and a run beside it."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape.alphas import SAME, checked, evenly, explicit, with_positions
from landscape.cost.labels import on_few
from landscape.data.stream import num_of
from landscape.endpoints import BetweenSolutions, ThreeSolutions
from landscape.errors import InputError
from landscape.ground.words import chosen_as
from landscape.measurement.asked import check_parts, evaluate_part, groups_of
from landscape.measurement.contract import Measured, Pass, Work
from landscape.measurement.grid import Laid, requests_on, surfaces_on
from landscape.measurement.interpolation import Interpolation
from landscape.measurement.plane import objective_of_points
from landscape.measurement.stages import OnPath
from landscape.objective.curvature import check_curvature
from landscape.objective.share import Share
from landscape.path import LaidPlane, plane_kind
from landscape.result.curve import Surface

log = logging.getLogger(__name__)

Array = NDArray[np.float64]
PLANES = "path=random_plane, corners_plane, trajectory_plane, hessian_plane or given_plane"


class PlaneSurface:
    """J and its channels on a grid of the plane that ``path`` lays, for each split and mode, one plane per seed.

    Args:
        splits: of ``train``, ``valid``, ``test``.
        modes: as of interpolation.
        num: points along each axis, evenly over what the plane's own radius or margin says; the places of the points
            that it was laid through are added.
        first, second: positions along each axis instead, in units of the plane's directions.
        level: of J; also the share of the plane's area that lies below it, as the number ``share_below``.
        noise: as of interpolation; the standard errors are those of J less J at the first of the plane's points.
        shards: as of interpolation.

    Raises:
        InputError: a grid that is none, or a path that is no plane.

    Source: Li et al. 2018 (arXiv 1712.09913); Garipov et al. 2018 (arXiv 1802.10026).
    """

    stage = OnPath
    lays_plane = True

    def __init__(
        self,
        splits: Sequence[str] = ("train", "valid"),
        modes: Sequence[str] = ("deterministic",),
        num: int = 25,
        first: Sequence[float] | None = None,
        second: Sequence[float] | None = None,
        level: float | None = None,
        noise: bool = True,
        shards: int | None = None,
    ) -> None:
        self.curves = Interpolation(splits, modes, 0, noise, shards)
        self.shards = self.curves.shards
        if isinstance(num, bool) or not isinstance(num, Integral) or num < 2:
            raise InputError(f"measurement.num={num} must be a whole number of points along each axis, 2 or more")
        if level is not None and (isinstance(level, bool) or not isinstance(level, Real) or not np.isfinite(level)):
            raise InputError(f"measurement.level={level} must be a number that J may be below, or null")
        self.num: int = int(num)
        self.level: float | None = None if level is None else float(level)
        self.first: Array | None = _positions("first", first)
        self.second: Array | None = _positions("second", second)

    def check(self, on_path: OnPath) -> None:
        """Raise InputError for running statistics that nobody knows off a line, before anything is trained."""
        for mode in self.curves.modes:
            if on_path.trial_in(mode).statistics.interpolates:
                raise InputError(
                    "measurement=surface looks beside the line, where objective.running_statistics=interpolate "
                    "knows no statistics; use recalibrate, or keep"
                )
        kind = plane_kind(on_path.path)
        if self.shards is not None:
            if getattr(kind, "needs_curvature", False):
                raise InputError(
                    f"measurement.shards={self.shards} with path=hessian_plane: each part would take passes over all "
                    "examples for the directions; use measurement.shards=null"
                )
            check_parts(on_path, self.shards, self.curves.splits, self.curves.modes_on(on_path))
        if getattr(kind, "needs_curvature", False):
            on_path.check_held(["train"], "surface path=hessian_plane")

            def attempt(few: Any) -> None:
                trial = on_path.objective_of(few, "deterministic", seeds=on_path.seeds[:1], dtype="float64")
                check_curvature(trial, "path=hessian_plane")

            on_few(on_path.dataset.train, attempt)

    def check_plane(self, ends_of: Any, path: Any, max_epochs: int) -> None:
        """Raise InputError for endpoints from which no such plane can be laid, before anything is trained.

        Args:
            ends_of: the endpoints.
            path: of the config.
            max_epochs: of the training, where there is one.
        """
        kind = plane_kind(path)
        if kind is None:
            made = getattr(path, "func", path)
            named = chosen_as(made if isinstance(made, type) else type(made))
            raise InputError(f"measurement=surface is J on a plane, and path={named} is none; use {PLANES}")
        if getattr(kind, "needs_third", False) and not getattr(ends_of, "has_third", False):
            raise InputError(
                f"{kind.kind} goes through three points; use endpoints=three_solutions, or endpoints.third=FILE beside "
                "endpoints.start and endpoints.end"
            )
        if getattr(kind, "needs_runs", False):
            own = ends_of.needs_solutions and not isinstance(ends_of, BetweenSolutions | ThreeSolutions)
            if not own and not getattr(ends_of, "brings_runs", False):
                raise InputError(
                    f"{kind.kind} goes along the points that a training passed through; use "
                    "endpoints=init_to_solution, or endpoints=run, a folder of checkpoints"
                )
            if own and max_epochs < 2:
                raise InputError(
                    f"{kind.kind} needs three saved points of training, and training.max_epochs={max_epochs} leaves "
                    f"{max_epochs + 1}; train for 2 epochs or more"
                )

    def __call__(self, on_path: OnPath) -> Measured:
        """On a plane -> surfaces keyed ``"train/deterministic"`` and so on, and their numbers."""
        laid = self._laid(on_path)
        plane, numbers, surfaces = laid.plane, dict(laid.plane.numbers), dict[str, Surface]()
        _tell(plane)
        for group in groups_of(on_path, self.curves.splits, self.curves.modes_on(on_path)):
            for surface in surfaces_on(on_path, laid, group.split, group.modes, self.curves.noise):
                if plane.path and on_path.solutions is not None:
                    known = np.isfinite(plane.path["first"])
                    values = objective_of_points(on_path, on_path.solutions, group.split, surface.mode, known)
                    surface = replace(surface, path=plane.path | {"objective": values})
                name = f"{group.split}/{surface.mode}"
                surfaces[name] = surface
                found = surface.summary()
                if "bound" in surface.noise:
                    found["bound"] = surface.noise["bound"].max(axis=(0, 1)).tolist()
                    found["passes"] = surface.noise["passes"].tolist()
                if self.level is not None:
                    found["share_below"] = surface.share_below(self.level)
                numbers |= {f"{name}/{key}": values for key, values in found.items()}
        return Measured(surfaces=surfaces, numbers=numbers, labels=on_path.ends.labels)

    def share(self, on_path: OnPath, share: Share, folder: Path) -> None:
        """Evaluate a part of the examples, as interpolation does."""
        laid = self._laid(on_path)
        stage = laid.stage(on_path)
        for group in groups_of(on_path, self.curves.splits, self.curves.modes_on(on_path)):
            if group.has_of(share):
                requests, _ = requests_on(stage, laid, group.split, group.modes, self.curves.noise)
                evaluate_part(requests, group, share, folder)

    def _laid(self, on_path: OnPath) -> Laid:
        """The grid on the plane of this path."""
        ends = on_path.ends
        plane = on_path.lay(ends.theta_0, ends.theta_1)
        own = dict(zip(ends.names, (ends.buffers_0, ends.buffers, ends.buffers_2), strict=True))
        own = {mark.name: own[mark.name] for mark in plane.marks if mark.name in own}
        return Laid(plane, *self.axes(plane), own, ends.names[1])

    def axes(self, plane: LaidPlane) -> tuple[Array, Array]:
        """a [A] and b [B]: as they were given, or evenly, with the places of the points of the plane among them."""
        given = zip((self.first, self.second), plane.extent, plane.positions, strict=True)
        first, second = (axis(own, self.num, extent, at) for own, extent, at in given)
        return first, second

    def work(self, on_path: OnPath) -> Work:
        """The passes of the grid, and one point per saved point of the run that is drawn on it."""
        around = self.num + 1 - self.num % 2  # an even number has no middle, where the point lies
        one, two = (around if own is None else len(own) for own in (self.first, self.second))
        num = one * two
        line = self.curves.work(on_path.on(alphas=np.arange(float(num)), adaptive=None))
        runs = on_path.solutions.trajectories if on_path.solutions is not None else []
        kind = plane_kind(on_path.path)
        if getattr(kind, "needs_curvature", False):
            return replace(line, unknown="the eigenvectors of the Hessian")
        if not getattr(kind, "needs_runs", False) or not runs:
            return line
        points = [
            Pass(split, mode, num_of(on_path.split(split)), len(run.epochs), 1, on_path.trial_in(mode).num_replicates)
            for split, mode, run in product(self.curves.splits, self.curves.modes, runs)
            if not self.curves.is_repeated(mode, on_path.trial_in(mode))
        ]
        return Work((*line.passes, *points), unknown="reading the trajectory")


def _tell(plane: LaidPlane) -> None:
    """Log how the directions lie, and how far a run leaves the plane."""
    worst = float(np.nanmax(np.abs(plane.cosine)))
    log.info("%s and %s: the cosine between them is at most %.1g", *plane.direction_names, worst)
    if plane.path:
        away, reach = (np.fmax.reduce(part, axis=0) for part in (plane.path["beside"], plane.reach))
        told = [f"{a:.3g} from the plane, and it reaches {b:.3g} on it" for a, b in zip(away, reach, strict=True)]
        log.info("the run's farthest point is %s [parameter units]", "; ".join(told))


def _positions(name: str, given: Any) -> Array | None:
    """Those that somebody gives."""
    try:
        return None if given is None else checked(explicit(given))
    except InputError as error:
        text = re.sub(r"alphas(\.values)?", f"measurement.{name}", str(error))
        raise InputError(text) from error


def axis(given: Array | None, num: int, extent: tuple[float, float], positions: Sequence[float]) -> Array:
    """Positions along an axis as they were given, or so many evenly, with some that it must hold."""
    return with_positions(evenly(*extent, num), positions, SAME) if given is None else given
