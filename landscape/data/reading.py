"""What people have their examples in, read as the tensors of a split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    TensorDataset,
    default_collate,
)

from landscape.data.split import WANTED, Split
from landscape.errors import InputError

BATCH = 1000


def as_split(source: Any) -> Split:
    """The split itself; or one of all examples of a ``DataLoader`` or map-style ``Dataset``, in the dataset's order.

    A loader's shuffling is left out, since the mean over all examples does not depend on it, and so are its workers.
    Everything is held in memory. The tensors of a ``TensorDataset`` are not copied.

    Raises:
        InputError: what cannot be read so, such as streams, samplers that leave out or repeat examples, random
            augmentation and examples that are not pairs of tensors.
    """
    if isinstance(source, Split):
        return source
    collate, indices = default_collate, None
    if isinstance(source, DataLoader):
        collate, indices, source = source.collate_fn, _indices(source), source.dataset
    if isinstance(source, TensorDataset) and indices is None and collate is default_collate:
        return _pair(source.tensors)
    if isinstance(source, IterableDataset) or not (hasattr(source, "__len__") and hasattr(source, "__getitem__")):
        raise InputError(f"examples came as {type(source).__name__}: {WANTED}")
    if isinstance(source, str | bytes | dict | list | tuple | Tensor | np.ndarray):
        raise InputError(f"examples came as {type(source).__name__}: {WANTED}")
    return _read(source, collate, range(len(source)) if indices is None else indices)


def _read(source: Any, collate: Any, indices: Sequence[int]) -> Split:
    if not len(indices):
        raise InputError(f"{type(source).__name__} holds no examples: {WANTED}")
    found = []
    for start in range(0, len(indices), BATCH):
        rows = indices[start : start + BATCH]
        try:
            found.append(_pair(collate([source[i] for i in rows])))
        except InputError:
            raise
        except (TypeError, ValueError, RuntimeError, IndexError, KeyError) as error:
            raise InputError(
                f"the examples of {type(source).__name__} cannot be stacked ({_first_line(error)}): {WANTED}"
            ) from error
        if start == 0:
            again = _pair(collate([source[i] for i in rows[:8]]))
            if not torch.equal(again.x.nan_to_num(), found[0].x[: len(again)].nan_to_num()):
                raise InputError(
                    f"{type(source).__name__} gives another input each time that one is asked for, as "
                    "random augmentation does, and J is measured on fixed examples"
                )
    return Split(torch.cat([part.x for part in found]), torch.cat([part.y for part in found]))


def _pair(batch: Any) -> Split:
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        kind = f"{type(batch).__name__} of {len(batch)}" if hasattr(batch, "__len__") else type(batch).__name__
        raise InputError(f"a batch is a {kind}, not a pair (inputs, labels): {WANTED}")
    return Split(*batch)


def _indices(loader: DataLoader[Any]) -> Sequence[int] | None:
    """Which examples a loader goes over, each once and in order; None: all of its dataset."""
    dataset, sampler = loader.dataset, loader.sampler
    if isinstance(dataset, IterableDataset):
        raise InputError(f"a DataLoader over the stream {type(dataset).__name__} cannot be read twice alike: {WANTED}")
    if type(loader.batch_sampler) is not BatchSampler:
        raise InputError(
            f"a DataLoader with batch_sampler={type(loader.batch_sampler).__name__} may leave out or "
            "repeat examples; give its dataset instead"
        )
    num = len(sampler) if hasattr(sampler, "__len__") else 0  # type: ignore[arg-type]
    if loader.drop_last and loader.batch_size and num % loader.batch_size:
        raise InputError(
            f"a DataLoader with drop_last=True leaves out {num % loader.batch_size} of {num} examples, "
            "and J is a mean over all; use drop_last=False"
        )
    if isinstance(sampler, SubsetRandomSampler):
        return sorted(int(i) for i in sampler.indices)
    plain = isinstance(sampler, RandomSampler) and not sampler.replacement and num == len(dataset)  # type: ignore[arg-type]
    if not plain and type(sampler) is not SequentialSampler:
        raise InputError(
            f"a DataLoader with sampler={type(sampler).__name__} may leave out or repeat examples; give "
            "its dataset instead"
        )
    return None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
