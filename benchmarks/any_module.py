"""``python -m benchmarks.any_module``: the objective along a line of nets that are no multilayer perceptrons.

The engine that the house chooses by itself, timed whole, tracing and checks included, against a careful loop over
tensors in memory, at the same alphas: as long as each other, so that a busy moment hits both. The loop writes each
point into the parameters in place, without gradients, and takes batches of the size that was fastest for it at first.
Both give the loss and the classification error, as the house always does. The last column but one is the largest
relative difference of the loss to float64 at four alphas. Data are random: the time does not depend on them. The first
layer *weighs* where it does at least three tenths of the operations.
"""

from __future__ import annotations

import copy
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.limit import COLUMNS, beside, counted
from benchmarks.nets import (
    WORDS,
    Encoder,
    Reader,
    Recurrent,
    ResNet,
    VisionTransformer,
    convolutions_then_dense,
)
from benchmarks.outcome import parser, show, target, told
from benchmarks.timing import interleaved, profiled
from landscape.cost import CrossEntropy
from landscape.data import Split
from landscape.model import LSTM, ConvMaxout
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import Linear

FEW = 4
WEIGHS = 0.3
SIZES = (500, 250, 100, 50, 25)
"""Of batches, which the loop by hand tries."""


def nets(small: bool) -> list[tuple[str, nn.Module, Split]]:
    """(what, module, examples)."""
    part = 8 if small else 1
    draw = torch.Generator().manual_seed(0)
    labels = torch.randint(10, (2000,), generator=draw)
    images, grey = torch.rand(2000, 3, 32, 32, generator=draw), torch.rand(2000, 1, 28, 28, generator=draw)
    tokens = torch.randint(WORDS, (1000, 21), generator=draw)
    shape = {"pieces": [2, 2, 5], "kernels": [8, 5], "pads": [3, 2], "windows": [4, 4], "strides": [2, 2]}
    conv = ConvMaxout([1, 28, 28], 10, [16, 16, 250], **shape, init_ranges=[0.05] * 4)
    wide = ConvMaxout([3, 32, 32], 10, [24, 16, 250], **shape, init_ranges=[0.05] * 4)
    text = LSTM(WORDS, 128, 1, drop=0.0)
    normed = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16))
    stem = nn.Conv2d(3, 32, 7, stride=2, padding=3)
    found: list[tuple[str, nn.Module, Tensor, Tensor, int]] = [
        ("conv maxout, 2 convolutions", conv, grey, labels, 150),
        ("conv maxout, wide first layer", wide, images, labels, 100),
        ("convolutions, then dense", convolutions_then_dense(32), grey, labels, 200),
        ("ResNet with group norm, 2 blocks", ResNet(stem, 32, by_batch=False), images, labels, 140),
        ("ResNet with batch norm, kept", ResNet(normed, 16, by_batch=True), images, labels, 150),
        ("LSTM 128, 20 steps", text, tokens[:, :-1], tokens[:, 1:], 280),
        ("GRU 128, 20 steps", Recurrent(128), tokens[:, :-1], labels, 400),
        ("TransformerEncoder, 2 layers of 64", Encoder(64, 2), tokens, labels, 360),
        ("attention by hand, 2 blocks of 64", Reader(64, 2, 21), tokens, labels, 360),
        ("vision transformer, 2 blocks of 64", VisionTransformer(64, 2), grey, labels, 500),
    ]
    return [(name, module, Split(x[: num // part], y[: num // part])) for name, module, x, y, num in found]


class ByHand:
    """What a careful user writes: tensors in memory, the point written into the parameters, one size of batch.

    Args:
        module: copied.
        start, end: [P].
    """

    def __init__(self, module: nn.Module, data: Split, layout: ParameterLayout, start: Tensor, end: Tensor) -> None:
        self.module, self.data, self.start, self.end = copy.deepcopy(module), data, start, end
        self.theta = start.clone()
        for name, view in layout.unflatten(self.theta).items():
            self.module.get_parameter(name).data = view
        self.size = min((num for num in SIZES if num <= len(data)), key=self._seconds, default=len(data))

    def __call__(self, alphas: np.ndarray) -> np.ndarray:
        """J at each alpha."""
        values = []
        with torch.inference_mode():
            for alpha in alphas:
                torch.lerp(self.start, self.end, float(alpha), out=self.theta)
                costs, errors = [], []
                for x, y in zip(self.data.x.split(self.size), self.data.y.split(self.size), strict=True):
                    logits, labels = self.module(x).flatten(0, -2), y.flatten()
                    costs.append(float(nn.functional.cross_entropy(logits, labels, reduction="sum")))
                    errors.append(float(logits.argmax(dim=-1).ne(labels).sum()))
                values.append(sum(costs) / self.data.y.numel())
        return np.array(values)

    def _seconds(self, size: int) -> float:
        self.size = size
        self(np.zeros(1))
        start = time.perf_counter()
        self(np.zeros(2))
        return time.perf_counter() - start


def compared(name: str, module: nn.Module, data: Split, num: int, rounds: int) -> Any:
    """Two rows, and the targets."""
    torch.manual_seed(0)
    layout, cost = ParameterLayout.of(module), CrossEntropy()
    module.eval().requires_grad_(False)
    work_of = counted(module, data.x)
    share, limit = work_of.share, work_of.seconds(len(data), num)
    least = 1.2 if share >= WEIGHS else 0.95
    start = layout.theta(module).clone()
    end = start + 0.1 * torch.randn(start.shape) * start.std()
    kept = "keep" if any(isinstance(part, nn.BatchNorm2d) for part in module.modules()) else None
    alphas = np.linspace(0, 1, num)
    few = alphas[:: (num - 1) // (FEW - 1)][:FEW]

    def along(points: np.ndarray, dtype: str = "float32", engine: str = "auto") -> np.ndarray:
        kind = getattr(torch, dtype)
        objective = Objective(module, cost, data, dtype=dtype, engine=engine, running_statistics=kept)
        path = Linear(start[None].to(kind), end[None].to(kind))
        return objective.along(path, points).channels["objective"][:, 0]

    loop = ByHand(module, data, layout, start, end)
    found: dict[str, np.ndarray] = {}

    def house() -> None:
        found["house"] = along(alphas)

    along(few, engine="prefix")  # loads what tracing needs
    seconds = interleaved({"house": house, "loop": lambda: loop(alphas)}, rounds, warm=lambda key: False)
    exact = along(few, "float64", "plain")
    off = float(np.abs(found["house"][np.searchsorted(alphas, few)] / exact - 1).max())
    ratio = seconds["loop"] / seconds["house"]
    why = "" if ratio >= least else told(profiled(lambda: along(alphas)))
    work = f"{name}, {len(data):,} x {num}"
    error = float(np.abs(loop(few) / exact - 1).max())
    rows = [
        [work, "the house's choice", seconds["house"], ratio, off, share, *beside(limit, seconds["house"])],
        [work, "preloaded loop by hand", seconds["loop"], 1.0, error, share, *beside(limit, seconds["loop"])],
    ]
    goals = [
        target(f"{name}: times the preloaded loop", ratio, least=least, why=why, of_limit=limit / seconds["house"]),
        target(f"{name}: relative error", off, most=1e-5),
    ]
    return rows, goals


def main() -> None:
    """All nets, one table."""
    options = parser("any_module", __doc__, rounds=2)
    options.add_argument("--alphas", type=int, default=101)
    given = options.parse_args()
    num, rounds = (10, 1) if given.small else (given.alphas, given.rounds)
    rows, goals = [], []
    torch.manual_seed(0)
    for name, module, data in nets(given.small):
        more, wanted = compared(name, module, data, num, rounds)
        rows += more
        goals += wanted
    columns = ["work", "method", "seconds", "x preloaded loop", "largest error", "first layer's part", *COLUMNS]
    show("the objective along a line, any module", columns, rows, "any_module", goals, small=given.small)


if __name__ == "__main__":
    main()
