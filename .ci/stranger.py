"""What somebody writes who has the wheel and nothing else: .ci/wheel runs it, and has mypy --strict read it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import assert_type

import torch
from torch import nn

import landscape as ls


def network(seed: int) -> nn.Sequential:
    """A small net with weights of its own."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3))


before, after = network(0), network(1)
data = torch.randn(40, 5), torch.randint(3, (40,))

line = ls.line(before, after)
curve = ls.measure(before, line, data=data, cost=nn.CrossEntropyLoss(), alphas=7)
assert_type(curve, ls.Curve)
with torch.no_grad():
    wanted = [nn.functional.cross_entropy(net(data[0]), data[1]).item() for net in (before, after)]
assert abs(curve.objective[[0, -1], 0] - wanted).max() < 1e-5

surface = ls.measure(before, ls.plane(before, seed=0), data=data, cost=nn.CrossEntropyLoss(), alphas=3)
assert_type(surface, ls.Surface)
with TemporaryDirectory() as folder:
    curve.save(Path(folder) / "curve.npz")
    assert ls.Curve.load(Path(folder) / "curve.npz") == curve
try:
    ls.measure(before, line, data=data, cost=nn.CrossEntropyLoss(), alphas=-1)
except ls.InputError as refused:
    print(f"-- refused as it should be: {refused}")
print(curve)
