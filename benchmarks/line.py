"""``python -m benchmarks.line``: the objective along a line, against what others do, each ratio within one run.

Every net goes from its initialisation to a point that a few hundred steps of SGD reach. Methods whose cost is linear in
the number of alphas are timed on four of them and scaled. The events are timed whole, tracing and checks included, the
shared prefix on a fifth of the alphas and scaled, which counts what it pays once per line five times.
The error is the largest relative difference to float64 at those four alphas.

1. ReLU 784-1200-1200-10 by every method: the house's engines, a preloaded loop by hand, the same under torch.compile,
   loss-landscapes, and a loop that loads a state dict and a DataLoader for every point.
2. The paper's maxout net and ReLU net, without and with fixed dropout masks, against the preloaded loop.
3. 20, 200 and 2,000 alphas by events.
"""

from __future__ import annotations

import argparse
import copy
import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.timing import interleaved, show
from landscape.cost import CrossEntropy
from landscape.data import Split
from landscape.data.mnist import mnist
from landscape.model import MLP, MaxoutMLP
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import Linear

FEW = 4
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

    def along(self, engine: str, alphas: np.ndarray, dtype: str = "float32") -> np.ndarray:
        """J by an engine of the house, [A]."""
        kind = getattr(torch, dtype)
        path = Linear(self.start[None].to(kind), self.end[None].to(kind))
        objective = Objective(
            self.module, CrossEntropy(), self.data, self.mode, dtype=dtype, engine=engine, batch_size=BATCH
        )
        return objective.along(path, alphas).channels["objective"][:, 0]


def examples(num: int) -> Split:
    """MNIST where ``LANDSCAPE_DATA`` has it, else random numbers of its shape."""
    if "LANDSCAPE_DATA" in os.environ:
        return mnist().train.first(num)
    print("LANDSCAPE_DATA is not set: random inputs and labels of MNIST's shape")
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(num, 784, generator=generator) * (torch.rand(num, 784, generator=generator) < 0.2)
    return Split(x, torch.randint(10, (num,), generator=generator))


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


def preloaded(case: Case, alphas: np.ndarray, forward: Callable[..., Tensor] | None = None) -> np.ndarray:
    """Tensors in memory, large batches, inference mode, parameters interpolated on the way: a careful user's loop."""
    layout, values = ParameterLayout.of(case.module), []
    call = forward or (lambda named, x: functional_call(case.module, named, (x,)))
    with torch.inference_mode():
        for alpha in alphas:
            named, total = layout.unflatten(torch.lerp(case.start, case.end, float(alpha))), 0.0
            for x, y in zip(case.data.x.split(BATCH), case.data.y.split(BATCH), strict=True):
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


def compiled(case: Case) -> Callable[..., Tensor] | None:
    """The forward pass under torch.compile; None where that does not work here."""
    try:
        forward = torch.compile(lambda named, x: functional_call(case.module, named, (x,)))
        preloaded(case, np.zeros(1), forward)
    except Exception as error:  # what fails is a compiler, of which there are many
        print(f"torch.compile does not work here: {str(error).splitlines()[0]}")
        return None
    return forward


def against(case: Case, num_alphas: int, everyone: bool, rounds: int) -> list[list[Any]]:
    """One row per method: seconds, ratios, and the error at the few alphas."""
    alphas = np.linspace(0, 1, num_alphas)
    few = alphas[:: (num_alphas - 1) // (FEW - 1)][:FEW]
    exact = case.along("plain", few, "float64")
    whole = {"events": lambda: case.along("events", alphas)}
    fifth = {"prefix": lambda: case.along("prefix", alphas[::5])}
    parts: dict[str, Callable[[], np.ndarray]] = {}
    loop = "one pass per point, by the house" if case.mode == "stochastic" else "preloaded loop by hand"
    parts[loop] = (lambda: case.along("plain", few)) if case.mode == "stochastic" else (lambda: preloaded(case, few))
    if everyone:
        parts["one pass per point, by the house"] = lambda: case.along("plain", few)
        forward = compiled(case)
        if forward is not None:
            parts["preloaded loop, torch.compile"] = lambda: preloaded(case, few, forward)
        if importlib.util.find_spec("loss_landscapes") is not None:
            parts["loss-landscapes"] = lambda: library(case, few)
        parts["state dict and DataLoader per point"] = lambda: reloaded(case, few)
    seconds = interleaved({**whole, **fifth, **parts}, rounds)
    seconds |= {name: seconds[name] * num_alphas / FEW for name in parts}
    seconds["prefix"] *= 5
    errors = {name: np.abs(run() / exact - 1).max() for name, run in parts.items()}
    at = np.searchsorted(alphas, few)
    errors |= {"events": np.abs(whole["events"]()[at] / exact - 1).max(),
               "prefix": np.abs(case.along("prefix", few) / exact - 1).max()}  # fmt: skip
    other = seconds.get("loss-landscapes")
    work = f"{case.name}, {len(case.data):,} x {num_alphas}"
    return [
        [work, name, seconds[name], seconds[loop] / seconds[name], "-" if other is None else other / seconds[name],
         float(errors[name])]
        for name in seconds
    ]  # fmt: skip


def growth(case: Case, counts: list[int], rounds: int) -> list[list[Any]]:
    """The same line by events on ever finer grids; the ratio is to 200 alphas of the same run."""
    seconds = interleaved({str(n): (lambda n=n: case.along("events", np.linspace(0, 1, n))) for n in counts}, rounds)
    work = f"{case.name}, {len(case.data):,}"
    return [
        [f"{work} x {n}", "events", seconds[str(n)], seconds[str(counts[1])] / seconds[str(n)], "-", "-"]
        for n in counts
    ]


def main() -> None:
    """Run all three and print one table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.line", description=__doc__)
    parser.add_argument("--small", action="store_true", help="sizes that take seconds, to see that it runs")
    parser.add_argument("--examples", type=int, default=6000, help="examples of the data set")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds, of which the median is taken")
    options = parser.parse_args()
    num, alphas, width = (300, 40, 8) if options.small else (options.examples, 200, 1)
    data, steps, rounds = examples(num), 20 if options.small else 300, 1 if options.small else options.rounds
    torch.manual_seed(0)
    note = ", an eighth of the units" if options.small else ""
    wide = case(f"ReLU 784-1200-1200-10{note}", MLP(784, 10, [1200 // width] * 2, nn.ReLU()), data, steps)
    rows = against(wide, alphas, True, rounds)
    pieces = {"inputs": 784, "classes": 10, "widths": [240 // width] * 2, "pieces": 5, "init_range": 0.03}
    rows += against(case(f"maxout 784-240x5-240x5-10{note}", MaxoutMLP(**pieces), data, steps), alphas, False, rounds)
    masked = MaxoutMLP(**pieces, include=[0.8, 0.5, 0.5], scale=[1.0, 2.0, 2.0])
    rows += against(case("the same with masks", masked, data, steps, "stochastic"), alphas, False, rounds)
    relu = MLP(784, 10, [898 // width, 1532 // width], nn.ReLU(), **DROPOUT)
    rows += against(case(f"ReLU 784-898-1532-10{note}", relu, data, steps), alphas, False, rounds)
    rows += against(case("the same with masks", relu, data, steps, "stochastic"), alphas, False, rounds)
    rows += growth(wide, [10, alphas, 80] if options.small else [20, alphas, 2000], rounds)
    columns = ["work", "method", "seconds", "x preloaded loop", "x loss-landscapes", "largest error"]
    show("the objective along a line", columns, rows, "line")


if __name__ == "__main__":
    main()
