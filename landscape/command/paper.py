"""``python -m landscape.paper``: every figure of the paper in one go, and one report with every verdict.

Each experiment is a command of its own, run one after another; they share trained solutions through the store. The
same command again skips what is done and goes on with what was cut, however the last one ended. How long all will take
is told first (forecast=off leaves it out, forecast=only tells that alone), what is missing last.
"""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from landscape.command.collect.standing import Plan
from landscape.command.config import composed, conf_dir
from landscape.command.forecast.several import tell
from landscape.errors import InputError
from landscape.figure.redraw import parser_of
from landscape.ground.columns import Columns
from landscape.ground.files.text import plain
from landscape.ground.progress import console
from landscape.ground.words import spoken
from landscape.report.command import report
from landscape.report.section import Section, read_all
from landscape.result.saved import ResultError
from landscape.result.verdict import counts
from theory.terminal import ready, stop_status

OWN = ("experiment", "name", "hydra", "--multirun", "-m")
"""What this command decides itself, and so cannot be given to all experiments alike."""

GOES_ON = "the same command skips what is done and goes on with each training"


ABOUT = """Run every figure of the paper in one go, and write one report with every verdict. Each experiment
is a command of its own; they share trained networks. The same command again skips what is done and
goes on with what was cut, however the last one ended. How long all will take is said first, what is
missing last.
Exit status 0 all done, 1 an experiment failed, 2 wrong input, 130 interrupted."""
EXAMPLES = """  python -m landscape.paper limits=smoke                          minutes: only that all of it runs
  python -m landscape.paper limits=reduced                        hours of two cores
  python -m landscape.paper limits=reduced forecast=only          how long that would take
  python -m landscape.paper limits=reduced --only 'fig0[1-5]*'    some of them
  python -m landscape.paper limits=reduced --report               what there is so far"""


@dataclass(frozen=True)
class Experiment:
    """One to run: where its results go, under which scale, the module that draws them, and ``forecast``."""

    experiment: str
    outputs: Path
    scale: str
    name: str
    figure: str = ""
    forecast: str = "auto"

    @property
    def folder(self) -> Path:
        """The folder of its sweep."""
        return self.outputs / self.name / self.scale


def experiments(patterns: Sequence[str]) -> list[str]:
    """The experiments whose names fit any of these patterns, in the order of their names.

    Raises:
        InputError: a pattern that fits none.
    """
    known = sorted(file.stem for file in (Path(conf_dir()) / "experiment").glob("*.yaml"))
    for pattern in patterns:
        if not any(fnmatch(name, pattern) for name in known):
            raise InputError(f"--only {pattern} fits no experiment; known are {', '.join(known)}")
    return [name for name in known if any(fnmatch(name, pattern) for pattern in patterns)]


def experiments_of(names: Sequence[str], overrides: Sequence[str]) -> list[Experiment]:
    """One per name, all of one scale, each composed once, so that a wrong key is told before anything runs.

    Raises:
        InputError: the overrides do not fit an experiment, or one of them belongs to one experiment only.
    """
    for item in overrides:
        if item.lstrip("+~").split("=", 1)[0].split(".")[0] in OWN or item.startswith("-"):
            raise InputError(f"{item} cannot be given to all experiments; run python -m landscape for that")
        if "=" not in item and not item.startswith("~"):
            raise InputError(f"{item} is no override; write key=value")
    found = []
    for name in names:
        try:
            cfg = composed([f"+experiment={name}", *overrides])
        except InputError as error:
            raise InputError(f"{name}: {error}") from error
        found.append(Experiment(name, Path(cfg.outputs), cfg.limits.scale, cfg.name, cfg.figure, cfg.forecast))
    return found


def told_before(todo: Sequence[Experiment], overrides: Sequence[str]) -> list[str]:
    """Say what all experiments will take, at any scale but smoke; returns the overrides with which to run each.

    In a process of its own, which gives back the memory that it takes: the run may last for days.
    """
    first = todo[0]
    if first.forecast != "auto" or first.scale == "smoke":
        return list(overrides)
    given = ([item.experiment for item in todo], list(overrides), first.outputs)
    child = multiprocessing.get_context("spawn").Process(target=_ahead, args=given, daemon=True)
    child.start()
    child.join()
    return [*overrides, "forecast=off"]


def _ahead(names: Sequence[str], overrides: Sequence[str], outputs: Path) -> None:
    """The forecast in its own process; what is wrong with the input each experiment says itself, a moment later."""
    ready()
    try:
        tell(names, overrides, outputs, False)
    except KeyboardInterrupt:  # whoever waits for it heard the same, and says so
        sys.exit(1)
    except Exception as error:
        print(f"no forecast: {plain(error)}", file=sys.stderr)


def run(todo: Sequence[Experiment], overrides: Sequence[str]) -> list[tuple[int, float]]:
    """Run the experiments one after another; returns exit status and seconds of each.

    An experiment that fails does not stop the others; an interrupt does.
    """
    screen = console()
    ended = []
    for number, item in enumerate(todo, start=1):
        screen.rule(f"{number} of {len(todo)}: {item.experiment}")
        started = time.monotonic()
        command = [sys.executable, "-m", "landscape", f"+experiment={item.experiment}", *overrides]
        child = subprocess.Popen(command)
        try:
            status = child.wait()
        except KeyboardInterrupt:  # the child writes down how far it is; Ctrl-C it heard itself
            if stop_status() != 130:
                child.terminate()
            child.wait()
            raise
        ended.append((status, time.monotonic() - started))
        if status == 130:
            raise KeyboardInterrupt
    return ended


def standing(item: Experiment) -> tuple[int, list[str]]:
    """How many jobs its last command had, and those that are not done, one sentence each; (0, []) if it had none."""
    try:
        plan = Plan.read(item.folder)
    except InputError:
        return 0, []
    jobs = [record for _, record in plan.standing(item.folder)]
    left = [record for record in jobs if record.status not in ("done", "skipped")]
    return len(jobs), [f"{record.status}: {item.experiment}, {plan.label(record)}: {record.error}" for record in left]


def summary(todo: Sequence[Experiment], ended: Sequence[tuple[int, float]], sections: Sequence[Section]) -> Columns:
    """One row per experiment: its scales, the jobs that are done, its verdicts and its time in this command.

    Args:
        ended: exit status and seconds of each; none where they were not run.
    """
    by_folder = {section.folder: section for section in sections}
    rows = []
    for num, item in enumerate(todo):
        section, (jobs, left) = by_folder.get(item.folder), standing(item)
        found = counts(section.verdicts if section else [])
        scales = ", ".join(section.scales if section else []) or item.scale
        word, seconds = "done" if jobs and not left else "unfinished", ""
        if ended:
            status, seconds = ended[num][0], spoken(ended[num][1], exact=True)
            word = "done" if status == 0 else f"failed ({status})"
        done = f"{jobs - len(left)} of {jobs}"
        rows.append([item.experiment, scales, word, done, *map(str, found.values()), seconds])
    heads = ["experiment", "scale", "status", "jobs", "hold", "do not hold", "not judged", "identity", "this run"]
    return Columns(heads[: None if ended else -1], rows, right=range(4, 8), longest=8)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; exit status 0 all done, 1 an experiment failed, 2 wrong input, 130 interrupted."""
    parser = parser_of("python -m landscape.paper", ABOUT, EXAMPLES)
    what = "given to every experiment: limits=smoke (minutes), reduced (hours), cpu (a day) or none, device=cuda ..."
    parser.add_argument("overrides", metavar="KEY=VALUE", nargs="*", help=what)
    which = "experiments to run, such as 'fig0*' or 'thm*'; may be repeated; fig* without it"
    parser.add_argument("--only", metavar="PATTERN", action="append", help=which)
    parser.add_argument("--report", action="store_true", help="run nothing, and report what there is so far")
    parser.add_argument("--list", action="store_true", help="print the experiments and stop")
    arguments = parser.parse_intermixed_args(argv)
    try:
        names = experiments(arguments.only or ["fig*"])
        todo = experiments_of(names, arguments.overrides)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if arguments.list:
        print("\n".join(f"{item.experiment:<24} {item.folder}" for item in todo))
        return 0
    if arguments.report:
        return finish(todo, [])
    if todo[0].forecast == "only":
        return tell(names, arguments.overrides, todo[0].outputs, True)
    try:
        ended = run(todo, told_before(todo, arguments.overrides))
    except KeyboardInterrupt:
        print(f"interrupted; {GOES_ON}; with --report it reports what there is", file=sys.stderr)
        return stop_status()
    return finish(todo, ended)


def _not_begun(item: Experiment) -> list[str]:
    return [] if standing(item)[0] else [f"missing: {item.experiment}: has not begun"]


def finish(todo: Sequence[Experiment], ended: Sequence[tuple[int, float]]) -> int:
    """Write the report over everything that left results, print the table and what is missing; returns the exit status.

    Args:
        ended: exit status and seconds of each; none where they were not run.
    """
    folders = [item.folder for item in todo if any(item.folder.glob("*/result.json"))]
    page = todo[0].outputs / "paper" / todo[0].scale / "report.html"
    faults, sections = [], list[Section]()
    try:
        sections = read_all(folders, {item.figure for item in todo})
        faults = report(sections, page, page.with_name("sweep.csv"))
    except (InputError, ResultError, OSError) as error:
        faults = [f"no report: {error}"]
    screen = console()
    screen.print(summary(todo, ended, sections))
    for fault in faults:
        print(f"not drawn: {plain(fault)}", file=sys.stderr)
    if sections:
        print(f"report: {page}")
    missing = [line for item in todo for line in (_not_begun(item) or standing(item)[1])]
    for line in missing:
        print(plain(line))
    if missing:
        print(f"not all is done: {GOES_ON}")
    if not ended:
        return 1 if missing or faults else 0
    statuses = [status for status, _ in ended]
    if all(status == 2 for status in statuses):
        return 2
    return 1 if any(statuses) or faults else 0
