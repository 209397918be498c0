"""``python -m benchmarks.loader``: a curve over a ``DataLoader`` whose data set transforms each example as it is asked.

Against the loop that everybody writes: for each point load the state dict and sweep the loader. The transform is that
of a colour image: scaled to [0, 1], normalised, turned and resized by bilinear sampling, always the same for an
example, so that both measure one number; images and labels are random. Of the house ``ls.measure`` as it is, noise
included, and what one ``Objective`` takes that is made beforehand; each with its shuffling. *Off the loop* is the
largest relative difference to it at any point. The limit: one sweep of the loader, timed, and the least products.
"""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

import landscape as ls
from benchmarks.limit import COLUMNS, beside, counted
from benchmarks.outcome import SHARED, parser, show, target, told
from benchmarks.timing import interleaved, profiled
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import Linear

CLASSES, LEAST, MOST_OFF = 10, 5.0, 1e-6
MEAN, STD = torch.tensor([0.49, 0.48, 0.45])[:, None, None], torch.tensor([0.25, 0.24, 0.26])[:, None, None]


class Turned(Dataset[Any]):
    """Images of bytes, each turned by an angle of its own and made a tenth larger, when it is asked for."""

    def __init__(self, num: int) -> None:
        draw = torch.Generator().manual_seed(0)
        self.images = torch.randint(256, (num, 3, 32, 32), generator=draw, dtype=torch.uint8)
        self.labels = torch.randint(CLASSES, (num,), generator=draw)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        x = (self.images[index].float() / 255 - MEAN) / STD
        angle = 0.3 * math.sin(index)
        turn = torch.tensor([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0]]) / 1.1
        grid = F.affine_grid(turn[None], [1, 3, 32, 32], align_corners=False)
        return F.grid_sample(x[None], grid, align_corners=False)[0], self.labels[index]


class ConvNet(nn.Module):
    """Two convolutions of stride 2 with ReLU, mean over the map, linear."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 5, stride=2), nn.Conv2d(8, 16, 3, stride=2)
        self.head = nn.Linear(16, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """[B, 3, 32, 32] -> logits [B, 10]."""
        return self.head(torch.relu(self.second(torch.relu(self.first(x)))).mean(dim=(2, 3)))


def mlp() -> nn.Module:
    """3072-64-10 with ReLU."""
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 64), nn.ReLU(), nn.Linear(64, CLASSES))


def compared(name: str, make: Any, num: int, points: int, rounds: int) -> Any:
    """Four rows, and the targets."""
    torch.manual_seed(0)
    before, after = make(), make()
    loader = DataLoader(Turned(num), batch_size=64, shuffle=True)
    alphas = np.linspace(0, 1, points)
    loss = nn.CrossEntropyLoss()
    found: dict[str, np.ndarray[Any, Any]] = {}

    def loop() -> None:
        net, values = copy.deepcopy(after).eval(), []
        first, last = before.state_dict(), after.state_dict()
        with torch.no_grad():
            for alpha in alphas:
                net.load_state_dict({key: torch.lerp(first[key], last[key], float(alpha)) for key in first})
                total = 0.0
                for x, y in loader:
                    total += float(loss(net(x), y)) * len(y)
                values.append(total / num)
        found["loop"] = np.array(values)

    def measured() -> None:
        curve = ls.measure(after, ls.line(before, after), data=loader, cost=loss, alphas=alphas, progress=False)
        found["measure"] = curve.objective[:, 0]

    layout = ParameterLayout.of(after)
    path = Linear(layout.theta(before)[None], layout.theta(after)[None])
    objective = Objective(after, loss, loader)

    def along() -> None:
        found["along"] = objective.along(path, alphas).channels["objective"][:, 0]

    def sweep() -> None:
        for _ in loader:
            pass

    methods = {"measure": measured, "along": along, "sweep": sweep, "loop": loop}
    seconds = interleaved(methods, rounds, warm=lambda key: key in ("measure", "along"))
    off = {key: float(np.abs(values / found["loop"] - 1).max()) for key, values in found.items()}
    limit = seconds["sweep"] + counted(after, loader.dataset[0][0][None]).seconds(num, points)
    work = f"{name}, {num:,} images x {points}"
    titles = {"measure": "ls.measure", "along": "Objective.along", "loop": "state dict and loader per point"}
    titles["sweep"] = "one sweep of the loader, nothing else"
    rows = [
        [work, titles[key], value, seconds["loop"] / value, off.get(key, "-")]
        + (["-", "-"] if key == "sweep" else beside(limit, value))
        for key, value in seconds.items()
    ]
    ratio = seconds["loop"] / seconds["measure"]
    why = "" if ratio >= LEAST else told(profiled(measured))
    return rows, [
        target(f"{name}: ls.measure, times the loop", ratio, least=LEAST, why=why, of_limit=limit / seconds["measure"]),
        target(f"{name}: largest relative difference", max(off.values()), most=MOST_OFF),
    ]


def main() -> None:
    """Both nets, one table."""
    options = parser("loader", __doc__, rounds=2)
    options.add_argument("--alphas", type=int, default=101)
    given = options.parse_args()
    num, points, rounds = (40, 5, 1) if given.small else (1000, given.alphas, given.rounds)
    rows, goals = [], []
    for name, make in (("conv net", ConvNet), ("MLP 3072-64-10", mlp)):
        more, wanted = compared(name, make, num, points, rounds)
        rows += more
        goals += wanted
    columns = ["work", "method", "seconds", "x the loop", "off the loop", *COLUMNS]
    show("a curve over a DataLoader", columns, rows, "loader", goals, notes=[SHARED], small=given.small)


if __name__ == "__main__":
    main()
