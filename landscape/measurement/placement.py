"""The positions on a line and J' there: those of a grid, or those that the curve itself asks for."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape.alphas import Adaptive
from landscape.cost.labels import on_few
from landscape.errors import InputError
from landscape.ground.progress import progress_of
from landscape.measurement.stages import OnPath
from landscape.objective.objective import Objective
from landscape.objective.slope import SlopeSums, check_slopes, compare_slopes, slopes
from landscape.parameters import ParameterLayout
from landscape.path import Polygon
from landscape.result.curve.adaptive import Refined, refine

log = logging.getLogger(__name__)

ROUNDING = {torch.float32: 1e-6, torch.float64: 1e-14}
"""Relative to the size of J: what the order of operations alone can do to a mean over many examples."""


@dataclass(frozen=True)
class Placed:
    """Positions and what was found there.

    Args:
        alphas: [A].
        channels: ``"slope"`` and ``"curvature"`` [A, S], as far as they were measured.
        numbers: of an adaptive grid, name -> [S].
        sums: of a stream, gathers the channels in the pass that J takes.
    """

    alphas: NDArray[np.float64]
    channels: dict[str, NDArray[np.float64]]
    numbers: dict[str, list[float]]
    sums: SlopeSums | None = None

    @property
    def measured(self) -> dict[str, NDArray[np.float64]]:
        """The channels, also those that were gathered meanwhile."""
        gathered = {} if self.sums is None else self.sums.measured()
        return self.channels | {name: values for name, values in gathered.items() if name != "objective"}


def order_of(on_path: OnPath, order: int) -> int:
    """The derivatives that are needed: an adaptive grid goes by the slope at least."""
    return max(order, 1) if on_path.adaptive is not None else order


def check_placement(on_path: OnPath, mode: str, order: int) -> None:
    """Raise InputError for a model, cost or path without derivatives of this order, before anything is trained."""
    order = order_of(on_path, order)
    if order == 0:
        return
    layout = ParameterLayout.of(on_path.module)
    generator = torch.Generator().manual_seed(0)
    # Off the start, which may be a point of symmetry, and in one orthant, for the paths that need that.
    theta_0 = layout.theta(on_path.module).detach().cpu().double()[None]
    theta_0 = theta_0 + 0.01 * torch.randn(theta_0.shape, generator=generator, dtype=torch.float64)
    theta_1 = theta_0 * (1.2 + torch.rand(theta_0.shape, generator=generator, dtype=torch.float64))
    on_few(on_path.dataset.train, lambda few: _attempt(on_path, few, mode, order, theta_0, theta_1))


def _attempt(on_path: OnPath, few: Any, mode: str, order: int, theta_0: Tensor, theta_1: Tensor) -> None:
    """The derivatives over some examples, between two points."""
    objective = on_path.objective_of(few, mode, seeds=on_path.seeds[:1], dtype="float64")
    path = on_path.lay(*(end.to(objective.device) for end in (theta_0, theta_1)))
    check_slopes(objective, path, order)
    kinks = np.array(path.kinks() if isinstance(path, Polygon) else [])
    for alpha in on_path.alphas.tolist():  # some paths have corners
        if (np.abs(kinks - alpha) < 1e-12).any():  # a grid comes near one by rounding
            raise InputError(
                f"path=polygon has a kink at alpha={alpha:g}, where J has no slope, and measurement.slopes={order} "
                "needs one; use alphas without it, path=bezier, or measurement.slopes=0"
            )
        path.velocity(alpha)
        if order == 2:
            path.acceleration(alpha)
    compare_slopes(objective, path, order)


def place(objective: Objective, path: Any, on_path: OnPath, order: int, what: str) -> Placed:
    """The positions for one curve, and its derivatives there.

    Args:
        objective: of the curve.
        path: alpha -> theta [S, P].
        on_path: whose positions, and how they are refined.
        order: of the derivatives, 0, 1 or 2.
        what: the curve's name.
    """
    alphas, order = on_path.alphas, order_of(on_path, order)
    if order == 0:
        return Placed(alphas, {}, {})
    if on_path.adaptive is None and objective.is_streamed:
        return Placed(alphas, {}, {}, SlopeSums(objective, path, alphas, order))
    if on_path.adaptive is None:
        with progress_of(f"{what} slopes", objective.num_batches * len(alphas)) as progress:
            found = slopes(objective, path, alphas, order, progress, is_compared=True)
        return Placed(alphas, {k: v for k, v in found.items() if k != "objective"}, {})
    with progress_of(f"{what} placing", objective.num_batches * on_path.adaptive.max_points) as progress:
        return _refined(objective, path, on_path.adaptive, order, what, progress)


def _refined(
    objective: Objective, path: Any, adaptive: Adaptive, order: int, what: str, progress: Callable[[int], None]
) -> Placed:
    """An adaptive grid, shared by all lines of the curve."""
    known: dict[float, dict[str, NDArray[np.float64]]] = {}
    lost = np.zeros(len(objective.seeds), dtype=bool)

    def probe(alphas: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        before = objective.num_batches * len(known)
        found = slopes(objective, path, alphas, order, lambda done: progress(before + done), is_compared=True)
        if not known:
            lost[:] = ~np.isfinite(found["objective"]).all(axis=0)
        known.update({a: {k: v[n] for k, v in found.items()} for n, a in enumerate(alphas.tolist())})
        # A line that is not finite would be halved for ever, and the others with it.
        return np.where(lost, 0.0, found["objective"]), np.where(lost, 0.0, found["slope"])

    refined = refine(
        probe, adaptive.start, adaptive.tolerance, adaptive.max_points, adaptive.min_width, ROUNDING[objective.dtype]
    )
    _tell(refined, adaptive, what, int(lost.sum()))
    names = ("slope", "curvature")[:order]
    channels = {name: np.stack([known[a][name] for a in refined.alphas.tolist()]) for name in names}
    num = len(objective.seeds)
    numbers = {
        "num_points": [float(len(refined.alphas))] * num,
        "local_error": np.where(lost, math.nan, refined.error).tolist(),
        "widest_gap": [refined.gap] * num,
    }
    return Placed(refined.alphas, channels, numbers)


def _tell(refined: Refined, adaptive: Adaptive, what: str, num_lost: int) -> None:
    text = (
        f"{what}: {len(refined.alphas)} points placed, {len(adaptive.start)} to start with; largest misfit at the "
        f"middle of an interval {refined.error.max():.2g} nats; a bump narrower than {refined.gap:.2g} that changes "
        "neither J nor its slope at a point is not seen"
    )
    log.info("%s", text + (f"; {num_lost} lines that are not finite have no say" if num_lost else ""))
    if not refined.is_met:
        log.warning(
            "%s: alphas.tolerance=%g does not hold everywhere; raise alphas.max_points=%d or the tolerance, or lower "
            "alphas.min_width=%g",
            what,
            adaptive.tolerance,
            adaptive.max_points,
            adaptive.min_width,
        )
