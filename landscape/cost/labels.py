"""Labels: which of them count, where the classes lie in the logits they are for, and whether they are classes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from landscape.cost.contract import has_counts
from landscape.errors import InputError

UNLABELLED = -100
"""What torch's losses leave out of their mean."""
CHUNK = 2**20
"""Rows looked at together, so that labels mapped from a file are not copied whole."""
FEW = (8, 64, 512)
"""Examples on which something is tried before any work; more where none of them is labelled."""


class NothingCounts(InputError):
    """No example has a label that counts, so that they have no mean cost; others beside them may."""


def check_ignored(ignore_index: object) -> None:
    """Raise InputError unless ``cost.ignore_index`` is a whole number."""
    if isinstance(ignore_index, bool) or not isinstance(ignore_index, int):
        raise InputError(f"cost.ignore_index={ignore_index!r} must be a whole number: the label of what has none")


def whole(y: Tensor) -> Tensor:
    """Labels of any whole type, or truth values, as int64."""
    return y if y.dtype == torch.int64 else y.long()


def classes_last(logits: Tensor, y: Tensor, classes: str | None = None) -> Tensor:
    """The logits as [B, ..., C] for labels [B, ...] or probabilities [B, ..., C].

    Args:
        logits: [B, C], or of sequences and images [B, T, C].
        classes: ``"last"`` or ``"first"``, where C is: ``"first"`` for [B, C, T], as torch's own losses want it; None:
            last, unless the labels would allow the other.

    Raises:
        InputError: the labels do not fit, or fit either way, as for [B, C, T] with C = T.
    """
    soft = y.is_floating_point()
    if not soft and logits.dim() == 2 and logits.shape[:-1] == y.shape:  # the usual case, without another look
        return logits
    is_last = logits.dim() > 1 and (logits.shape if soft else logits.shape[:-1]) == y.shape
    is_first = logits.dim() > 2 and (logits.shape if soft else (logits.shape[0], *logits.shape[2:])) == y.shape
    if is_last and is_first and classes is None:
        raise InputError(
            f"outputs {_shape(logits)} for labels {_shape(y)} may have their classes in the last axis or, as torch's "
            "own losses take them, in the second; say which: "
            '+cost.classes=last or +cost.classes=first, in Python CrossEntropy(classes="first")'
        )
    if is_last and classes != "first":
        return logits
    if is_first and classes == "first":
        return logits.movedim(1, -1)
    hint = ""
    if is_first and not is_last:
        hint = "; for classes in the second axis, as torch's own losses take them, set +cost.classes=first (in Python "
        hint += 'CrossEntropy(classes="first"))'
    elif soft and logits.dim() == y.dim() + 1:
        hint = f"; labels of {_type(y)} are no classes, which are whole numbers (y.long())"
    raise InputError(
        f"outputs {_shape(logits)} do not fit labels {_shape(y)}: cross-entropy needs one row of C per label, [B, C] "
        f"for [B], [B, T, C] for [B, T], or probabilities of the outputs' shape{hint}"
    )


def column_hint(y: Tensor, outputs: Tensor) -> str:
    """What to do where only an axis of one output is missing from one of the two."""
    if y.dim() + 1 == outputs.dim() and outputs.shape == (*y.shape, 1):
        return "; give the targets that axis too: y[:, None]"
    if outputs.dim() + 1 == y.dim() and y.shape == (*outputs.shape, 1):
        return "; let forward return that axis too: outputs[:, None]"
    return ""


def check_classes(y: Tensor, num_classes: int, unlabelled: int | None = UNLABELLED) -> None:
    """Raise InputError if any label is neither 0 ... C - 1 nor the one that means "not labelled"."""
    for start in range(0, len(y), CHUNK):
        part = whole(y[start : start + CHUNK])
        low, high = (int(v) for v in part.aminmax())
        if low >= 0 and high < num_classes:
            continue
        wrong = (part < 0) | (part >= num_classes)
        if unlabelled is not None:
            wrong &= part != unlabelled
        if bool(wrong.any()):
            row = wrong.flatten(1).any(dim=1) if part.dim() > 1 else wrong
            value = int(part[wrong][0])
            also = "" if unlabelled is None else f", nor {unlabelled}, which means not labelled (cost.ignore_index)"
            raise InputError(
                f"example {start + int(row.nonzero()[0])} of the data has the label {value}, which is none of the "
                f"classes 0 to {num_classes - 1} of the model's {num_classes} outputs{also}; mend the labels or "
                "dimensions.classes"
            )


def check_probabilities(y: Tensor) -> None:
    """Raise InputError if anything is outside [0, 1]."""
    for start in range(0, len(y), CHUNK):
        part = y[start : start + CHUNK]
        wrong = ~((part >= 0) & (part <= 1)).flatten(1).all(dim=1)
        if bool(wrong.any()):
            raise InputError(
                f"example {start + int(wrong.nonzero()[0])} of the data has targets outside [0, 1], and "
                "cross-entropy reads floating-point targets as probabilities of the classes; use "
                "cost=squared_error for a regression"
            )


def check_binary(y: Tensor, unlabelled: int | None, advice: str = "") -> None:
    """Raise InputError if any label is outside [0, 1] and does not mean "not labelled"."""
    for start in range(0, len(y), CHUNK):
        part = y[start : start + CHUNK]
        wrong = ~((part >= 0) & (part <= 1))
        if unlabelled is not None:
            wrong &= part != unlabelled
        if bool(wrong.any()):
            row = wrong.flatten(1).any(dim=1) if part.dim() > 1 else wrong
            also = "" if unlabelled is None else f", nor {unlabelled}, which means not labelled (cost.ignore_index)"
            raise InputError(
                f"example {start + int(row.nonzero()[0])} of the data has the label {part[wrong][0].item():g}, which "
                f"is neither 0 nor 1 nor a probability{also}{advice}"
            )


def telling(y: Tensor, spread: int = 64, most: int = 4096) -> Tensor:
    """The numbers of examples, some from all over the data and one with each of its labels, or with its extremes.

    Args:
        spread: how many from all over.
        most: labels that are told apart.
    """
    rows = set(torch.linspace(0, len(y) - 1, min(len(y), spread), dtype=torch.float64).long().tolist())
    width = max(1, y[0].numel())
    if y.is_complex():
        return torch.tensor(sorted(rows))
    if y.is_floating_point():
        flat = y.reshape(-1)
        return torch.tensor(sorted({*rows, int(flat.argmax()) // width, int(flat.argmin()) // width}))
    seen: set[int] = set()
    for start in range(0, len(y), CHUNK):
        flat = whole(y[start : start + CHUNK]).flatten().cpu()
        labels, which = flat.unique(return_inverse=True)
        first = torch.full_like(labels, len(flat)).scatter_reduce(0, which, torch.arange(len(flat)), "amin") // width
        new = [(v, n) for v, n in zip(labels.tolist(), first.tolist(), strict=True) if v not in seen]
        new = new[: max(0, most - len(seen))]
        rows.update(start + n for _, n in new)
        seen.update(v for v, _ in new)
    return torch.tensor(sorted(rows))


def share_labelled(y: Tensor, unlabelled: int) -> Tensor:
    """Of each example the share of its labels that count, float64 [B]."""
    return per_example((y != unlabelled).double(), y.shape)


def per_example(values: Tensor, shape: Sequence[int]) -> Tensor:
    """Values of this shape [B, ...], flat or not -> [B], the mean over all further axes."""
    return values.view(shape).flatten(1).mean(dim=1) if len(shape) > 1 else values


def scales(cost: Any, y: Tensor) -> Mapping[str, float]:
    """{channel: N / sum of counts}: what turns a plain mean over all N examples into the mean over what counts.

    Channels of which every example counts once are not in it, and so are left as they are to the last bit.

    Args:
        y: the labels of all examples that the mean is over. Where nothing counts the scale is NaN.
    """
    if not has_counts(cost):
        return {}
    totals: dict[str, float] = {}
    for start in range(0, len(y), CHUNK):
        for name, counts in cost.counts(y[start : start + CHUNK]).items():
            totals[name] = totals.get(name, 0.0) + float(counts.double().sum())
    return {n: len(y) / total if total > 0 else float("nan") for n, total in totals.items() if total != len(y)}


def scaled(channels: Mapping[str, Tensor], found: Mapping[str, float]) -> dict[str, Tensor]:
    """Channels whose plain means over all examples are those over what counts."""
    return {name: values * found[name] if name in found else values for name, values in channels.items()}


def count_alike(cost: Any, y: Tensor) -> bool:
    """Whether each example counts once, so that the mean over any minibatch is a plain one."""
    if not has_counts(cost):
        return True
    parts = (cost.counts(y[start : start + CHUNK]) for start in range(0, len(y), CHUNK))
    return all(bool((counts == 1).all()) for part in parts for counts in part.values())


def check_counts(found: Mapping[str, float], num_examples: int) -> None:
    """Raise NothingCounts where ``scales`` found nothing that counts."""
    if any(math.isnan(scale) for scale in found.values()):
        raise NothingCounts(
            f"none of the {num_examples} examples of the split has a label that counts, so that it has no "
            "mean cost; label some of them (cost.ignore_index is what stands for no label)"
        )


def _shape(values: Tensor) -> str:
    return f"[{', '.join(map(str, values.shape))}]"


def _type(values: Tensor) -> str:
    return str(values.dtype).removeprefix("torch.")


def on_few(split: Any, attempt: Callable[[Any], object]) -> None:
    """Try something on the first few examples of a split, on more where none of so few is labelled.

    Args:
        split: held, or a stream.
        attempt: takes some examples, and raises NothingCounts where none of them counts.
    """
    for num in FEW:
        with suppress(NothingCounts):
            attempt(split.first(num))
            return
