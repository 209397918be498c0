"""Lines between networks that were trained elsewhere and saved."""

from __future__ import annotations

import filecmp
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import torch
from torch import Tensor, nn

from landscape.endpoints.ends import Ends
from landscape.endpoints.file import content_of, files_of, no_file, shown
from landscape.endpoints.fit import TOP, Fit, NoEntry, Wanted, chosen, fault_of, mappings, some, statistics_of
from landscape.errors import InputError
from landscape.parameters import ParameterLayout

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Saved:
    """One checkpoint as a point.

    Args:
        theta: [1, P], float32 or wider. buffers: all of the module's. lacking: own names of what the file lacks.
        unnamed: what would be said if no file had the one entry that was named for all; None if this one has it.
    """

    theta: Tensor
    buffers: dict[str, Tensor]
    lacking: list[str]
    unnamed: NoEntry | None = None


class Checkpoints:
    """From one saved state dict to another: no training.

    Args:
        start, end: files of ``torch.save`` (``.pt``, ``.pth``, ``.ckpt``, ``.bin``) or ``.safetensors``, or folders of
            Hugging Face. The state dict lies at the top or under one key (``state_dict``, ``model``, ``ema``, ...), and
            one prefix that its names share (``module.``, ``_orig_mod.``, ``net.``, ...) is dropped. Nothing in a file
            is executed.
        third: a third one, for the plane of ``measurement=plane``.
        entry: which state dict, where several in a file fit; a list with one per file, or one for all, which a file
            with a single state dict need not have if another one has it.
        ignore: patterns of names in the files that the model lacks and that may be passed over, ``"head.*"``.
        missing: ``"model"`` takes what all the files lack from the model as it is made; None refuses them, but for
            parameters that the model does not train.
    """

    needs_solutions = False

    def __init__(
        self,
        start: str,
        end: str,
        third: str | None = None,
        entry: str | Sequence[str | None] | None = None,
        ignore: Sequence[str] = (),
        missing: str | None = None,
    ) -> None:
        files = {"start": start, "end": end} | ({} if third is None else {"third": third})
        for key, file in files.items():
            if not isinstance(file, str | Path) or not str(file):
                raise InputError(f"endpoints.{key}={file} must be the name of a file with a saved state dict")
        self.files = {key: str(file) for key, file in files.items()}
        entries = [entry] * len(files) if entry is None or isinstance(entry, str) else entry
        if not isinstance(entries, Sequence) or len(entries) != len(files) or not all(map(_is_name, entries)):
            raise InputError(f"endpoints.entry={entry} must name one entry for all files, or be a list of {len(files)}")
        self.is_for_all = isinstance(entry, str)
        self.entries = dict(zip(files, entries, strict=True))
        patterns = [ignore] if isinstance(ignore, str) else ignore or []
        if not isinstance(patterns, Sequence) or not all(isinstance(pattern, str) for pattern in patterns):
            raise InputError(f"endpoints.ignore={ignore} must be a list of names or patterns such as head.*")
        self.ignore = list(patterns)
        if missing not in (None, "model"):
            raise InputError(f"endpoints.missing={missing} must be model, to take from it what a file lacks, or null")
        self.missing = missing

    @property
    def has_third(self) -> bool:
        """Whether there is a third corner of a plane."""
        return "third" in self.files

    def check(self, num_seeds: int) -> None:
        """Raise InputError unless all files exist and no two are the same point."""
        for key, file in self.files.items():
            if not files_of(file):
                raise no_file(file, f"endpoints.{key}")
        for one, other in combinations(self.files, 2):
            if self.entries[one] == self.entries[other] and _same(self.files[one], self.files[other]):
                points = "a plane needs three points" if len(self.files) > 2 else "a line needs two points"
                raise InputError(
                    f"endpoints.{one}={self.files[one]} and endpoints.{other}={self.files[other]} are one file; "
                    f"{points} "
                    "(two state dicts of one file are 'endpoints.entry=[model,ema]')"
                )

    def load(self, module: nn.Module, again: Callable[[], nn.Module] | None = None) -> Ends:
        """One line for this module's layout.

        Args:
            again: makes another such module from another seed, to tell what of it is drawn at random.
        """
        wanted = Wanted.of(module)
        saved = {key: self._saved(key, module, wanted) for key in self.files}
        nowhere = [point.unnamed for point in saved.values() if point.unnamed is not None]
        if len(nowhere) == len(saved):
            raise nowhere[0]
        self._tell_lacking(saved, module, wanted, again)
        start, end = saved["start"], saved["end"]
        for one, other in combinations(saved, 2):
            if torch.equal(saved[one].theta, saved[other].theta):
                text = (
                    f"endpoints.{one}={self.files[one]} and endpoints.{other}={self.files[other]} hold the same "
                    "parameters; a line needs two points"
                )
                if self.files[one] != self.files[other]:
                    raise InputError(text)
                log.warning("%s", text)
        third = saved["third"].theta if "third" in saved else None
        return Ends(start.theta, end.theta, ["0"], [0], [end.buffers], [False], [start.buffers], third)

    def _saved(self, key: str, module: nn.Module, wanted: Wanted) -> Saved:
        told = f"endpoints.{key}={self.files[key]}"
        content = content_of(self.files[key], f"endpoints.{key}")
        if not isinstance(content, dict):
            raise InputError(f"{told} holds a {type(content).__name__}, not a state dict")
        fit, unnamed = self._chosen(key, content, wanted, told)
        told += f" (entry {shown(fit.where)})" if fit.where != TOP else ""
        model = f"model={type(module).__name__}"
        wrong, lacking = fit.misshapen(wanted), wanted.lacking(fit.found)
        unasked = [n for n in lacking if n not in wanted.frozen or not fit.found] if self.missing is None else []
        bad = next((n for n in wanted.tensors if n in wrong or n in unasked), None)
        if bad is not None:
            kind = "parameter" if bad in wanted.parameters else "buffer"
            found = f"shape {tuple(fit.found[bad].shape)}" if bad in fit.found else "nothing"
            more = f" (in all it lacks {some(unasked)})" if len(unasked) > 1 else ""
            way = "use the model that was saved"
            if not fit.found:
                names = [name for _, mapping in mappings(content) for name in mapping]
                way = f"it has {some(names) or 'no tensors under names'}; {way}"
            if bad in unasked and fit.found:
                way += ", or, where all files lack it, endpoints.missing=model to take it from the model"
            raise InputError(
                f"{told} has {found} for {kind} {bad}{more}, but {model} needs shape "
                f"{tuple(wanted.tensors[bad].shape)}; {way}"
            )
        if fit.unexpected or fit.aside:
            names = [shown(name) for name in fit.unexpected + fit.aside]
            raise InputError(
                f"{told} has entries that {model} lacks: {some(names)}; use the model that was saved, or pass over "
                f"them: 'endpoints.ignore=[{names[0]}]', patterns such as '{names[0].partition('.')[0]}.*' too"
            )
        if fit.untied:
            raise InputError(
                f"{told} has different values for {' and '.join(map(shown, fit.untied[0]))}, which are "
                f"one tied tensor in {model}; use the model that was saved"
            )
        tensors = {**{n: t.detach() for n, t in wanted.tensors.items()}, **fit.found}
        for name in fit.found:
            if fault := fault_of(tensors[name], wanted.tensors[name]):
                needs = str(wanted.tensors[name].dtype).removeprefix("torch.")
                raise InputError(f"{told} has {fault} for {name}, but {model} needs {needs}; save plain tensors")
        layout = ParameterLayout.of(module)
        wide = {n: _wide(tensors[n]) for n in layout.names}
        _refuse_not_finite(told, wide | {n: tensors[n] for n in statistics_of(module) if n in tensors})
        theta = layout.flatten(wide)[None]
        return Saved(theta, {n: t for n, t in tensors.items() if n not in wide}, lacking, unnamed)

    def _chosen(self, key: str, content: object, wanted: Wanted, told: str) -> tuple[Fit, NoEntry | None]:
        """The file's state dict; one that fits alone needs no name, which is said in case that no file has it."""
        lenient = self.missing == "model"
        try:
            return chosen(content, wanted, self.entries[key], self.ignore, lenient, told), None
        except NoEntry as error:
            if not self.is_for_all:
                raise
            try:
                alone = chosen(content, wanted, None, self.ignore, lenient, told)
            except InputError:
                raise error from None
            if not alone.found:
                raise
            return alone, error

    def _tell_lacking(
        self, saved: dict[str, Saved], module: nn.Module, wanted: Wanted, again: Callable[[], nn.Module] | None
    ) -> None:
        """Say what was taken from the model; refuse what is not the same at both ends, or nobody's."""
        lacking = saved["start"].lacking
        for key, point in saved.items():
            if point.lacking != lacking:
                odd = sorted(set(point.lacking) ^ set(lacking))
                raise InputError(
                    f"endpoints.start={self.files['start']} and endpoints.{key}={self.files[key]} differ in whether "
                    f"they have {some(odd)}; what is taken from the model must be lacking in all files"
                )
        if not lacking:
            return
        other = {} if again is None else Wanted.of(again()).tensors
        random = [n for n in lacking if n in other and not torch.equal(other[n], wanted.tensors[n])]
        if random and self.missing is None:
            raise InputError(
                f"endpoints.start={self.files['start']} has nothing for {some(lacking)}, and model="
                f"{type(module).__name__} draws them at random; give a model that is made with the values that were "
                "used, or endpoints.missing=model if these will do"
            )
        note = f", of which {some(random)} are drawn at random (training.first_seed)" if random else ""
        log.warning(
            "the checkpoints lack %s; taken from the model as it is made, the same at both ends%s", some(lacking), note
        )


def _is_name(entry: object) -> bool:
    return entry is None or isinstance(entry, str)


def _wide(value: Tensor) -> Tensor:
    """At least float32, so that points between half-precision ends are not rounded to theirs."""
    if value.is_complex():
        return value
    if value.is_floating_point():
        return value.float() if value.itemsize < 4 else value  # torch promotes no type of one byte
    return value.double()


def _refuse_not_finite(told: str, tensors: dict[str, Tensor]) -> None:
    for name, value in tensors.items():
        bad = value[~torch.isfinite(value)]
        if len(bad):
            raise InputError(
                f"{told} holds {bad[0].item()} in {name} ({len(bad)} of {value.numel()} numbers); the end "
                "of a line must be finite: give a checkpoint from before the run diverged"
            )


def _same(one: str, other: str) -> bool:
    files, others = files_of(one), files_of(other)
    return len(files) == len(others) and all(map(lambda a, b: filecmp.cmp(a, b, shallow=False), files, others))
