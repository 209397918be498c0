"""What one objective holds while it goes over its examples, counted on a few of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from landscape.data.dataset import Split
from landscape.ground.streams import MASK_BLOCK
from landscape.objective.engine.bytes import Live
from landscape.objective.memory.passes import Footprint, Passes

if TYPE_CHECKING:
    from landscape.objective.objective import Objective

FEW, MOST = 16, 512
"""Examples that are counted after two, and at most: so many that they, and not theta, are what is large."""

Forward = Callable[[Tensor, Tensor, Tensor | None], tuple[Mapping[str, Tensor], Any]]
"""(x [B, ...], y [B, ...], masks [draws, B, F] or None) -> channels and state after the batch, at some point."""


def passes_of(objective: Objective, forward: Forward | None = None, num_examples: int | None = None) -> Passes:
    """How many examples and points an objective may hold at once.

    Args:
        forward: what is done to a batch; None: J at one point. num_examples: N; None: those of the objective.

    Raises:
        InputError: ``objective.memory`` is too little for anything.
    """
    if forward is None:
        theta, own = objective.layout.theta(objective.module), objective.statistics.of(objective.buffers, 0)

        def forward(x: Tensor, y: Tensor, masks: Tensor | None) -> tuple[Mapping[str, Tensor], Any]:
            return objective._channels(theta, x, y, 0, 0, 0, None if masks is None else [[masks]], None, own)

    split, rows = objective.split, len(objective.seeds)
    masks = (objective.cost.num_draws, sum(objective.masks.widths) if objective.is_random else 0)
    theta_bytes = objective.layout.num_parameters * objective.dtype.itemsize
    foot = footprint(forward, split, theta_bytes, masks, rows, objective.num_replicates, objective.wants.budget)
    if objective.statistics.moves:
        foot = foot.with_statistics(rows * objective.statistics.num_bytes, objective.statistics.recalibrates)
    draws = objective.is_random and bool(objective.drawing)
    return Passes(foot, objective.wants, num_examples or len(split), split.num_streams, objective.device, draws)


def footprint(
    forward: Forward,
    split: Split,
    theta_bytes: int,
    mask_shape: tuple[int, int],
    rows: int,
    replicates: int,
    budget: float = math.inf,
) -> Footprint:
    """Bytes that the plain path takes.

    Args:
        forward: what is done to a batch. split: the examples. theta_bytes: of one point.
        mask_shape: (draws, F); F is 0 without masks. rows: S. replicates: K. budget: in bytes.
    """
    sizes, peaks, state, flops = list[int](), list[int](), 0, 0.0
    size = split.num_streams or min(2, len(split))
    while True:
        x, y = split.x[:size], split.y[:size]
        masks = torch.ones((mask_shape[0], size, mask_shape[1]), dtype=torch.bool, device=x.device)
        with torch.no_grad(), Live() as live:
            _, after = forward(x, y, masks if mask_shape[1] else None)
            state = sum(t.numel() * t.element_size() for t in tree_leaves(after) if isinstance(t, Tensor))
            del after
        sizes, peaks, flops = [*sizes, size], [*peaks, live.peak], live.flops / size
        each, is_enough = _each(sizes, peaks, split)
        # What is counted must itself stay within the budget.
        if is_enough or (size >= FEW and live.peak > budget / 4):
            break
        size = min(max(2 * size, FEW), len(split))
    mask = mask_shape[0] * mask_shape[1]  # bytes per example, one for each truth value
    pixels = split.x[0].numel() if split.is_resampled else 0
    # One block of random numbers per stream stays; while one is drawn its float32 are there too.
    blocks = MASK_BLOCK * (mask * (rows * replicates + 5) + 4 * pixels * (rows + 1))
    # path(alpha) makes the next point of every row while the last is still there, and something on the way.
    # Nothing is held that grows slower than in proportion, so a line above all that was counted lies above the rest.
    constant = max(0.0, *(peak - num * each for num, peak in zip(sizes, peaks, strict=True)))
    # A row among others is copied, from up to three anchors, to where it lies as it would alone.
    fixed = (3 * rows + 3 * (rows > 1)) * theta_bytes + blocks + constant
    held = rows * replicates * mask + rows * pixels * (5 + split.x.element_size())
    # The states before a batch and after it.
    return Footprint(fixed, held, each, 3.0 * theta_bytes, 2.0 * rows * replicates * state, flops)


def _each(sizes: list[int], peaks: list[int], split: Split) -> tuple[float, bool]:
    """Bytes per example from those of more and more, and whether more examples would tell no more."""
    size, peak = sizes[-1], peaks[-1]
    if split.num_streams or size == len(split) == sizes[0]:
        return peak / size, True
    if len(sizes) == 1:
        return peak / size, False
    each = max(0.0, (peak - peaks[-2]) / (size - sizes[-2]))
    if size * each >= peak / 2 or size == len(split):
        return each, True
    # theta is still what is large: some part that grows faster may be hidden below it.
    return peak / size, size >= MOST
