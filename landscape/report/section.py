"""What one folder holds: its results, what they show together, and which jobs are missing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from matplotlib.figure import Figure

from landscape.errors import InputError
from landscape.figure.module import drawn, figure_of
from landscape.figure.redraw import finished, job_folders
from landscape.ground.files.place import is_inside
from landscape.result.saved import JSON_NAME, Result
from landscape.result.verdict import Verdict


@dataclass(frozen=True)
class Section:
    """The results of one command: a sweep's folder, or one job's.

    Args:
        folder: what was asked for. places: the folder of each result. results: the finished jobs, all of one figure.
        left_out: one line per job that failed or left nothing. module: draws and judges them; None without results.
        verdicts: on all results together. figure: all results in one drawing. fault: why one of the two is missing.
        damaged: those of ``left_out`` whose result cannot be read.
    """

    folder: Path
    places: list[Path]
    results: list[Result]
    left_out: list[str]
    module: ModuleType | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    figure: Figure | None = None
    fault: str = ""
    damaged: Sequence[str] = ()

    @property
    def name(self) -> str:
        """The experiment; where no job is done the last two parts of the folder, which are its name and scale."""
        return self.results[0].name if self.results else "/".join(self.folder.parts[-2:])

    @property
    def scales(self) -> list[str]:
        """``["full"]``, or several where jobs of several scales lie together."""
        return list(dict.fromkeys(result.scale for result in self.results))

    @property
    def tags(self) -> list[str]:
        """The scales that its runs were begun at: what nothing is cut of calls itself full only once it is done."""
        return list(dict.fromkeys(_scale_of_run(result) for result in self.results))


def _scale_of_run(result: Result) -> str:
    limits = result.config.get("limits")
    return str(limits.get("scale", result.scale)) if isinstance(limits, dict) else result.scale


def read_all(folders: Sequence[Path], own: Collection[str] = ()) -> list[Section]:
    """One section per sweep or job in these folders, in their order; a folder of sweeps gives all sweeps in it.

    Args:
        own: modules of the user's that results may name as their figure.
    Raises:
        InputError: no such folder, no finished result in any of them that can be read, jobs of several figures in one
            folder, or a figure of somebody else's.
    """
    found = [read(place, own) for folder in folders for place in _sweeps(folder)]
    if not any(section.results for section in found):
        lines = "; ".join(line for section in found for line in section.left_out)
        if not folders:
            raise InputError("no job is done yet")
        raise InputError(f"no job is done in {', '.join(map(str, folders))}: {lines or 'no job at all'}")
    return found


def _sweeps(folder: Path) -> list[Path]:
    """The folder itself when it holds a job or a sweep, else every sweep below it."""
    if not folder.is_dir() or (folder / JSON_NAME).is_file() or any(folder.glob(f"*/{JSON_NAME}")):
        return [folder]
    results = (path for path in folder.rglob(JSON_NAME) if is_inside(folder, path.parent))
    return sorted({path.parent.parent for path in results}) or [folder]


def read(folder: Path, own: Collection[str] = ()) -> Section:
    """The section of one sweep or job; what cannot be drawn or judged, or read, is said in it.

    Raises:
        InputError: no folder, no result in it, jobs of several figures, or a figure of somebody else's.
    """
    places, left_out = job_folders(folder)
    damaged: list[str] = []
    done, failed = finished(places, damaged=damaged)
    left_out += [*failed, *damaged]
    results = [result for _, result in done]
    figures = sorted({result.figure for result in results})
    if len(figures) > 1:
        raise InputError(
            f"the jobs in {folder} belong to different figures ({', '.join(figures)}); move one of them out"
        )
    if not results:
        return Section(folder, [], [], left_out, damaged=damaged)
    module = figure_of(results, own)
    places, verdicts, figure, fault = [place for place, _ in done], list[Verdict](), None, ""
    try:
        verdicts = module.judge(results)
        figure = drawn(module, results, num_lost=len(left_out))
    except Exception as error:  # one drawing that fails must not cost the page of all the others
        fault = fault_of(module, error)
    return Section(folder, places, results, left_out, module, verdicts, figure, fault, damaged)


def fault_of(module: ModuleType, error: Exception) -> str:
    """One sentence on a module that failed."""
    return f"{module.__name__} failed on these results: {type(error).__name__}: {error}"
