"""Jobs that repeat one setting, put side by side as the seeds of one result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from landscape.curve import Array, Curve, LearningCurve, Projection
from landscape.figure import subject
from landscape.result import Result


def pool(results: Sequence[Result]) -> Result:
    """One result with the columns of all, in their order; a single one is itself.

    A curve is kept where every job has it at the same alphas; what stops early is filled up with NaN.
    """
    if len(results) == 1:
        return results[0]
    shared = [key for key in results[0].curves if all(key in result.curves for result in results)]
    curves = {key: _curve([result.curves[key] for result in results]) for key in shared}
    tracks = [result.projections["trajectory"] for result in results if "trajectory" in result.projections]
    histories = [result.learning_curve for result in results if result.learning_curve is not None]
    columns = [num_columns(result) for result in results]
    pairs = list(zip(results, columns, strict=True))
    # A line between two solutions is named "0-1"; the same pair of another job must not be taken for the same seeds.
    labels = [f"{label[:1]}{label[1:].replace('-', '–')}" for r, num in pairs for label in subject.seed_names(r, num)]
    lost = [bad for result, num in pairs for bad in subject.diverged(result, num)]
    return replace(
        results[0],
        overrides=[item for item in results[0].overrides if all(item in result.overrides for result in results)],
        curves={key: curve for key, curve in curves.items() if curve is not None},
        projections={"trajectory": track} if (track := _track(tracks)) is not None else {},
        learning_curve=_history(histories),
        numbers={key: [value for result, num in pairs for value in values_of(result, key, num)]
                 for key in dict.fromkeys(key for result in results for key in result.numbers)},
        seeds=labels,
        training_status=["diverged" if bad else "trained" for bad in lost],
    )  # fmt: skip


def num_columns(result: Result) -> int:
    """S: the columns of its curves and projections, else its seeds, at least one."""
    widths = [curve.objective.shape[1] for curve in result.curves.values()]
    widths += [track.projection.shape[1] for track in result.projections.values()]
    return max(widths, default=len(result.seeds)) or 1


def values_of(result: Result, key: str, num: int = 1) -> list[float]:
    """A number of each seed, a single one as a list of one; ``num`` times NaN where the result has none."""
    value = result.numbers.get(key, [float("nan")] * num)
    return [float(item) for item in value] if isinstance(value, list) else [float(value)]


def _curve(curves: Sequence[Curve]) -> Curve | None:
    first = curves[0]
    if not all(np.array_equal(curve.alphas, first.alphas) for curve in curves):
        return None
    replicates = [curve.replicates for curve in curves if curve.replicates is not None]
    same = len(replicates) == len(curves) and len({len(item) for item in replicates}) == 1
    metrics = [name for name in first.metrics if all(name in curve.metrics for curve in curves)]
    return replace(
        first,
        objective=np.concatenate([curve.objective for curve in curves], axis=1),
        metrics={name: np.concatenate([curve.metrics[name] for curve in curves], axis=1) for name in metrics},
        replicates=np.concatenate(replicates, axis=2) if same else None,
    )


def _history(histories: Sequence[LearningCurve]) -> LearningCurve | None:
    if not histories:
        return None
    epochs = max((history.epochs for history in histories), key=len)
    kept = [history for history in histories if np.array_equal(history.epochs, epochs[: len(history.epochs)])]
    channels = [name for name in kept[0].channels if all(name in history.channels for history in kept)]
    return LearningCurve(
        epochs,
        {name: _side_by_side([history.channels[name] for history in kept], len(epochs)) for name in channels},
        np.concatenate([history.best_epoch for history in kept]),
    )


def _track(tracks: Sequence[Projection]) -> Projection | None:
    """The tracks saved at the same steps as the longest one; what only some of them have is left out."""
    if not tracks:
        return None
    longest = max(tracks, key=lambda track: len(track.steps))
    kept = [track for track in tracks if np.array_equal(track.steps, longest.steps[: len(track.steps)])]
    joined: dict[str, Any] = {}
    for field in (field.name for field in fields(Projection) if field.name not in ("steps", "epochs")):
        parts = [getattr(track, field) for track in kept]
        whole = all(part is not None for part in parts)
        if field in ("length", "best_epoch"):
            joined[field] = np.concatenate(parts)
        else:
            joined[field] = _side_by_side(parts, len(longest.steps)) if whole else None
    return replace(longest, **joined)


def _side_by_side(parts: Sequence[Array], rows: int) -> Array:
    """[T, S] arrays beside each other [T, sum of S], NaN below those that are shorter."""
    return np.concatenate(
        [np.pad(part, ((0, rows - len(part)), (0, 0)), constant_values=np.nan) for part in parts], axis=1
    )


def num_runs(results: Sequence[Result]) -> str:
    """``12 jobs of 4 seeds``, ``12 jobs of 1 to 4 seeds``, ``12 jobs``."""
    counts = sorted({num_columns(result) for result in results})
    seeds = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    jobs = f"{len(results)} job{'s' * (len(results) > 1)}"
    return f"{jobs} of {seeds} seeds" if counts[-1] > 1 else jobs
