"""Tables, charts, pictures and artifacts of a run: all for which W&B may ask its server, each as one step."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import wandb

from landscape.result.saved import Result
from landscape.tracker import Closing, RunInfo, SolutionFiles, Table, rows

Step = Callable[[wandb.Run], None]


def of_job(info: RunInfo, result: Result, figure: Path | None, solutions: Sequence[SolutionFiles]) -> list[Step]:
    """The steps of one job; each may fail or wait without the others."""

    def chart(run: wandb.Run) -> None:
        lines = rows.objective_lines(result.curves, result.seeds)
        xs, ys = [x for x, _ in lines.values()], [y for _, y in lines.values()]
        title = f"{result.name}: objective along the path"
        run.log({"objective": wandb.plot.line_series(xs, ys, list(lines), title=title, xname="alpha")})

    steps: list[Step] = [partial(_picture, file=figure)] if figure is not None else []
    if result.curves:
        curves = Table(list(rows.CURVE_COLUMNS), rows.curve_table(result.curves, result.seeds))
        steps.append(partial(_table, name="curves", table=curves))
    for name, columns, made in (
        ("surfaces", rows.SURFACE_COLUMNS, rows.surface_table),
        ("surface_paths", rows.PATH_COLUMNS, rows.path_table),
    ):
        if cells := made(result.surfaces, result.seeds):
            steps.append(partial(_table, name=name, table=Table(list(columns), cells)))
    steps += [chart] if rows.objective_lines(result.curves, result.seeds) else []
    if result.verdicts:
        verdicts = Table(list(rows.VERDICT_COLUMNS), rows.verdict_table(result.verdicts))
        steps.append(partial(_table, name="verdict_table", table=verdicts))
    for solution in solutions:
        steps.append(partial(_solution, solution=solution))
    folders = [folder for folder in (figure and figure.parent, info.folder / info.id) if folder]
    home = next((folder for folder in folders if (folder / "result.json").is_file()), None)
    if home is not None:
        kept = {name: home / name for name in ("result.json", "result.npz") if (home / name).is_file()}
        steps.append(partial(_curves, key=info.id, files=kept, solutions=solutions))
    return steps


def of_sweep(closing: Closing) -> list[Step]:
    """The steps of a sweep's closing run."""
    steps: list[Step] = [partial(_picture, file=closing.figure)] if closing.figure is not None else []
    tables = {name: table for name, table in closing.tables.items() if table.rows}
    if closing.verdicts:
        tables["verdict_table"] = Table(list(rows.VERDICT_COLUMNS), rows.verdict_table(closing.verdicts))
    return steps + [partial(_table, name=name, table=table) for name, table in tables.items()]


def artifact_name(kind: str, key: str) -> str:
    """``"solution-0c1d"``, with what W&B allows in a name."""
    return re.sub(r"[^\w.-]", "-", f"{kind}-{key}")


def _picture(run: wandb.Run, file: Path) -> None:
    run.log({"figure": wandb.Image(str(file))})


def _table(run: wandb.Run, name: str, table: Table) -> None:
    run.log({name: wandb.Table(list(table.columns), table.rows)})


def _curves(run: wandb.Run, key: str, files: Mapping[str, Path], solutions: Sequence[SolutionFiles]) -> None:
    measured = [artifact_name("solution", solution.key) for solution in solutions]
    run.log_artifact(_artifact("curves", key, files, {"solutions": measured}))


def _solution(run: wandb.Run, solution: SolutionFiles) -> None:
    """An output of the run that trained it, an input of a run that found it.

    The public ``use_artifact`` refuses to work offline. What it does inside is recorded offline as well, and done by
    ``wandb sync``: a server that already holds the same content adds no version.
    """
    files = {file.name: file for file in solution.files}
    artifact = _artifact("solution", solution.key, files)
    if solution.trained:
        run.log_artifact(artifact)
    else:
        run._log_artifact(artifact, is_user_created=True, use_after_commit=True)


def _artifact(
    kind: str, key: str, files: Mapping[str, Path], metadata: dict[str, list[str]] | None = None
) -> wandb.Artifact:
    artifact = wandb.Artifact(artifact_name(kind, key), type=kind, metadata=metadata)
    for name, path in files.items():
        artifact.add_file(str(path), name=name, skip_cache=True)
    return artifact
