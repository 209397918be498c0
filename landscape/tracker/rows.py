"""A result as rows and tables: what any tracker could log. Numpy only.

Each family of rows has an axis of its own, its first key; a value that is not finite has no key in its row.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from landscape.result.curve import Array, Curve, LearningCurve, Projection, Surface
from landscape.result.curve.grid import PATH
from landscape.result.curve.stated import BOUND, is_bound
from landscape.result.saved import Result
from landscape.result.verdict import Verdict, ordered
from landscape.result.verdict import counts as counts_of
from landscape.tracker import Cell

Row = dict[str, float]

AXES = {"interpolation": "alpha", "residual": "projection", "learning": "epoch"}
CURVE_COLUMNS = ["curve", "seed", "alpha", "objective", "error", "bound"]
SURFACE_COLUMNS = ["surface", "seed", "a", "b", "objective", "error", "bound"]
PATH_COLUMNS = ["surface", "seed", "epoch", "a", "b", "beside", "objective"]
VERDICT_COLUMNS = [
    "check",
    "claim",
    "subject",
    "measured",
    "expected",
    "holds",
    "calibrated",
    "calibrated_holds",
    "scale",
    "source",
    "note",
    "identity",
]
HOLDS = {True: "holding", False: "failing", None: "not_judged"}


def axis(family: str) -> str:
    """The key of a family's own x axis, ``"interpolation/alpha"``."""
    return f"{family}/{AXES[family]}"


def labels(seeds: Sequence[str], count: int, trained: bool = False) -> list[str]:
    """Names of ``count`` columns, ``["seed0", "seed1"]``.

    Args:
        seeds: the result's seeds; they name the columns of its curves.
        count: columns to name.
        trained: the columns are trainings: of a line ``"4-5"`` between two of them the names are 4 and 5.
    """
    if trained:
        seeds = list(dict.fromkeys(part for seed in seeds for part in seed.split("-")))
    fits = len(seeds) == count
    return [f"seed{seed}" for seed in (seeds if fits else range(count))]


def curve_key(curve: str, channel: str, label: str) -> str:
    """Where one column of a curve is logged, ``"interpolation/train.stochastic/objective/seed0"``."""
    return f"interpolation/{curve.replace('/', '.')}/{channel}/{label}"


def _put(row: Row, prefix: str, names: Sequence[str], values: Array) -> None:
    row.update({f"{prefix}{name}": float(v) for name, v in zip(names, values, strict=True) if math.isfinite(v)})


def curve_rows(curves: dict[str, Curve], seeds: Sequence[str]) -> Iterator[Row]:
    """One row per alpha in rising order, with every curve that was evaluated there."""
    rows: dict[float, Row] = {}
    for name, curve in curves.items():
        names = labels(seeds, curve.objective.shape[1])
        channels = {"objective": curve.objective, **curve.metrics}
        channels |= {bound: array for bound, array in curve.noise.items() if is_bound(bound)}
        for a, alpha in enumerate(curve.alphas.tolist()):
            row = rows.setdefault(alpha, {axis("interpolation"): alpha})
            for channel, values in channels.items():
                _put(row, curve_key(name, channel, ""), names, values[a])
    return (rows[alpha] for alpha in sorted(rows) if len(rows[alpha]) > 1)


def projection_rows(projections: dict[str, Projection], seeds: Sequence[str]) -> Iterator[Row]:
    """One row per seed and saved point, in time order within each seed, because each seed has its own projection."""
    for name, p in projections.items():
        if name == "plane":  # a grid, no track
            continue
        family = "residual/" if len(projections) == 1 else f"residual/{name}/"
        for s, label in enumerate(labels(seeds, p.projection.shape[1], trained=True)):
            for t in range(len(p.steps)):
                row: Row = {}
                _put(row, f"{family}residual_norm/", [label], p.residual_norm[t, s : s + 1])
                _put(row, f"{family}parameter_norm/", [label], p.parameter_norm[t, s : s + 1])
                for metric, values in p.metrics.items():
                    _put(row, f"{family}{metric}/", [label], values[t, s : s + 1])
                if row and math.isfinite(p.projection[t, s]):
                    place = {axis("residual"): float(p.projection[t, s])}
                    yield place | {"residual/epoch": float(p.epochs[t]), "residual/step": float(p.steps[t])} | row


def epoch_row(row: Row) -> Row:
    """A live row ``{"epoch": 3, "seed0/train/objective": 0.2}`` under the keys of ``learning_rows``."""
    return {f"learning/{key}": float(value) for key, value in row.items() if math.isfinite(value)}


def learning_rows(curve: LearningCurve, seeds: Sequence[str]) -> Iterator[Row]:
    """One row per epoch, ``{"learning/epoch": 3, "learning/seed0/train/objective": 0.2}``."""
    for t, epoch in enumerate(curve.epochs.tolist()):
        row: Row = {"epoch": epoch}
        for channel, values in curve.channels.items():
            names = labels(seeds, values.shape[1], trained=True)
            row.update({f"{name}/{channel}": v for name, v in zip(names, values[t].tolist(), strict=True)})
        yield epoch_row(row)


def curve_table(curves: dict[str, Curve], seeds: Sequence[str]) -> list[list[Cell]]:
    """All curves in long form, columns ``CURVE_COLUMNS``; a value that is not finite is None.

    ``error`` is a share of wrong answers; ``bound`` the stated error of the objective, None where none is stated.
    """
    table: list[list[Cell]] = []
    for name, curve in curves.items():
        error, bound = curve.metrics.get("error"), curve.noise.get(BOUND)
        for s, label in enumerate(labels(seeds, curve.objective.shape[1])):
            for a, alpha in enumerate(curve.alphas.tolist()):
                values = [curve.objective[a, s], *(math.nan if v is None else v[a, s] for v in (error, bound))]
                table.append([name, label, alpha, *map(_finite, values)])
    return table


def surface_table(surfaces: dict[str, Surface], seeds: Sequence[str]) -> list[list[Cell]]:
    """All surfaces in long form, columns ``SURFACE_COLUMNS``; a value that is not finite is None."""
    table: list[list[Cell]] = []
    for name, surface in surfaces.items():
        beside = (surface.metrics.get("error"), surface.noise.get(BOUND))
        for s, label in enumerate(labels(seeds, surface.num_columns)):
            for i, a in enumerate(surface.first.tolist()):
                for j, b in enumerate(surface.second.tolist()):
                    values = [surface.objective[i, j, s], *(math.nan if v is None else v[i, j, s] for v in beside)]
                    table.append([name, label, a, b, *map(_finite, values)])
    return table


def path_table(surfaces: dict[str, Surface], seeds: Sequence[str]) -> list[list[Cell]]:
    """The points of the runs beside all surfaces, columns ``PATH_COLUMNS``, up to each run's own end."""
    table: list[list[Cell]] = []
    for name, surface in surfaces.items():
        path = surface.path
        for s, label in enumerate(labels(seeds, surface.num_columns) if path else []):
            for t in range(len(path["first"])):
                values = [path[key][t, s] if key in path else math.nan for key in ("epochs", *PATH)]
                if math.isfinite(path["first"][t, s]):
                    epoch, a, b, objective, beside = map(_finite, values)
                    table.append([name, label, epoch, a, b, beside, objective])
    return table


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def objective_lines(curves: dict[str, Curve], seeds: Sequence[str]) -> dict[str, tuple[list[float], list[float]]]:
    """``"train/stochastic seed0"`` -> (alphas, objective), finite points only; a line without any is left out."""
    lines: dict[str, tuple[list[float], list[float]]] = {}
    for name, label, alpha, objective, *_ in curve_table(curves, seeds):
        if isinstance(alpha, float) and isinstance(objective, float):
            xs, ys = lines.setdefault(f"{name} {label}", ([], []))
            xs.append(alpha)
            ys.append(objective)
    return lines


def verdict_table(verdicts: Sequence[Verdict]) -> list[list[Cell]]:
    """The verdicts, columns ``VERDICT_COLUMNS``: what does not hold first, identities last."""
    shown = [
        v.as_dict() | {"holds": HOLDS[v.holds], "calibrated_holds": HOLDS[v.calibrated_holds] if v.calibrated else ""}
        for v in ordered(verdicts)
    ]
    return [[row[column] for column in VERDICT_COLUMNS] for row in shown]


def summary(result: Result) -> dict[str, str | float]:
    """Single values of a result: finite numbers (one key per seed), counts of verdicts, how the job went."""
    values: dict[str, str | float] = {"status": result.status, "scale": result.scale, "device": result.device}
    values["seconds"] = result.seconds
    for name, number in result.numbers.items():
        if isinstance(number, list):
            keys = [f"{name}/{label}" for label in labels(result.seeds, len(number))]
            values.update({k: float(v) for k, v in zip(keys, number, strict=True) if math.isfinite(v)})
        elif math.isfinite(number):
            values[name] = float(number)
    return values | counts(result.verdicts)


def counts(verdicts: Sequence[Verdict]) -> dict[str, str | float]:
    """``{"verdicts/holding": 3, ...}``; identities are counted apart."""
    keys = {"hold": "holding", "do not hold": "failing", "not judged": "not_judged", "identities": "identities"}
    found = {f"verdicts/{keys[group]}": num for group, num in counts_of(verdicts).items()}
    return {key: num for key, num in found.items() if num or key != "verdicts/identities"}
