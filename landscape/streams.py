"""One independent random stream per seed and purpose."""

from __future__ import annotations

import numpy as np
import torch

# A stream's number enters every result: append, never renumber.
INIT, ORDER, DROPOUT, MEASURE, ENDPOINT, MODULE, WALK, NOISE, RESAMPLE = range(9)


def stream_seed(*key: int) -> int:
    """A 63-bit seed from (seed, purpose, ...), well mixed and the same on every machine."""
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> np.uint64(1))


def stream(*key: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A torch generator seeded with ``stream_seed(*key)``."""
    return torch.Generator(device=device).manual_seed(stream_seed(*key))
