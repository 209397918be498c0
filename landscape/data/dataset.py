"""Dataset: train, validation and test examples in a fixed order, and a fingerprint of every byte of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from landscape.data.reading import as_split
from landscape.data.split import Split
from landscape.errors import InputError

__all__ = ["Dataset", "Split"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Three splits of one data set.

    Args:
        name: what the data set is called, ``"mnist"``; part of the fingerprint.
        train, valid, test: the splits, or what ``as_split`` reads; ``valid`` is what early stopping looks at.
        num_classes: labels are 0 ... num_classes - 1; for a regression the number of targets C.
        copy: which copy of the data this is, as far as that is known; shown with results, no part of the fingerprint.
    """

    name: str
    train: Split
    valid: Split
    test: Split
    num_classes: int
    copy: str = ""

    def __post_init__(self) -> None:
        for name in ("train", "valid", "test"):
            object.__setattr__(self, name, as_split(getattr(self, name)))

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hex digits of the sha256 over name, shapes, dtypes and bytes of all three splits.

        The store keys a trained solution by it, so a changed pixel, order or cap means a new training.
        """
        digest = hashlib.sha256(self.name.encode())
        for split_name in ("train", "valid", "test"):
            split: Split = getattr(self, split_name)
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
        if num_train >= max(len(self.train), len(self.valid), len(self.test)):
            return self  # keeps a fingerprint that was already computed
        return replace(
            self, train=self.train.first(num_train), valid=self.valid.first(num_train), test=self.test.first(num_train)
        )
