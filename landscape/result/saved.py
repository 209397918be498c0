"""Result: all that is known of one finished job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np

from landscape.result import entries
from landscape.result.curve import Array, Columns, Components, Curve, LearningCurve, Projection, Surface
from landscape.result.entries import JSON_NAME as JSON_NAME
from landscape.result.entries import NPZ_NAME as NPZ_NAME
from landscape.result.entries import ResultError as ResultError
from landscape.result.verdict import Verdict


@dataclass(frozen=True)
class Result:
    """One job's measurement. Below this line there is no torch.

    Args:
        name: the experiment, ``"fig01_maxout"``; also the W&B group and the output folder.
        figure: dotted module with ``draw`` and ``judge``, ``"landscape.figure.fig01_maxout"``.
        scale: ``"full"``, ``"cpu"``, ``"reduced"`` or ``"smoke"``.
        choices: Hydra group choices, ``{"recipe": "maxout", "endpoints": "init_to_solution", ...}``.
        overrides: what the command line and the sweep set, ``["recipe=maxout", "training.max_epochs=3"]``.
        caps: one sentence per limit that bit, ``"training.max_epochs 1000 -> 6"``.
        config: the resolved config as plain containers.
        curves: ``"train/stochastic"`` -> Curve.
        projections: ``"trajectory"`` -> Projection.
        surfaces: ``"train/deterministic"`` -> Surface.
        components: ``"mean"`` -> Components.
        learning_curve: of the training behind the measurement, or None.
        numbers: name -> one float per seed (or a single float); NaN means not available.
        statements: what was proven, one sentence each, for example a certificate of a line's shape.
        seeds: the seed of each column S, or ``"0-1"`` for a line between two seeds' solutions.
        training_status: per seed ``"stopped"``, ``"max_epochs"`` or ``"diverged"``; empty if nothing was trained.
        versions, device, seconds: provenance; seconds of wall time for this job.
        seconds_training: of these, until its networks were there: trained, or read from the store, which takes a few.
    """

    name: str
    figure: str
    scale: str
    choices: dict[str, str]
    config: dict[str, Any]
    overrides: list[str] = field(default_factory=list)
    caps: list[str] = field(default_factory=list)
    curves: dict[str, Curve] = field(default_factory=dict)
    projections: dict[str, Projection] = field(default_factory=dict)
    surfaces: dict[str, Surface] = field(default_factory=dict)
    components: dict[str, Components] = field(default_factory=dict)
    learning_curve: LearningCurve | None = None
    numbers: dict[str, float | list[float]] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    seeds: list[str] = field(default_factory=list)
    training_status: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    device: str = "cpu"
    seconds: float = 0.0
    seconds_training: float = 0.0
    status: str = "done"
    error: str = ""

    @property
    def num_columns(self) -> int:
        """S: the columns of its curves, projections, surfaces and components, else its seeds, at least one."""
        groups = (self.curves, self.projections, self.surfaces, self.components)
        widths = [part.num_columns for group in groups for part in group.values()]
        return max(widths, default=len(self.seeds)) or 1

    @property
    def grids(self) -> list[Curve | Surface]:
        """All curves and surfaces."""
        return [*self.curves.values(), *self.surfaces.values()]

    def seed_names(self, num: int) -> list[str]:
        """The seed of each of ``num`` columns, by number when the result does not name as many."""
        return self.seeds if len(self.seeds) == num else [str(s) for s in range(num)]

    def values(self, key: str, num: int = 1) -> list[float]:
        """A number of each seed, a single one as a list of one; ``num`` times NaN where there is none."""
        value = self.numbers.get(key, [float("nan")] * num)
        return [float(item) for item in value] if isinstance(value, list) else [float(value)]

    def diverged(self, num: int) -> list[bool]:
        """For each of ``num`` columns whether its training, or that of either end of its line, diverged."""
        status, ends = self.training_status, [_ends_of(label) for label in self.seed_names(num)]
        trained = list(dict.fromkeys(seed for pair in ends for seed in pair))
        if len(trained) != len(status):  # of lines between runs a job says one status for each line
            return [item == "diverged" for item in status] if len(status) == num else [False] * num
        bad = {seed for seed, item in zip(trained, status, strict=True) if item == "diverged"}
        return [bool(bad & set(pair)) for pair in ends]

    def usable(self, values: Array, ragged: bool = False) -> tuple[list[int], str]:
        """The columns that can be drawn and judged, and one sentence on those left out.

        Args:
            values: [A, S] or [T, S].
            ragged: NaN after a column's own last row is no fault.
        Returns:
            Column indices and the sentence, empty when none was left out.
        """
        num = values.shape[1]
        labels, lost = self.seed_names(num), self.diverged(num)
        finite = np.isfinite(values)
        # A ragged column may end early; a gap before its end, or no value at all, is still a fault.
        whole = (~finite[:-1] & finite[1:]).sum(axis=0) == 0 if ragged else finite.all(axis=0)
        whole = np.asarray(whole) & finite[:1].any(axis=0)  # none in an array without rows
        columns = [s for s in range(num) if whole[s] and not lost[s]]
        why = {True: "its training diverged", False: "it holds values that are not finite"}
        reasons = [f"seed {labels[s]} left out: {why[lost[s]]}" for s in range(num) if s not in columns]
        return columns, "; ".join(reasons)

    def columns(self, chosen: Sequence[int]) -> Result:
        """The same job as if it had had these columns' seeds alone.

        Arrays of another width, such as a theory's one column, are for all seeds and stay. What belongs to trainings
        follows the trainings at these lines' ends.
        """
        num = self.num_columns
        labels = self.seed_names(num)
        trained = list(dict.fromkeys(part for label in labels for part in _ends_of(label)))
        ends = list(dict.fromkeys(trained.index(part) for column in chosen for part in _ends_of(labels[column])))
        of_line, of_training = (num, list(chosen)), (len(trained), ends)

        def cut(values: Any, *choices: tuple[int, list[int]]) -> Any:
            """By the first choice that is of as many columns."""
            if not isinstance(values, list | Columns):
                return values
            width = len(values) if isinstance(values, list) else values.num_columns
            index = next((index for size, index in choices if size == width), None)
            if index is None:
                return values
            return [values[k] for k in index] if isinstance(values, list) else values.columns(index)

        on_lines = any(len(_ends_of(label)) > 1 for label in labels)
        return replace(
            self,
            curves={key: cut(curve, of_line) for key, curve in self.curves.items()},
            # A trajectory is that of a training, whatever line the curves lie on.
            projections={key: cut(track, of_line, of_training) for key, track in self.projections.items()},
            surfaces={key: cut(surface, of_line) for key, surface in self.surfaces.items()},
            components={key: cut(axes, of_line, of_training) for key, axes in self.components.items()},
            learning_curve=cut(self.learning_curve, of_training),
            # "train/…" are read off a curve, the others off a training.
            numbers={
                key: cut(value, of_training if on_lines and "/" not in key else of_line)
                for key, value in self.numbers.items()
            },
            seeds=[labels[column] for column in chosen],
            training_status=cut(self.training_status, of_training),
            statements=cut(self.statements, of_line),
        )

    def beside(self, *others: Result) -> Result:
        """One result with the columns of all, in their order: jobs that repeat one setting, as its seeds.

        A curve is kept where every job has it, at the alphas that all have (alphas=adaptive gives each its own), a
        surface where every job has it on one grid, a track, principal axes and a learning curve where every job has
        one; what stops early is filled up with NaN.
        """
        if not others:
            return self
        jobs = (self, *others)
        widths = [job.num_columns for job in jobs]
        curves = {}
        for key, first in self.curves.items():
            parts = [job.curves[key] for job in jobs if key in job.curves]
            shared = reduce(np.intersect1d, [part.alphas for part in parts])
            if len(parts) == len(jobs) and len(shared) >= min(2, len(first.alphas)):
                parts = [part if len(part.alphas) == len(shared) else part.at(shared) for part in parts]
                # One column for all seeds, such as a theory's, is each seed's.
                wide = [p.columns([0] * n) if p.num_columns == 1 else p for p, n in zip(parts, widths, strict=True)]
                curves[key] = wide[0].beside(*wide[1:])
        tracks = {key: [j.projections[key] for j in jobs if key in j.projections] for key in self.projections}
        axes = {key: [j.components[key] for j in jobs if key in j.components] for key in self.components}
        histories = [job.learning_curve for job in jobs if job.learning_curve is not None]
        pairs = list(zip(jobs, widths, strict=True))
        keys = dict.fromkeys(key for job in jobs for key in job.numbers)
        return replace(
            self,
            overrides=[item for item in self.overrides if all(item in job.overrides for job in jobs)],
            curves=curves,
            projections={key: one.beside(*rest) for key, (one, *rest) in tracks.items() if len(rest) == len(others)},
            surfaces={
                key: first.beside(*(job.surfaces[key] for job in others))
                for key, first in self.surfaces.items()
                if all(key in job.surfaces and first.is_beside(job.surfaces[key]) for job in others)
            },
            components={key: one.beside(*rest) for key, (one, *rest) in axes.items() if len(rest) == len(others)},
            learning_curve=histories[0].beside(*histories[1:]) if len(histories) == len(jobs) else None,
            numbers={key: [value for job, num in pairs for value in job.values(key, num)] for key in keys},
            # A line between two solutions is named "0-1"; the same pair of another job is not of the same seeds.
            seeds=[f"{name[:1]}{name[1:].replace('-', '–')}" for job, num in pairs for name in job.seed_names(num)],
            training_status=["diverged" if bad else "trained" for job, num in pairs for bad in job.diverged(num)]
            if any(job.training_status for job in jobs)
            else [],
        )

    def save(self, folder: Path) -> None:
        """Write ``result.json`` and ``result.npz`` into ``folder``, each by temporary file and rename.

        The npz goes first and the json, which holds the npz's sha256 and a digest of itself, last: a folder with
        ``result.json`` is whole. If anything fails, the files that were there before stay, and nothing is left behind.
        A number that is not finite becomes null in the json, and NaN when read back; in ``config`` it becomes its
        name, ``"inf"``, since a config is only shown.

        Raises:
            TypeError: a value has no place in JSON (named), or an array is not numeric.
            OSError: the folder cannot be written.
        """
        entries.write(self, Path(folder))

    @classmethod
    def load(cls, folder: Path) -> Result:
        """Read what ``save`` wrote; every array comes back bit for bit.

        Raises:
            ResultError: a file is missing, truncated, damaged or of another schema.
        """
        return entries.read(cls, cls("", "", "", {}, {}), Path(folder))


def _ends_of(label: str) -> list[str]:
    """``"0-1"``, a line between two seeds' solutions -> ``["0", "1"]``; one seed -> itself."""
    return label.split("-") if "-" in label[1:] else [label]
