"""Dataset: train, validation and test examples in a fixed order, and a fingerprint of every byte of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from landscape.errors import InputError


@dataclass(frozen=True, eq=False)
class Split:
    """Examples and their labels, in the order that every pass over them uses.

    Args:
        x: inputs [N, ...], float32 unless moved by ``to``.
        y: class labels [N], int64, or targets of a regression [N, C], floating point.
        num_streams: rows are windows of so many sequences read side by side: row k num_streams + i is window k of
            sequence i, so each block of rows continues the one before it. Such a split is never shuffled, and always
            passed over in these blocks. None: the examples are independent.
        is_resampled: x are probabilities; whoever passes over the split sees Bernoulli(x) instead, in training drawn
            anew for every minibatch, in a measurement fixed by seed and example.

    Raises:
        ValueError: ``x`` and ``y`` differ in length, or their number is no multiple of ``num_streams``.
    """

    x: Tensor
    y: Tensor
    num_streams: int | None = None
    is_resampled: bool = False

    def __post_init__(self) -> None:
        if self.num_streams is not None and (self.num_streams < 1 or len(self.x) % self.num_streams):
            raise ValueError(f"{len(self.x)} windows do not make whole blocks of num_streams={self.num_streams}")
        if len(self.x) != len(self.y):
            raise ValueError(f"Split needs as many labels as inputs, got x {len(self.x)} and y {len(self.y)}")

    def __len__(self) -> int:
        return len(self.x)

    def first(self, num: int) -> Split:
        """The first ``num`` examples (all of them if there are fewer), sharing memory with this split.

        Of sequences whole blocks are taken, at least one.

        Raises:
            ValueError: ``num`` is below one.
        """
        if num < 1:  # a slice would take a negative number without a word
            raise ValueError(f"first needs at least one example, got num={num}")
        if self.num_streams is not None:
            num = max(1, num // self.num_streams) * self.num_streams
        return self if num >= len(self) else Split(self.x[:num], self.y[:num], self.num_streams, self.is_resampled)

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Split:
        """The same examples elsewhere; ``dtype`` changes floating tensors only, never token or label integers."""
        x, y = (part.to(device, dtype if part.is_floating_point() else None) for part in (self.x, self.y))
        return Split(x, y, self.num_streams, self.is_resampled)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Three splits of one data set.

    Args:
        name: what the data set is called, ``"mnist"``; part of the fingerprint.
        train, valid, test: the splits; ``valid`` is what early stopping looks at.
        num_classes: labels are 0 ... num_classes - 1; for a regression the number of targets C.
    """

    name: str
    train: Split
    valid: Split
    test: Split
    num_classes: int

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
            for part, tensor in (("x", split.x), ("y", split.y)):
                # The header keeps tensors apart: moving an example from one split to the next changes the hash.
                digest.update(f"|{split_name}.{part} {tuple(tensor.shape)} {tensor.dtype}|".encode())
                array = np.ascontiguousarray(tensor.detach().cpu().numpy())
                digest.update(array.reshape(-1).view(np.uint8).data)
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
            self,
            train=self.train.first(num_train),
            valid=self.valid.first(num_train),
            test=self.test.first(num_train),
        )
