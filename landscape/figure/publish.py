"""A run as a page that can be committed: figure, command, machine, verdicts, and the arrays behind them."""

from __future__ import annotations

import math
import shlex
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from matplotlib.figure import Figure

from landscape.errors import InputError
from landscape.figure import naming, style
from landscape.figure.caption import scale_label
from landscape.ground.files.temporary import write_text
from landscape.ground.files.text import plain
from landscape.ground.provenance import conf_dir
from landscape.ground.settings import key_of, uses_of
from landscape.result.saved import Result
from landscape.result.verdict import IDENTITIES, Verdict, counts, group_of, identities, ordered

_WORDS = {True: "yes", False: "**no**", None: "not judged"}
IDENTITY = "identity"
MOST_TOLD = 8
"""Seeds whose numbers a page lists one by one."""


def command_of(results: Sequence[Result]) -> str:
    """The command that gives these results: what all jobs were told, and the values of what they were told differently.

    What an experiment sweeps itself is left to it. Where the jobs are not all combinations of their values, such as of
    nets with different numbers of seeds, one line per job.
    """
    shared = [o for o in results[0].overrides if all(o in r.overrides for r in results)]
    first = [o for o in shared if o.startswith("+experiment")]
    rest = [o for o in shared if o not in first and uses_of(key_of(o)).result]
    differ = [[o for o in r.overrides if o not in shared and uses_of(key_of(o)).result] for r in results]
    swept = _swept(first)
    told = [[o for o in job if swept is not None and o.partition("=")[0] not in swept] for job in differ]
    whole, said_once = set(map(tuple, differ)), set(map(tuple, told))
    own = {tuple(o for o in job if o not in said) for job, said in zip(differ, told, strict=True)}
    lists = _lists(told) if len(whole) == len(own) * len(said_once) else _lists(differ)
    lines = [lists] if lists is not None else [list(job) for job in dict.fromkeys(map(tuple, differ))]
    said = [[plain(item) for item in (*first, *rest, *line)] for line in lines]
    commands = [" ".join(["python -m landscape", *map(shlex.quote, items)]) for items in said]
    known = _choices()
    own_yaml = sorted({plain(item) for result in results for item in result.overrides if _is_own(item, known)})
    note = f"# yaml of your own: {', '.join(own_yaml)}; add --config-dir with the folder that has it"
    return "\n".join([*commands, *[note] * bool(own_yaml)])


def _is_own(override: str, known: Mapping[str, Collection[str]]) -> bool:
    """Whether it chooses a yaml that is not among ours: the folder of such a one is in no result."""
    group, _, choice = override.lstrip("+").partition("=")
    return choice not in ("", "null", *known.get(group, [choice]))


def _choices() -> dict[str, list[str]]:
    """``{"model": ["conv_maxout", ...], "training/lr_schedule": [...], ...}``, of our own yaml."""
    found: dict[str, list[str]] = {}
    for file in Path(conf_dir()).glob("*/**/*.yaml"):
        found.setdefault(file.parent.relative_to(conf_dir()).as_posix(), []).append(file.stem)
    return found


def _swept(experiment: Sequence[str]) -> Container[str] | None:
    """The keys that the experiment sweeps itself; None of one that is not here any more: it swept all that differs."""
    if not experiment:
        return ()
    known = {file.stem: file for file in (Path(conf_dir()) / "experiment").glob("*.yaml")}
    file = known.get(experiment[0].partition("=")[2])  # looked up: a name from a file makes no path
    if file is None:
        return None
    from omegaconf import OmegaConf  # here: a figure is redrawn where only numpy and matplotlib are

    return set(OmegaConf.select(OmegaConf.load(file), "hydra.sweeper.params") or ())


def _lists(told: Sequence[Sequence[str]]) -> list[str] | None:
    """``key=a,b`` for every key, where the jobs are all combinations of these values; None where they are not."""
    values = naming.by_key(item for job in told for item in job)
    whole = len({tuple(sorted(job)) for job in told}) == math.prod(map(len, values.values()))
    whole &= all(len(job) == len(values) for job in told)
    return [f"{key}={','.join(found)}" for key, found in values.items()] if whole else None


def verdict_rows(verdicts: Sequence[Verdict]) -> list[str]:
    """A Markdown table, one row per verdict: what does not hold first, identities last."""
    rows = ["| check | subject | claim | measured | expected | holds | calibrated |", "|---|---|---|---|---|---|---|"]
    for v in ordered(verdicts):
        relaxed = f"{v.calibrated}: {_WORDS[v.calibrated_holds]}" if v.calibrated else ""
        notes = "; ".join([IDENTITY] * (group_of(v) == IDENTITIES) + [v.note] * bool(v.note))
        holds = _WORDS[v.holds] + (f" ({notes})" if notes else "")
        cells = (v.check, v.subject, v.claim, v.measured, v.expected, holds, relaxed)
        rows.append("| " + " | ".join(plain(cell).replace("|", "\\|") for cell in cells) + " |")
    return rows


def page(results: Sequence[Result], verdicts: Sequence[Verdict]) -> str:
    """The page in Markdown, every number taken from the results."""
    first = results[0]
    scales = scale_label(results)
    caps = naming.caps(results) if " and " in scales else sorted({cap for r in results for cap in naming.caps_of(r)})
    found = counts(verdicts)
    told = ", ".join(f"{num} {word}" for word, num in found.items() if word != IDENTITIES)
    if found[IDENTITIES]:
        told += f"; apart from these {identities(found[IDENTITIES])}, true by construction or by a theorem"
    head = [plain(f"# {first.name}, {scales}"), "", "```", command_of(results), "```", ""]
    lines = [f"- verdicts: {told}"]
    lines += [f"- caps of this scale: {'; '.join(caps)}"] if caps else []
    lines += [f"- {', '.join(f'{k} {v}' for k, v in first.versions.items())}", ""]
    is_split = any(r.seconds_training > 0 for r in results)  # results of earlier versions do not say
    names = ["job", "device", "seconds", *["of these training"] * is_split, "best epoch", "epochs", "test errors"]
    lines += [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    for r, label in zip(results, naming.names(results), strict=True):
        cells = [label, r.device, f"{r.seconds:.0f}", *[f"{r.seconds_training:.0f}"] * is_split]
        cells += [_numbers(r, key) for key in ("best_epoch", "num_epochs", "num_test_errors")]
        lines.append(f"| {' | '.join(cells)} |")
    seconds = "Seconds are of this job alone: of a network that an earlier job had trained, those of its line and not"
    lines += ["", f"{seconds} of its epochs.", "", "![figure](figure.png)", "", *verdict_rows(verdicts), ""]
    return "\n".join([*head, *map(plain, lines)])


def _numbers(result: Result, key: str) -> str:
    """A number of each seed; of many the least and the most."""
    values = result.values(key, 0)
    if len(values) > MOST_TOLD:
        return " to ".join(dict.fromkeys(f"{v:g}" for v in (min(values), max(values))))
    return ", ".join(f"{v:g}" for v in values)


def publish(results: Sequence[Result], verdicts: Sequence[Verdict], figure: Figure, target: Path) -> Path:
    """Write ``README.md``, ``figure.png`` and each job's ``result.json`` and ``result.npz`` below ``target``."""
    make_room(target, len(results))
    style.save(figure, target)
    for number, result in enumerate(results):
        folder = target / f"job{number}"
        folder.mkdir(exist_ok=True)
        config = {k: v for k, v in result.config.items() if uses_of(k).result}
        overrides = [o for o in result.overrides if key_of(o) != "outputs"]  # a place of the machine
        replace(result, config=config, overrides=overrides).save(folder)
    write_text(target / "README.md", page(results, verdicts))
    return target / "README.md"


def make_room(target: Path, num_jobs: int) -> None:
    """Make the folder of a page.

    Raises:
        InputError: it cannot be made, or it holds jobs of a page that had more.
    """
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--publish {target} is no folder and cannot be made ({error.strerror})") from error
    jobs = {f"job{number}" for number in range(num_jobs)}
    extra = sorted(path.parent.name for path in target.glob("*/result.json") if path.parent.name not in jobs)
    if extra:
        raise InputError(
            f"--publish {target} holds results that are no part of this page ({', '.join(extra)}); remove "
            "them, or give another folder"
        )
