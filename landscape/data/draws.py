"""The global random numbers with which examples are shuffled and augmented, apart from those of the caller."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

SEED = 0
"""Under which every pass shuffles and augments: two passes see the same, as far as they draw from the global
generators of torch, NumPy and Python."""


class Draws:
    """The global random numbers of one pass over examples, apart from those of the caller."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._state: Any = None

    @contextmanager
    def drawn(self) -> Iterator[None]:
        """Inside the block the global generators go on where the last block of this pass left them."""
        before = _state()
        if self._state is None:
            torch.manual_seed(self.seed)
            np.random.seed(self.seed)
            random.seed(self.seed)
        else:
            _restore(self._state)
        try:
            yield
        finally:
            self._state = _state()
            _restore(before)


def _state() -> tuple[Any, ...]:
    return torch.get_rng_state(), np.random.get_state(), random.getstate()


def _restore(state: tuple[Any, ...]) -> None:
    torch.set_rng_state(state[0])
    np.random.set_state(state[1])
    random.setstate(state[2])
