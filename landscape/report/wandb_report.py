"""A W&B report on saved sweeps: panels over the axes that the tracker logged, theory beside measurement, verdicts.

wandb and wandb-workspaces are imported when asked for, so that the page needs neither.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landscape.errors import InputError
from landscape.figure import naming
from landscape.figure.publish import command_of, verdict_rows
from landscape.ground.files import document, temporary
from landscape.report.section import Section
from landscape.result.saved import Result
from landscape.tracker import rows
from landscape.tracker.environment import Environment, need_server

log = logging.getLogger(__name__)

WIDTH, HEIGHT = 12, 9
"""Of a panel, in the grid of 24 columns: two side by side."""
MAX_TITLE = 128
"""Characters that W&B allows."""
SECONDS = 10
"""How long a server may take to answer at all."""


@dataclass(frozen=True)
class Home:
    """Where the runs of a report are: W&B's project, and its user or team; None is the account's default."""

    project: str
    entity: str | None


@dataclass(frozen=True)
class Line:
    """One panel: keys of logged rows over one axis; ``theory`` maps ``"run:key"`` to how that line is drawn."""

    title: str
    axis: str
    keys: list[str]
    label_x: str
    label_y: str
    theory: dict[str, str]


def require() -> None:
    """Raises InputError where the library is missing, before anything is written."""
    if importlib.util.find_spec("wandb_workspaces") is None:
        raise InputError("--wandb needs wandb-workspaces; install it with: pip install 'landscape-walk[wandb-report]'")


def home_of(sections: Sequence[Section]) -> Home:
    """The project of all these runs, as their configs name it.

    Raises:
        InputError: a run had no tracker, or they are in several projects.
    """
    homes = {}
    for section in sections:
        for place, result in zip(section.places, section.results, strict=True):
            tracker = result.config.get("tracker") or {}
            if "project" not in tracker or tracker.get("mode") == "disabled":
                raise InputError(
                    f"--wandb reports on W&B runs, but {place} names none (made with tracker=none or "
                    "tracker.mode=disabled, or a published copy); run it again with tracker=wandb refresh=true, or "
                    "leave its folder out"
                )
            homes[Home(tracker["project"], tracker.get("entity"))] = place
    if len(homes) > 1:
        places = "; ".join(f"{home.entity or 'default'}/{home.project}: {place}" for home, place in homes.items())
        raise InputError(f"a W&B report belongs to one project, these runs to several ({places}); report on one")
    return next(iter(homes))


def publish(sections: Sequence[Section], target: Path) -> str:
    """Write the report to ``target``, and save it at the server where there is one; returns its address or "".

    A report that was saved before is replaced, not doubled: ``target`` keeps its id.

    Raises:
        InputError: the API key is refused. RuntimeError: the server answers but does not take the report.
    """
    home = home_of([section for section in sections if section.results])
    environment = Environment()
    environment.enter({"WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false"})
    try:
        return _publish(build(sections, home), home, target)
    finally:
        environment.leave()


def _publish(report: Any, home: Home, target: Path) -> str:
    import wandb

    before = _read(target)
    number, project = before.get("id"), before.get("project")
    entity = project.get("entityName") if isinstance(project, dict) else None
    is_ours = isinstance(project, dict) and project.get("name") == home.project and home.entity in (None, entity)
    if is_ours and isinstance(number, str) and isinstance(entity, str):
        report.id, report.entity = number, entity
    _write(report, target)
    try:
        if not _server():
            return ""
        report.entity = home.entity or wandb.Api(timeout=SECONDS).default_entity
        report.save()
    except (wandb.errors.AuthenticationError, wandb.errors.UsageError) as error:
        raise InputError(
            f"the W&B API key is not accepted ({error}); run `wandb login`, or set WANDB_MODE=offline "
            "for the file alone"
        ) from error
    except Exception as error:  # of whatever kind: the library lets every fault of the server through
        reason = " ".join(str(error).split())
        raise RuntimeError(
            f"the W&B server did not take the report, it is in {target} ({type(error).__name__}: {reason})"
        ) from error
    _write(report, target)
    return str(report.url)


def _write(report: Any, target: Path) -> None:
    # The only call of a private method: the library has no public way to a file.
    temporary.write_text(target, report._to_model().model_dump_json(by_alias=True, exclude_none=True, indent=1))


def _read(target: Path) -> dict[str, Any]:
    try:
        found = document.read(target)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _server() -> bool:
    """Whether there is a key, and a server that answers, and WANDB_MODE does not forbid to ask it."""
    import wandb

    if wandb.setup().settings.mode in ("offline", "disabled", "dryrun") or not wandb.login(prompt=False, verify=False):
        return False
    try:
        need_server(wandb.setup().settings.base_url, SECONDS)
    except OSError as error:
        log.warning("the W&B server does not answer (%s)", error)
        return False
    return True


def build(sections: Sequence[Section], home: Home) -> Any:
    """The report as an object of wandb-workspaces; no server is asked."""
    wr: Any = importlib.import_module("wandb_workspaces.reports.v2")  # it does not export its names to type checkers
    names = list(dict.fromkeys(section.name for section in sections))
    title = names[0] if len(names) == 1 else f"{len(names)} experiments: {', '.join(names)}"
    blocks = [wr.TableOfContents()] if len(sections) > 1 else []
    for section in sections:
        blocks += _blocks(wr, section)
    return wr.Report(
        project=home.project,
        entity=home.entity or "",  # left out, the library would ask a server
        title=title[:MAX_TITLE],
        description="Loss along lines in parameter space; every number from the saved results.",
        blocks=blocks,
        width="fluid",
    )


def _blocks(wr: Any, section: Section) -> Iterator[Any]:
    yield wr.H1(f"{section.name}, {', '.join(section.scales) or 'no job done'}")
    if not section.results:
        yield wr.MarkdownBlock("\n".join(f"- {line}" for line in section.left_out))
        return
    shows, claims = question(section)
    yield wr.P(shows)
    if claims:
        yield wr.P("Claimed of it, and judged below:")
        yield wr.UnorderedList(claims)
    told = ["```", command_of(section.results), "```", "", *_about(section.results)]
    yield wr.MarkdownBlock("\n".join([*told, *(f"- left out: {line}" for line in section.left_out)]))
    if section.verdicts:
        yield wr.H2("Verdicts")
        yield wr.MarkdownBlock("\n".join(verdict_rows(section.verdicts)))
    keys = [place.name for place in section.places]
    jobs = wr.Runset(name="jobs", filters=f"Metric('ID') in {keys!r}")
    drawn = list(lines(section))
    if drawn:
        yield wr.H2("Curves")
        yield wr.PanelGrid(runsets=[jobs], panels=[_plot(wr, k, line, len(keys)) for k, line in enumerate(drawn)])
    yield wr.H2("The whole sweep")
    tags = f"Tags() in {section.tags!r}"
    closing = wr.Runset(
        name="all jobs", filters=f"Metric('Group') == {section.name!r} and Metric('JobType') == 'summary' and {tags}"
    )
    tall = wr.Layout(w=2 * WIDTH, h=HEIGHT)
    figure = wr.MediaBrowser(title="figure", media_keys=["figure"], num_columns=1, layout=tall)
    names = ["rates"] * any(verdict.holds is not None for verdict in section.verdicts)
    names += ["means"] * any(result.numbers for result in section.results)
    names += ["rows", *["verdict_table"] * bool(section.verdicts)]
    places = [wr.Layout(y=HEIGHT * k, w=2 * WIDTH, h=HEIGHT) for k in range(1, len(names) + 1)]
    tables = [wr.WeavePanelSummaryTable(table_name=n, layout=place) for n, place in zip(names, places, strict=True)]
    yield wr.PanelGrid(runsets=[closing], panels=[figure, *tables])
    yield wr.H2("Runs compared")
    yield wr.PanelGrid(runsets=[jobs], panels=[wr.RunComparer(diff_only="split", layout=tall)])


def question(section: Section) -> tuple[str, list[str]]:
    """What the figure shows, by the first paragraph of its module's docstring, and what is claimed of it."""
    shows = ((section.module.__doc__ if section.module else "") or "").strip().split("\n\n")[0]
    claims = [f"{verdict.claim} ({verdict.source})" for verdict in section.verdicts]
    return " ".join(shows.split()) or section.name, list(dict.fromkeys(claims))


def _about(results: Sequence[Result]) -> list[str]:
    """Jobs, seeds, caps, versions."""
    caps = sorted({cap for result in results for cap in result.caps})
    versions = list(dict.fromkeys(f"{k} {v}" for result in results for k, v in result.versions.items()))
    seeds = list(dict.fromkeys(seed for result in results for seed in result.seeds))
    said = [f"{len(results)} job{'s' * (len(results) > 1)}, seeds {', '.join(seeds)}", ", ".join(versions)]
    said += [f"caps of this scale: {'; '.join(caps)}"] if caps else []
    return [f"- {line}" for line in said if line]


def lines(section: Section) -> Iterator[Line]:
    """The panels: J and each metric along the path by split, the residual, and the learning curve.

    Theory is in the panel of what it is the theory of, dashed.
    """
    labels = {"objective": f"J{naming.bracketed_unit(map(naming.cost_of, section.results))}"}
    logged: dict[str, None] = {}
    found: dict[tuple[str, str], dict[str, None]] = {}  # (split, channel) -> keys
    dashed: dict[str, str] = {}
    for place, result in zip(section.places, section.results, strict=True):
        seen = list(_keys(rows.curve_rows(result.curves, result.seeds)))
        for name, curve in result.curves.items():
            names = rows.labels(result.seeds, curve.objective.shape[1])
            for channel in ("objective", *curve.metrics):
                keys = [key for key in (rows.curve_key(name, channel, label) for label in names) if key in seen]
                if keys:
                    found.setdefault((curve.split, channel), {}).update(dict.fromkeys(keys))
                if curve.source == "theory":
                    dashed |= {f"{place.name}:{key}": "dashed" for key in keys}
        logged.update(dict.fromkeys(_keys(rows.projection_rows(result.projections, result.seeds))))
        if result.learning_curve is not None:
            logged.update(dict.fromkeys(_keys(rows.learning_rows(result.learning_curve, result.seeds))))
    for (split, channel), curves in found.items():
        theory = {line: mark for line, mark in dashed.items() if line.split(":", 1)[1] in curves}
        beside = ", theory dashed" if theory else ""
        title, label = f"{channel} along the path, {split}{beside}", labels.get(channel, channel)
        yield Line(title, rows.axis("interpolation"), list(curves), "alpha", label, theory)
    off = [key for key in logged if "/residual_norm/" in key]
    if off:
        title = "distance from the straight line"
        yield Line(title, rows.axis("residual"), off, "projection on the line", "residual norm", {})
    learning = [key for key in logged if key.startswith("learning/") and key != rows.axis("learning")]
    for channel in dict.fromkeys(key.rsplit("/", 1)[1] for key in learning):
        of_channel = [key for key in learning if key.endswith(f"/{channel}")]
        title, label = f"{channel} during training", labels.get(channel, channel)
        yield Line(title, rows.axis("learning"), of_channel, "epoch", label, {})


def _keys(logged: Iterable[rows.Row]) -> Iterator[str]:
    return iter(dict.fromkeys(key for row in logged for key in row))


def _plot(wr: Any, place: int, line: Line, num_runs: int) -> Any:
    return wr.LinePlot(
        title=line.title,
        x=line.axis,
        y=line.keys,
        title_x=line.label_x,
        title_y=line.label_y,
        smoothing_type="none",
        max_runs_to_show=max(10, num_runs),
        line_marks=line.theory or None,
        layout=wr.Layout(x=place % 2 * WIDTH, y=place // 2 * HEIGHT, w=WIDTH, h=HEIGHT),
    )
