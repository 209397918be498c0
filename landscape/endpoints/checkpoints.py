"""Lines between networks that were trained elsewhere and saved."""

from __future__ import annotations

import filecmp
import logging
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path

import torch
from torch import nn

from landscape.endpoints.align import Align
from landscape.endpoints.ends import Ends
from landscape.endpoints.file import content_of, files_of, no_file
from landscape.endpoints.reader import Reader, check_missing, patterns_of
from landscape.errors import InputError

log = logging.getLogger(__name__)


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
        align, axes, rescale, starts, align_seed: how ``end`` is brought near ``start``; see ``Align``.
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
        align: str | None = None,
        axes: str | None = None,
        rescale: bool = False,
        starts: int = 1,
        align_seed: int = 0,
    ) -> None:
        self.align = Align(align, axes, rescale, starts, align_seed)
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
        self.ignore, self.missing = patterns_of(ignore, "endpoints."), check_missing(missing, "endpoints.")

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
        reader = Reader(module, self.ignore, self.missing)
        told = {key: f"endpoints.{key}={file}" for key, file in self.files.items()}
        saved = {
            key: reader.point(content_of(file, f"endpoints.{key}"), told[key], self.entries[key], self.is_for_all)
            for key, file in self.files.items()
        }
        nowhere = [point.unnamed for point in saved.values() if point.unnamed is not None]
        if len(nowhere) == len(saved):
            raise nowhere[0]
        reader.tell_of_no_use()
        reader.tell_lacking({told[key]: point.lacking for key, point in saved.items()}, again)
        start, end = saved["start"], saved["end"]
        for one, other in combinations(saved, 2):
            if torch.equal(saved[one].theta, saved[other].theta):
                text = f"{told[one]} and {told[other]} hold the same parameters; a line needs two points"
                if self.files[one] != self.files[other]:
                    raise InputError(text)
                log.warning("%s", text)
        third = saved.get("third")
        return Ends(
            start.theta[None],
            end.theta[None],
            ["0"],
            [0],
            [end.buffers],
            [False],
            [start.buffers],
            None if third is None else third.theta[None],
            buffers_2=[] if third is None else [third.buffers],
        )


def _is_name(entry: object) -> bool:
    return entry is None or isinstance(entry, str)


def _same(one: str, other: str) -> bool:
    files, others = files_of(one), files_of(other)
    return len(files) == len(others) and all(map(lambda a, b: filecmp.cmp(a, b, shallow=False), files, others))
