"""What people have their examples in, read as the tensors of a split."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
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

from landscape.data.draws import SEED, Draws
from landscape.data.split import WANTED, Split
from landscape.data.stream import Stream, is_alike, shape_of, together
from landscape.errors import InputError
from landscape.ground.memory import free_in

log = logging.getLogger(__name__)

BATCH = 1000
STREAMED_BATCH = 256
"""Examples in a batch where a data set says nothing of batches."""
AGAIN = 64
"""Examples that are read twice, to see whether they are made at random: one in ten that differs shows almost surely."""
ROOM = 0.25
"""Of free memory examples may take."""


class Unheld(InputError):
    """Examples that no split can hold as they are; as a stream they can be had."""


def as_data(source: Any, name: str | None = None, num_examples: int | None = None, called: str = "") -> Split | Stream:
    """Examples as people have them: held in memory, or as a ``Stream`` of batches.

    Tensors, arrays and dicts and tuples of them are held as they are. A map-style data set is read once, in its own
    order, unless it is random or would fill more than a quarter of free memory. A ``DataLoader``, an iterable data set,
    a list of batches and a function that returns an iterator are streams.

    Args:
        name: of a stream.
        num_examples: the first so many; None: all.
        called: what messages call a stream.

    Raises:
        InputError: what is none of these, or cannot be read.
    """
    if isinstance(source, Stream):
        return source.limited(num_examples)
    if isinstance(source, Split):
        return source if num_examples is None else source.first(num_examples)
    if isinstance(source, IterableDataset):
        source = DataLoader(source, batch_size=STREAMED_BATCH)
    is_batches = isinstance(source, list) and bool(source) and not isinstance(source[0], Tensor | np.ndarray)
    if not is_batches and isinstance(source, Tensor | np.ndarray | Mapping | tuple | list):
        split = Split.of(source)
        return split if num_examples is None else split.first(num_examples)
    if _is_map_style(source):
        if num_examples is not None:
            source = Subset(source, range(min(num_examples, len(source))))
        return held(source, name, called)
    return Stream(source, name, num_examples, called)


def held(source: Any, name: str | None = None, called: str = "") -> Split | Stream:
    """As ``as_data``, but a ``DataLoader`` too is held in memory if it goes over fixed examples, each once, with room.

    Since J is a mean over all of them, their order does not matter.

    Raises:
        InputError: as ``as_data`` does.
    """
    is_loader = isinstance(source, DataLoader) and not isinstance(source.dataset, IterableDataset)
    if not (is_loader or _is_map_style(source)):
        return as_data(source, name, called=called)
    try:
        return as_split(source, ROOM * free_in())
    except Unheld as why:
        log.info("%s is streamed: %s", called or type(source).__name__, why)
        return Stream(source if is_loader else DataLoader(source, batch_size=STREAMED_BATCH), name, called=called)


def as_split(source: Any, room: float = math.inf) -> Split:
    """The split itself; or one of all examples of a ``DataLoader`` or map-style ``Dataset``, in the dataset's order.

    A loader's shuffling is left out, since the mean over all examples does not depend on it, and so are its workers.
    Everything is held in memory. The tensors of a ``TensorDataset`` are not copied.

    Args:
        room: most bytes, by the first example.

    Raises:
        Unheld: streams, samplers that leave out or repeat examples, random augmentation, examples of several shapes,
            too many of them.
        InputError: what cannot be read, such as examples that are no tensors.
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
    return _read(source, collate, range(len(source)) if indices is None else indices, room)


def _is_map_style(source: Any) -> bool:
    if isinstance(
        source, IterableDataset | Iterator | type | str | bytes | Mapping | list | tuple | Tensor | np.ndarray
    ):
        return False
    return hasattr(source, "__len__") and hasattr(source, "__getitem__")


def _read(source: Any, collate: Any, indices: Sequence[int], room: float) -> Split:
    kind, draws = type(source).__name__, Draws(SEED)
    if not len(indices):
        raise InputError(f"{kind} holds no examples: {WANTED}")
    if hasattr(source, "with_format") and getattr(source, "format", {}).get("type") is None:
        raise InputError(f"{kind} gives lists of Python numbers; give it a format: dataset.with_format('torch')")

    def block(rows: Sequence[int]) -> Split:
        try:
            with draws.drawn():
                return Split.of(collate([source[i] for i in rows]))
        except InputError as error:
            raise InputError(f"the examples of {kind}: {error}") from None
        except (TypeError, ValueError, RuntimeError, IndexError, KeyError) as error:
            raise InputError(f"the examples of {kind} cannot be stacked ({_first_line(error)}): {WANTED}") from error

    if room < math.inf:
        need = len(indices) * sum(leaf.nbytes for leaf in block(indices[:1]).leaves.values())
        if need > room:
            raise Unheld(
                f"its {len(indices)} examples would take {need / 1e9:.3g} GB, more than a quarter of what is free"
            )
    # A few first: all of them may take long, and what somebody's collate_fn makes of each alone is padded to no other.
    few, size = indices[:AGAIN], AGAIN if collate is default_collate else 1
    first = block(few)
    parts = [block(few[row : row + size]) for row in range(0, len(few), size)]
    if any(shape_of(part) != shape_of(first) for part in parts):
        raise Unheld(f"{kind} makes batches of several shapes")
    if not is_alike(together(parts), first):
        raise Unheld(
            f"{kind} gives another input each time that one is asked for, as random augmentation does, and J is "
            "measured on fixed examples; as a DataLoader it is streamed, and all points see the same"
        )
    found = [first]
    for start in range(len(few), len(indices), BATCH):
        found.append(block(indices[start : start + BATCH]))
        if shape_of(found[-1]) != shape_of(first):
            raise Unheld(f"{kind} makes batches of several shapes")
    return together(found)


def _indices(loader: DataLoader[Any]) -> Sequence[int] | None:
    """Which examples a loader goes over, each once and in order; None: all of its dataset."""
    dataset, sampler = loader.dataset, loader.sampler
    if isinstance(dataset, IterableDataset):
        raise Unheld(f"a DataLoader over the stream {type(dataset).__name__} cannot be read twice alike: {WANTED}")
    if type(loader.batch_sampler) is not BatchSampler:
        raise Unheld(
            f"a DataLoader with batch_sampler={type(loader.batch_sampler).__name__} may leave out or "
            "repeat examples; give its dataset instead"
        )
    num = len(sampler) if hasattr(sampler, "__len__") else 0  # type: ignore[arg-type]
    if loader.drop_last and loader.batch_size and num % loader.batch_size:
        raise Unheld(
            f"a DataLoader with drop_last=True leaves out {num % loader.batch_size} of {num} examples, "
            "and J is a mean over all; use drop_last=False"
        )
    if isinstance(sampler, SubsetRandomSampler):
        return sorted(int(i) for i in sampler.indices)
    plain = isinstance(sampler, RandomSampler) and not sampler.replacement and num == len(dataset)  # type: ignore[arg-type]
    if not plain and type(sampler) is not SequentialSampler:
        raise Unheld(
            f"a DataLoader with sampler={type(sampler).__name__} may leave out or repeat examples; give "
            "its dataset instead"
        )
    return None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
