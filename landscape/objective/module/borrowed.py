"""A module that computes with somebody else's tensors for the length of one call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


class Borrowed:
    """``torch.func.functional_call`` for one module that is called many times: where each name lives is looked up once.

    On a net of a few thousand parameters that search is a seventh of an update. torch's own also forgets which names
    are tied where a part that hangs in two places holds one of them.

    Args:
        module: whose own tensors come back after each call; tied parameters go by the first of their names.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        modules = dict(module.named_modules(remove_duplicate=False))
        names: dict[int, str] = {}
        self.places: list[tuple[Any, Any, str]] = []
        """(the owner's tensors by key, the key, the name that it goes by)."""
        taken: set[tuple[int, Any]] = set()
        for kind in ("_parameters", "_buffers"):
            every = module.named_parameters if kind == "_parameters" else module.named_buffers
            for name, tensor in every(remove_duplicate=False):
                owner, _, key = name.rpartition(".")
                place = getattr(modules[owner], kind)
                if (id(place), key) not in taken:
                    taken.add((id(place), key))
                    self.places.append((place, key, names.setdefault(id(tensor), name)))
        buffers = dict(module.named_buffers())
        self._buffers = [place for place in self.places if place[2] in buffers]
        for part in module.modules():
            if isinstance(part, nn.RNNBase):  # a list of the same weights, which its forward reads
                weights: Any = part._flat_weights
                self.places += [(weights, k, names[id(w)]) for k, w in enumerate(weights) if id(w) in names]

    @property
    def buffers(self) -> dict[str, Tensor]:
        """The module's own, by the first of their names."""
        return {name: owner[key] for owner, key, name in self._buffers if owner.get(key) is not None}

    @contextmanager
    def values(self, named: dict[str, Tensor]) -> Iterator[nn.Module]:
        """The module with ``named`` in place of its parameters and buffers of these names inside the block.

        What the module puts in their place meanwhile, as by ``self.mean = 0.9 * self.mean``, ends up in ``named``.
        """
        places = [(owner, key, name, owner[key]) for owner, key, name in self.places if name in named]
        try:
            for owner, key, name, _ in places:
                owner[key] = named[name]
            yield self.module
        finally:
            for owner, key, name, own in places:
                if not isinstance(owner, list):
                    named[name] = owner[key]
                owner[key] = own
