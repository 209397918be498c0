"""Tensors under names become a point of one module, or are refused by name."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from landscape.endpoints.file import shown
from landscape.endpoints.fit import (
    DEEPEST,
    TOP,
    Fit,
    NoEntry,
    Wanted,
    chosen,
    fault_of,
    mappings,
    some,
    statistics_of,
)
from landscape.errors import InputError
from landscape.parameters import ParameterLayout, check_shapes

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Point:
    """One checkpoint as a point.

    Args:
        theta: [P], float32 or wider, on the CPU.
        buffers: all of the module's.
        lacking: own names of what the checkpoint lacks.
        unnamed: what would be said if no file had the one entry that was named for all; None if this one has it.
    """

    theta: Tensor
    buffers: dict[str, Tensor]
    lacking: list[str]
    unnamed: NoEntry | None = None


@dataclass(frozen=True)
class Reader:
    """Reads state dicts as points of one module, which is not touched.

    Args:
        module: whose names and shapes are wanted.
        ignore: patterns of names in a state dict that the module lacks and that may be passed over.
        missing: ``"model"`` takes what a state dict lacks from the module; None refuses it, but for parameters that the
            module does not train.
        room: before the keys that messages advise; empty for those who call from Python.
        of_use: those of ``ignore`` that some name fitted.
    """

    module: nn.Module
    ignore: Sequence[str] = ()
    missing: str | None = None
    room: str = "endpoints."
    of_use: set[str] = field(default_factory=set)

    @cached_property
    def wanted(self) -> Wanted:
        """What the module would like to find."""
        check_shapes(self.module)
        return Wanted.of(self.module)

    @cached_property
    def layout(self) -> ParameterLayout:
        """What the P values are."""
        return ParameterLayout.of(self.module)

    def point(
        self, content: Any, told: str, entry: str | None = None, is_for_all: bool = False, is_finite: bool = True
    ) -> Point:
        """The one state dict in ``content`` that fits.

        Args:
            content: tensors under names, at the top or deeper.
            told: what it is, for messages.
            entry: which state dict, where several fit.
            is_for_all: the same name was given for other files too, so this one need not have it.
            is_finite: refuse numbers that are not.

        Raises:
            InputError: there is none, or not only one, or it lacks something or holds more.
        """
        if not isinstance(content, Mapping):
            raise InputError(f"{told} holds a {type(content).__name__}, not a state dict")
        fit, unnamed = self._chosen(content, told, entry, is_for_all)
        names = [name for _, mapping in mappings(content) for name in mapping] if self.ignore else []
        self.of_use.update(p for p in self.ignore if any(fnmatchcase(name, p) for name in names))
        if fit.where != TOP:
            told += f" (entry {shown(fit.where)})"
        lacking = self._lacking(fit, content, told)
        self._check_names(fit, told)
        wanted = self.wanted
        tensors = {**{n: on_cpu(t) for n, t in wanted.tensors.items()}, **fit.found}
        for name, value in fit.found.items():
            if fault := fault_of(value, wanted.tensors[name]):
                needs = str(wanted.tensors[name].dtype).removeprefix("torch.")
                raise InputError(f"{told} has {fault} for {name}, but {self.model} needs {needs}; save plain tensors")
        wide = {name: wide_enough(tensors[name].detach()) for name in self.layout.names}
        if is_finite:
            refuse_not_finite(told, wide | {n: tensors[n] for n in statistics_of(self.module) if n in tensors})
        buffers = {name: value.detach() for name, value in tensors.items() if name not in wide}
        return Point(self.layout.flatten(wide), buffers, lacking, unnamed)

    @property
    def model(self) -> str:
        """What messages call the module."""
        return f"model={type(self.module).__name__}"

    def _chosen(self, content: Any, told: str, entry: str | None, is_for_all: bool) -> tuple[Fit, NoEntry | None]:
        """The state dict; one that fits alone needs no name, which is said in case that no file has it."""
        lenient = self.missing == "model"
        try:
            return chosen(content, self.wanted, entry, self.ignore, lenient, told, self.room), None
        except NoEntry as error:
            if not is_for_all:
                raise
            try:
                alone = chosen(content, self.wanted, None, self.ignore, lenient, told, self.room)
            except InputError:
                raise error from None
            if not alone.found:
                raise
            return alone, error

    def _lacking(self, fit: Fit, content: Any, told: str) -> list[str]:
        """Own names of what is lacking; refuse what must not be, and what has another shape."""
        wanted = self.wanted
        wrong, lacking = fit.misshapen(wanted), wanted.lacking(fit.found)
        unasked = [n for n in lacking if n not in wanted.frozen or not fit.found] if self.missing is None else []
        bad = next((n for n in wanted.tensors if n in wrong or n in unasked), None)
        if bad is None:
            return lacking
        kind = "parameter" if bad in wanted.parameters else "buffer"
        found = f"shape {tuple(fit.found[bad].shape)}" if bad in fit.found else "nothing"
        more = f" (in all it lacks {some(unasked)})" if len(unasked) > 1 else ""
        way = "use the model that was saved"
        if not fit.found:
            names = [name for _, mapping in mappings(content) for name in mapping]
            way = f"it has {some(names) or 'no tensors under names'}; {way}"
        if bad in unasked and fit.found:
            way += f", or, where all files lack it, {self.room}missing=model to take it from the model"
        raise InputError(
            f"{told} has {found} for {kind} {bad}{more}, but {self.model} needs shape "
            f"{tuple(wanted.tensors[bad].shape)}; {way}"
        )

    def _check_names(self, fit: Fit, told: str) -> None:
        """Refuse names that the module lacks, and one tensor under two values."""
        if fit.unexpected or fit.aside:
            names = [shown(name) for name in fit.unexpected + fit.aside]
            raise InputError(
                f"{told} has entries that {self.model} lacks: {some(names)}; use the model that was saved, or pass "
                f"over them: '{self.room}ignore=[{names[0]}]', patterns such as '{names[0].partition('.')[0]}.*' too"
            )
        if fit.untied:
            raise InputError(
                f"{told} has different values for {' and '.join(map(shown, fit.untied[0]))}, which are "
                f"one tied tensor in {self.model}; use the model that was saved"
            )

    def tell_of_no_use(self) -> None:
        """Warn of patterns that no name in any of the checkpoints fits: they may be mistyped."""
        lost = [pattern for pattern in self.ignore if pattern not in self.of_use]
        if lost:
            log.warning("%signore: no name in the checkpoints fits %s", self.room, some(lost))

    def tell_lacking(self, lacking: Mapping[str, list[str]], again: Callable[[], nn.Module] | None) -> None:
        """Say what was taken from the model; refuse what is not the same everywhere, or nobody's.

        Args:
            lacking: file and key -> own names of what it lacks.
            again: makes another such module from another seed, to tell what of it is drawn at random.
        """
        (first, own), *others = lacking.items()
        for told, names in others:
            if names != own:
                odd = sorted(set(names) ^ set(own))
                raise InputError(
                    f"{first} and {told} differ in whether they have {some(odd)}; what is taken from the model must be "
                    "lacking in all files"
                )
        if not own:
            return
        other = {} if again is None else Wanted.of(again()).tensors
        random = [n for n in own if n in other and not torch.equal(other[n], self.wanted.tensors[n])]
        if random and self.missing is None:
            raise InputError(
                f"{first} has nothing for {some(own)}, and {self.model} draws them at random; give a model that is "
                f"made with the values that were used, or {self.room}missing=model if these will do"
            )
        note = f"; drawn at random (training.first_seed): {some(random)}" if random else ""
        text = "the checkpoints lack %s; taken from the model as it is made, the same at both ends%s"
        log.warning(text, some(own), note)


def patterns_of(ignore: Any, room: str = "") -> list[str]:
    """The value of ``ignore`` as a list; InputError if it is none."""
    patterns = [ignore] if isinstance(ignore, str) else ignore or []
    if not isinstance(patterns, Sequence) or not all(isinstance(pattern, str) for pattern in patterns):
        raise InputError(f"{room}ignore={ignore} must be a list of names or patterns such as head.*")
    return list(patterns)


def check_missing(missing: Any, room: str = "") -> str | None:
    """The value of ``missing``; InputError if it means nothing."""
    if missing not in (None, "model"):
        raise InputError(f"{room}missing={missing} must be model, to take from it what a file lacks, or null")
    found: str | None = missing
    return found


def on_cpu(content: Any, depth: int = 0) -> Any:
    """The same with its tensors on the CPU, as far as they have values; NumPy's numbers as tensors of their own."""
    if isinstance(content, Tensor):
        return content.detach() if content.device.type in ("cpu", "meta") else content.detach().cpu()
    if isinstance(content, np.ndarray | np.generic) and content.dtype.kind in "biufc":
        return torch.tensor(np.asarray(content, dtype=content.dtype.newbyteorder("=")))
    if isinstance(content, Mapping) and depth <= DEEPEST:
        return {name: on_cpu(value, depth + 1) for name, value in content.items()}
    return content


def wide_enough(value: Tensor) -> Tensor:
    """At least float32, so that points between half-precision ends are not rounded to theirs."""
    if value.is_complex():
        return value
    if value.is_floating_point():
        return value.float() if value.itemsize < 4 else value  # torch promotes no type of one byte
    return value.double()


def refuse_not_finite(told: str, tensors: Mapping[str, Tensor]) -> None:
    """Raise InputError if a number is not finite."""
    for name, value in tensors.items():
        bad = value[~torch.isfinite(value)]
        if len(bad):
            raise InputError(
                f"{told} holds {bad[0].item()} in {name} ({len(bad)} of {value.numel()} numbers), which "
                "must be finite: give a checkpoint from before the run diverged"
            )
