"""The jobs of a folder drawn and judged again from what they saved, and what every command that does so is told."""

from __future__ import annotations

import argparse
import re
from collections.abc import Collection, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from landscape import __version__
from landscape.errors import InputError
from landscape.figure import style
from landscape.figure.module import drawn, figure_of, save
from landscape.figure.publish import make_room, publish
from landscape.figure.table import verdict_table
from landscape.ground.files import document, temporary
from landscape.ground.files.place import is_inside
from landscape.ground.files.text import plain
from landscape.ground.progress import WIDTH
from landscape.result.saved import Result, ResultError

RESULT, SWEEP, PAGE = "result.json", "sweep.json", "README.md"


def job_folders(folder: Path) -> tuple[list[Path], list[str]]:
    """The folders that hold this command's results, and one line for each job that left none.

    A folder with a result of its own is one job. Else its ``sweep.json``, where there is one, names the jobs: other
    folders beside them belong to earlier commands. A link to a folder elsewhere is no job: it would be drawn into.

    Raises:
        InputError: no such folder, no result in it, or a ``sweep.json`` that cannot be read.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; give the folder of a sweep or of one job")
    if (folder / RESULT).is_file():
        return [folder], []
    found = sorted((path.parent for path in folder.glob(f"*/{RESULT}") if is_inside(folder, path.parent)), key=_order)
    missing = []
    if (folder / SWEEP).is_file():
        try:
            keys = [job["key"] for job in document.read(folder / SWEEP)["jobs"]]
            document.require_types({"keys": keys}, {"keys": list[str]})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{folder / SWEEP} cannot be read ({error!r}); run the sweep again, or delete it"
            ) from error
        by_name = {path.name: path for path in found}
        missing = [f"job {key} left no result" for key in keys if key not in by_name]
        found = [by_name[key] for key in dict.fromkeys(keys) if key in by_name]
    if not found:
        deeper = sorted({path.parent.parent for path in folder.glob(f"*/*/{RESULT}") if is_inside(folder, path.parent)})
        meant = (
            f"did you mean {' or '.join(map(str, deeper))}?" if deeper else "give the folder of a sweep or of one job"
        )
        raise InputError(f"no {RESULT} in {folder} or the folders in it; {meant}")
    return found, missing


def _order(folder: Path) -> tuple[str, int, str]:
    """By name, and "job10" after "job9"."""
    head, digits = re.fullmatch(r"(.*?)(\d*)", folder.name, re.DOTALL).groups()  # type: ignore[union-attr]
    return head, int(digits[:18] or 0), digits


def load(folders: Sequence[Path]) -> tuple[list[tuple[Path, Result]], list[str]]:
    """The finished results with their folders, and one line for each job that is left out because it failed.

    Raises:
        InputError: no job is done, or they belong to different figures. ResultError: a result is damaged.
    """
    done, failed = finished(folders, ", left out")
    if not done:
        raise InputError(f"none of the {len(failed)} jobs is done: {'; '.join(failed)}")
    modules = sorted({result.figure for _, result in done})
    if len(modules) > 1:
        raise InputError(
            f"these jobs belong to different figures ({', '.join(modules)}); give the folder of one of them"
        )
    return done, failed


def finished(
    folders: Sequence[Path], said: str = "", damaged: list[str] | None = None
) -> tuple[list[tuple[Path, Result]], list[str]]:
    """The results that are done, with their folders, and one line for each of the others.

    Args:
        said: of each of these, before the last line of its traceback or message, which says what went wrong.
        damaged: takes one line for each result that cannot be read.
    Raises:
        ResultError: a result is damaged, and nothing takes its line.
    """
    loaded = []
    for folder in folders:
        try:
            loaded.append((folder, Result.load(folder)))
        except ResultError as error:
            if damaged is None:
                raise
            damaged.append(f"job {folder.name} cannot be read: {str(error).removeprefix(f'{folder}/')}")
    failed = [
        f"job {place.name} {r.status}{said}: {(r.error.strip().splitlines() or ['it left no message'])[-1]}"
        for place, r in loaded
        if r.status != "done"
    ]
    return [pair for pair in loaded if pair[1].status == "done"], failed


def redraw(
    given: Sequence[Path],
    console: Console,
    target: Path | None = None,
    numbers: Sequence[str] = (),
    own: Collection[str] = (),
) -> None:
    """Draw all results of a folder together and each of them alone, print the verdicts, publish them if asked.

    Of a published page only its figure is drawn anew. Several folders are one figure, which is only published.

    Args:
        given: the folders. target: where to publish. numbers: what maps show. own: modules of the user's that results
            may name.
    """
    found = [job_folders(folder) for folder in given]
    folders = list(dict.fromkeys(place for places, _ in found for place in places))
    missing = [line for _, lines in found for line in lines]
    done, failed = load(folders)
    folder, is_one = given[0], len(given) == 1
    is_page = is_one and (folder / PAGE).is_file() and not (folder / SWEEP).is_file()
    if target is None and not is_one:
        raise InputError(f"{len(given)} folders are one figure, which has no place of its own; add --publish TARGET")
    if target is not None and not is_page and target.resolve() in (place.resolve() for place in (*given, *folders)):
        raise InputError(f"--publish {target} is the folder of the run itself; give one of its own for the page")
    results = [result for _, result in done]
    module = figure_of(results, own)
    num_lost = len(missing) + len(failed)
    if target is not None:
        make_room(target, len(results))
    for text in [*missing, *failed]:
        console.print(Text(plain(text), style="yellow"), soft_wrap=True)
    for place in (*given, *folders):
        temporary.sweep(place)
    if is_page:  # it holds no more than its figure
        path = style.save(drawn(module, results, numbers, num_lost), folder)
    elif is_one:
        path = save(module, results, folder, numbers, num_lost)
        for place, result in done:
            if place != folder:
                save(module, [result], place)
    verdicts = module.judge(results)
    if verdicts:
        console.print(verdict_table(verdicts))
    if target is not None:
        page = publish(results, verdicts, drawn(module, results, numbers, num_lost), target)
        path = path if is_one else target / "figure.png"
        console.print(Text(plain(f"published: {page}")), soft_wrap=True)  # no path is broken
    count = f"{len(results)} result{'s' * (len(results) > 1)}"
    console.print(Text(plain(f"{count} drawn: {path} and {path.with_suffix('.pdf').name}")), soft_wrap=True)


def named(text: str) -> Path:
    """An argument that names a file or folder: an empty one, such as a shell's unset variable, is the current folder's
    to pathlib, and nobody's who typed it."""
    if not text:
        raise argparse.ArgumentTypeError("it is empty; name a file or folder")
    return Path(text)


def parser_of(prog: str, about: str, examples: str) -> argparse.ArgumentParser:
    """A parser whose help says what the command does, its arguments, and examples, as they are written here."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description=about,
        epilog=f"examples:\n{examples}",
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, max_help_position=22, width=WIDTH),
    )
    parser.add_argument("--version", action="version", version=f"landscape {__version__}")
    return parser


def add_figure_option(parser: argparse.ArgumentParser) -> None:
    """``--figure``, alike in every command that draws saved results."""
    parser.add_argument(
        "--figure",
        metavar="MODULE",
        action="append",
        default=[],
        help="a module of your own that results may name as theirs: it is imported, that is run; may be given again",
    )
