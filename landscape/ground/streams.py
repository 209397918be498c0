"""One independent random stream per seed and purpose."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

# A stream's number enters every result: append, never renumber. SeedSequence pads its key with zeros, so a purpose
# whose streams are numbered on (MEASURE, MEASURE_SAMPLE) must not also be used without such a number.
INIT, ORDER, DROPOUT, MEASURE, ENDPOINT, MODULE, WALK, NOISE, RESAMPLE, MEASURE_SAMPLE, PLANE, PROBE, CURVE = range(13)
ALIGN, SUBSET = range(13, 15)


def stream_seed(*key: int) -> int:
    """A 63-bit seed from (seed, purpose, ...), well mixed and the same on every machine."""
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> np.uint64(1))


def stream(*key: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A torch generator seeded with ``stream_seed(*key)``."""
    return torch.Generator(device=device).manual_seed(stream_seed(*key))


MASK_BLOCK = 1000
"""Examples whose random values come from one stream; what an example gets therefore depends on no batch size."""


class BlockDraws:
    """draws(key, start, count) -> the random values of examples start ... start + count - 1, always the same.

    Args:
        draw: (number of examples, generator) -> values, with the examples on ``axis``. device: of the generator.
    """

    def __init__(self, draw: Callable[[int, torch.Generator], Tensor], axis: int, device: torch.device) -> None:
        self.draw, self.axis, self.device = draw, axis, device
        # Small batches come back to the block they left: without this each would draw a thousand examples anew.
        self.held: dict[tuple[int, ...], tuple[int, Tensor]] = {}

    def __call__(self, key: tuple[int, ...], start: int, count: int) -> Tensor:
        """The values of ``count`` examples under the stream of ``key`` (seed, purpose, ...)."""
        parts = []
        for block in range(start // MASK_BLOCK, (start + count - 1) // MASK_BLOCK + 1):
            number, values = self.held.get(key, (-1, torch.empty(0)))
            if number != block:
                values = self.draw(MASK_BLOCK, stream(*key, block, device=self.device))
                self.held[key] = (block, values)
            low = max(start - block * MASK_BLOCK, 0)
            high = min(start + count - block * MASK_BLOCK, MASK_BLOCK)
            parts.append(values.narrow(self.axis, low, high - low))
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=self.axis)
