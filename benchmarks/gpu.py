"""``python -m benchmarks.gpu``: lines, a surface and the training of S networks on one GPU, in float32 without TF32.

Against the loops that a careful user would write for the same GPU: tensors on the device, nothing read back before the
end. The limit is what its matrix products alone would take, at the rate of one large product measured in the same run.
Where no GPU is, that is said, and nothing is written.
"""

from __future__ import annotations

import copy
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

from benchmarks.line import case, examples, source
from benchmarks.nets import convolutions_then_dense
from benchmarks.outcome import parser, show, target
from benchmarks.seeds import ByHand, Net, by_house
from benchmarks.timing import interleaved
from landscape.cost import CrossEntropy
from landscape.data import Split
from landscape.model import MLP
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import Linear, Plane

LOOP = "preloaded loop by hand"


def products(module: nn.Module) -> int:
    """Operations of one example's forward pass in linear layers."""
    return sum(2 * m.weight.numel() for m in module.modules() if isinstance(m, nn.Linear))


def synchronised(run: Callable[[], Any], device: str) -> Callable[[], Any]:
    """``run``, and back only when the device is done."""

    def whole() -> Any:
        found = run()
        if device == "cuda":
            torch.cuda.synchronize()
        return found

    return whole


def rate(device: str, size: int, rounds: int) -> float:
    """Operations per second of one square matrix product."""
    a, b = (torch.rand(size, size, device=device) for _ in range(2))
    return 2 * size**3 / interleaved({"product": synchronised(lambda: a @ b, device)}, max(rounds, 3))["product"]


def compared(
    work: str, device: str, module: nn.Module, data: Split, path: Any, points: np.ndarray, limit: float, rounds: int
) -> Any:
    """Rows of a net at some points of a path, whose anchors lie on the device, and its targets.

    Args:
        limit: operations per second of products; 0: those of the net are not counted.
    """
    layout, own = ParameterLayout.of(module), copy.deepcopy(module).to(device)
    x, y = data.x.to(device), data.y.to(device)
    anchors = [anchor[0] for anchor in path.anchors]

    def house(engine: str) -> np.ndarray:
        objective = Objective(own, CrossEntropy(), data, engine=engine, device=device)
        return objective.along(path, points).channels["objective"][:, 0]

    def loop() -> np.ndarray:
        with torch.inference_mode():
            values = []
            for alpha in points:
                weights = path.weights(float(alpha))
                theta = sum(
                    (w * anchor for w, anchor in zip(weights[1:], anchors[1:], strict=True)), weights[0] * anchors[0]
                )
                values.append(F.cross_entropy(functional_call(own, layout.unflatten(theta), (x,)), y))
            return torch.stack(values).double().cpu().numpy()

    engines = {f"the house, engine={name}": (lambda name=name: house(name)) for name in ("auto", "prefix", "plain")}
    methods = {LOOP: loop, **engines}
    seconds = interleaved({name: synchronised(run, device) for name, run in methods.items()}, rounds)
    exact = Objective(module, CrossEntropy(), data, dtype="float64", engine="plain", device=device)
    every = max(1, len(points) // 4)
    values = exact.along(path.to(torch.float64), points[::every]).channels["objective"][:, 0]
    error = {name: float(np.abs(run()[::every] / values - 1).max()) for name, run in methods.items()}
    least = products(module) * len(data) * len(points) / (limit or 1)
    base, best = seconds[LOOP], seconds["the house, engine=auto"]
    rows: list[list[Any]] = [
        [work, name, value, base / value, least / value if limit else "-", error[name]]
        for name, value in seconds.items()
    ]
    return rows, [
        target(f"{work}: times the loop by hand", base / best, least=0.95),
        target(f"{work}: relative error", max(error[name] for name in engines), most=1e-5),
    ]


def paths(device: str, small: bool, limit: float, rounds: int) -> Any:
    """Rows and targets of a line and a surface of a multilayer perceptron, and of a line of convolutions."""
    num, count, side, units = (500, 10, 3, 100) if small else (60_000, 200, 25, 1200)
    data = examples(num)
    torch.manual_seed(0)
    module = MLP(784, 10, [units, units], nn.ReLU(), zero_last=False)
    found = case("", module, data, 20 if small else 300)
    other = found.start + 0.5 * torch.randn(found.start.shape) * found.start.std()
    corners = [end.to(device)[None] for end in (found.start, found.end, other)]
    alphas, grid = np.linspace(0, 1, count), np.linspace(0, 1, side)
    few = data.first(max(1, num // 6))
    name = f"ReLU 784-{units}-{units}-10"
    convolutions = convolutions_then_dense(32).eval()
    start = ParameterLayout.of(convolutions).theta(convolutions).clone()
    bent = start + 0.1 * torch.randn(start.shape) * start.std()
    images = Split(few.x.view(-1, 1, 28, 28), few.y)
    rows, goals = [], []
    for more, wanted in (
        compared(f"line, {name}, {num:,} x {count}", device, module, data, Linear(*corners[:2]), alphas, limit, rounds),
        compared(
            f"surface, {name}, {len(few):,} x {side}²",
            device,
            module,
            few,
            Plane(*corners, grid, grid),
            np.arange(side**2, dtype=np.float64),
            limit,
            rounds,
        ),
        compared(
            f"line, convolutions then dense, {len(few):,} x {count}",
            device,
            convolutions,
            images,
            Linear(start.to(device)[None], bent.to(device)[None]),
            alphas,
            0.0,
            rounds,
        ),
    ):
        rows += more
        goals += wanted
    return rows, goals


def training(device: str, small: bool, limit: float, rounds: int) -> Any:
    """Rows of S networks, and the target of each."""
    nets = [
        Net("digits net 64-100-10", (64, 100, 10), 32, 5 if small else 100),
        Net("MNIST net 784-1200-1200-10", (784, 1200, 1200, 10), 128, 1 if small else 20),
    ]
    rows, goals = [], []
    with tempfile.TemporaryDirectory() as folder:
        for net in nets:
            dataset = net.dataset()
            for num in (1, 2) if small else (1, 8, 32):
                loops = [ByHand(net, dataset.train, seed, device) for seed in range(num)]
                runs = by_house(net, dataset, num, None, Path(folder), device)
                methods = {"hand-written loop, one after the other": loops, "the house's choice": runs}
                seconds = interleaved(
                    {
                        name: synchronised(lambda these=these: [run.one_epoch() for run in these], device)  # type: ignore[attr-defined]
                        for name, these in methods.items()
                    },
                    rounds,
                )
                work = f"training, {net.name}, batch {net.batch_size}, {net.updates} updates, S = {num}"
                least = 3 * products(net.model()) * net.batch_size * net.updates * num / limit
                base = next(iter(seconds.values()))
                rows += [[work, name, value, base / value, least / value, "-"] for name, value in seconds.items()]
                goals.append(target(f"{work}: times the loop", base / seconds["the house's choice"], least=0.95))
    return rows, goals


def main() -> None:
    """All, one table."""
    options = parser("gpu", __doc__)
    options.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="cpu: only with --small, a trial")
    given = options.parse_args()
    if given.device == "cpu" and not given.small:
        print("--device cpu goes with --small only: it shows that the benchmark runs", file=sys.stderr)
        raise SystemExit(2)
    if given.device == "cuda" and not torch.cuda.is_available():
        print("benchmarks.gpu: torch sees no GPU here, so there is nothing to measure; results/gpu.json stays as it is")
        return
    name = torch.cuda.get_device_name() if given.device == "cuda" else "no GPU"
    limit = rate(given.device, 256 if given.small else 8192, given.rounds)
    rows, goals = paths(given.device, given.small, limit, given.rounds)
    more, wanted = training(given.device, given.small, limit, given.rounds)
    columns = ["work", "method", "seconds", "x loop", "of the matmul limit", "largest error"]
    notes = [f"GPU: {name}; one large float32 product runs at {limit / 1e12:.2g} TFLOP/s; data: {source()}"]
    show("on a GPU", columns, rows + more, "gpu", goals + wanted, (), notes, given.small)


if __name__ == "__main__":
    main()
