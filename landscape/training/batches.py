"""The minibatches of an epoch, each network's in an order of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from landscape.data.dataset import Split
from landscape.ground.streams import ORDER, RESAMPLE, stream


class Batches:
    """Each pass draws one permutation per seed; sequences keep their order; a resampled split is sampled anew.

    Args:
        split: of training, on its device.
        seeds: [S].
        size: B.
        drop_last: throw a short last batch away.
    """

    def __init__(self, split: Split, seeds: Sequence[int], size: int, drop_last: bool = False) -> None:
        self.num_seen = len(split) - (len(split) % size if drop_last else 0)  # in one pass
        self.split, self.size, self.num_seeds = split, size, len(seeds)
        self.leaves, self.device = split.leaves, split.x.device
        self.order = [stream(seed, ORDER) for seed in seeds]
        self.samples = [stream(seed, RESAMPLE, device=self.device) for seed in seeds]

    def __iter__(self) -> Iterator[tuple[int, dict[str, Tensor]]]:
        """(examples seen after this batch, {``x``, ``y`` or ``x.NAME``, ``y.NAME``: [S, B, ...]})."""
        total, device = len(self.split), self.device
        if self.split.num_streams is None:
            orders = torch.stack([torch.randperm(total, generator=g) for g in self.order]).to(device)  # [S, N]
        else:
            orders = torch.arange(total, device=device).expand(self.num_seeds, -1)
        for start in range(0, self.num_seen, self.size):
            index = orders[:, start : start + self.size]  # [S, B]
            known = self._rows(index)
            if self.split.is_resampled:
                x = known["x"]
                uniform = [torch.rand(x.shape[1:], generator=g, device=device) for g in self.samples]
                known = {"y": x, **known, "x": (torch.stack(uniform) < x).to(x.dtype)}
            yield min(start + self.size, total), known

    def _rows(self, index: Tensor) -> dict[str, Tensor]:
        """Some examples [S, B]; one tensor that goes by two names, as labels do in a dict, is taken once."""
        taken: dict[int, Tensor] = {}
        for leaf in self.leaves.values():
            if id(leaf) not in taken:  # as one list of whole rows it takes a third of the time of leaf[index]
                taken[id(leaf)] = leaf.index_select(0, index.reshape(-1)).view(*index.shape, *leaf.shape[1:])
        return {name: taken[id(leaf)] for name, leaf in self.leaves.items()}

    def state(self) -> dict[str, Any]:
        """What a checkpoint needs between two passes."""
        return {"order": [g.get_state() for g in self.order], "samples": [g.get_state() for g in self.samples]}

    def restore(self, state: dict[str, Any], names: Sequence[str] = ("order", "samples")) -> None:
        """Go on where ``state`` was taken, as far as these generators go."""
        for name in names:
            for generator, saved in zip(getattr(self, name), state[name], strict=True):
                generator.set_state(saved)
