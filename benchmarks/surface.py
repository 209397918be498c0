"""``python -m benchmarks.surface``: planes and lines of networks without an engine of their own, to a tolerance.

1. A plane of 51 x 51 points around a solution along two filter-normalised random directions, at
   ``objective.tolerance=5e-3`` of the range of J, of a conv net and of a residual net with batch norm (kept).
2. A line of 200 points from the start to the solution, at 1e-3 of the range, of a GELU net, a conv net, a residual net
   with batch norm, attention and an LSTM.

Against a careful loop over tensors in memory, which is linear in the points: timed on four of them before and after and
scaled. The house is timed whole, checks and the choice of the subset included. Both give the loss and the
classification error. CPU time of one process. At a sample of points, those with the largest stated error among them,
the error is compared with an evaluation in full by the house, whose time is scaled to all. Images are digits of 8 x 8
pixels, repeated with noise to 20,000.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch.func import functional_call

from benchmarks import subjects
from benchmarks.limit import COLUMNS, beside, counted
from benchmarks.outcome import parser, show, target, told
from benchmarks.timing import profiled
from benchmarks.truth import ROUNDING, Array
from landscape.cost import CrossEntropy
from landscape.data import Split
from landscape.objective import Objective
from landscape.objective.request import Request, evaluated
from landscape.parameters import ParameterLayout
from landscape.path import Linear, RandomPlane
from landscape.path.contract import Path

SIDE, NUM, FEW, CHECKED = 51, 200, 4, 16
PLANES = {"conv net": 15.0, "residual, batch norm": 15.0}
LINES = {"GELU MLP": 7.0, "conv net": 7.0, "residual, batch norm": 7.0, "attention": 7.0, "LSTM": 7.0}
"""Network -> times the preloaded loop."""
WIDE = {"GELU MLP": 16, "conv net": 3, "residual, batch norm": 4, "attention": 2, "LSTM": 4}
"""Times its usual width, so that a pass of 20,000 examples takes a tenth of a second or more."""
BATCHES = (1000, 5000)
"""The loop takes the faster of these."""


@dataclass(frozen=True)
class Work:
    """What is measured.

    Args:
        path, alphas, axes: the points. tolerance: of the range of J.
    """

    name: str
    ends: subjects.Ends
    data: Split
    path: Path
    alphas: Array
    axes: tuple[Array, ...]
    tolerance: float

    def evaluated(self, tolerance: float | None, at: Array | None = None) -> Any:
        """By the house: at some of the points if that is said, else at all."""
        keep: dict[str, Any] = {}
        if self.ends.buffers:
            keep = {"running_statistics": "keep", "buffers": [self.ends.buffers]}
        objective = Objective(self.ends.module, CrossEntropy(), self.data, tolerance=tolerance, **keep)
        axes = self.axes if at is None else None
        return evaluated([Request(objective, self.path, self.alphas if at is None else at, axes=axes)])[0]

    def loop(self, at: Array, batch: int) -> list[float]:
        """By hand: tensors in memory, inference mode."""
        layout, values = ParameterLayout.of(self.ends.module), []
        x, y = self.data.pair
        with torch.inference_mode():
            for alpha in at:
                named, total, wrong = layout.unflatten(self.path(float(alpha))[0]), 0.0, 0
                for part, labels in zip(x.split(batch), y.split(batch), strict=True):
                    logits = functional_call(self.ends.module, named, (part,))
                    total += float(F.cross_entropy(logits, labels, reduction="sum"))
                    wrong += int(logits.argmax(dim=1).ne(labels).sum())
                values.append(total / len(x))
        return values


def plane_of(network: str, num: int, side: int) -> Work:
    """Around the solution."""
    ends, data = subjects.ends(network, "digits", "trained", 0, WIDE[network]), subjects.examples("digits", num, 0)
    start, solution = (point[None] for point in ends.points)
    laid = RandomPlane(start, solution, ends.module, [0])
    axis = np.linspace(-1, 1, side)
    plane = laid.on(axis, axis).to(torch.float32)
    name = f"{network}, plane {side} x {side}, {num:,}, tolerance 5e-3"
    return Work(name, ends, data, plane, plane.points, (axis, axis), 5e-3)


def line_of(network: str, num: int, points: int) -> Work:
    """From the start to the solution."""
    ends, data = subjects.ends(network, "digits", "trained", 0, WIDE[network]), subjects.examples("digits", num, 0)
    alphas = np.linspace(0, 1, points)
    path = Linear(*(point[None] for point in ends.points))
    return Work(f"{network}, line of {points}, {num:,}, tolerance 1e-3", ends, data, path, alphas, (alphas,), 1e-3)


def spent(run: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of this process, and what came back."""
    start = time.process_time()
    found = run()
    return time.process_time() - start, found


def compared(work: Work, least: float) -> tuple[list[list[Any]], list[Any]]:
    """Rows and targets of one work."""
    num = len(work.alphas)
    few = work.alphas[:: (num - 1) // (FEW - 1)][:FEW]
    work.loop(few[:1], BATCHES[-1])
    batch = min(BATCHES, key=lambda size: spent(lambda: work.loop(few[:2], size))[0])
    before, _ = spent(lambda: work.loop(few, batch))
    to_tolerance, found = spent(lambda: work.evaluated(work.tolerance))
    after, _ = spent(lambda: work.loop(few, batch))
    values, bounds = (part["objective"][:, 0] for part in (found.channels, found.bounds))
    sample = np.unique(np.append(np.linspace(0, num - 1, CHECKED).round().astype(int), np.argsort(-bounds)[:CHECKED]))
    in_full, truth = spent(lambda: work.evaluated(None, work.alphas[sample]))
    loop, full = (before + after) / 2 / len(few) * num, in_full / len(sample) * num
    exact = truth.channels["objective"][:, 0]
    errors = np.abs(values[sample] - exact)
    ratio = float((errors / (bounds[sample] + ROUNDING * np.abs(exact))).max())
    extent = float(values.max() - values.min())
    fewer = replace(work, data=work.data.first(len(work.data) // 4))  # a profile takes twice as long
    why = "" if loop / to_tolerance >= least else told(profiled(lambda: fewer.evaluated(work.tolerance)))
    products, corners = counted(work.ends.module, work.data.x), len(work.axes) + 1
    limit, least_spent = (products.seconds(len(work.data), points, corners) for points in (num, found.passes))
    saved, near = num / found.passes, beside(least_spent, to_tolerance)
    seen = [float(errors.max()) / extent, float(bounds.max()) / extent, ratio]
    rows = [
        [work.name, "to the tolerance", to_tolerance, loop / to_tolerance, saved, *seen, *near],
        [work.name, "in full, scaled", full, loop / full, 1.0, 0.0, 0.0, 0.0, *beside(limit, full)],
        [work.name, "preloaded loop by hand, scaled", loop, 1.0, 1.0, *"---", *beside(limit, loop)],
    ]
    goals = [
        target(
            f"{work.name}: times the preloaded loop",
            loop / to_tolerance,
            least=least,
            why=why,
            of_limit=near[1],
        ),
        target(f"{work.name}: largest error / stated error", ratio, most=1),
        target(f"{work.name}: largest error / range", float(errors.max()) / extent, most=work.tolerance),
    ]
    return rows, goals


def main() -> None:
    """Planes, then lines; one table."""
    options = parser("surface", __doc__, rounds=None)
    options.add_argument("--examples", type=int, default=20000)
    given = options.parse_args()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    num, side, points = (600, 9, 21) if given.small else (given.examples, SIDE, NUM)
    rows, goals = list[list[Any]](), list[Any]()
    works = [(plane_of(network, num, side), least) for network, least in PLANES.items()]
    works += [(line_of(network, num, points), least) for network, least in LINES.items()]
    for work, least in works:
        more, wanted = compared(work, least)
        rows += more
        goals += wanted
    columns = ["work", "method", "CPU seconds", "x preloaded loop", "passes saved"]
    columns += ["largest error / range", "largest stated / range", "largest error / stated", *COLUMNS]
    notes = [
        f"Errors are those at up to {2 * CHECKED} points of each work, half of them the ones with the largest stated "
        "errors, against an evaluation in full."
    ]
    show("planes and lines to a tolerance", columns, rows, "surface", goals, notes=notes, small=given.small)


if __name__ == "__main__":
    main()
