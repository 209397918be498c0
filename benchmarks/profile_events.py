"""Where the time of a line by events goes, part by part, and how it grows with the number of grid points.

    python -m benchmarks.profile_events [--examples 2000] [--alphas 20 200 2000] [--rounds 2] [--small]

Processor time on one thread, the best of several rounds. Beside the parts that are counted stand their products (one
multiplication and one addition) per example, and the rate which that makes; a large matrix product of the same run is
what to hold the rate against. The last rows are the whole at each number of alphas against the second of them.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import nn

from benchmarks.limit import peak
from benchmarks.line import Case, case, examples
from benchmarks.outcome import show
from landscape.model import MLP
from landscape.objective.engine import line
from landscape.objective.engine.events import events, relu
from landscape.objective.engine.events import kernel as sweep
from landscape.objective.engine.events import packed as second

PARTS = (
    "first layer and weights at both ends",
    "events found and sorted",
    "weights packed",
    "kernel: leaders at the first point",
    "kernel: switches, second layer at every point",
    "kernel: last layer",
    "head and cost",
    "sums in float64",
    "check by the plain path",
    "everything else",
)


class Clock:
    """Processor seconds of nested parts; what an inner part takes does not count for the outer one."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.numbers: dict[str, float] = defaultdict(float)
        self.inner = [0.0]

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """A block of code."""
        start = time.thread_time()
        self.inner.append(0.0)
        yield
        took = time.thread_time() - start
        self.seconds[name] += took - self.inner.pop()
        self.inner[-1] += took

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function as a part."""

        def run(*args: Any, **kwargs: Any) -> Any:
            with self.part(name):
                return function(*args, **kwargs)

        return run


def profiled(work: Callable[[], Any]) -> Clock:
    """One call of ``work`` with every part of the engine on the clock."""
    clock = Clock()
    cut = iter(("head and cost", PARTS[0], PARTS[0]) * 1000)
    part_of, kernel = events.part, sweep.sweep_on

    def part(*args: Any) -> Callable[..., Any]:
        name = next(cut)  # the first is put into a ``Reusing``, which is on the clock itself
        return part_of(*args) if name == "head and cost" else clock.timed(name, part_of(*args))

    def sweep_on(*args: Any) -> None:
        weight, unit, first, last, tiles, start, factors, state, held, gain, stride, table, grid, total, *rest = args
        with clock.part(PARTS[5]):
            kernel(*args)
        # The same again without the further layer, then without any grid point: the difference is what each takes.
        without = (np.zeros((len(total), 0, *total.shape[2:]), total.dtype), *rest)
        before = (weight, unit, first, last, tiles)
        for name, outer, begins in ((PARTS[4], PARTS[5], start), (PARTS[3], PARTS[4], start[:, :1].copy())):
            begin = time.thread_time()
            kernel(*before, begins, factors, state, held, gain, stride, table, grid, *without)
            took = time.thread_time() - begin
            clock.seconds[name] += took
            clock.seconds[outer] -= took
            clock.inner[-1] += took
        clock.numbers["examples"] += len(start)
        clock.numbers["leaders"] += float((tiles[:, -1] - tiles[:, 0]).sum())
        clock.numbers["switches"] += float((start[:, -1] - start[:, 0]).sum())

    with ExitStack() as stack:
        for owner, name, new in (
            (events, "part", part),
            (sweep, "sweep_on", sweep_on),
            (events.Reusing, "__call__", clock.timed("head and cost", events.Reusing.__call__)),
            (relu, "bucket_relu", clock.timed(PARTS[1], relu.bucket_relu)),
            (second.Packed, "__init__", clock.timed(PARTS[2], second.Packed.__init__)),
            (second.Packed, "table", clock.timed(PARTS[2], second.Packed.table)),
            (line.LineSums, "_sum", clock.timed(PARTS[7], line.LineSums._sum)),
            (line.LineSums, "_plain", clock.timed(PARTS[8], line.LineSums._plain)),
        ):
            stack.enter_context(patch.object(owner, name, new))
        with clock.part(PARTS[-1]):
            work()
    return clock


def products(width: int, clock: Clock, num_alphas: int) -> dict[str, float]:
    """Products per example of what can be counted, from the events that there were."""
    inputs, units, outputs, classes = 784, width, width, 10
    leaders, switches = (clock.numbers[n] / clock.numbers["examples"] for n in ("leaders", "switches"))
    return {
        PARTS[0]: 2.0 * inputs * units,
        PARTS[3]: 3.0 * leaders * outputs,
        PARTS[4]: (3.0 * switches + 3.0 * num_alphas) * outputs,
        PARTS[5]: float(num_alphas * outputs * classes),
        "one forward pass": float(inputs * units + units * outputs + outputs * classes),
    }


def rows_of(case: Case, width: int, num_alphas: int, rounds: int, most: float) -> tuple[list[list[Any]], float]:
    """The parts at one number of alphas, and the seconds of the whole."""
    alphas = np.linspace(0, 1, num_alphas)
    case.along("events", alphas)
    clocks = [profiled(lambda: case.along("events", alphas)) for _ in range(rounds)]
    seconds = {part: min(clock.seconds[part] for clock in clocks) for part in PARTS}
    whole, num, counted = sum(seconds.values()), len(case.data), products(width, clocks[0], num_alphas)
    numbers = clocks[0].numbers
    print(
        f"{num_alphas} alphas: {numbers['leaders'] / num:.0f} units lead at the first point, "
        f"{numbers['switches'] / num:.0f} switches per example"
    )
    rows: list[list[Any]] = []
    for part in PARTS:
        each = [counted[part] / 1e6, counted[part] * num / seconds[part] / most] if part in counted else ["-", "-"]
        rows.append([num_alphas, part, 1e6 * seconds[part] / num, 100 * seconds[part] / whole, *each])
    dense = num_alphas * counted["one forward pass"]
    rows.append(
        [num_alphas, "the whole; forward passes", 1e6 * whole / num, 100.0, dense / 1e6, dense * num / whole / most]
    )
    return rows, whole


def main() -> None:
    """Profile and print one table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile_events", description=__doc__)
    parser.add_argument("--examples", type=int, default=1000, help="examples of the data set")
    parser.add_argument("--alphas", type=int, nargs="+", default=[20, 200, 2000], help="grid points of the lines")
    parser.add_argument("--rounds", type=int, default=2, help="rounds, of which the best is taken")
    parser.add_argument("--small", action="store_true", help="sizes that take seconds, to see that it runs")
    options = parser.parse_args()
    num, counts, width = (200, [5, 20], 150) if options.small else (options.examples, options.alphas, 1200)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    net = case(f"ReLU 784-{width}-{width}-10", MLP(784, 10, [width, width], nn.ReLU()), examples(num), 300)
    rows: list[list[Any]] = []
    most, whole = peak(), {}
    for count in counts:
        found, whole[count] = rows_of(net, width, count, options.rounds, most)
        rows += found
    for count in counts:
        rows.append(
            [
                count,
                f"against {counts[min(1, len(counts) - 1)]} alphas",
                "-",
                "-",
                "-",
                whole[count] / whole[counts[min(1, len(counts) - 1)]],
            ]
        )
    columns = ["alphas", "part", "microseconds per example", "percent", "million products", "of a matrix product"]
    show(
        f"{net.name}, {num:,} examples, events; a matrix product: {most / 1e9:.0f} billion products a second",
        columns,
        rows,
        "profile_events",
        small=options.small,
    )


if __name__ == "__main__":
    main()
