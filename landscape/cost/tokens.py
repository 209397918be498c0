"""Cross-entropy of tokens in nats: of the next one, or of those that were masked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from landscape.cost.contract import WEIGHT, Predict, check_name, tensor_of
from landscape.cost.labels import UNLABELLED, NothingCounts, check_classes, check_ignored, whole
from landscape.errors import InputError

FEW = 4096
"""Sequences that are looked at for labels that are shifted already."""


class Sequences(NamedTuple):
    """What a batch says of its tokens, [B, T] each: labels, inputs, and where there is no padding; None: nothing."""

    labels: Tensor | None
    tokens: Tensor | None
    attended: Tensor | None


class _Tokens(ABC):
    """-log softmax(logits)[label], of an example the mean over its tokens; an example counts as many as it has.

    Channels beside the objective: ``error``, the share of wrong tokens, and ``weight``, the number of tokens. So J is
    the mean over all tokens of the data, and perplexity its exponential.

    Args:
        ignore_index: the label of what is not to be predicted.
        output: which entry of a model's dict or tuple the logits are, see ``landscape.cost.contract``.
    """

    num_draws = 1
    takes_batch = may_weigh = True
    derived: ClassVar[Mapping[str, tuple[str, Callable[[Any], Any]]]] = {"perplexity": ("objective", np.exp)}
    wants = "it must map tokens [B, T] to logits [B, T, C], with whole numbers as labels [B, T]"

    def __init__(self, ignore_index: int = UNLABELLED, output: str | int | None = None) -> None:
        check_ignored(ignore_index)
        check_name(output)
        self.ignore_index, self.output = ignore_index, output

    @abstractmethod
    def _targets(self, batch: Any) -> tuple[Tensor, Tensor]:
        """What the outputs at each place are to predict, and whether that counts, [B, T] each."""

    def _labelled(self, labels: Tensor, attended: Tensor | None) -> Tensor:
        counted = labels != self.ignore_index
        return counted if attended is None else counted & attended.bool()

    def __call__(self, predict: Predict, x: Any, y: Any) -> Tensor:
        """The mean cost per token of each example [B]; they count by ``weight``, see ``channels``."""
        return self.channels(predict, x, y)["objective"]

    def channels(self, predict: Predict, x: Any, y: Any) -> dict[str, Tensor]:
        """Cost and share of wrong tokens per example, and how many tokens it has, each [B].

        Args:
            predict: inputs -> logits [B, T, C], or a dict or tuple that holds them.
            x: tokens [B, T], or a dict of inputs; its labels are kept back, so that the model computes no loss.
            y: the whole batch: a dict with ``labels`` or ``input_ids``, (x, y), or labels [B, T].
        """
        inputs = {k: v for k, v in x.items() if k != "labels"} if isinstance(x, Mapping) else x
        targets, counted = self._targets(y)
        logits = _logits(predict(inputs, 0), targets, self.output)
        known = torch.where(counted, targets, 0)
        each = F.cross_entropy(logits.flatten(0, 1), known.flatten(), reduction="none").view(known.shape)
        wrong = logits.max(dim=-1).indices.ne(known)
        weight = counted.sum(dim=1).to(each.dtype)

        def mean(values: Tensor) -> Tensor:
            return torch.where(counted, values, 0.0).sum(dim=1) / weight.clamp(min=1)

        return {"objective": mean(each), "error": mean(wrong.to(each.dtype)), WEIGHT: weight}

    def check_targets(self, outputs: Any, y: Any) -> None:
        """Raise InputError if the outputs for the first few examples do not fit, or any of all labels is no token."""
        targets, counted = self._targets(y)
        logits = _logits(outputs, None, self.output)
        _logits(logits, targets[: len(logits)], None)
        check_classes(targets.masked_fill(~counted, self.ignore_index), logits.shape[-1], self.ignore_index)
        if not bool(counted.any()):
            raise NothingCounts(
                f"none of the {len(targets)} examples has a token to predict: all labels are {self.ignore_index} or "
                "padding (cost.ignore_index, attention_mask)"
            )


class CausalLM(_Tokens):
    """Cross-entropy of the next token: what the outputs at each place say of the label one place further.

    A batch is a dict with ``labels``, or without them and then its ``input_ids`` are the labels; or (x, y) or x, tokens
    [B, T]. Padding, where ``attention_mask`` is 0, neither counts nor is predicted from, on whichever side it is.

    Args:
        ignore_index: the label of what is not to be predicted.
        shift: the labels are the tokens themselves; false: those one place further, as in (x, y) of a text.
        output: which entry of a model's dict or tuple the logits are, see ``landscape.cost.contract``.
    """

    def __init__(self, ignore_index: int = UNLABELLED, shift: bool = True, output: str | int | None = None) -> None:
        super().__init__(ignore_index, output)
        if not isinstance(shift, bool):
            raise InputError(
                f"cost.shift={shift!r} must be true or false: whether the labels are the tokens themselves"
            )
        self.shift = shift

    def _targets(self, batch: Any) -> tuple[Tensor, Tensor]:
        labels, tokens, attended = _read(batch)
        labels = _checked(labels if labels is not None else tokens, batch, "labels or input_ids")
        attended = attended if attended is not None and attended.shape == labels.shape else None
        counted = self._labelled(labels, attended)
        if not self.shift:
            return labels, counted
        last = torch.zeros_like(counted[:, :1])
        before = counted[:, 1:] if attended is None else counted[:, 1:] & attended[:, :-1].bool()
        return torch.cat([labels[:, 1:], last.to(labels.dtype)], dim=1), torch.cat([before, last], dim=1)

    def check_targets(self, outputs: Any, y: Any) -> None:
        """Raise InputError if outputs or labels do not fit, or the labels are shifted and should not be, or not."""
        labels, tokens, attended = _read(y)
        if labels is None and tokens is not None and attended is None and "attention_mask" in _entries(y):
            raise InputError(
                "attention_mask is not of the shape of input_ids, so that it is not known which tokens are padding; "
                f"give labels with {self.ignore_index} there"
            )
        if labels is not None and tokens is not None and labels.shape == tokens.shape and labels.shape[-1] > 1:
            here, these = whole(labels[:FEW]), tokens[:FEW]
            counts = self._labelled(here, None)
            same = bool((~counts | (here == these)).all())
            next_ones = bool((~counts[:, :-1] | (here[:, :-1] == these[:, 1:])).all())
            if self.shift and next_ones and not same:
                raise InputError(
                    "the labels are the inputs one place further already; set cost.shift=false, in Python "
                    "CausalLM(shift=False)"
                )
            if not self.shift and same and not next_ones:
                raise InputError(
                    "the labels are the inputs themselves, and cost.shift=false compares outputs with labels at the "
                    "same place; set cost.shift=true, in Python CausalLM()"
                )
        super().check_targets(outputs, y)


class MaskedLM(_Tokens):
    """Cross-entropy of the tokens that were masked: labels are -100 but there. As ``CausalLM`` without its shift.

    A batch is a dict with ``labels``, or (x, y) with labels y [B, T].

    Args:
        ignore_index: the label of what was not masked.
        output: which entry of a model's dict or tuple the logits are, see ``landscape.cost.contract``.
    """

    def _targets(self, batch: Any) -> tuple[Tensor, Tensor]:
        labels, _, attended = _read(batch)
        labels = _checked(labels, batch, "labels")
        attended = attended if attended is not None and attended.shape == labels.shape else None
        return labels, self._labelled(labels, attended)

    def check_targets(self, outputs: Any, y: Any) -> None:
        """Raise InputError if the outputs or labels do not fit, or if nothing was masked."""
        labels, tokens, _ = _read(y)
        if labels is not None and tokens is not None and torch.equal(labels, tokens):
            raise InputError(
                f"the labels are the inputs, so that nothing was masked; labels are {self.ignore_index} but for the "
                "tokens that were (as DataCollatorForLanguageModeling makes them), or take cost=causal_lm"
            )
        super().check_targets(outputs, y)


def _read(batch: Any) -> Sequences:
    """Labels, inputs and padding of a dict, an object, (x, y), (x,) or tokens alone."""
    if isinstance(batch, Tensor):
        return Sequences(None, batch, None)
    if isinstance(batch, tuple | list) and not hasattr(batch, "_fields") and batch:
        if len(batch) == 1:
            return _read(batch[0])
        first = _read(batch[0])
        return Sequences(batch[-1] if isinstance(batch[-1], Tensor) else None, first.tokens, first.attended)
    entries = _entries(batch)
    attended = entries.get("attention_mask")
    tokens = entries.get("input_ids")
    if attended is not None and tokens is not None and attended.shape != tokens.shape:
        attended = None
    return Sequences(entries.get("labels"), tokens, attended)


def _entries(batch: Any) -> Mapping[str, Any]:
    if isinstance(batch, Mapping):
        return batch
    return dict(zip(getattr(batch, "_fields", ()), batch, strict=False)) or dict(getattr(batch, "__dict__", {}))


def _checked(labels: Tensor | None, batch: Any, wanted: str) -> Tensor:
    if labels is None:
        entries = ", ".join(map(str, _entries(batch))) or type(batch).__name__
        raise InputError(f"the cost needs {wanted}, [B, T], and the batch has {entries}")
    if labels.is_floating_point() or labels.is_complex() or labels.dim() != 2:
        shape = ", ".join(map(str, labels.shape))
        raise InputError(f"labels [{shape}] of {labels.dtype} are no tokens, which are whole numbers [B, T]")
    return whole(labels)


def _logits(outputs: Any, targets: Tensor | None, name: str | int | None) -> Tensor:
    """[B, T, C] of what a model returned: ``logits``, or the only tensor that has the shape; in float32 at least."""
    if name is None and isinstance(outputs, tuple | list) and not hasattr(outputs, "_fields"):
        fitting = [v for v in outputs if isinstance(v, Tensor) and v.dim() == 3 and v.is_floating_point()]
        outputs = fitting[0] if len(fitting) == 1 else outputs
    logits = tensor_of(outputs, name)
    if logits.dim() != 3 or (targets is not None and logits.shape[:2] != targets.shape):
        shape = ", ".join(map(str, logits.shape))
        labels = "" if targets is None else f" for labels [{', '.join(map(str, targets.shape))}]"
        raise InputError(f"outputs [{shape}]{labels} are no logits of tokens, [B, T, C] for labels [B, T]")
    return logits
