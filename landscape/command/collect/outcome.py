"""All jobs of a command together, by its plan: drawn, judged, listed, and told as one exit status.

``python -m landscape.collect DIR`` does so for a sweep whose launcher is gone, or still running: exit status 0 all jobs
done, 1 some are not, 2 wrong input.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from landscape.command.closing import close
from landscape.command.collect.record import one_line, records_of, write_json
from landscape.command.collect.standing import Plan
from landscape.command.config import composed
from landscape.errors import InputError
from landscape.figure.caption import judged
from landscape.figure.module import figure_of, has_figure
from landscape.figure.module import save as save_figure
from landscape.figure.redraw import add_figure_option, named, parser_of
from landscape.figure.table import verdict_table
from landscape.ground.files import temporary
from landscape.ground.files.text import plain
from landscape.ground.progress import console
from landscape.report.tables import write_tables
from landscape.result.saved import Result

log = logging.getLogger(__name__)

NAMED = {
    "done": "done",
    "skipped": "done before",
    "failed": "failed",
    "cut": "cut",
    "running": "still running",
    "missing": "missing",
}
MAX_VERDICTS = 80
"""Verdicts printed one by one; of more, how often each claim holds."""
DERIVED = ("figure.png", "sweep.csv")
"""Made of the jobs' results; where a command has none, those of an earlier one stay, and are said to be its."""
ALWAYS_TOLD = ("done", "done before", "failed")
ABOUT = """List what a sweep's last command has done so far (done, failed, cut, running, missing), draw and
judge it, and write sweep.json and the tables: of a sweep whose launcher is gone, or that still runs.
Exit status 0 all jobs done, 1 some are not, 2 wrong input."""
EXAMPLES = """  python -m landscape.collect outputs/lr_width/full
  python -m landscape.collect outputs/lr_width/full tracker=wandb tracker.project=mine"""


def collect(
    folder: Path, plan: Plan | None, command: str, strict: bool, tracker: Any = None, figures: Collection[str] = ()
) -> int:
    """Draw, judge, print and write ``sweep.json``; returns the exit status of the contract.

    Args:
        tracker: config of the tracker that gets the closing run, or None. figures: modules of the user's own that may
            draw. Both are the command's: what a result names of either is not run.
    """
    screen = console()
    for place in (folder, *(path.parent for path in folder.glob("*/job.json"))):
        temporary.sweep(place)
    # A sweeper that makes up its jobs as it goes has no plan.
    jobs = records_of(folder, command) if plan is None else plan.standing(folder)
    records = [record for _, record in jobs]
    found, figure, summary, said = dict[str, Result](), None, None, ""
    places = list[Path]()
    for place, record in jobs:
        if record.status == "cut" and record.command == command:
            with suppress(OSError):
                record.write(place)
        if record.status in ("done", "skipped"):
            try:
                found[record.key] = Result.load(place)
                places.append(place)
            except InputError as error:
                record.end(place, "failed", str(error), 1)
    verdicts, results = [], list(found.values())
    if results:
        try:
            module = figure_of(results, figures)
            verdicts = module.judge(results)
            figure = save_figure(module, results, folder, num_lost=len(records) - len(results))
            for place, result in zip(places, results, strict=True):
                if not has_figure(place):  # it was killed while it drew
                    save_figure(figure_of([result], figures), [result], place)
        except Exception as error:  # the results are whole; a drawing that fails must not hide them
            figure = None
            said = _say_fault("the figure could not be drawn", error)
        try:
            summary = write_tables(folder, places, results, verdicts, figures)
        except Exception as error:  # nor must a table
            _say_fault("sweep.csv could not be written", error, said)
    write_json(
        folder / "sweep.json",
        {"command": command, "jobs": [asdict(r) for r in records], "verdicts": [v.as_dict() for v in verdicts]},
    )
    failed = [r for r in records if r.exit_code]
    if 0 < len(verdicts) <= MAX_VERDICTS:
        screen.print(verdict_table(verdicts))
    if summary is not None:
        screen.print(summary)
    if len(verdicts) > MAX_VERDICTS:
        print(f"{judged(verdicts)}; each of the {len(verdicts)} in {folder / 'sweep.json'}")
    counts = {name: sum(r.status == status for r in records) for status, name in NAMED.items()}
    told = ", ".join(f"{n} {name}" for name, n in counts.items() if n or name in ALWAYS_TOLD)
    print(f"{told}; results in {folder}".replace(" done", f" job{'s' * (counts['done'] != 1)} done", 1))
    for place, record in jobs:
        if record.exit_code:
            said = f"job {record.num + 1} [{' '.join(record.overrides)}]" if plan is None else plan.label(record)
            print(plain(f"{NAMED[record.status]}: {said}: {record.error}"))
            if (place / "run.log").exists():
                print(plain(f"        log: {place / 'run.log'}"))
    if figure is not None:
        print(f"figure: {figure}")
    if summary is not None:
        print(f"table: {folder / 'sweep.csv'}")
    earlier = [] if results else [name for name in DERIVED if (folder / name).is_file()]
    if records and earlier:
        print(f"{' and '.join(earlier)} in {folder}: of an earlier command, and stay as they are")
    if found:
        close(folder, found, len(failed), verdicts, figure, tracker, figures)
    if failed:
        return 2 if all(r.exit_code == 2 for r in failed) else 1
    if not records or (results and (figure is None or summary is None)):
        return 1
    return 1 if strict and any(v.holds is False for v in verdicts) else 0


def _say_fault(what: str, error: Exception, said: str = "") -> str:
    """Log it, unless the same was said a moment before: a full disk is one fault."""
    line = plain(one_line(error))
    if line != said:
        log.error("%s: %s", what, line, exc_info=bool(os.environ.get("HYDRA_FULL_ERROR")))
    return line


def main() -> None:
    """List done, failed, cut and missing jobs; write ``sweep.json`` and the figure again."""
    parser = parser_of("python -m landscape.collect", ABOUT, EXAMPLES)
    parser.add_argument("folder", type=named, metavar="DIR", help="a sweep's folder, such as outputs/quickstart/full")
    parser.add_argument(
        "overrides",
        metavar="tracker=NAME",
        nargs="*",
        help="also write the sweep's closing run: "
        "tracker=wandb tracker.project=... as the command itself takes them; none without",
    )
    add_figure_option(parser)
    arguments = parser.parse_intermixed_args()
    folder: Path = arguments.folder
    try:
        tracker = _tracker(arguments.overrides)
        plan = Plan.read(folder)
        status = collect(folder, plan, plan.command, plan.strict, tracker, arguments.figure)
    except InputError as error:
        print(plain(error), file=sys.stderr)
        raise SystemExit(2) from error
    except Exception as error:  # what lies in the folder may be anything
        if os.environ.get("HYDRA_FULL_ERROR"):
            raise
        print(f"the results could not be collected: {plain(one_line(error))}", file=sys.stderr)
        raise SystemExit(1) from error
    raise SystemExit(1 if status == 2 else status)  # the input of this command was right


def _tracker(overrides: Sequence[str]) -> Any:
    """The config of the tracker that this command names: a result names one too, and is not asked.

    Raises:
        InputError: another key, or one that no tracker has.
    """
    for item in overrides:
        if item.lstrip("+~").partition("=")[0].split(".")[0] != "tracker":
            raise InputError(f"{item} is no setting of a tracker; give tracker=NAME and tracker.KEY=VALUE alone")
    return composed(overrides).tracker if overrides else None
