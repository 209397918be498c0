"""What people have their examples in, read as the tensors of a split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    default_collate,
)

from landscape.data.split import WANTED, Split
from landscape.data.stream import Stream, together
from landscape.errors import InputError

BATCH = 1000
STREAMED_BATCH = 256
"""Examples in a batch where a data set says nothing of batches."""


def as_data(source: Any, name: str | None = None, num_examples: int | None = None) -> Split | Stream:
    """Examples as people have them: held in memory, or as a ``Stream`` of batches.

    Tensors, arrays and dicts and tuples of them are held as they are, a map-style data set is read once, in its own
    order. A ``DataLoader``, an iterable data set, a list of batches and a function that returns an iterator are
    streams.

    Args:
        name: of a stream.
        num_examples: the first so many; None: all.

    Raises:
        InputError: what is none of these, or cannot be read.
    """
    if isinstance(source, Split | Stream):
        return source if num_examples is None or isinstance(source, Stream) else source.first(num_examples)
    if isinstance(source, IterableDataset):
        source = DataLoader(source, batch_size=STREAMED_BATCH)
    is_batches = isinstance(source, list) and bool(source) and not isinstance(source[0], Tensor | np.ndarray)
    if isinstance(source, DataLoader) or is_batches or isinstance(source, Iterator):
        return Stream(source, name, num_examples)
    if isinstance(source, Tensor | np.ndarray | Mapping | tuple | list):
        split = Split.of(source)
        return split if num_examples is None else split.first(num_examples)
    if callable(source) and not _is_map_style(source):
        return Stream(source, name, num_examples)
    if not _is_map_style(source):
        return Stream(source, name, num_examples)
    if num_examples is not None:
        source = Subset(source, range(min(num_examples, len(source))))
    return as_split(source)


def as_split(source: Any) -> Split:
    """The split itself; or one of all examples of a ``DataLoader`` or map-style ``Dataset``, in the dataset's order.

    A loader's shuffling is left out, since the mean over all examples does not depend on it, and so are its workers.
    Everything is held in memory. The tensors of a ``TensorDataset`` are not copied.

    Raises:
        InputError: what cannot be read so, such as streams, samplers that leave out or repeat examples, random
            augmentation and examples that are no tensors.
    """
    if isinstance(source, Split):
        return source
    collate, indices = default_collate, None
    if isinstance(source, DataLoader):
        collate, indices, source = source.collate_fn, _indices(source), source.dataset
    if isinstance(source, TensorDataset) and indices is None and collate is default_collate:
        return Split.of(source.tensors)
    if not _is_map_style(source):
        raise InputError(f"examples came as {type(source).__name__}: {WANTED}")
    return _read(source, collate, range(len(source)) if indices is None else indices)


def _is_map_style(source: Any) -> bool:
    if isinstance(source, IterableDataset | str | bytes | Mapping | list | tuple | Tensor | np.ndarray):
        return False
    return hasattr(source, "__len__") and hasattr(source, "__getitem__")


def _read(source: Any, collate: Any, indices: Sequence[int]) -> Split:
    if not len(indices):
        raise InputError(f"{type(source).__name__} holds no examples: {WANTED}")
    if hasattr(source, "with_format") and getattr(source, "format", {}).get("type") is None:
        raise InputError(
            f"{type(source).__name__} gives lists of Python numbers; give it a format: dataset.with_format('torch')"
        )
    found: list[Split] = []
    for start in range(0, len(indices), BATCH):
        rows = indices[start : start + BATCH]
        try:
            found.append(Split.of(collate([source[i] for i in rows])))
        except InputError as error:
            raise InputError(f"the examples of {type(source).__name__}: {error}") from None
        except (TypeError, ValueError, RuntimeError, IndexError, KeyError) as error:
            raise InputError(
                f"the examples of {type(source).__name__} cannot be stacked ({_first_line(error)}): {WANTED}"
            ) from error
        if start == 0:
            again = Split.of(collate([source[i] for i in rows[:8]]))
            if any(
                not torch.equal(values.nan_to_num(), found[0].leaves[name][: len(again)].nan_to_num())
                for name, values in again.leaves.items()
            ):
                raise InputError(
                    f"{type(source).__name__} gives another input each time that one is asked for, as "
                    "random augmentation does, and J is measured on fixed examples; as a DataLoader it is streamed, "
                    "and all points see the same"
                )
    return together(found)


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
