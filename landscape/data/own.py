"""Data of one's own: whatever a function returns, as three splits of a data set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from landscape.data.dataset import SPLITS, Dataset
from landscape.data.reading import held
from landscape.data.stream import Data, Stream
from landscape.errors import InputError

OTHER_NAMES = {"val": "valid", "validation": "valid"}
STAND_INS = {"train": ("valid", "test"), "valid": ("test", "train"), "test": ("valid", "train")}
"""Which of the others is taken for a split that is not given, the first that is."""
WAYS = (
    "return a landscape.data.Dataset, a dict of train, valid and test or two or three of them, or one thing for all; "
    "each may be tensors (x, y), a dict of tensors, a data set, a DataLoader, or a function that returns an iterator "
    "of batches"
)


def dataset_of(returned: Any, name: str, is_named: bool, called: str) -> Dataset:
    """Examples as a function of somebody's returns them.

    A ``Dataset`` of this house stays what it is, but for what is to be said of its streams. What is known beside the
    examples is said in ``copy``: which splits are one, which are streamed, shuffled or random.

    Args:
        name: of the data set.
        is_named: the name was given, and streams without one of their own take it.
        called: what a message calls the whole, ``"data._target_=my_package.loaders"``.

    Raises:
        InputError: what is none of these, holds nothing, or cannot be read.
    """
    try:
        if isinstance(returned, Dataset):
            found, told = returned, [returned.copy] * bool(returned.copy)
            splits = {part: getattr(found, part) for part in SPLITS}
        else:
            given = parts_of(returned)
            found, told = None, [_one_for(given)] if len(given) < len(SPLITS) else []
            made: dict[int, Data] = {}  # one loader for two splits is read once
            for part, source in given.items():
                if id(source) not in made:
                    made[id(source)] = _split(source, f"{called} ({part})")
            splits = {part: made[id(given[part if part in given else _stand_in(part, given)])] for part in SPLITS}
        streams = {id(s): s for s in splits.values() if isinstance(s, Stream)}
        for stream in streams.values():
            _ = stream.first_batch
        told += _said(splits)
        if is_named:
            streams = {key: stream if stream.name else stream.named(name) for key, stream in streams.items()}
        splits = {part: streams.get(id(split), split) for part, split in splits.items()}
    except InputError as error:
        text = str(error)
        raise InputError(text if text.startswith(called) else f"{called}: {text}") from None
    except (MemoryError, RecursionError):
        raise
    except Exception as error:  # their own code
        reason = " ".join(str(error).split())[:300]
        raise InputError(f"{called} gives examples that cannot be read ({type(error).__name__}: {reason})") from error
    if found is None:
        return Dataset(name, **splits, copy="; ".join(told))
    if not streams:
        return found
    return Dataset(found.name, **splits, num_classes=found.num_classes, copy="; ".join(told))


def parts_of(returned: Any) -> dict[str, Any]:
    """The splits that were returned, by name; one thing is all the training examples.

    Raises:
        InputError: nothing that examples could be.
    """
    if returned is None or isinstance(returned, type | str | bytes | int | float):
        what = f"the class {returned.__name__}" if isinstance(returned, type) else repr(returned)[:60]
        raise InputError(f"it returns {what}; {WAYS}")
    if isinstance(returned, Mapping | tuple | list) and not len(returned):
        raise InputError(f"it returns an empty {type(returned).__name__}; {WAYS}")
    if set(getattr(returned, "_fields", ())) & {*SPLITS, *OTHER_NAMES}:
        returned = returned._asdict()
    if isinstance(returned, Mapping):
        return _named_parts(returned)
    is_few = isinstance(returned, tuple | list) and not hasattr(returned, "_fields") and len(returned) in (2, 3)
    if is_few and not isinstance(returned[-1], Tensor | np.ndarray):
        return dict(zip(SPLITS, returned, strict=False))
    if isinstance(returned, tuple) and not isinstance(returned[-1], Tensor | np.ndarray):
        raise InputError(f"it returns a tuple of {len(returned)}; {WAYS}")
    return {"train": returned}


def _named_parts(returned: Mapping[Any, Any]) -> dict[str, Any]:
    """Splits by their names, or one dict of tensors."""
    names = {key: OTHER_NAMES.get(key, key) for key in returned}
    known = {key: name for key, name in names.items() if name in SPLITS}
    if not known:
        return {"train": returned}
    others = [str(key) for key in returned if key not in known]
    if others or len(set(known.values())) < len(known):
        raise InputError(f"it returns a dict of {', '.join(map(str, returned))}; {WAYS}")
    return {name: returned[key] for name in SPLITS for key, other in known.items() if other == name}


def _split(source: Any, called: str) -> Data:
    """One split; a list of batches is a stream, a pair of tensors or arrays is held."""
    if source is None or isinstance(source, str | bytes | int | float):
        raise InputError(f"{called} is {source!r}; {WAYS}")
    split = held(source, called=called)
    if isinstance(split, Stream) and not split.called:
        split = split.named(split.name, called)
    return split


def _stand_in(part: str, given: Mapping[str, Any]) -> str:
    return next(other for other in STAND_INS[part] if other in given)


def _one_for(given: Mapping[str, Any]) -> str:
    """Which splits were not given, and what stands for them."""
    if len(given) == 1:
        return "train, valid and test are the same examples"
    (lacking,) = (part for part in SPLITS if part not in given)
    return f"{lacking} is {_stand_in(lacking, given)}, since none was given"


def _said(splits: Mapping[str, Data]) -> list[str]:
    """What a reader of results should know of streams; splits that are one are told of together."""
    told: dict[str, list[str]] = {}
    for part, split in splits.items():
        if isinstance(split, Stream):
            words = ["streamed"] + ["shuffled"] * split.is_shuffled + ["made at random"] * split.is_random
            words += ["another in each pass"] * (not split.is_repeatable)
            told.setdefault(" and ".join(words), []).append(part)
    return [f"{', '.join(parts)} {words}" for words, parts in told.items()]


def sentences(dataset: Dataset, advice: str) -> list[str]:
    """What the log says of a data set whose examples were not made here.

    Args:
        advice: how a stream is given a name.
    """
    told = [f"data {dataset.name}: {dataset.copy}"] if dataset.copy else []
    drawn = [part for part, stream in dataset.streams.items() if stream.is_shuffled or stream.is_random]
    if drawn:
        told.append(
            f"{', '.join(drawn)}: batches are drawn at random, by one seed in every pass: all points see the same"
        )
    changing = [part for part, stream in dataset.streams.items() if not stream.is_repeatable]
    if changing:
        told.append(
            f"{', '.join(changing)}: no pass is like another: the examples have random numbers of their own, or go on "
            "where the last pass stopped, and then some are lost; let each pass begin anew, by one seed"
        )
    nameless = [part for part, stream in dataset.streams.items() if not stream.name]
    if nameless:
        told.append(
            f"{', '.join(nameless)}: a stream without a name says nothing of its contents, so that this measurement "
            f"never counts as done before; {advice}"
        )
    return told


def known_by(dataset: Dataset) -> str:
    """What tells these examples from others in a result; empty where nothing does."""
    names = sorted({str(stream.name) for stream in dataset.streams.values()})
    if not dataset.is_known:
        return ""
    return dataset.fingerprint + (f" (streams by the name of {', '.join(names)})" if names else "")
