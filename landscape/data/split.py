"""Split: examples and their labels in a fixed order, and the arrays that they come in."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from landscape.data.tree import Tree, Values, holds_tensors, leaves_of, moved
from landscape.errors import InputError

WANTED = (
    "a Split is Split(x, y) with inputs x [N, ...] and labels or targets y [N, ...], each a tensor, a NumPy array, or "
    "a dict or tuple of them; a DataLoader or a map-style Dataset is read into one"
)
TARGETS = ("labels", "label", "targets", "target", "y")
"""Entries of a dict that are its targets, by their usual names."""


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
        raise InputError(f"Split {name} came as {type(values).__name__}: {WANTED}")
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
        x: inputs [N, ...], a tensor or NumPy array, which is not copied; several as a dict, tuple or ``Tree`` of them.
        y: class labels [N], whole numbers, or targets of a regression [N, C], floating point; or several.
        num_streams: rows are windows of so many sequences read side by side: row k num_streams + i is window k of
            sequence i, so each block of rows continues the one before it. Such a split is never shuffled, and always
            passed over in these blocks. None: the examples are independent.
        is_resampled: x are probabilities; whoever passes over the split sees Bernoulli(x) instead, in training drawn
            anew for every minibatch, in a measurement fixed by seed and example.
        form: what a batch is made of: ``"pair"`` (x, y), ``"tuple"`` (*x, y), ``"whole"`` x itself, in which the
            targets are.
        is_part: others follow in a stream.

    Raises:
        InputError: ``x`` or ``y`` holds no tensor or array, there are no examples, ``x`` and ``y`` differ in length, or
            their number is no multiple of ``num_streams``.
    """

    x: Values
    y: Values
    num_streams: int | None = None
    is_resampled: bool = False
    form: str = "pair"
    is_part: bool = False

    def __post_init__(self) -> None:
        for name in ("x", "y"):
            given = getattr(self, name)
            is_several = isinstance(given, Mapping | tuple | list) and not isinstance(given, Tree)
            values = Tree.of(given) if is_several else given if isinstance(given, Tree) else tensor(given, name)
            object.__setattr__(self, name, values)
            if isinstance(values, Tensor) and values.dim() == 0:
                raise InputError(f"Split {name} is one number; the examples must lie along its first axis")
        if self.num_streams is not None and (self.num_streams < 1 or len(self.x) % self.num_streams):
            raise InputError(f"{len(self.x)} windows do not make whole blocks of num_streams={self.num_streams}")
        if (self.num_streams is not None or self.is_resampled) and isinstance(self.x, Tree):
            raise InputError("sequences side by side and inputs that are sampled anew are one tensor x [N, ...]")
        if len(self.x) != len(self.y):
            raise InputError(f"Split needs as many labels as inputs, got x {len(self.x)} and y {len(self.y)}")
        if not len(self.x):
            raise InputError("Split needs at least one example, got x and y of none")

    @classmethod
    def of(cls, batch: Any) -> Split:
        """A batch as people have them, all tensors of which share their first axis.

        ``(x, y)`` is inputs and targets, ``(x, z, y)`` several inputs and targets, named tuples too; parts without
        tensors, such as file names, are left out. Of a dict, or of an object that holds tensors, the targets are its
        entry ``labels``, ``label``, ``targets``, ``target`` or ``y``, if it has one, and else the whole; one tensor is
        its own target.

        Raises:
            InputError: it holds no tensors.
        """
        if isinstance(batch, Split):
            return batch
        if isinstance(batch, tuple | list):
            batch = [part for part in batch if holds_tensors(part)] or batch
        if isinstance(batch, tuple | list) and len(batch) >= 2:
            *inputs, y = batch
            if len(inputs) == 1:
                return cls(_part(inputs[0], "x"), _part(y, "y"))
            return cls(Tree.of(tuple(inputs)), _part(y, "y"), form="tuple")
        if isinstance(batch, tuple | list) and len(batch) == 1:
            batch = batch[0]
        x = _part(batch, "x")
        if isinstance(x, Tensor):
            return cls(x, x, form="whole")
        y = next((x.leaves[name] for name in TARGETS if name in x.leaves), x)
        return cls(x, y, form="whole")

    def batch(self, x: Any, y: Any) -> Any:
        """A batch as it came, from its inputs and its targets."""
        return (x, y) if self.form == "pair" else (*x, y) if self.form == "tuple" else x

    @property
    def leaves(self) -> dict[str, Tensor]:
        """All tensors by name: ``x`` and ``y``, or ``x.NAME`` and ``y.NAME``."""
        return named(self.x, self.y)

    @property
    def pair(self) -> tuple[Tensor, Tensor]:
        """Inputs and targets where each is one tensor.

        Raises:
            InputError: one of them is several.
        """
        if not (isinstance(self.x, Tensor) and isinstance(self.y, Tensor)):
            raise InputError(
                f"this needs one tensor of inputs and one of targets; a batch has {', '.join(self.leaves)}"
            )
        return self.x, self.y

    def rows(self, index: Any) -> tuple[Values, Values]:
        """Inputs and targets of some examples; one object where they are one."""
        x = self.x[index]
        return x, x if self.y is self.x else self.y[index]

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
        x, y = self.rows(slice(num))
        part = replace(self, x=x, y=y)
        if "not_finite" in self.__dict__:
            part.__dict__["not_finite"] = self.not_finite[self.not_finite < num]
        return part

    @cached_property
    def not_finite(self) -> Tensor:
        """The examples with an input or target that is NaN or infinite, by number."""
        found = []
        for start in range(0, len(self), ROWS):
            wrong = torch.zeros((), dtype=torch.bool)
            for part in (leaf[start : start + ROWS] for leaf in self.leaves.values()):
                # A sum is finite only if all its terms are, and much sooner made than a table of truth values.
                if part.is_floating_point() and not bool(part.sum().isfinite()):
                    wrong = wrong | ~part.isfinite().view(len(part), -1).all(dim=1).cpu()
            if wrong.dim():
                found.append(start + wrong.nonzero()[:, 0])
        return torch.cat(found) if found else torch.empty(0, dtype=torch.int64)

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Split:
        """The same examples elsewhere; ``dtype`` changes floating tensors only, never token or label integers."""
        x = moved(self.x, device, dtype)
        y = x if self.y is self.x else moved(self.y, device, dtype)
        if x is self.x and y is self.y:
            return self
        other = replace(self, x=x, y=y)
        if all(other.leaves[name].element_size() >= old.element_size() for name, old in self.leaves.items()):
            other.__dict__["not_finite"] = self.not_finite  # nothing overflows: not looked for again
        return other


def named(x: Values, y: Values) -> dict[str, Tensor]:
    """All tensors of inputs and targets by name; where they are one, as inputs alone."""
    return leaves_of(x, "x") if y is x else leaves_of(x, "x") | leaves_of(y, "y")


def _part(value: Any, name: str) -> Values:
    """One tensor or array, or several in a tree."""
    if isinstance(value, Tensor | np.ndarray):
        return tensor(value, name)
    return Tree.of(value)
