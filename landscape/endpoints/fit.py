"""Which tensors of a checkpoint are a module's: the one mapping whose names fit after one prefix is dropped."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from landscape.endpoints.file import shown
from landscape.errors import InputError

WRAPPER = re.compile(r"(?:^|(?<=\.))(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
"""What torch.compile and its like put into the middle of a name."""
PARALLEL = ("DataParallel", "DistributedDataParallel")
"""Classes that hold what they wrap as ``module``, which a state dict may have been saved of."""
WEIGHT_NORM = re.compile(r"parametrizations\.(\w+)\.original([01])$")

COUNTERS = ("num_batches_tracked", "n_averaged")
"""Last parts of names that no point of a path depends on: a file may have or lack them."""
DEEPEST = 3
"""Dicts within dicts that are looked through."""
SHOWN = 3
TOP = "."
"""What ``endpoints.entry`` calls the file's own top."""


def canonical(name: str) -> str:
    """A name without what wrappers add, and with torch's newer weight norm called as the older one."""
    return WEIGHT_NORM.sub(lambda m: f"{m[1]}_{'gv'[int(m[2])]}", WRAPPER.sub("", name))


class NoEntry(InputError):
    """A file has no state dict under the name that was asked for."""


@dataclass(frozen=True)
class Wanted:
    """What a module would like to find.

    Args:
        tensors: its own name -> its own tensor, parameters and buffers. aliases: canonical name -> own name, all the
            names of tied ones too. parameters: own names. frozen: those that are not
            trained while others are. needed: buffers that a
            file has to bring.
    """

    tensors: Mapping[str, Tensor]
    aliases: Mapping[str, str]
    parameters: Sequence[str]
    frozen: frozenset[str]
    needed: frozenset[str]

    @classmethod
    def of(cls, module: nn.Module) -> Wanted:
        """Read off a module."""
        parameters, buffers = dict(module.named_parameters()), dict(module.named_buffers())
        tensors: dict[str, Tensor] = {**parameters, **buffers}
        first = {id(tensor): name for name, tensor in tensors.items()}
        every = [*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)]
        trains = any(p.requires_grad for p in parameters.values())
        kept = set(module.state_dict(keep_vars=True))
        wrapper = "module." if type(module).__name__ in PARALLEL else ""
        return cls(
            tensors,
            {canonical(name).removeprefix(wrapper): first[id(tensor)] for name, tensor in every},
            list(parameters),
            frozenset(n for n, p in parameters.items() if not p.requires_grad) - (set() if trains else set(parameters)),
            frozenset(name for name in buffers if name in kept and name.rpartition(".")[2] not in COUNTERS),
        )

    def lacking(self, found: Mapping[str, Tensor]) -> list[str]:
        """Own names of parameters and needed buffers that were not found."""
        return [name for name in self.tensors if name not in found and (name in self.parameters or name in self.needed)]


@dataclass(frozen=True)
class Fit:
    """A mapping of a file read under one prefix.

    Args:
        entry: how ``endpoints.entry`` names it, ``"ema"``; with the prefix, ``"state_dict.net"``, if that is dropped.
        where: the mapping alone. found: own name -> tensor. unexpected: names in the file that the module lacks;
        aside: those of them that do not begin with the prefix. untied: two names of one tensor that differ in value.
    """

    entry: str
    where: str
    found: dict[str, Tensor]
    unexpected: list[str]
    aside: list[str]
    untied: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, where: str, mapping: Mapping[str, Tensor], prefix: str, wanted: Wanted, ignore: Sequence[str]) -> Fit:
        """Read a mapping under one prefix; ``ignore`` are patterns of names to pass over."""
        found: dict[str, Tensor] = {}
        names: dict[str, str] = {}
        unexpected, aside = list[str](), list[str]()
        untied: list[tuple[str, str]] = []
        for name, value in mapping.items():
            short = canonical(name)
            own = wanted.aliases.get(short.removeprefix(prefix)) if short.startswith(prefix) else None
            if own is None:
                if short.rpartition(".")[2] not in COUNTERS and not any(fnmatchcase(name, p) for p in ignore):
                    (unexpected if short.startswith(prefix) else aside).append(name)
            elif own not in found:
                found[own], names[own] = value, name
            elif not _equal(found[own], value):
                untied.append((names[own], name))
        return cls(f"{where}.{prefix}".strip(".") or TOP, where or TOP, found, unexpected, aside, untied)

    def misshapen(self, wanted: Wanted) -> list[str]:
        """Own names whose tensors have another shape."""
        return [n for n, v in self.found.items() if v.shape != wanted.tensors[n].shape]


def mappings(
    content: Any, where: str = "", depth: int = 0, seen: set[int] | None = None
) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """(dotted entry, {name: tensor}) of every dict in a file's content that holds tensors, each once."""
    seen = set() if seen is None else seen
    if not isinstance(content, Mapping) or depth > DEEPEST or id(content) in seen:
        return
    seen.add(id(content))
    named = {name: value for name, value in content.items() if isinstance(name, str)}
    tensors = {n: v for n, v in named.items() if isinstance(v, Tensor) and not v.is_nested}
    if tensors:
        yield where, tensors
    for name, value in named.items():
        yield from mappings(value, f"{where}.{name}".lstrip("."), depth + 1, seen)


def fits_of(content: Any, wanted: Wanted, ignore: Sequence[str]) -> list[Fit]:
    """Every way in which names of the file's mappings are names of the module, those with most of them first."""
    fits = []
    for where, mapping in mappings(content):
        hits: Counter[str] = Counter()
        for name in map(canonical, mapping):
            starts = [0, *(k + 1 for k, letter in enumerate(name) if letter == ".")]
            hits.update(name[:k] for k in starts if name[k:] in wanted.aliases)
        fits += [Fit.of(where, mapping, prefix, wanted, ignore) for prefix in hits]
    return sorted(fits, key=lambda fit: (-len(fit.found), len(fit.misshapen(wanted)), len(fit.unexpected)))


def chosen(
    content: Any,
    wanted: Wanted,
    entry: str | None,
    ignore: Sequence[str],
    lenient: bool,
    told: str,
    room: str = "endpoints.",
) -> Fit:
    """The one mapping of a file that fits a module.

    Args:
        content: of the file.
        entry: which one, if several fit.
        ignore: patterns of names to pass over.
        lenient: a file may lack what the module has.
        told: file and key, for messages.
        room: before the keys that messages advise; empty for those who call from Python.

    Raises:
        NoEntry: none has the name ``entry``. InputError: several fit.
    """
    fits = fits_of(content, wanted, ignore)
    if entry is not None:
        # A prefix that is named leaves the rest of its mapping aside.
        exact = [fit for fit in fits if fit.entry == entry]
        named = exact or [fit for fit in fits if fit.where == entry]
        if not named:
            there = ", ".join(shown(_spoken(entry)) for entry in dict.fromkeys(fit.entry for fit in fits)) or "none"
            raise NoEntry(f"{told} has no entry {room}entry={entry} with parameters of this model; it has: {there}")
        fits = [
            Fit(f.entry, f.where, f.found, f.unexpected, [] if exact and f.entry != f.where else f.aside, f.untied)
            for f in named
        ]
    whole = [fit for fit in fits if not fit.misshapen(wanted) and _has_all(fit, wanted, lenient)]
    if lenient and whole:
        whole = [fit for fit in whole if len(fit.found) == len(whole[0].found)]
    clean = [fit for fit in whole if not fit.unexpected and not fit.aside]
    if len(clean or whole) > 1:
        entries = [fit.entry for fit in clean or whole]
        several = some(list(map(_spoken, entries)))
        raise InputError(
            f"{told} has several state dicts that fit ({several}); choose one: {room}entry={shown(entries[-1])}"
        )
    return (clean or whole or fits or [Fit(TOP, TOP, {}, [], [])])[0]


def _spoken(entry: str) -> str:
    return f"the file's own top ({TOP})" if entry == TOP else entry


def _has_all(fit: Fit, wanted: Wanted, lenient: bool) -> bool:
    """Whether nothing is lacking; of what is not trained a file may lack all."""
    if lenient:
        return any(name in fit.found for name in wanted.parameters)
    lacking = wanted.lacking(fit.found)
    return not lacking or (set(lacking) <= wanted.frozen and any(name in fit.found for name in wanted.parameters))


def _equal(one: Tensor, other: Tensor) -> bool:
    """Whether two plain tensors hold the same, NaN where NaN is; others are refused elsewhere."""
    if any(fault_of(tensor, tensor) for tensor in (one, other)):
        return True
    same = one.shape == other.shape
    return same and bool(((one == other) | ((one != one) & (other != other))).all())


def statistics_of(module: nn.Module) -> frozenset[str]:
    """Names of the running means and variances of torch's own layers."""
    return frozenset(
        f"{name}.{part}".lstrip(".")
        for name, layer in module.named_modules()
        if isinstance(layer, _NormBase)
        for part in ("running_mean", "running_var")
    )


def fault_of(value: Tensor, own: Tensor) -> str:
    """Why a tensor of a file cannot be a module's own: what it is instead; empty if it can."""
    if value.layout != torch.strided:
        return "a sparse tensor"
    if value.is_quantized:
        return "a quantised tensor"
    if value.device.type != "cpu":
        return f"a tensor on {value.device.type} without values"
    kinds = [("complex" if t.is_complex() else "real" if t.is_floating_point() else "whole") for t in (value, own)]
    return "" if kinds[0] == kinds[1] else f"{kinds[0]} numbers ({str(value.dtype).removeprefix('torch.')})"


def some(names: Sequence[str]) -> str:
    """The first few; they may be a file's, and hold anything."""
    return ", ".join(map(shown, names[:SHOWN])) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
