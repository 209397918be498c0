"""``python -m benchmarks.plane``: the objective of a multilayer perceptron on a plane of 25 x 25 points.

The plane goes through an initialisation and two other points. The house takes it in one pass over the data: the
events follow each row of the grid, and the first layer is paid once per corner; beside it by the shared prefix of the
corners alone. Both are timed on three rows and scaled, which counts what is paid once eight times.
Against a careful loop over tensors in memory and ``planar_interpolation`` of loss-landscapes, both linear in the
points: timed on 3 x 3 of them and scaled.
The error is the largest relative difference to float64 on some of the same points; loss-landscapes places its own,
which are followed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from benchmarks.limit import COLUMNS, beside, dense
from benchmarks.line import BATCH, case, examples
from benchmarks.outcome import parser, show, target, told
from benchmarks.timing import have, interleaved, profiled
from landscape.cost import CrossEntropy
from landscape.model import MLP
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import Plane

SIDE = 25
FEW = 3
HOUSE, PREFIX, LOOP, LIBRARY = "the house", "the house, prefix alone", "preloaded loop by hand", "loss-landscapes"


def main() -> None:
    """Time, compare, print."""
    options = parser("plane", __doc__, rounds=2)
    options.add_argument("--examples", type=int, default=1500)
    given = options.parse_args()
    side, units, num = (6, 100, 300) if given.small else (SIDE, 1200, given.examples)
    data = examples(num)
    torch.manual_seed(0)
    module = MLP(784, 10, [units, units], nn.ReLU(), zero_last=False)
    line = case("", module, data, 20 if given.small else 100)
    other = line.start + 0.5 * torch.randn(line.start.shape) * line.start.std()
    corners = line.start, line.end, other
    grid = np.linspace(0, 1, side)
    plane = Plane(*(corner[None] for corner in corners), grid, grid)
    layout = ParameterLayout.of(module)

    def objective(engine: str, dtype: str = "float32") -> Objective:
        return Objective(module, CrossEntropy(), data, dtype=dtype, engine=engine, batch_size=BATCH)

    def whole(engine: str) -> np.ndarray:
        points = np.concatenate([np.arange(i * side, (i + 1) * side, dtype=np.float64) for i in at])
        return objective(engine).along(plane, points).channels["objective"][:, 0].reshape(len(at), side)

    def passes(points: list[Tensor]) -> np.ndarray:
        values = []
        with torch.inference_mode():
            for theta in points:
                named = layout.unflatten(theta)
                parts = zip(data.x.split(BATCH), data.y.split(BATCH), strict=True)
                total = sum(
                    float(F.cross_entropy(functional_call(module, named, (x,)), y, reduction="sum")) for x, y in parts
                )
                values.append(total / num)
        return np.array(values)

    at = [0, side // 2, side - 1]
    few = [plane(i * side + j)[0] for i in at for j in at]
    found: dict[str, np.ndarray] = {}

    def keeping(name: str, run: Callable[[], np.ndarray]) -> Callable[[], None]:
        def kept() -> None:
            found[name] = run()

        return kept

    methods: dict[str, Callable[[], Any]] = {
        HOUSE: keeping(HOUSE, lambda: whole("auto")),
        PREFIX: keeping(PREFIX, lambda: whole("prefix")),
        LOOP: lambda: passes(few),
    }
    notes = []
    if have("loss_landscapes"):
        methods[LIBRARY] = lambda: library(module, corners, data)
    else:
        notes.append("loss-landscapes is not installed: pip install -e '.[bench]'")
    seconds = interleaved(methods, 1 if given.small else given.rounds, warm=lambda name: name in (HOUSE, LOOP))
    for name in (LOOP, LIBRARY):
        if name in seconds:
            seconds[name] *= side**2 / FEW**2
    for name in (HOUSE, PREFIX):
        seconds[name] *= side / len(at)
    exact = _exact(objective("plain", "float64"), few)
    values = {name: kept[:, at].ravel() for name, kept in found.items()} | {LOOP: passes(few)}
    error = {name: float(np.abs(value / exact - 1).max()) for name, value in values.items()}
    if have("loss_landscapes"):
        placed = _exact(objective("plain", "float64"), stepped(corners))
        error[LIBRARY] = float(np.abs(methods[LIBRARY]().ravel() / placed - 1).max())
    ratio = seconds[LOOP] / seconds[HOUSE]
    parts = profiled(methods[HOUSE])
    limit = dense(module).seconds(num, side**2, num_ends=3)
    work = f"ReLU 784-{units}-{units}-10, {num:,} x {side} x {side}"
    theirs = seconds.get(LIBRARY)
    rows_ = [
        [
            work,
            name,
            value,
            seconds[LOOP] / value,
            theirs / value if theirs else "-",
            error[name],
            *beside(limit, value),
        ]
        for name, value in seconds.items()
    ]
    goals = [
        target("times the preloaded loop", ratio, least=2, why=told(parts), of_limit=limit / seconds[HOUSE]),
        target("relative error of the house", max(error[HOUSE], error[PREFIX]), most=1e-5),
    ]
    columns = ["work", "method", "seconds", "x preloaded loop", "x loss-landscapes", "largest error", *COLUMNS]
    show("the objective on a plane", columns, rows_, "plane", goals, parts, notes, given.small)


def library(module: nn.Module, corners: tuple[Tensor, ...], data: Any) -> np.ndarray:
    """loss-landscapes on a grid of 3 x 3."""
    from loss_landscapes import planar_interpolation
    from loss_landscapes.metrics import Loss

    nets = []
    for theta in corners:
        net = copy.deepcopy(module)
        net.load_state_dict(ParameterLayout.of(net).unflatten(theta))
        nets.append(net)
    metric = Loss(nn.CrossEntropyLoss(), data.x, data.y)
    return np.asarray(planar_interpolation(*nets, metric, steps=FEW, deepcopy_model=True))


def stepped(corners: tuple[Tensor, ...]) -> list[Tensor]:
    """Where loss-landscapes 3.0.6 evaluates: i thirds of the first direction, and of the second j + 1 or, on every
    other row on its way back, j."""
    origin, one, two = (theta.double() for theta in corners)
    return [
        origin + (one - origin) * i / FEW + (two - origin) * (j + 1 - i % 2) / FEW
        for i in range(FEW)
        for j in range(FEW)
    ]


def _exact(objective: Objective, points: list[Tensor]) -> np.ndarray:
    return np.array([float(objective(theta.double()[None])[0]) for theta in points])


if __name__ == "__main__":
    main()
