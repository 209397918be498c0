"""A forecast in words."""

from __future__ import annotations

from omegaconf import DictConfig
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from landscape.command.forecast.command import Forecast
from landscape.command.forecast.job import SHORT, JobForecast
from landscape.command.limits import CPU
from landscape.ground.settings import named

HOUR = 3600.0
"""From here on a smaller scale is suggested."""
MOST_ROWS = 12

LEGEND = "training: epochs × examples × seeds; measuring: examples × points × lines"
_STANDING = {"trained": "trained before", "shared": "trained by an earlier job", "cut": "goes on from its checkpoint"}


def duration(seconds: float) -> str:
    """``3 s``, ``12 min``, ``4 h 10 min``, ``3 days 5 h``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if hours < 10 and minutes else f"{round(hours + minutes / 60)} h"
    days, hours = divmod(hours, 24)
    return f"{days} days {hours} h" if hours else f"{days} days"


def size(num_bytes: float) -> str:
    """``320 MB``, ``1.4 GB``."""
    return f"{num_bytes / 1e9:.1f} GB" if num_bytes >= 1e9 else f"{max(1, round(num_bytes / 1e6))} MB"


def summary(found: Forecast) -> str:
    """One line, for a command that is no long one."""
    parts = [f"forecast: {count(len(found.jobs) + found.num_unseen, 'job')}", _total(found)]
    wrong = sum(job.is_wrong_input for job in found.jobs)
    if wrong:
        parts.append(f"{wrong} will fail on wrong input (forecast=only says why)")
    return ", ".join(parts)


def show(found: Forecast, config: DictConfig, screen: Console) -> None:
    """Print the table, what the jobs take together, and a smaller scale where that is long."""
    num_left = len(found.jobs) + found.num_unseen
    jobs = f"{count(found.num_jobs, 'job')}, {found.num_done} done before, {num_left} to run"
    head = [f"forecast of {config.name} ({found.scale}): {jobs}"]
    if found.num_solutions:
        head.append(f"{found.num_trained} of {found.num_solutions} trained solutions at hand")
    if found.jobs:
        head.append(f"timed on {found.device}, in {found.seconds_taken:.1f} s")
    screen.print("; ".join(head), highlight=False, markup=False)
    if found.known:
        screen.print(LEGEND, highlight=False)
        screen.print(_table(found), highlight=False)
        screen.print(_footer(found), highlight=False, markup=False)
    for job in found.jobs:
        if job.fault:
            why = "wrong input" if job.is_wrong_input else "no forecast"
            print(f"{why}: job {job.num} [{' '.join(job.overrides)}]: {job.fault}")
    if found.seconds_passing > HOUR and (hint := suggestion(found.scale, config)):
        screen.print(f"more than an hour on this machine: {hint}", highlight=False, markup=False)


def suggestion(scale: str, config: DictConfig) -> str:
    """A smaller scale than this one, in words; nothing below smoke."""
    smoke = "limits=smoke shows only that it runs"
    if scale not in ("full", CPU, "reduced"):
        return ""
    words = []
    if scale == "full" and _bites(config.cpu, config.training):
        words.append("limits=cpu cuts it to what a CPU does in hours")
    if scale != "reduced" and _bites(config.reduced, config.training):
        words.append("limits=reduced keeps what there is to see at a smaller scale")
    return ", ".join([*words, smoke])


def _bites(caps: DictConfig, training: DictConfig) -> bool:
    """Whether a scale's caps cut anything, as far as the config alone says."""
    bites = any(caps[key] is not None for key in ("examples", "measured_examples", "alphas", "width"))
    bites = bites or (caps.epochs is not None and caps.epochs < training.max_epochs)
    return bites or (caps.seeds is not None and caps.seeds < training.num_seeds)


def _table(found: Forecast) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("job", "overrides", "training", "measuring", "time"):
        at_right = name in ("job", "time")
        table.add_column(name, justify="right" if at_right else "left", overflow="fold", no_wrap=at_right)
    rows = found.jobs if len(found.jobs) <= MOST_ROWS else sorted(found.jobs, key=lambda job: -job.seconds)[:MOST_ROWS]
    shared = set.intersection(*(set(job.overrides) for job in found.jobs)) if found.num_jobs > 1 else set()
    for job in sorted(rows, key=lambda job: job.num):
        varied = [o for o in named(job.overrides) if o not in shared]
        is_counted = not job.fault and bool(job.passes or job.steps or any(group.num_epochs for group in job.groups))
        time = Text(bounded(job.seconds, job.may_stop) if is_counted else "not forecast")
        cells = (Text(" ".join(varied)), Text(_training(job)), Text(_measuring(job, found.workers)))
        table.add_row(str(job.num), *cells, time)
    if len(rows) < len(found.jobs):
        shown = {job.num for job in rows}
        rest = [job for job in found.jobs if job.num not in shown]
        time = Text(bounded(sum(job.seconds for job in rest), any(job.may_stop for job in rest)))
        table.add_row("", f"{len(rest)} shorter jobs", "", "", time)
    return table


def _training(job: JobForecast) -> str:
    if job.fault:
        return "wrong input, see below" if job.is_wrong_input else "see below"
    lines = dict[str, int]()
    for group in job.groups:
        text = _STANDING.get(group.standing, "")
        if group.num_epochs:
            work = f"{group.num_epochs:,} × {group.num_examples:,}"
            text = f"{work} × {{}}" + f", {text}" * bool(text)
        lines[text] = lines.get(text, 0) + len(group.seeds)
    for curve in job.curves:
        work = f"{curve.num_epochs:,} × {curve.num_examples:,} × {{}}"
        text = f"curves: {work if curve.num_epochs else _STANDING[curve.standing]}"
        lines[text] = lines.get(text, 0) + len(curve.seeds)
    return "\n".join(line.format(num) for line, num in lines.items()) or "none"


def _measuring(job: JobForecast, workers: int) -> str:
    lines = dict[str, int]()
    for part in job.passes:
        num = "?" if part.num_examples is None else f"{part.num_examples:,}"
        text = f"{part.split}: {num} × {part.num_points:,} × {part.num_rows:,}"
        text += f" × {part.num_replicates} masks" * (part.num_replicates > 1)
        lines[text] = lines.get(text, 0) + 1
    texts = [line + f", {num} times" * (num > 1) for line, num in lines.items()]
    if job.steps is not None:
        texts.append(f"{job.steps.num_steps:,} steps × {count(job.steps.num_rows, 'row')}")
    if job.num_parts > 1 and workers > 1:  # in one process they would be no sooner done, and are not cut
        texts.append(f"in {job.num_parts} parts")
    if job.has_tolerance:
        texts.append("every point in full: objective.tolerance may need less")
    if job.unknown:
        texts.append(f"not forecast: {job.unknown}")
    return "\n".join(texts)


def _footer(found: Forecast) -> str:
    parts = [f"in all {_total(found)}"]
    if found.peak_bytes is not None:
        each = " for each job at a time" * (found.workers > 1)
        parts.append(f"memory about {size(found.peak_bytes)}{each}")
    if found.num_bytes:
        bound = "at most " * found.may_stop
        parts.append(f"disk {bound}{size(found.num_bytes)} of {size(found.free_bytes)} free")
    text = "; ".join(parts) + "; drawing and tracking come on top"
    if found.num_bytes > found.free_bytes:
        text += "\nthe disk will be full before the end: set outputs=... to a larger one"
    if found.num_unseen:
        text += f"\n{count(found.num_unseen, 'job')} not looked at, counted as the mean of these"
    if 0 < found.num_untimed < len(found.known):
        text += f"\n{count(found.num_untimed, 'job')} not wholly timed: what is left is counted by a first pass"
    return text


def _total(found: Forecast) -> str:
    if found.known and found.num_untimed == len(found.known) and found.seconds < SHORT:
        text = "under a minute"
    else:
        text = bounded(found.seconds, found.may_stop)
    if found.workers > 1:
        passing = duration(found.seconds_passing)
        text += f" of computing, {passing} with {found.workers} at a time if none slows another"
    unknown = sum(bool(job.fault or job.unknown) for job in found.jobs)
    return text + f" ({unknown} not forecast, or not wholly)" * (unknown > 0)


def bounded(seconds: float, may_stop: bool) -> str:
    """A duration, and whether training may stop before."""
    return ("at most " if may_stop else "about ") + duration(seconds)


def count(num: int, noun: str) -> str:
    """``1 job``, ``2,000 jobs``."""
    return f"{num:,} {noun}{'s' * (num != 1)}"
