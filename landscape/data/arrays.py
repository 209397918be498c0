"""The arrays that examples come in."""

from __future__ import annotations

import warnings
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
