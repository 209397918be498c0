"""``python -m landscape.figure DIR``: redraw and rejudge from saved results; nothing is trained."""

from __future__ import annotations

from theory.terminal import ready

if __name__ == "__main__":
    ready()  # before the imports below, which take a while

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from landscape.errors import InputError
from landscape.figure import style
from landscape.figure.module import drawn, figure_module, save
from landscape.figure.publish import publish
from landscape.figure.table import verdict_table
from landscape.result import Result, ResultError

RESULT, SWEEP, PAGE = "result.json", "sweep.json", "README.md"


def job_folders(folder: Path) -> tuple[list[Path], list[str]]:
    """The folders that hold this command's results, and one line for each job that left none.

    A folder with a result of its own is one job. Else its ``sweep.json``, where there is one, names the jobs: other
    folders beside them belong to earlier commands.

    Raises:
        InputError: no such folder, no result in it, or a ``sweep.json`` that cannot be read.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; give the folder of a sweep or of one job")
    if (folder / RESULT).is_file():
        return [folder], []
    found, missing = sorted(path.parent for path in folder.glob(f"*/{RESULT}")), []
    if (folder / SWEEP).is_file():
        try:
            keys = [str(job["key"]) for job in json.loads((folder / SWEEP).read_text())["jobs"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{folder / SWEEP} cannot be read ({error!r}); run the sweep again, or delete it"
            ) from error
        by_name = {path.name: path for path in found}
        missing = [f"job {key} left no result" for key in keys if key not in by_name]
        found = [by_name[key] for key in dict.fromkeys(keys) if key in by_name]
    if not found:
        raise InputError(f"no {RESULT} in {folder} or the folders below it; give the folder of a sweep or of one job")
    return found, missing


def load(folders: Sequence[Path]) -> tuple[list[tuple[Path, Result]], list[str]]:
    """The finished results with their folders, and one line for each job that is left out because it failed.

    Raises:
        InputError: no job is done, or they belong to different figures. ResultError: a result is damaged.
    """
    loaded = [(folder, Result.load(folder)) for folder in folders]
    failed = [
        f"job {place.name} {r.status}, left out: {_last_line(r.error)}" for place, r in loaded if r.status != "done"
    ]
    done = [(folder, result) for folder, result in loaded if result.status == "done"]
    if not done:
        raise InputError(f"none of the {len(loaded)} jobs is done: {'; '.join(failed)}")
    modules = sorted({result.figure for _, result in done})
    if len(modules) > 1:
        raise InputError(
            f"these jobs belong to different figures ({', '.join(modules)}); give the folder of one of them"
        )
    return done, failed


def _last_line(text: str) -> str:
    """The last line of a traceback or message, which says what went wrong."""
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it left no message"


def redraw(folder: Path, console: Console, target: Path | None = None, numbers: Sequence[str] = ()) -> None:
    """Draw all results of a folder together and each of them alone, print the verdicts, publish them if asked.

    Of a published page only its figure is drawn anew.
    """
    folders, missing = job_folders(folder)
    done, failed = load(folders)
    for text in [*missing, *failed]:
        console.print(Text(text, style="yellow"))
    module = figure_module(done[0][1].figure)
    results = [result for _, result in done]
    if (folder / PAGE).is_file() and not (folder / SWEEP).is_file():  # a published page holds no more than its figure
        path = style.save(drawn(module, results, numbers), folder)
    else:
        path = save(module, results, folder, numbers)
        for place, result in done:
            if place != folder:
                save(module, [result], place)
    verdicts = module.judge(results)
    console.print(verdict_table(verdicts))
    if target is not None:
        console.print(Text(f"published: {publish(results, verdicts, drawn(module, results, numbers), target)}"))
    console.print(
        Text(f"{len(results)} result{'s' * (len(results) > 1)} drawn: {path} and {path.with_suffix('.pdf').name}")
    )


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status: 0 drawn, 2 wrong input, said in one message."""
    parser = argparse.ArgumentParser(prog="python -m landscape.figure", description=__doc__)
    parser.add_argument("folder", metavar="DIR", type=Path, help="folder of a sweep or of one job")
    parser.add_argument(
        "--publish", metavar="TARGET", type=Path, help="also write a page with figure, verdicts and arrays into TARGET"
    )
    parser.add_argument(
        "--number", metavar="NAME", action="append", default=[],
        help="what the maps of a sweep over two keys show, for example test_error; may be given again",
    )  # fmt: skip
    arguments = parser.parse_args(argv)
    try:
        # A table squeezed into the 80 columns that rich takes for a pipe cannot be read.
        screen = Console() if Console().is_terminal else Console(width=140, no_color=True)
        screen = screen if screen.width >= 60 else Console(width=60)
        redraw(arguments.folder, screen, arguments.publish, arguments.number)
    except (InputError, ResultError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
