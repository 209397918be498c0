"""``python -m benchmarks.seeds``: S networks trained at once, against one after the other.

Only updates are timed, none of the measuring between epochs; every network has its own start and order of the data. The
hand-written loop is torch's own: autograd, one optimizer, an index per minibatch; its speed is the unit. The processes
are as many as there are cores, one thread each, started and warm before the clock runs.
The house's choice is what ``training.vectorise=null`` takes, so each ratio also judges that choice. The error is the
largest relative difference of an objective after the updates to that of the hand-written loop.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.outcome import parser, show, target, told
from benchmarks.timing import interleaved, profiled
from landscape.cost import CrossEntropy
from landscape.data import Dataset, Split
from landscape.model import MLP
from landscape.streams import ORDER, stream
from landscape.training import GroupRun, Momentum, Training, build, groups_of

LR, MOMENTUM = 0.05, 0.9


@dataclass(frozen=True)
class Net:
    """A multilayer perceptron on as many random examples as its updates need, so that each process can make its own.

    Args:
        sizes: D, hidden units, C. batch_size: B. updates: of each network.
    """

    name: str
    sizes: tuple[int, ...]
    batch_size: int
    updates: int

    def model(self) -> nn.Module:
        """A fresh network."""
        return MLP(self.sizes[0], self.sizes[-1], list(self.sizes[1:-1]), nn.ReLU(), zero_last=False)

    def dataset(self) -> Dataset:
        """The examples; validation and test, which nothing reads here, are one batch."""
        draw = torch.Generator().manual_seed(0)
        num = self.batch_size * self.updates
        x = torch.rand(num, self.sizes[0], generator=draw)
        train = Split(x, torch.randint(self.sizes[-1], (num,), generator=draw))
        part = train.first(self.batch_size)
        return Dataset(self.name, train, part, part, self.sizes[-1])


def by_house(net: Net, dataset: Dataset, num_seeds: int, vectorise: bool | None, folder: Path) -> list[GroupRun]:
    """Runs of one epoch that wait for ``one_epoch``."""
    training = Training(batch_size=net.batch_size, max_epochs=1, num_seeds=num_seeds)
    few = (dataset.train.x[:8], dataset.train.y[:8])
    groups = groups_of(training.seeds, net.model(), CrossEntropy(), few, vectorise)
    make = partial(Momentum, lr=LR, momentum=MOMENTUM)
    device = torch.device("cpu")
    return [GroupRun(net.model, CrossEntropy(), dataset, make, training, seeds, folder, device) for seeds in groups]


def by_hand(net: Net, split: Split, seed: int) -> nn.Module:
    """One network, one epoch, as anybody would write it; the velocity of torch.optim.SGD is that of the house by lr."""
    module = build(net.model, seed).train()
    optimizer = torch.optim.SGD(module.parameters(), lr=LR, momentum=MOMENTUM)
    order = torch.randperm(len(split), generator=stream(seed, ORDER))
    for start in range(0, len(split), net.batch_size):
        index = order[start : start + net.batch_size]
        optimizer.zero_grad()
        F.cross_entropy(module(split.x[index]), split.y[index]).backward()
        optimizer.step()
    return module


_held: dict[str, Split] = {}
"""The examples of each net that this process has made."""


def in_process(net: Net, seeds: list[int]) -> int:
    """What one of the processes does: the hand-written loop for its share of the seeds."""
    torch.set_num_threads(1)
    split = _held.setdefault(net.name, net.dataset().train) if net.name not in _held else _held[net.name]
    for seed in seeds:
        by_hand(net, split, seed)
    return len(seeds)


def warm_up(net: Net, _: int) -> int:
    """Load everything before the clock runs."""
    return in_process(net, [0])


def compared(net: Net, num_seeds: int, rounds: int, pool: ProcessPoolExecutor, folder: Path) -> dict[str, float]:
    """Seconds of every way to train ``num_seeds`` networks, building them included."""
    dataset = net.dataset()
    workers = os.cpu_count() or 1
    shares = [share for share in (list(range(num_seeds))[k::workers] for k in range(workers)) if share]

    def house(vectorise: bool | None) -> None:
        for run in by_house(net, dataset, num_seeds, vectorise, folder):
            run.one_epoch()

    methods: dict[str, Callable[[], Any]] = {
        "hand-written loop, one after the other": lambda: [by_hand(net, dataset.train, s) for s in range(num_seeds)],
        "house's choice": lambda: house(None),
    }
    if num_seeds > 1:
        methods["house, one after the other"] = lambda: house(False)
        methods["house, vmap"] = lambda: house(True)
        methods[f"{workers} processes"] = lambda: list(pool.map(partial(in_process, net), shares))
    return interleaved(methods, rounds)


def difference(net: Net, folder: Path) -> float:
    """The objective on the training examples after the updates, house and hand, two seeds."""
    dataset, found = net.dataset(), []
    for vectorise in (False, True):
        runs = by_house(net, dataset, 2, vectorise, folder)
        for run in runs:
            run.one_epoch()
        thetas = [{n: v[s] for n, v in run.theta.items()} for run in runs for s in range(len(run.seeds))]
        found += [_objective(net.model(), theta, dataset.train, seed) for seed, theta in enumerate(thetas)]
    hand = [_objective(by_hand(net, dataset.train, s), None, dataset.train, s) for s in (0, 1)] * 2
    return max(abs(a / b - 1) for a, b in zip(found, hand, strict=True))


def _objective(module: nn.Module, theta: dict[str, Tensor] | None, split: Split, seed: int) -> float:
    values = dict(module.named_parameters()) if theta is None else theta
    with torch.no_grad():
        return float(F.cross_entropy(torch.func.functional_call(module, values, (split.x,)), split.y))


def main() -> None:
    """Both nets, one table, and the profile of the loop at S = 1."""
    options = parser("seeds", __doc__)
    options.add_argument("--seeds", type=int, nargs="*", default=[1, 8, 32])
    given = options.parse_args()
    digits = Net("digits net 64-100-10", (64, 100, 10), 32, 10 if given.small else 100)
    mnist = Net("MNIST net 784-1200-1200-10", (784, 1200, 1200, 10), 128, 1 if given.small else 3)
    counts = [1, 2] if given.small else given.seeds
    spawn = multiprocessing.get_context("spawn")
    rows: list[list[Any]] = []
    goals: list[Any] = []
    workers = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as name, ProcessPoolExecutor(workers, mp_context=spawn) as pool:
        folder = Path(name)
        dataset = digits.dataset()

        def one(net: Net = digits) -> None:
            for run in by_house(net, dataset, 1, None, folder):
                run.one_epoch()

        for net in (digits, mnist):
            list(pool.map(partial(warm_up, net), range(2 * workers)))
            off = difference(net, folder)
            for num_seeds in counts:
                rounds = 1 if given.small else given.rounds
                more = 4 * rounds if num_seeds == 1 and not given.small else rounds
                seconds = compared(net, num_seeds, more, pool, folder)
                hand, mine = (seconds[key] for key in ("hand-written loop, one after the other", "house's choice"))
                work = f"{net.name}, batch {net.batch_size}, {net.updates} updates, S = {num_seeds}"
                rows += [[work, key, value, hand / value, off if "house" in key else "-"]
                         for key, value in seconds.items()]  # fmt: skip
                goals += _goals(net is digits, net.name, num_seeds, hand / mine, seconds, one)
            goals.append(target(f"{net.name}: relative error", off, most=1e-5))
        parts = profiled(one)
    columns = ["work", "method", "seconds", "x hand-written loop", "largest error"]
    notes = ["the profile is that of the house's loop for one digits net"]
    show("training S networks", columns, rows, "seeds", goals, parts, notes, given.small)


def _goals(
    small: bool, name: str, num: int, ratio: float, seconds: dict[str, float], one: Callable[[], Any]
) -> list[Any]:
    if num == 1:
        why = "" if ratio >= 0.9 else told(profiled(one))
        return [target(f"{name}, S = 1: times the hand-written loop", ratio, least=0.9, why=why)]
    others = ", ".join(f"{key} {seconds['hand-written loop, one after the other'] / value:.2f}"
                       for key, value in seconds.items() if key != "house's choice")  # fmt: skip
    if small and num < 32:
        return []
    return [target(f"{name}, S = {num}: times one after the other", ratio, least=6 if small else 0.95,
                   why=f"of the ways measured: {others}")]  # fmt: skip


if __name__ == "__main__":
    main()
