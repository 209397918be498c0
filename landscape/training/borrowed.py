"""A module that computes with somebody else's tensors for the length of one call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


class Borrowed:
    """``torch.func.functional_call`` for one module that is called many times: where each name lives is looked up once.

    On a net of a few thousand parameters that search is a seventh of an update.

    Args:
        module: whose own tensors come back after each call; tied parameters go by the first of their names.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        modules = dict(module.named_modules(remove_duplicate=False))
        names: dict[int, str] = {}
        self.places: list[tuple[dict[str, Any], str, str]] = []
        """(the owner's tensors by key, the key, the name that it goes by)."""
        for kind in ("_parameters", "_buffers"):
            every = module.named_parameters if kind == "_parameters" else module.named_buffers
            for name, tensor in every(remove_duplicate=False):
                owner, _, key = name.rpartition(".")
                place = getattr(modules[owner], kind), key, names.setdefault(id(tensor), name)
                if not any(place[0] is other and key == taken for other, taken, _ in self.places):
                    self.places.append(place)

    @contextmanager
    def values(self, named: dict[str, Tensor]) -> Iterator[nn.Module]:
        """The module with ``named`` in place of its parameters and buffers, all of them, inside the block.

        What the module puts in their place meanwhile, as by ``self.mean = 0.9 * self.mean``, ends up in ``named``.
        """
        own = [owner[key] for owner, key, _ in self.places]
        try:
            for owner, key, name in self.places:
                owner[key] = named[name]
            yield self.module
        finally:
            for (owner, key, name), tensor in zip(self.places, own, strict=True):
                named[name] = owner[key]
                owner[key] = tensor
