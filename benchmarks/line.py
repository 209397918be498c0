"""``python -m benchmarks.line``: the objective along a line, against what others do, each ratio within one run.

Every net goes from its initialisation to a point that a hundred steps of SGD reach. Methods whose cost is linear in
the number of alphas are timed on four of them and scaled. The events are timed whole, tracing and checks included, the
shared prefix on a tenth of the alphas and scaled, which counts what it pays once per line ten times.
The error is the largest relative difference to float64 at those four alphas.

1. ReLU 784-1200-1200-10 by every method: the house's engines, a preloaded loop by hand, the same under torch.compile,
   loss-landscapes, and a loop that loads a state dict and a DataLoader for every point.
2. The paper's maxout net and ReLU net, without and with fixed dropout masks, against the preloaded loop, which then has
   the masks in memory too. The ReLU net, leaky ReLU, ReLU6 and hardtanh on half of the examples.
3. Leaky ReLU, ReLU6 and hardtanh in both hidden layers, one hidden layer, three hidden layers, at 101 alphas.
4. 20, 200 and 2,000 alphas by events, on a fifth of the examples.

``--examples 60000`` is the size of the whole data set; the default keeps it short. MNIST where ``LANDSCAPE_DATA`` has
it, else random numbers of its shape.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.limit import COLUMNS, beside, dense
from benchmarks.outcome import parser, show, target, told
from benchmarks.timing import have, interleaved, profiled
from landscape.cost import CrossEntropy
from landscape.data import Split
from landscape.data.mnist import mnist
from landscape.model import MLP, MaxoutMLP
from landscape.model.dropout import Masks
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import Linear

FEW = 4
LOOP, LIBRARY = "preloaded loop by hand", "loss-landscapes"
BATCH = 5000
DROPOUT = {"include": [0.8, 0.5, 0.5], "scale": [1.25, 2.0, 2.0]}


@dataclass(frozen=True)
class Case:
    """A net, its two ends, and the examples.

    Args:
        start, end: theta [P]. mode: of the objective.
    """

    name: str
    module: nn.Module
    start: Tensor
    end: Tensor
    data: Split
    mode: str = "deterministic"

    def objective(self, engine: str = "plain", dtype: str = "float32") -> Objective:
        """J with an engine of the house."""
        return Objective(
            self.module, CrossEntropy(), self.data, self.mode, dtype=dtype, engine=engine, batch_size=BATCH
        )

    def along(self, engine: str, alphas: np.ndarray, dtype: str = "float32") -> np.ndarray:
        """J by an engine of the house, [A]."""
        kind = getattr(torch, dtype)
        path = Linear(self.start[None].to(kind), self.end[None].to(kind))
        return self.objective(engine, dtype).along(path, alphas).channels["objective"][:, 0]

    def masks(self) -> list[Tensor | None]:
        """The fixed masks of every batch, [1, B, F] each; None where there are none."""
        starts = range(0, len(self.data), BATCH)
        if self.mode != "stochastic":
            return [None for _ in starts]
        batches = self.objective().batches
        return [batches.masks(start, min(BATCH, len(self.data) - start), 0, 0) for start in starts]


def examples(num: int) -> Split:
    """MNIST where ``LANDSCAPE_DATA`` has it, else random numbers of its shape."""
    if "LANDSCAPE_DATA" in os.environ:
        return mnist().train.first(num)
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(num, 784, generator=generator) * (torch.rand(num, 784, generator=generator) < 0.2)
    return Split(x, torch.randint(10, (num,), generator=generator))


def source() -> str:
    """Which of the two ``examples`` gives."""
    return "MNIST" if "LANDSCAPE_DATA" in os.environ else "random inputs and labels of MNIST's shape"


def case(name: str, module: nn.Module, data: Split, steps: int, mode: str = "deterministic") -> Case:
    """The line from the module as it is to where ``steps`` steps of SGD lead."""
    layout = ParameterLayout.of(module)
    start = layout.theta(module).clone()
    trained = copy.deepcopy(module).train()
    optimizer = torch.optim.SGD(trained.parameters(), lr=0.1, momentum=0.9)
    order = torch.Generator().manual_seed(1)
    for _ in range(steps):
        index = torch.randint(len(data), (100,), generator=order)
        optimizer.zero_grad()
        F.cross_entropy(trained(data.x[index]), data.y[index]).backward()
        optimizer.step()
    return Case(name, module.eval(), start, layout.theta(trained).clone(), data, mode)


def preloaded(
    case: Case, alphas: np.ndarray, forward: Callable[..., Tensor] | None = None, masks: Any = None
) -> np.ndarray:
    """Tensors in memory, large batches, inference mode, parameters interpolated on the way: a careful user's loop."""
    layout, values = ParameterLayout.of(case.module), []
    layers = Masks(case.module, case.data.x[:1])
    drawn = case.masks() if masks is None else masks
    call = forward or (lambda named, x: functional_call(case.module, named, (x,)))
    with torch.inference_mode():
        for alpha in alphas:
            named, total = layout.unflatten(torch.lerp(case.start, case.end, float(alpha))), 0.0
            for x, y, mask in zip(case.data.x.split(BATCH), case.data.y.split(BATCH), drawn, strict=True):
                with layers.bind(mask):
                    total += float(F.cross_entropy(call(named, x), y, reduction="sum"))
            values.append(total / len(case.data))
    return np.array(values)


def reloaded(case: Case, alphas: np.ndarray) -> np.ndarray:
    """github.com/tomgoldstein/loss-landscape: a state dict and a pass of a DataLoader, batch 128, for every point."""
    net, layout, values = copy.deepcopy(case.module), ParameterLayout.of(case.module), []
    loader = DataLoader(TensorDataset(case.data.x, case.data.y), batch_size=128)
    with torch.no_grad():
        for alpha in alphas:
            net.load_state_dict(layout.unflatten(torch.lerp(case.start, case.end, float(alpha))))
            total = sum(F.cross_entropy(net(x), y).item() * len(x) for x, y in loader)
            values.append(total / len(case.data))
    return np.array(values)


def library(case: Case, alphas: np.ndarray) -> np.ndarray:
    """loss-landscapes: so many steps, of which the last is the end; it steps on from where it was."""
    from loss_landscapes import linear_interpolation
    from loss_landscapes.metrics import Loss

    nets = []
    for alpha in (alphas[0] - (alphas[1] - alphas[0]), alphas[-1]):
        net = copy.deepcopy(case.module)
        net.load_state_dict(ParameterLayout.of(net).unflatten(torch.lerp(case.start, case.end, float(alpha))))
        nets.append(net)
    metric = Loss(nn.CrossEntropyLoss(), case.data.x, case.data.y)
    return np.asarray(linear_interpolation(*nets, metric, steps=len(alphas), deepcopy_model=True))


def compiled(case: Case, notes: list[str]) -> Callable[..., Tensor] | None:
    """The forward pass under torch.compile; None, and a note, where that does not work here."""
    try:
        forward = torch.compile(lambda named, x: functional_call(case.module, named, (x,)))
        preloaded(case, np.zeros(1), forward)
    except Exception as error:  # what fails is a compiler, of which there are many
        text = (str(error).strip() or type(error).__name__).splitlines()[0]
        notes.append(f"torch.compile is left out, it does not work here: {text}")
        return None
    return forward


def against(
    case: Case, num_alphas: int, everyone: bool, rounds: int, notes: list[str], least: float = 15.0, most: float = 1e-5
) -> Any:
    """One row per method, seconds, ratios and the error at the few alphas; and the targets.

    Args:
        least: times the preloaded loop. most: relative error.
    """
    alphas = np.linspace(0, 1, num_alphas)
    few = alphas[:: (num_alphas - 1) // (FEW - 1)][:FEW]
    masks = case.masks()
    methods: dict[str, Callable[[], np.ndarray]] = {
        "events": lambda: case.along("events", alphas),
        LOOP: lambda: preloaded(case, few, None, masks),
    }
    scale = {"events": 1.0, "prefix": 10.0}
    if everyone:
        methods["prefix"] = lambda: case.along("prefix", alphas[::10])
        methods["one pass per point, by the house"] = lambda: case.along("plain", few)
        forward = compiled(case, notes)
        if forward is not None:
            methods["preloaded loop, torch.compile"] = lambda: preloaded(case, few, forward)
        if have("loss_landscapes"):
            methods[LIBRARY] = lambda: library(case, few)
        else:
            notes.append("loss-landscapes is left out, it is not installed: pip install -e '.[bench]'")
        methods["state dict and DataLoader per point"] = lambda: reloaded(case, few)
    found: dict[str, np.ndarray] = {}

    def keeping(name: str, run: Callable[[], np.ndarray]) -> Callable[[], None]:
        return lambda: found.update({name: run()})

    kept = {name: keeping(name, run) for name, run in methods.items()}
    replace(case, data=case.data.first(100)).along("events", few)  # loads and compiles the kernels
    seconds = interleaved(kept, rounds, warm=lambda name: name == LOOP)
    seconds = {name: value * scale.get(name, num_alphas / FEW) for name, value in seconds.items()}
    found["events"] = found["events"][np.searchsorted(alphas, few)]
    if "prefix" in found:
        found["prefix"] = case.along("prefix", few)
    exact = case.along("plain", few, "float64")
    error = {name: float(np.abs(values / exact - 1).max()) for name, values in found.items()}
    work = f"{case.name}, {len(case.data):,} x {num_alphas}"
    ratio = {
        name: {other: seconds[other] / value for other in (LOOP, LIBRARY) if other in seconds}
        for name, value in seconds.items()
    }
    limit = dense(case.module).seconds(len(case.data), num_alphas)
    rows = [
        [work, name, value, ratio[name][LOOP], ratio[name].get(LIBRARY, "-"), error[name], *beside(limit, value)]
        for name, value in seconds.items()
    ]
    wanted = {LOOP: least, LIBRARY: 25.0}
    missed, near = any(value < wanted[other] for other, value in ratio["events"].items()), limit / seconds["events"]
    parts = profiled(methods["events"]) if missed or everyone else []
    goals = [
        target(f"{case.name}: events, times the {other}", value, least=wanted[other], why=told(parts), of_limit=near)
        for other, value in ratio["events"].items()
    ]
    ours = max(error[name] for name in ("events", "prefix") if name in error)
    goals.append(target(f"{case.name}: relative error", ours, most=most))
    return rows, goals, parts


def growth(case: Case, counts: list[int], rounds: int) -> Any:
    """The same line by events on ever finer grids; the ratio is to the second grid of the same run."""
    grids = {str(n): np.linspace(0, 1, n) for n in counts}
    runs = {name: (lambda grid=grid: case.along("events", grid)) for name, grid in grids.items()}
    seconds = interleaved(runs, rounds, warm=lambda name: False)
    num, usual, least = len(case.data), seconds[str(counts[1])], dense(case.module)
    titles = [f"events, {value / usual:.2f} x {counts[1]} alphas" for value in seconds.values()]
    limits = [beside(least.seconds(num, int(n)), value) for n, value in seconds.items()]
    rows = [
        [f"{case.name}, {num:,} x {n}", method, seconds[n], *"---", *limit]
        for n, method, limit in zip(grids, titles, limits, strict=True)
    ]
    times = seconds[str(counts[2])] / usual
    why = told(profiled(lambda: case.along("events", grids[str(counts[2])]))) if times > 3 else ""
    what = f"{case.name}: time of {counts[2]:,} alphas, in that of {counts[1]:,}"
    return rows, [target(what, times, most=3, why=why, of_limit=rows[2][-1])]


def main() -> None:
    """Run all four and print one table."""
    options = parser("line", __doc__, rounds=2)
    options.add_argument("--examples", type=int, default=5000, help="examples of the data set")
    given = options.parse_args()
    num, alphas, width = (300, 40, 8) if given.small else (given.examples, 200, 1)
    data, steps, rounds = examples(num), 20 if given.small else 100, 1 if given.small else given.rounds
    half, fifth = data.first(num // 2), data.first(num // 5)
    torch.manual_seed(0)
    note = ", an eighth of the units" if given.small else ""
    pieces = {"inputs": 784, "classes": 10, "widths": [240 // width] * 2, "pieces": 5, "init_range": 0.03}
    masked = MaxoutMLP(**pieces, include=[0.8, 0.5, 0.5], scale=[1.0, 2.0, 2.0])
    relu = MLP(784, 10, [898 // width, 1532 // width], nn.ReLU(), **DROPOUT)
    wide = case(f"ReLU 784-1200-1200-10{note}", MLP(784, 10, [1200 // width] * 2, nn.ReLU()), data, steps)
    others = [
        (f"maxout 784-240x5-240x5-10{note}", MaxoutMLP(**pieces), data, "deterministic"),
        (f"the maxout net with masks{note}", masked, data, "stochastic"),
        (f"ReLU 784-898-1532-10{note}", relu, half, "deterministic"),
        (f"ReLU 784-898-1532-10 with masks{note}", relu, half, "stochastic"),
    ]
    notes = [f"data: {source()}"]
    rows, goals, parts = against(wide, alphas, True, rounds, notes)
    for name, module, some, mode in others:
        more, wanted, _ = against(case(name, module, some, steps, mode), alphas, False, rounds, notes)
        rows += more
        goals += wanted
    few, hidden = 40 if given.small else 101, 1200 // width
    kinds = [
        (f"{type(kind).__name__} 784-1200-1200-10", [hidden] * 2, kind, half, few, 8.0)
        for kind in (nn.LeakyReLU(), nn.ReLU6(), nn.Hardtanh())
    ]
    kinds += [(f"ReLU 784-1200-10 at {n} points", [hidden], nn.ReLU(), data, n, 15.0) for n in (alphas, few)]
    kinds += [("ReLU 784-1200-1200-1200-10", [hidden] * 3, nn.ReLU(), data.first(2 * num // 5), few, 2.0)]
    for name, widths, kind, some, count, least in kinds:
        net = case(name + note, MLP(784, 10, widths, kind), some, steps)
        more, wanted, _ = against(net, count, False, rounds, notes, least, 1e-6)
        rows += more
        goals += wanted
    more, wanted = growth(replace(wide, data=fifth), [10, alphas, 80] if given.small else [20, alphas, 2000], rounds)
    columns = ["work", "method", "seconds", "x preloaded loop", "x loss-landscapes", "largest error", *COLUMNS]
    notes.append("the profile is that of the first row, with numba's kernels counted for what calls them")
    title = "the objective along a line"
    show(title, columns, rows + more, "line", goals + wanted, parts, notes, given.small)


if __name__ == "__main__":
    main()
