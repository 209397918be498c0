"""Networks by hand for the tests of this room."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from landscape.symmetry import Axes, Axis


def chain(sizes: Sequence[int], pieces: int = 1) -> Axes:
    """Of ``layers.0 ... layers.L`` of an MLP, or of maxout units."""
    of: dict[str, tuple[Axis | None, ...]] = {}
    last = len(sizes) - 2
    for k in range(last + 1):
        out = None if k == last else Axis(f"layers.{k}", inner=pieces, has_pieces=pieces > 1)
        of[f"layers.{k}.weight"] = (out, None if k == 0 else Axis(f"layers.{k - 1}"))
        of[f"layers.{k}.bias"] = (out,)
    return Axes({f"layers.{k}": size for k, size in enumerate(sizes[1:-1])}, of)


def drawn(axes: Axes, seed: int, free: int = 3) -> dict[str, Tensor]:
    """Normal parameters that fit; axes that follow nothing have ``free`` entries."""
    draw = torch.Generator().manual_seed(seed)
    shapes = {
        name: [free if axis is None else axis.outer * axes.sizes[axis.permutation] * axis.inner for axis in own]
        for name, own in axes.of.items()
    }
    return {name: torch.randn(shape, generator=draw, dtype=torch.float64) for name, shape in shapes.items()}
