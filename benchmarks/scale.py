"""``python -m benchmarks.scale``: the line of a network of 50 million parameters, from tensors and from a stream.

Against the loop that everybody writes: each point loaded as a state dict, the loader swept. Each runs in a process of
its own, so that its peak of memory is its own; all hold two trained nets, a third to write into, and the data. Memory
is told in copies of the parameters, of 4 bytes each. Seconds are those of the processor; the house's include all
checks.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.outcome import SHARED, parser, show, target

WIDTH, CLASSES, LAYERS = 4096, 10, 3
MOST_COPIES, MOST_TIME = 4.0, 1.05
METHODS = {"loop": "loop by hand", "resident": "tensors", "stream": "DataLoader"}


class Wide(nn.Module):
    """Square layers with ReLU, and a head."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(LAYERS))
        self.head = nn.Linear(width, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """[B, width] -> logits [B, 10]."""
        for layer in self.layers:
            x = torch.relu(layer(x))
        return self.head(x)


def peak() -> int:
    """The most bytes that this process has held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


def run(method: str, width: int, num: int, points: int) -> dict[str, Any]:
    """One method in this process: seconds, peak of memory, parameters and values."""
    from landscape.cost import CrossEntropy
    from landscape.objective import Objective
    from landscape.parameters import ParameterLayout
    from landscape.path import Linear

    torch.manual_seed(0)
    before, after, net = (Wide(width) for _ in range(3))
    x, y = torch.randn(num, width), torch.randint(CLASSES, (num,))
    loader, alphas = DataLoader(TensorDataset(x, y), batch_size=256), np.linspace(0, 1, points)
    start = time.process_time()
    if method == "loop":
        values, first, last = [], before.state_dict(), after.state_dict()
        with torch.no_grad():
            for alpha in alphas:
                net.load_state_dict({key: torch.lerp(first[key], last[key], float(alpha)) for key in first})
                values.append(sum(float(F.cross_entropy(net(x), y, reduction="sum")) for x, y in loader) / num)
    else:
        layout = ParameterLayout.of(net)
        line = Linear(layout.theta(before)[None], layout.theta(after)[None])
        objective = Objective(net, CrossEntropy(), loader if method == "stream" else (x, y))
        values = objective.along(line, alphas).channels["objective"][:, 0].tolist()
    seconds = time.process_time() - start
    return {"seconds": seconds, "peak": peak(), "num": sum(p.numel() for p in net.parameters()), "values": values}


def measured(width: int, num: int, points: int, rounds: int) -> dict[str, dict[str, Any]]:
    """The quickest run of each method, each in a fresh process, interleaved."""
    found: dict[str, dict[str, Any]] = {}
    for _ in range(rounds):
        for method in METHODS:
            given = [method, *map(str, (width, num, points))]
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.scale", "--one", *given], capture_output=True, text=True, check=True
            )
            one = json.loads(done.stdout.splitlines()[-1])
            if method not in found or one["seconds"] < found[method]["seconds"]:
                found[method] = one
    return found


def main() -> None:
    """Three methods, one table."""
    if sys.argv[1:2] == ["--one"]:
        method, *sizes = sys.argv[2:]
        print(json.dumps(run(method, *map(int, sizes))))
        return
    given = parser("scale", __doc__, rounds=2).parse_args()
    width, num, points, rounds = (256, 64, 3, 1) if given.small else (WIDTH, 1024, 21, given.rounds)
    found = measured(width, num, points, rounds)
    loop = found["loop"]
    copy = 4 * loop["num"]
    work = f"{loop['num'] / 1e6:.1f} M parameters, {num:,} x {points}"
    rows, goals = [], []
    for method, title in METHODS.items():
        one = found[method]
        time_of, copies = one["seconds"] / loop["seconds"], (one["peak"] - loop["peak"]) / copy
        off = float(np.abs(np.array(one["values"]) / np.array(loop["values"]) - 1).max())
        rows.append([work, title, one["seconds"], time_of, one["peak"] / copy, off])
        if method != "loop":
            goals.append(target(f"{title}: time, in that of the loop", time_of, most=MOST_TIME))
            goals.append(target(f"{title}: copies of the parameters beyond the loop's", copies, most=MOST_COPIES))
            goals.append(target(f"{title}: largest relative difference", off, most=1e-6))
    columns = ["work", "method", "processor seconds", "in the loop's", "peak in copies of the parameters", "off"]
    show("a line of a large network", columns, rows, "scale", goals, notes=[SHARED], small=given.small)


if __name__ == "__main__":
    main()
