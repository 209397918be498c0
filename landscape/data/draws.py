"""The random numbers of a pass over examples, apart from those of whoever asks for the pass."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

SEED = 0
"""Under which every pass shuffles and augments: two passes see the same, as far as they draw from the global
generators of torch, NumPy and Python, and from those of a loader."""


class Draws:
    """The global random numbers of one pass over examples, and those of its loader, apart from the caller's.

    Args:
        seed: of all of them.
        generators: others that are drawn from, see ``generators_of``.
    """

    def __init__(self, seed: int, generators: Sequence[torch.Generator] = ()) -> None:
        self.seed, self.generators = seed, generators
        self._states: Any = None

    @contextmanager
    def drawn(self) -> Iterator[None]:
        """Inside the block the generators go on where the last block of this pass left them."""
        before = self._now()
        if self._states is None:
            for generator in (torch.default_generator, *self.generators):
                generator.manual_seed(self.seed)
            np.random.seed(self.seed)
            random.seed(self.seed)
        else:
            self._restore(self._states)
        try:
            yield
        finally:
            self._states = self._now()
            self._restore(before)

    def _now(self) -> Any:
        return torch.get_rng_state(), np.random.get_state(), random.getstate(), [g.get_state() for g in self.generators]

    def _restore(self, states: Any) -> None:
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])
        random.setstate(states[2])
        for generator, state in zip(self.generators, states[3], strict=True):
            generator.set_state(state)


def generators_of(source: Any) -> list[torch.Generator]:
    """Those that a loader draws its order and its workers' seeds from."""
    batches = getattr(source, "batch_sampler", None)
    parts = (source, getattr(source, "sampler", None), batches, getattr(batches, "sampler", None))
    found = {id(g): g for part in parts if isinstance(g := getattr(part, "generator", None), torch.Generator)}
    return list(found.values())


def apart(source: Any) -> Any:
    """The source; of a loader whose workers stay a copy without them: they may be in the middle of a caller's pass."""
    if not isinstance(source, DataLoader) or not source.persistent_workers:
        return source
    other = copy.copy(source)
    other._iterator = None
    return other
