"""Split: examples and their labels in a fixed order, and the arrays that they come in."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from landscape.errors import InputError

WANTED = (
    "a Split is Split(x, y) with inputs x [N, ...] and labels or targets y [N, ...], each one tensor or NumPy array; a "
    "DataLoader or a map-style Dataset of pairs (input, label) is read into one"
)


def tensor(values: Any, name: str) -> Tensor:
    """A tensor or NumPy array as a tensor on the same memory.

    Raises:
        InputError: neither, or no numbers.
    """
    if isinstance(values, Tensor):
        if values.layout is not torch.strided or values.is_nested:
            raise InputError(f"Split {name} is a tensor of layout {values.layout}: {WANTED}; make it dense")
        return values
    if not isinstance(values, np.ndarray) or isinstance(values, np.ma.MaskedArray):
        raise InputError(
            f"Split {name} came as {type(values).__name__}: {WANTED} (models of several inputs need a "
            "module that takes one tensor)"
        )
    if not values.dtype.isnative or any(step < 0 for step in values.strides):
        values = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))
    try:
        with warnings.catch_warnings():  # about a file mapped for reading: nothing here writes into the examples
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            return torch.from_numpy(values)
    except TypeError as error:
        raise InputError(f"Split {name} is an array of {values.dtype}, which are no numbers: {WANTED}") from error


ROWS = 4096
"""Examples that are looked at together for values that are not finite."""


@dataclass(frozen=True, eq=False)
class Split:
    """Examples and their labels, in the order that every pass over them uses.

    Args:
        x: inputs [N, ...], a tensor or NumPy array, which is not copied.
        y: class labels [N], whole numbers, or targets of a regression [N, C], floating point.
        num_streams: rows are windows of so many sequences read side by side: row k num_streams + i is window k of
            sequence i, so each block of rows continues the one before it. Such a split is never shuffled, and always
            passed over in these blocks. None: the examples are independent.
        is_resampled: x are probabilities; whoever passes over the split sees Bernoulli(x) instead, in training drawn
            anew for every minibatch, in a measurement fixed by seed and example.

    Raises:
        InputError: ``x`` or ``y`` is no tensor or array, there are no examples, ``x`` and ``y`` differ in length, or
            their number is no multiple of ``num_streams``.
    """

    x: Tensor
    y: Tensor
    num_streams: int | None = None
    is_resampled: bool = False

    def __post_init__(self) -> None:
        for name in ("x", "y"):
            values = tensor(getattr(self, name), name)
            object.__setattr__(self, name, values)
            if values.dim() == 0:
                raise InputError(f"Split {name} is one number; the examples must lie along its first axis")
        if self.num_streams is not None and (self.num_streams < 1 or len(self.x) % self.num_streams):
            raise InputError(f"{len(self.x)} windows do not make whole blocks of num_streams={self.num_streams}")
        if len(self.x) != len(self.y):
            raise InputError(f"Split needs as many labels as inputs, got x {len(self.x)} and y {len(self.y)}")
        if not len(self.x):
            raise InputError("Split needs at least one example, got x and y of none")

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
        if num >= len(self):
            return self
        part = Split(self.x[:num], self.y[:num], self.num_streams, self.is_resampled)
        if "not_finite" in self.__dict__:
            part.__dict__["not_finite"] = self.not_finite[self.not_finite < num]
        return part

    @cached_property
    def not_finite(self) -> Tensor:
        """The examples with an input or target that is NaN or infinite, by number."""
        found = []
        for start in range(0, len(self), ROWS):
            wrong = torch.zeros((), dtype=torch.bool)
            for part in (self.x[start : start + ROWS], self.y[start : start + ROWS]):
                # A sum is finite only if all its terms are, and much sooner made than a table of truth values.
                if part.is_floating_point() and not bool(part.sum().isfinite()):
                    wrong = wrong | ~part.isfinite().view(len(part), -1).all(dim=1).cpu()
            if wrong.dim():
                found.append(start + wrong.nonzero()[:, 0])
        return torch.cat(found) if found else torch.empty(0, dtype=torch.int64)

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Split:
        """The same examples elsewhere; ``dtype`` changes floating tensors only, never token or label integers."""
        x, y = (part.to(device, dtype if part.is_floating_point() else None) for part in (self.x, self.y))
        if x is self.x and y is self.y:
            return self
        moved = Split(x, y, self.num_streams, self.is_resampled)
        if all(new.element_size() >= old.element_size() for new, old in ((x, self.x), (y, self.y))):
            moved.__dict__["not_finite"] = self.not_finite  # nothing overflows: not looked for again
        return moved
