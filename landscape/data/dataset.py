"""Dataset: train, validation and test examples in a fixed order, and a fingerprint of every byte of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

from landscape.data.reading import held
from landscape.data.split import Split
from landscape.data.stream import Data, Stream, limited, num_of
from landscape.errors import InputError

__all__ = ["Dataset", "Split"]

SPLITS = ("train", "valid", "test")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Three splits of one data set.

    Args:
        name: what the data set is called, ``"mnist"``; part of the fingerprint.
        train, valid, test: the splits, streams, or what ``held`` makes such of; ``valid`` is what early stopping looks
            at.
        num_classes: labels are 0 ... num_classes - 1; for a regression the number of targets C; 0: not known.
        copy: what is to be said of the examples beside their name, such as which copy of the data they are; shown with
            results, no part of the fingerprint.
    """

    name: str
    train: Any
    valid: Any
    test: Any
    num_classes: int = 0
    copy: str = ""

    def __post_init__(self) -> None:
        made: dict[int, Data] = {}  # one loader for several splits is read once
        for name in SPLITS:
            source = getattr(self, name)
            if source is None:
                raise InputError(
                    f"{self.name}: {name}=None; give its examples, or those of another split in their place"
                )
            if id(source) not in made:
                made[id(source)] = held(source, called=f"{self.name} ({name})")
            object.__setattr__(self, name, made[id(source)])

    @property
    def streams(self) -> dict[str, Stream]:
        """The splits that are streams, by name."""
        return {name: split for name in SPLITS if isinstance(split := getattr(self, name), Stream)}

    @property
    def is_known(self) -> bool:
        """Whether the fingerprint tells these examples from others: streams do not say what they will yield."""
        return all(stream.name for stream in self.streams.values())

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hex digits of the sha256 over name, shapes, dtypes and bytes of all three splits, names of streams.

        The store keys a trained solution by it, so a changed pixel, order or cap means a new training.
        """
        digest = hashlib.sha256(self.name.encode())
        for split_name in SPLITS:
            split: Data = getattr(self, split_name)
            if isinstance(split, Stream):
                digest.update(f"|{split_name} stream {split.name} {split.num_examples}|".encode())
                continue
            if split.is_resampled:
                digest.update(f"|{split_name} resampled|".encode())
            if split.num_streams is not None:
                digest.update(f"|{split_name} in {split.num_streams} streams|".encode())
            for part, values in split.leaves.items():
                # The header keeps tensors apart: moving an example from one split to the next changes the hash.
                digest.update(f"|{split_name}.{part} {tuple(values.shape)} {values.dtype}|".encode())
                held = values.detach().cpu()
                held = held.view(torch.int16) if held.dtype == torch.bfloat16 else held  # which NumPy does not know
                digest.update(np.ascontiguousarray(held.numpy()).reshape(-1).view(np.uint8).data)
        return digest.hexdigest()[:16]

    def limited(self, num_train: int | None) -> Dataset:
        """The same data with at most ``num_train`` examples in each split, from the front; None leaves all.

        Args:
            num_train: the cap, config key ``limits.examples``; a split that has fewer stays whole.

        Raises:
            InputError: the cap is not a positive whole number.
        """
        if num_train is None:
            return self
        if isinstance(num_train, bool) or not isinstance(num_train, int) or num_train < 1:
            raise InputError(
                f"limits.examples={num_train!r} must be a whole number of at least 1; "
                "give one, or null to use every example"
            )
        before = self.train, self.valid, self.test
        if all(num is not None and num <= num_train for num in map(num_of, before)):
            return self  # keeps a fingerprint that was already computed
        capped = {id(split): limited(split, num_train) for split in before}  # one object for several stays one
        train, valid, test = (capped[id(split)] for split in before)
        return replace(self, train=train, valid=valid, test=test)
