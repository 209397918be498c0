"""``python -m benchmarks.seeds``: S networks trained at once, against one after the other.

Only updates are timed, neither building networks nor measuring them between epochs; every network has its own start and
order of the data. The hand-written loop is torch's own: autograd, one optimizer, an index per minibatch; its speed is
the unit. The processes are as many as there are cores, each runs that loop with one thread, and they are started and
warm before the clock runs.
The house's choice is what ``training.vectorise=null`` takes, so each ratio also judges that choice. The error is the
largest relative difference of an objective after the updates to that of the hand-written loop. The limit is the time of
the products of the updates: three times those of a forward pass, of the first layer twice, whose inputs need no
gradient; in the row of the processes it is divided among them.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.limit import COLUMNS, beside, dense
from benchmarks.outcome import parser, show, target, told
from benchmarks.timing import interleaved, profiled
from landscape.cost import CrossEntropy
from landscape.data import Dataset, Split
from landscape.ground.streams import ORDER, stream
from landscape.model import MLP
from landscape.training import GroupRun, Momentum, Training, build, groups_of

LR, MOMENTUM = 0.05, 0.9
IN_TURN = 4
"""Networks that are more than a cache holds."""
HAND = "hand-written loop, one after the other"


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

    def limit(self, num_seeds: int) -> float:
        """Seconds of the products of all updates."""
        return dense(self.model(), 1).seconds(num_seeds * self.batch_size * self.updates, 3, num_ends=2)

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


def by_house(
    net: Net, dataset: Dataset, num_seeds: int, vectorise: bool | None, folder: Path, device: str = "cpu"
) -> list[GroupRun]:
    """Runs of one epoch that wait for ``one_epoch``."""
    training = Training(batch_size=net.batch_size, max_epochs=1, num_seeds=num_seeds)
    few = (dataset.train.x[:8].to(device), dataset.train.y[:8].to(device))
    groups = groups_of(training.seeds, net.model().to(device), CrossEntropy(), few, vectorise)
    make = partial(Momentum, lr=LR, momentum=MOMENTUM)
    on = torch.device(device)
    return [GroupRun(net.model, CrossEntropy(), dataset, make, training, seeds, folder, on) for seeds in groups]


class ByHand:
    """One network in a loop as anybody would write it; the velocity of torch.optim.SGD is that of the house by -lr."""

    def __init__(self, net: Net, split: Split, seed: int, device: str = "cpu") -> None:
        self.split, self.size, self.order = split.to(device), net.batch_size, stream(seed, ORDER)
        self.module = build(net.model, seed).to(device).train()
        self.optimizer = torch.optim.SGD(self.module.parameters(), lr=LR, momentum=MOMENTUM)

    def one_epoch(self) -> None:
        """One pass over the examples."""
        order = torch.randperm(len(self.split), generator=self.order).to(self.split.x.device)
        for start in range(0, len(self.split), self.size):
            index = order[start : start + self.size]
            self.optimizer.zero_grad()
            F.cross_entropy(self.module(self.split.x[index]), self.split.y[index]).backward()
            self.optimizer.step()


_loops: dict[tuple[str, int], ByHand] = {}
"""The networks that this process trains, kept from round to round."""


def in_process(net: Net, seeds: list[int]) -> int:
    """What one of the processes does: the hand-written loop for its share of the seeds."""
    torch.set_num_threads(1)
    for turn in range(len(seeds)):
        seed = seeds[turn % IN_TURN]
        if (net.name, seed) not in _loops:
            _loops[net.name, seed] = ByHand(net, net.dataset().train, seed)
        _loops[net.name, seed].one_epoch()
    return len(seeds)


def compared(
    net: Net, num_seeds: int, rounds: int, pools: Sequence[ProcessPoolExecutor], folder: Path, warm: bool
) -> Any:
    """Seconds of every way to train ``num_seeds`` networks for an epoch, what the house chose, its profile if vmap."""
    dataset, epochs = net.dataset(), {}
    few = min(num_seeds, IN_TURN)

    def each(runs: Sequence[GroupRun | ByHand]) -> Callable[[], Any]:
        """One epoch of S networks; those that train one after the other are a few in turn, which saves memory."""
        turns = num_seeds if len(runs) == few else len(runs)
        return lambda: [runs[turn % len(runs)].one_epoch() for turn in range(turns)]

    def house(vectorise: bool) -> Callable[[], Any]:
        return each(by_house(net, dataset, num_seeds if vectorise else few, vectorise, folder))

    def processes() -> None:
        shares = [(pool, list(range(num_seeds))[k :: len(pools)]) for k, pool in enumerate(pools)]
        for waiting in [pool.submit(in_process, net, share) for pool, share in shares if share]:
            waiting.result()

    together = num_seeds > 1 and len(by_house(net, dataset, 2, None, folder)) == 1
    choice = f"house's choice: {'one network' if num_seeds == 1 else 'vmap' if together else 'one after the other'}"
    epochs[HAND] = each([ByHand(net, dataset.train, seed) for seed in range(few)])
    epochs[choice] = house(together)
    if num_seeds > 1:
        epochs[f"house: {'one after the other' if together else 'vmap'}"] = house(not together)
        epochs[f"{len(pools)} processes, hand-written loop"] = processes
    seconds = interleaved(epochs, rounds, warm=lambda key: warm or "processes" in key)
    return seconds, choice, profiled(epochs[choice]) if together else []


def difference(net: Net, folder: Path) -> float:
    """The objective on the training examples after the updates, house and hand, two seeds."""
    dataset, found = net.dataset(), []
    for vectorise in (False, True):
        runs = by_house(net, dataset, 2, vectorise, folder)
        for run in runs:
            run.one_epoch()
        thetas = [{n: v[s] for n, v in run.theta.items()} for run in runs for s in range(len(run.seeds))]
        found += [_objective(net.model(), theta, dataset.train) for theta in thetas]
    hand = []
    for seed in (0, 1):
        loop = ByHand(net, dataset.train, seed)
        loop.one_epoch()
        hand.append(_objective(net.model(), dict(loop.module.named_parameters()), dataset.train))
    return max(abs(a / b - 1) for a, b in zip(found, hand * 2, strict=True))


def _objective(module: nn.Module, theta: dict[str, Tensor], split: Split) -> float:
    """In float64, where the parameters' last bits show."""
    exact = {name: value.double() for name, value in theta.items()}
    with torch.no_grad():
        return float(F.cross_entropy(torch.func.functional_call(module, exact, (split.x.double(),)), split.y))


def main() -> None:
    """Both nets, one table, and the profile of the loop at S = 1."""
    options = parser("seeds", __doc__, rounds=2)
    options.add_argument("--seeds", type=int, nargs="*", default=[1, 8, 32])
    given = options.parse_args()
    digits = Net("digits net 64-100-10", (64, 100, 10), 32, 10 if given.small else 100)
    mnist = Net("MNIST net 784-1200-1200-10", (784, 1200, 1200, 10), 128, 1 if given.small else 2)
    counts = [1, 2] if given.small else given.seeds
    spawn = multiprocessing.get_context("spawn")
    rows: list[list[Any]] = []
    goals: list[Any] = []
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        pools = [stack.enter_context(ProcessPoolExecutor(1, mp_context=spawn)) for _ in range(os.cpu_count() or 1)]
        parts = []
        for net in (digits, mnist):
            off = difference(net, folder)
            (alone,) = by_house(net, net.dataset(), 1, None, folder)
            alone.one_epoch()
            own = profiled(alone.one_epoch)
            parts += [[share, calls, f"{net.name}: {where}"] for share, calls, where in own]
            for num_seeds in counts if net is digits else counts[:2]:
                heavy = net is mnist and num_seeds > 8
                rounds = 1 if given.small else 2 if heavy else given.rounds * (4 if num_seeds == 1 else 1)
                seconds, choice, inner = compared(net, num_seeds, rounds, pools, folder, not heavy)
                work = f"{net.name}, batch {net.batch_size}, {net.updates} updates, S = {num_seeds}"
                limit = net.limit(num_seeds)
                limits = {key: limit / len(pools) if "processes" in key else limit for key in seconds}
                errors = {key: off if key.startswith("house") else "-" for key in seconds}
                rows += [
                    [work, key, value, seconds[HAND] / value, errors[key], *beside(limits[key], value)]
                    for key, value in seconds.items()
                ]
                goals += _goals(net is digits, net.name, num_seeds, seconds, choice, inner or own, limit)
            goals.append(target(f"{net.name}: relative error", off, most=1e-5))
    columns = ["work", "method", "seconds", "x hand-written loop", "largest error", *COLUMNS]
    notes = ["the profile is that of the house's loop for one network"]
    show("training S networks", columns, rows, "seeds", goals, parts, notes, given.small)


def _goals(
    is_small: bool, name: str, num: int, seconds: dict[str, float], choice: str, parts: Any, limit: float
) -> list[Any]:
    ratio, near = seconds[HAND] / seconds[choice], limit / seconds[choice]
    if num == 1:
        why = told(parts)
        return [target(f"{name}, S = 1: times the hand-written loop", ratio, least=0.9, why=why, of_limit=near)]
    if is_small and num < 32:
        return []
    others = (f"{key} {seconds[HAND] / value:.2f}" for key, value in seconds.items() if key not in (HAND, choice))
    why = f"{told(parts)}; the other ways: {', '.join(others)}"
    return [
        target(
            f"{name}, S = {num}: times the hand-written loop, one after the other",
            ratio,
            least=6 if is_small else 0.95,
            why=why,
            of_limit=near,
        )
    ]


if __name__ == "__main__":
    main()
