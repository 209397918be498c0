"""Several commands before the first of them begins: one table of what each takes, and what their scale cuts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from rich.console import Console

from landscape.command.collect import one_line
from landscape.command.config import conf_dir, register
from landscape.command.forecast.command import Forecast, forecast, free_bytes
from landscape.command.forecast.table import bounded, count, size
from landscape.command.forecast.timing import Timing
from landscape.command.prepare import device_of
from landscape.command.recipe import handed_on
from landscape.errors import InputError
from landscape.ground.columns import Columns
from landscape.ground.files.text import plain
from landscape.ground.progress import console
from landscape.ground.settings import named


@dataclass(frozen=True)
class Ahead:
    """One experiment to come.

    Args:
        name: of the experiment. found: what it will do; None where ``fault`` says why nobody knows.
        is_wrong_input: whether the fault is the user's to mend.
    """

    name: str
    found: Forecast | None = None
    fault: str = ""
    is_wrong_input: bool = False


def all_ahead(names: Sequence[str], overrides: Sequence[str], is_thorough: bool) -> list[Ahead]:
    """A forecast of each experiment, as if all before it were done: a network that two of them need is trained once.

    Args:
        names: in the order in which they will run. overrides: given to each.
        is_thorough: see ``forecast``.
    """
    register()
    timing: Timing | None = None
    seen, ahead = set[str](), []
    for name in names:
        try:
            with initialize_config_dir(conf_dir(), version_base="1.3", job_name="landscape"):
                config = compose("config", [f"+experiment={name}", *overrides], return_hydra_config=True)
                timing = timing or Timing(device_of(config.device), is_thorough)
                ahead.append(Ahead(name, forecast(config, is_thorough, timing, seen)))
        except Exception as error:
            wrong = isinstance(error, InputError | OmegaConfBaseException | HydraException)
            ahead.append(Ahead(name, None, one_line(error), wrong))
        handed_on.clear()  # its data: no job follows in this process
    return ahead


def tell(names: Sequence[str], overrides: Sequence[str], outputs: Path, is_thorough: bool) -> int:
    """Print the table of all experiments; returns 0, 2 where there is wrong input and nothing else, or 1.

    Args:
        outputs: whose disk is looked at.
    """
    if len(names) > 1:
        print(f"looking at {count(len(names), 'experiment')} for a forecast of them all", flush=True)
    ahead = all_ahead(names, overrides, is_thorough)
    show_all(ahead, free_bytes(outputs), console(), overrides)
    faults = [item.is_wrong_input for item in ahead if item.fault]
    faults += [job.is_wrong_input for item in ahead if item.found for job in item.found.jobs if job.fault]
    return (2 if all(faults) else 1) if faults else 0


def show_all(ahead: Sequence[Ahead], free: int, screen: Console, given: Sequence[str] = ()) -> None:
    """Print one row per experiment and what they take together; below, what is cut and what is not forecast.

    Args:
        free: bytes of the disk. given: overrides of all experiments, which tell no job from another.
    """
    rows = [[item.name, *(_cells(item.found) if item.found else ["", "", "", "", "not forecast"])] for item in ahead]
    heads = ["experiment", "scale", "to run", "training", "measuring", "in all"]
    screen.print(Columns(heads, rows, right=range(2, 6)))
    found = [item.found for item in ahead if item.found]
    parts = [f"all together {bounded(sum(f.seconds for f in found), any(f.may_stop for f in found))}"]
    workers = max((f.workers for f in found), default=1)
    if workers > 1:
        passing = bounded(sum(f.seconds_passing for f in found), any(f.may_stop for f in found))
        parts[0] += f" of computing, {passing} with {workers} jobs at a time"
    if peaks := [f.peak_bytes for f in found if f.peak_bytes is not None]:
        parts.append(f"memory about {size(max(peaks))}")
    needed = sum(f.num_bytes for f in found)
    if needed:
        parts.append(f"disk {'at most ' * any(f.may_stop for f in found)}{size(needed)} of {size(free)} free")
    text = "; ".join(parts) + "; drawing and tracking come on top. A network that several figures need is "
    text += "counted where it comes first."
    if needed > free:
        text += " The disk will be full before the end: set outputs=... to a larger one."
    screen.print(text, highlight=False, markup=False)
    for line in _below(ahead, given):
        screen.print(plain(line), highlight=False, markup=False)


def _cells(found: Forecast) -> list[str]:
    """Of one row, behind the name."""
    scales = ", ".join(dict.fromkeys(job.scale for job in found.known)) or found.scale
    num_left = found.num_jobs - found.num_done
    jobs = [scales, f"{num_left} of {found.num_jobs}"]
    if not found.known:
        return [*jobs, "", "", "not forecast" if num_left else "done"]
    share = sum(job.seconds_measuring for job in found.known) / max(sum(job.seconds for job in found.known), 1e-9)
    training, measuring = found.seconds * (1 - share), found.seconds * share
    told = [bounded(training, found.may_stop) if training else "", bounded(measuring, False) if measuring else ""]
    return [*jobs, *told, bounded(found.seconds, found.may_stop)]


def _below(ahead: Sequence[Ahead], given: Sequence[str]) -> list[str]:
    """What the scale cuts, and what could not be forecast, a line for each job."""
    lines = []
    for item in ahead:
        if item.fault:
            lines.append(f"{item.name}: {item.fault}")
        for job in item.found.jobs if item.found else ():
            about = " ".join([item.name, *(o for o in named(job.overrides) if o not in given)])
            if job.fault:
                lines.append(f"{'wrong input' if job.is_wrong_input else 'no forecast'}: {about}: {job.fault}")
            elif job.caps:
                lines.append(f"cut: {about}: {'; '.join(job.caps)}")
        if item.found and item.found.num_unseen:
            lines.append(f"{item.name}: {count(item.found.num_unseen, 'job')} not looked at, counted as the mean")
    return lines
