"""``python -m benchmarks.any_module``: the objective along a line of nets that are no multilayer perceptrons.

The engine that the house chooses by itself, timed whole, tracing and checks included, against a careful loop over
tensors in memory, at the same alphas: as long as each other, so that a busy moment hits both. Both give the loss and
the classification error, as the house always does. The last column but one is the largest relative difference of the
loss to float64 at four alphas. Data are random: the time does not depend on them. The first layer *weighs* where it
does at least three tenths of the operations.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.outcome import parser, show, target, told
from benchmarks.timing import interleaved, profiled
from landscape.cost import CrossEntropy
from landscape.data import Split
from landscape.model import LSTM, ConvMaxout
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import Linear

FEW = 4
WORDS = 1000
WEIGHS = 0.3


class Encoder(nn.Module):
    """Embedding, ``torch.nn.TransformerEncoder``, mean over the positions, linear."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(WORDS, width)
        layer = nn.TransformerEncoderLayer(width, 4, 4 * width, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head = nn.Linear(width, 10)

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens [B, T] -> logits [B, 10]."""
        return self.head(self.encoder(self.embedding(tokens)).mean(dim=1))


class Block(nn.Module):
    """Two convolutions with group norm beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.norms = nn.ModuleList(nn.GroupNorm(4, channels) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> the same."""
        h = torch.relu(self.norms[0](self.first(x)))
        return torch.relu(x + self.norms[1](self.second(h)))


class ResNet(nn.Module):
    """A wide first convolution of stride 2, two blocks, mean over the map, linear."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, channels, 7, stride=2, padding=3)
        self.blocks = nn.Sequential(Block(channels), Block(channels))
        self.head = nn.Linear(channels, 10)

    def forward(self, x: Tensor) -> Tensor:
        """[B, 3, 32, 32] -> logits [B, 10]."""
        return self.head(self.blocks(torch.relu(self.stem(x))).mean(dim=(2, 3)))


def weight(module: nn.Module, x: Tensor) -> float:
    """The part of the operations of a forward pass that the first layer does."""
    first = next(m for m in module.modules() if isinstance(m, (nn.Conv2d, nn.Linear, nn.Embedding)))
    inner = torch.zeros(1)

    def count(run: Any) -> int:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            run()
        return counter.get_total_flops()

    def note(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        nonlocal inner
        inner = inputs[0]

    hook = first.register_forward_pre_hook(note)
    total = count(lambda: module(x))
    hook.remove()
    return count(lambda: first(inner)) / total


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
    return [
        ("conv maxout, 2 convolutions", conv, Split(grey, labels).first(150 // part)),
        ("conv maxout, wide first layer", wide, Split(images, labels).first(100 // part)),
        ("LSTM 128, 20 steps", text, Split(tokens[:, :-1], tokens[:, 1:]).first(280 // part)),
        ("TransformerEncoder, 2 layers of 64", Encoder(64, 2), Split(tokens, labels[:1000]).first(360 // part)),
        ("ResNet with group norm, 2 blocks", ResNet(32), Split(images, labels).first(140 // part)),
    ]


def compared(name: str, module: nn.Module, data: Split, num: int, rounds: int) -> Any:
    """Two rows, and the targets."""
    torch.manual_seed(0)
    layout, cost = ParameterLayout.of(module), CrossEntropy()
    module.eval().requires_grad_(False)
    share = weight(module, data.x[:10])
    least = 1.2 if share >= WEIGHS else 0.95
    start = layout.theta(module).clone()
    end = start + 0.1 * torch.randn(start.shape) * start.std()
    alphas = np.linspace(0, 1, num)
    few = alphas[:: (num - 1) // (FEW - 1)][:FEW]

    def along(points: np.ndarray, dtype: str = "float32", engine: str = "auto") -> np.ndarray:
        kind = getattr(torch, dtype)
        objective = Objective(copy.deepcopy(module), cost, data, dtype=dtype, engine=engine)
        path = Linear(start[None].to(kind), end[None].to(kind))
        return objective.along(path, points).channels["objective"][:, 0]

    def loop(points: np.ndarray) -> np.ndarray:
        values = []
        with torch.inference_mode():
            for alpha in points:
                named = layout.unflatten(torch.lerp(start, end, float(alpha)))
                logits = functional_call(module, named, (data.x,)).flatten(0, -2)
                values.append(float(nn.functional.cross_entropy(logits, data.y.flatten())))
                float(logits.argmax(dim=-1).ne(data.y.flatten()).float().mean())
        return np.array(values)

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
        [work, "the house's choice", seconds["house"], ratio, off, share],
        [work, "preloaded loop by hand", seconds["loop"], 1.0, error, share],
    ]
    goals = [
        target(f"{name}: times the preloaded loop", ratio, least=least, why=why),
        target(f"{name}: relative error", off, most=1e-5),
    ]
    return rows, goals


def main() -> None:
    """All nets, one table."""
    options = parser("any_module", __doc__, rounds=3)
    options.add_argument("--alphas", type=int, default=61)
    given = options.parse_args()
    num, rounds = (10, 1) if given.small else (given.alphas, given.rounds)
    rows, goals = [], []
    torch.manual_seed(0)
    for name, module, data in nets(given.small):
        more, wanted = compared(name, module, data, num, rounds)
        rows += more
        goals += wanted
    columns = ["work", "method", "seconds", "x preloaded loop", "largest error", "first layer's part"]
    show("the objective along a line, any module", columns, rows, "any_module", goals, small=given.small)


if __name__ == "__main__":
    main()
