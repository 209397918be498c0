"""``python -m benchmarks.tolerance``: does the stated error of ``objective.tolerance`` hold, and what does it save?

Every case is evaluated to a tolerance and in full, by the same engine in the same precision, in float64 sums; an error
is the largest over all points of |estimate - truth|, divided by the error that is stated at that point (plus rounding,
3e-7 of J). *Within*: no point of the case has more than 1. *Asked for*: every true error is within the tolerance, a
part of the range of J on the path, on a line of the range in [0, 1]. *Settled*: ends, lowest, highest and both ends of
the largest rise were evaluated in full, and are those of the truth up to the stated errors.

1. Networks: eleven kinds, small, trained for 150 steps or none, on seven kinds of data, by four costs, on lines, planes
   and Bezier curves, of 2,000 to 20,000 examples, held or streamed, one network or two: drawn by a fixed seed.
2. Curves made by hand to break it, see ``benchmarks/adversaries.py``, twice each; and few examples, where evaluating
   all in full is as cheap.

``--only TEXT`` runs the cases whose names hold it, and ``--seed`` draws others.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from rich.console import Console

from benchmarks import subjects
from benchmarks.adversaries import LINES, PLANES, Adversary, Made, made_cost, made_examples, made_line, made_plane
from benchmarks.outcome import number, parser, show, target
from benchmarks.truth import Array, Batches, Case, Outcome, judged
from landscape.objective import Objective
from landscape.path import Bezier, Linear, Plane

TOLERANCES = (1e-2, 1e-3, 1e-4)
WORK = 1.5e6
"""Microseconds, about, that the truth of one case may take."""
GRIDS = ("51 points", "101 points", "201 points", "401 points", "to 1.5", "unevenly", "Bezier", "plane")
SIDES = (21, 31, 51)
SIZES = (2000, 5000, 10000, 20000)
MADE_GRIDS = ("101 points", "201 points", "401 points", "unevenly")
FEW = (1, 2, 7, 40, 300)
KINKS = next(adversary for adversary in LINES if adversary.name == "kinks of each")


def points(grid: str, draw: np.random.Generator) -> Array:
    """The positions of a kind of line [A]."""
    if grid == "to 1.5":
        return np.linspace(0, 1.5, 301)
    if grid == "unevenly":
        at = np.unique(np.concatenate([draw.random(150), draw.beta(0.4, 0.4, 60), [0.0, 1.0]]))
        return np.asarray(at)
    return np.linspace(0, 1, int(grid.split()[0]) if grid != "Bezier" else 201)


def network_cases(each: int, seed: int) -> Iterator[Case]:
    """So many of every kind of network.

    Args:
        seed: of what is drawn.
    """
    draw = np.random.default_rng(seed)
    for k in range(each):
        for network in subjects.NETWORKS:
            # Grids, tolerances and data go round, so that each kind of network meets each of them.
            yield network_case(network, GRIDS[(k + draw.integers(2)) % len(GRIDS)], TOLERANCES[k % 3], draw)


def network_case(network: str, grid: str, tolerance: float, draw: np.random.Generator) -> Case:
    """A network of a kind on a kind of grid; all else is drawn."""
    seed = int(draw.integers(3))
    data, kind, priced = (str(draw.choice(names)) for names in (subjects.DATA, subjects.ENDS, subjects.COSTS))
    if network == "deep linear" and draw.random() < 0.5:
        priced = "squared error"
    is_streamed, num_rows = bool(draw.random() < 0.25), 1 + int(draw.random() < 0.2)
    is_random = network == "dropout MLP"
    num, size = int(draw.choice(SIZES)), int(draw.choice(SIDES))
    axis = np.linspace(*((0, 1) if kind == "two solutions" else (-1, 1)), size) if grid == "plane" else None
    alphas = np.arange(size**2, dtype=np.float64) if axis is not None else points(grid, draw)
    most = WORK / subjects.NETWORKS[network][1] / num_rows
    while len(alphas) * num > most and num // 2 >= SIZES[0]:
        num //= 2
    if axis is not None and len(alphas) * num > most:
        axis = np.linspace(axis[0], axis[-1], SIDES[0])
        alphas = np.arange(SIDES[0] ** 2, dtype=np.float64)

    def made() -> Any:
        of = [subjects.ends(network, data, kind, 10 * seed + row) for row in range(num_rows)]
        cost, split = subjects.cost(priced, subjects.examples(data, num, seed), seed)
        keep: dict[str, Any] = {}
        if of[0].buffers:
            keep = {"running_statistics": "keep", "buffers": [ends.buffers for ends in of]}

        def objective(tolerance: float | None) -> Objective:
            source: Any = Batches(split, 700) if is_streamed else split
            mode, rows = "stochastic" if is_random else "deterministic", tuple(range(num_rows))
            return Objective(of[0].module, cost, source, mode, seeds=rows, tolerance=tolerance, **keep)

        return objective, _path(grid, of, axis, seed)

    told = f"plane {len(axis)} x {len(axis)}" if axis is not None else grid
    held = "streamed" if is_streamed else "held"
    name = f"{network}, {kind}, {data} {num:,}, {priced}, {told}, {tolerance:g}, {held}, {num_rows} row, seed {seed}"
    cuts = {
        "network": network,
        "grid": grid,
        "data": data,
        "cost": priced,
        "ends": kind,
        "N": f"{num:,}",
        "examples": held,
        "tolerance": f"{tolerance:g}",
    }
    return Case(name, made, alphas, (alphas,) if axis is None else (axis, axis), tolerance, cuts)


def _path(grid: str, of: list[subjects.Ends], axis: Array | None, seed: int) -> Any:
    start, end = (torch.stack([ends.points[k] for ends in of]) for k in (0, 1))
    noise = torch.randn(start.shape, generator=torch.Generator().manual_seed(seed)) * end.std()
    if axis is not None:  # through three points, or around one
        third = end + 0.7 * noise
        return Plane(start, end, third, axis, axis) if axis[0] == 0 else Plane(end, start, third, axis, axis)
    if grid == "Bezier":
        return Bezier(start, end, (0.5 * (start + end) + 0.3 * noise)[None])
    return Linear(start, end)


def made_cases(each: int, seed: int) -> Iterator[Case]:
    """So many of every adversary, and of few examples."""
    draw = np.random.default_rng(seed)
    for k in range(each):
        for n, adversary in enumerate(LINES):
            num, grid = max(int(draw.choice(SIZES)), adversary.at_least), MADE_GRIDS[(n + k) % 4]
            alphas = points(grid, draw) * (adversary.span[1] - adversary.span[0]) + adversary.span[0]
            if adversary.span != (0.0, 1.0):
                alphas = np.linspace(*adversary.span, 251).round(10)
            yield made_case(adversary, num, (alphas,), TOLERANCES[(n + k) % 3], int(draw.integers(1000)), n % 4 == k)
        for n, adversary in enumerate(PLANES):
            axis = np.linspace(*adversary.span, SIDES[(n + k) % 3])
            num = max(int(draw.choice(SIZES[:2])), adversary.at_least)
            yield made_case(adversary, num, (axis, axis), (1e-2, 5e-3, 1e-3)[k % 3], int(draw.integers(1000)), False)
    for num in FEW:
        few = replace(KINKS, name=f"{num} examples", group="few examples")
        yield made_case(few, num, (np.linspace(0, 1, 201),), 1e-3, num, num == 40)
        yield made_case(few, 5 * num, (np.linspace(0, 1, 21),), 1e-2, num, False)


def made_case(
    adversary: Adversary, num: int, axes: tuple[Array, ...], tolerance: float, seed: int = 0, is_streamed: bool = False
) -> Case:
    """An adversary on a grid."""
    split = made_examples(num, seed)
    module = Made(adversary.curve, len(axes))

    def objective(tolerance: float | None) -> Objective:
        source: Any = Batches(split, 700) if is_streamed else split
        return Objective(module, made_cost(), source, tolerance=tolerance)

    plane = made_plane(*axes) if len(axes) == 2 else None
    alphas, path = (axes[0], made_line()) if plane is None else (plane.points, plane)
    held, what = "streamed" if is_streamed else "held", "line" if plane is None else "plane"
    size = " x ".join(str(len(axis)) for axis in axes)
    name = f"made {what}: {adversary.name}, {num:,}, {size} points, {tolerance:g}, {held}, seed {seed}"
    group = "hidden" if adversary.is_hidden else adversary.group
    kind = f"{group}, {what}" if plane is not None else group
    cuts = {"made": kind, "N": f"{num:,}", "examples": held, "tolerance": f"{tolerance:g}"}
    return Case(name, lambda: (objective, path), alphas, axes, tolerance, cuts, adversary.is_hidden)


def summary(outcomes: list[Outcome]) -> list[Any]:
    """Of some cases: their number, how many within, the worst, within what was asked, passes saved, settled."""
    num = len(outcomes)
    return [
        num,
        sum(o.is_within for o in outcomes),
        max(o.ratio for o in outcomes),
        sum(o.is_met for o in outcomes),
        max(o.asked for o in outcomes),
        float(np.median([o.saved for o in outcomes])),
        sum(o.is_settled and o.is_right for o in outcomes),
        max(o.errors for o in outcomes),
    ]


def main() -> None:
    """Run all cases, count, print."""
    options = parser("tolerance", __doc__, rounds=None)
    options.add_argument("--seed", type=int, default=0, help="of what is drawn")
    options.add_argument("--only", default="", help="cases whose names hold this")
    options.add_argument("--say", action="store_true", help="one line for each case")
    given = options.parse_args()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    networks, made = (1, 1) if given.small else (12, 2)
    screen, outcomes = Console(width=150), list[Outcome]()
    cases = [*network_cases(networks, given.seed), *made_cases(made, given.seed)]
    if given.small:
        cases = cases[::6]
    for case in (case for case in cases if given.only in case.name):
        start = time.process_time()
        outcome = judged(case)
        outcomes.append(outcome)
        is_odd = outcome.ratio > 1 or outcome.asked > 1 or not (outcome.is_settled and outcome.is_right)
        if given.say or is_odd or outcome.errors > 1:
            seconds = time.process_time() - start
            screen.print(f"{'!!' if is_odd else '  '} {case.name}: {_told(outcome)}, {seconds:.1f} s", highlight=False)
    rows = [["all", *summary(outcomes)]]
    seen = [o for o in outcomes if not o.case.is_hidden]
    if len(seen) < len(outcomes):
        rows.append(["all that a subset or nodes can show", *summary(seen)])
    for cut in dict.fromkeys(name for o in outcomes for name in o.case.cuts):
        for value in dict.fromkeys(o.case.cuts[cut] for o in outcomes if cut in o.case.cuts):
            rows.append([f"{cut}: {value}", *summary([o for o in outcomes if o.case.cuts.get(cut) == value])])
    within = 100 * sum(o.is_within for o in outcomes) / len(outcomes)
    worst = max(seen, key=lambda o: o.ratio)
    goals = [
        target("cases", len(outcomes), least=200 if not given.small else 1),
        target("of 100 cases within the stated error", within, least=95),
        target("largest error / stated error, of what can be seen", worst.ratio, most=3, why=worst.case.name),
        target("of 100 cases within the tolerance", 100 * sum(o.is_met for o in seen) / len(seen), least=95),
        target(
            "of 100 cases settled and right", 100 * sum(o.is_settled and o.is_right for o in seen) / len(seen), least=95
        ),
    ]
    columns = ["cases", "number", "within the stated error", "largest error / stated", "within the tolerance"]
    columns += ["largest error / asked for", "median passes saved", "extrema settled and right", "other channels"]
    notes = [f"{o.case.name}: {_told(o)}" for o in outcomes if not o.is_within]
    title = "evaluation to a tolerance: is the stated error right?"
    show(title, columns, rows, "tolerance", goals, [], notes, given.small or bool(given.only))


def _told(o: Outcome) -> str:
    point = f"point {o.at[0]} of {len(o.case.alphas)}, row {o.at[1]}"
    settled = "" if o.is_settled and o.is_right else ", NOT SETTLED" if not o.is_settled else ", NOT RIGHT"
    return (
        f"error / stated {number(o.ratio)} at {point}, within at {o.covered:.1%}, error / asked {number(o.asked)}, "
        f"stated / asked {number(o.stated)}, others {number(o.errors)}, passes saved {o.saved:.1f}{settled}"
    )


if __name__ == "__main__":
    main()
