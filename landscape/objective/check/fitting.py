"""Whether module, cost and data of an objective fit one another, told before anything is computed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from numbers import Real
from typing import Any

import torch
from torch import Tensor, nn

from landscape.cost.contract import calls_module, checks_targets, takes_batch, wants_of
from landscape.cost.labels import NothingCounts
from landscape.data.split import TARGETS, Split
from landscape.data.tree import Tree, Values, leaves_of
from landscape.errors import InputError
from landscape.objective.batch import Batches, Buffers, copied
from landscape.objective.forward import ForwardPass, inputs_and_targets

CALLED = (
    "entries of a batch go into the arguments of forward that have their names; name them so, or say how the module is "
    "called: call=lambda net, batch: ..., or a cost (net, batch) -> values"
)


def check_numbers(mode: str, dtype: str, tolerance: Any = None, **counts: int | None) -> None:
    """Raise InputError for an unknown mode or precision, a share that is none, and for a count below 1."""
    is_share = isinstance(tolerance, Real) and not isinstance(tolerance, bool) and 0 < float(tolerance) < 1
    if tolerance is not None and not is_share:
        told = f"{tolerance!r} (a text)" if isinstance(tolerance, str) else tolerance
        raise InputError(
            f"objective.tolerance={told} must be a number above 0 and below 1, a share of J's spread such as "
            "1e-3; null evaluates every point over all examples"
        )
    if mode not in ("deterministic", "stochastic"):
        raise InputError(f"mode={mode} is unknown; use deterministic or stochastic")
    if dtype not in ("float32", "float64"):
        raise InputError(f"objective.dtype={dtype} is unknown; use float32 or float64")
    for name, count in counts.items():
        if count is not None and count < 1:
            raise InputError(f"objective.{name}={count} must be at least 1")


@contextmanager
def fitting(module: nn.Module, cost: Any, x: Values) -> Iterator[None]:
    """Turn a fault of model, cost and inputs of the data among themselves into one sentence."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except InputError as error:
        if str(error).startswith("model="):  # it says already who does not fit
            raise
        pair = f"model={type(module).__name__} does not fit data and cost {type(cost).__name__}"
        raise InputError(f"{pair}: {error}") from error
    except (RuntimeError, IndexError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"model={type(module).__name__} does not fit data and cost {type(cost).__name__}: on "
            f"{_described(module, x, isinstance(error, IndexError))} it failed with: {error}; "
            + (CALLED if isinstance(x, Tree) else wants_of(cost))
        ) from error


def check_form(cost: Any, split: Split) -> None:
    """Raise InputError for a batch whose targets nobody can tell, unless the cost takes all of it."""
    if isinstance(split.y, Tree) and checks_targets(cost) and not takes_batch(cost) and not calls_module(cost):
        raise InputError(
            f"cost {type(cost).__name__} compares outputs with one tensor of targets, and a batch has "
            f"{', '.join(split.y.leaves)}; call one of them {', '.join(TARGETS[:-1])} or {TARGETS[-1]}, or give a cost "
            "(outputs, batch) -> values"
        )


def _described(module: nn.Module, x: Values, is_beyond: bool) -> str:
    """The inputs in words, and what is usually wrong with whole numbers."""
    if isinstance(x, Tree):
        return f"a batch of {', '.join(f'{n} [B, {_inner(leaf)}]' for n, leaf in x.leaves.items())}"
    advice = "a layer of weights needs x.float()"
    if is_beyond:
        advice = _beyond(module, x) or "what indexes a table must be one of its rows"
    tokens = "" if x.is_floating_point() else f", which are whole numbers ({x.dtype}; {advice})"
    return f"x [B, {_inner(x)}]{tokens}"


def _inner(x: Tensor) -> str:
    return ", ".join(map(str, x.shape[1:]))


def _beyond(module: nn.Module, x: Tensor) -> str:
    """Which whole number of the inputs is no row of any embedding."""
    tables = {n: m.num_embeddings for n, m in module.named_modules() if isinstance(m, nn.Embedding)}
    if not tables or x.is_floating_point() or x.is_complex() or x.dtype == torch.bool:
        return ""
    name = max(tables, key=lambda n: tables[n])
    wrong = ((x < 0) | (x >= tables[name])).flatten(1) if x.dim() > 1 else ((x < 0) | (x >= tables[name]))[:, None]
    if not bool(wrong.any()):
        return ""
    row = int(wrong.any(dim=1).nonzero()[0])
    value = int(x[row].flatten()[wrong[row]][0])
    return (
        f"example {row} of the data holds {value}, and the vocabulary is too small: the largest embedding, "
        f"{name or 'the model'}, has the rows 0 to {tables[name] - 1}; give it more, or mend "
        "the tokens"
    )


class TargetCheck:
    """Stands in for a cost, and shows it the outputs for a few examples beside the targets of all.

    Args:
        y: the targets of all examples, or the whole batch where the cost takes that.
        goes_on: the cost is then computed.
        is_part: others follow these, so that none of them need count.
    """

    def __init__(self, cost: Any, y: Any, goes_on: bool, is_part: bool = False) -> None:
        self.cost, self.y, self.goes_on, self.num_draws = cost, y, goes_on, cost.num_draws
        self.takes_batch, self.calls_module = takes_batch(cost), calls_module(cost)
        self.call = getattr(cost, "call", None)
        self.is_shown, self.is_part = False, is_part

    def channels(self, predict: Any, x: Any, y: Any) -> dict[str, Tensor]:
        """The cost's, if it goes on, else nothing; raises InputError if the targets do not fit."""

        def shown(inputs: Any, draw: int) -> Any:
            outputs = predict(inputs, draw)
            if not self.is_shown and (
                inputs is x or isinstance(inputs, Tensor | Mapping)
            ):  # before the cost meets a label that it does not know
                with suppress(NothingCounts) if self.is_part else nullcontext():
                    self.cost.check_targets(outputs, self.y)
                self.is_shown = True
            return outputs

        if self.goes_on:
            return dict(self.cost.channels(shown, x, y))
        shown(x, 0)
        return {}


def showing_targets(forward: ForwardPass, split: Split, goes_on: bool) -> ForwardPass:
    """The same pass, which shows the cost all targets of a split beside its outputs."""
    if not checks_targets(forward.cost):
        return forward
    y = inputs_and_targets(forward.cost, forward.form, split.leaves)[1]
    return replace(
        forward, cost=TargetCheck(forward.cost, y, goes_on, split.is_part), scales=forward.scales if goes_on else {}
    )


def check_split(batches: Batches, split: Split, buffers: Buffers, has_extremes: bool = True) -> None:
    """Raise InputError if any target of a split fits neither cost nor outputs, or an input gives no finite cost.

    Args:
        batches: of the same kind of data, on whose device a few examples are tried.
        split: on any device.
        buffers: of the first row.
        has_extremes: try the examples with the smallest and the largest whole number.
    """
    few = split.first(min(len(split), 64, split.num_streams or 64))
    if checks_targets(batches.forward.cost):
        tried(batches, few, buffers, batches.split.x, showing_targets(batches.forward, split, goes_on=False))
    check_finite(batches, split, buffers)
    if has_extremes:
        check_extremes(batches, split, buffers)


def check_finite(batches: Batches, split: Split, buffers: Buffers) -> None:
    """Raise InputError if examples that are not finite give no finite cost, or probabilities of pixels are none."""
    if split.is_resampled and not _are_probabilities(split.x):
        raise InputError(
            "resampled inputs are probabilities, and here are some outside [0, 1]; scale them, or set "
            "data.resample_train=false"
        )
    rows = split.not_finite[:64]
    if not len(rows):
        return
    if split.num_streams is None:
        channels = tried(batches, part_of(split, rows), buffers, batches.split.x)
        if bool(channels["objective"].isfinite().all()):
            return
    raise InputError(
        f"example {int(rows[0])} of the data has values that are not finite, NaN or infinite (in all "
        f"{len(split.not_finite)} examples have), and with them J would be none; mend them or leave them out"
    )


def check_extremes(batches: Batches, split: Split, buffers: Buffers) -> None:
    """Raise InputError if the smallest or largest of whole-number inputs, such as a token, is none of the module's."""
    size = split.num_streams or 1
    for x in leaves_of(split.x, "x").values():
        if x.is_floating_point() or x.is_complex() or x.dtype == torch.bool or x.dim() < 2 or not x.numel():
            continue
        rows = x.flatten(1)
        for row in {int(rows.amax(dim=1).argmax()), int(rows.amin(dim=1).argmin())}:
            start = row // size * size
            tried(batches, part_of(split, slice(start, start + size)), buffers, x)


def part_of(split: Split, index: Any) -> Split:
    """Some of the examples."""
    x, y = split.rows(index)
    return replace(split, x=x, y=y)


def _are_probabilities(x: Values) -> bool:
    return isinstance(x, Tensor) and x.is_floating_point() and float(x.min()) >= 0 and float(x.max()) <= 1


def tried(
    batches: Batches, split: Split, buffers: Buffers, x: Values, forward: ForwardPass | None = None
) -> dict[str, Tensor]:
    """What examples cost at the module's own point; raises InputError if they cannot be computed with.

    Args:
        split: all of it is tried, as copies, since some modules write into them.
        buffers: of the first row.
        x: what a fault is told of.
        forward: another pass.
    """
    here = split.to(batches.forward.device, batches.forward.dtype)
    buffers = {name: buffer.clone() for name, buffer in buffers.items()}
    batch = batches.one(*copied(here.x, here.y), buffers)
    with fitting(batches.forward.module, batches.forward.cost, x):
        return replace(batch, forward=forward or batch.forward).channels(batches.forward.start)[0]
