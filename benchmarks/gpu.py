"""``python -m benchmarks.gpu``: a line and the training of S networks on one GPU, in float32 without TF32.

Against the loops that a careful user would write for the same GPU: tensors on the device, nothing read back before the
end. The limit is what its matrix products alone would take, at the rate of one large product measured in the same run.
Where no GPU is, that is said, and nothing is written.
"""

from __future__ import annotations

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
from benchmarks.outcome import parser, show, target
from benchmarks.seeds import ByHand, Net, by_house
from benchmarks.timing import interleaved
from landscape.cost import CrossEntropy
from landscape.model import MLP
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import Linear


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


def line(device: str, small: bool, limit: float, rounds: int) -> Any:
    """Rows of a line and its target, 60,000 x 200."""
    num, count, units = (500, 10, 100) if small else (60_000, 200, 1200)
    data = examples(num)
    torch.manual_seed(0)
    module = MLP(784, 10, [units, units], nn.ReLU())
    found = case("", module, data, 20 if small else 300)
    start, end, x, y = (value.to(device) for value in (found.start, found.end, data.x, data.y))
    own, layout = module.to(device), ParameterLayout.of(module)
    alphas = np.linspace(0, 1, count)
    path = Linear(start[None], end[None])

    def house(engine: str) -> np.ndarray:
        objective = Objective(own, CrossEntropy(), data, engine=engine, device=device)
        return objective.along(path, alphas).channels["objective"][:, 0]

    def loop() -> np.ndarray:
        with torch.inference_mode():
            points = (layout.unflatten(torch.lerp(start, end, float(alpha))) for alpha in alphas)
            values = [F.cross_entropy(functional_call(own, named, (x,)), y) for named in points]
            return torch.stack(values).double().cpu().numpy()

    engines = {f"the house, engine={name}": (lambda name=name: house(name)) for name in ("auto", "prefix", "plain")}
    methods = {"preloaded loop by hand": loop, **engines}
    seconds = interleaved({name: synchronised(run, device) for name, run in methods.items()}, rounds)
    exact = Objective(module, CrossEntropy(), data, dtype="float64", engine="plain", device=device)
    few = alphas[:: max(1, count // 4)]
    wide = Linear(start[None].double(), end[None].double())
    values = exact.along(wide, few).channels["objective"][:, 0]
    error = {name: float(np.abs(run()[:: max(1, count // 4)] / values - 1).max()) for name, run in methods.items()}
    work = f"line, ReLU 784-{units}-{units}-10, {num:,} x {count}"
    least = products(module) * num * count / limit
    base = seconds["preloaded loop by hand"]
    rows = [[work, name, value, base / value, least / value, error[name]] for name, value in seconds.items()]
    return rows, [target(f"{work}: relative error", max(error[name] for name in engines), most=1e-5)]


def training(device: str, small: bool, limit: float, rounds: int) -> list[list[Any]]:
    """Rows of S networks."""
    nets = [
        Net("digits net 64-100-10", (64, 100, 10), 32, 5 if small else 100),
        Net("MNIST net 784-1200-1200-10", (784, 1200, 1200, 10), 128, 1 if small else 20),
    ]
    rows: list[list[Any]] = []
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
    return rows


def main() -> None:
    """Both, one table."""
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
    rows, goals = line(given.device, given.small, limit, given.rounds)
    rows += training(given.device, given.small, limit, given.rounds)
    columns = ["work", "method", "seconds", "x loop", "of the matmul limit", "largest error"]
    notes = [f"GPU: {name}; one large float32 product runs at {limit / 1e12:.2g} TFLOP/s; data: {source()}"]
    show("on a GPU", columns, rows, "gpu", goals, (), notes, given.small)


if __name__ == "__main__":
    main()
