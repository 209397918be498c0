"""Jobs that repeat one setting, put side by side as the seeds of one result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

import numpy as np

from landscape.figure import subject
from landscape.result.saved import Result


def pool(results: Sequence[Result]) -> Result:
    """One result with the columns of all, in their order; a single one is itself.

    A curve is kept where every job has it, at the alphas that all have (alphas=adaptive gives each its own), a track
    and a learning curve where every job has one; what stops early is filled up with NaN.
    """
    if len(results) == 1:
        return results[0]
    columns = [num_columns(result) for result in results]
    curves = {}
    for key, first in results[0].curves.items():
        parts = [result.curves[key] for result in results if key in result.curves]
        shared = reduce(np.intersect1d, [part.alphas for part in parts])
        if len(parts) == len(results) and len(shared) >= min(2, len(first.alphas)):
            parts = [part if len(part.alphas) == len(shared) else part.at(shared) for part in parts]
            # One column for all seeds, such as a theory's, is each seed's.
            parts = [p.columns([0] * num) if p.num_columns == 1 else p for p, num in zip(parts, columns, strict=True)]
            curves[key] = parts[0].beside(*parts[1:])
    tracks = {
        key: [result.projections[key] for result in results]
        for key in results[0].projections
        if all(key in result.projections for result in results)
    }
    histories = [result.learning_curve for result in results if result.learning_curve is not None]
    pairs = list(zip(results, columns, strict=True))
    # A line between two solutions is named "0-1"; the same pair of another job must not be taken for the same seeds.
    labels = [f"{label[:1]}{label[1:].replace('-', '–')}" for r, num in pairs for label in subject.seed_names(r, num)]
    lost = [bad for result, num in pairs for bad in subject.diverged(result, num)]
    return replace(
        results[0],
        overrides=[item for item in results[0].overrides if all(item in result.overrides for result in results)],
        curves=curves,
        projections={key: first.beside(*rest) for key, (first, *rest) in tracks.items()},
        learning_curve=histories[0].beside(*histories[1:]) if len(histories) == len(results) else None,
        numbers={
            key: [value for result, num in pairs for value in values_of(result, key, num)]
            for key in dict.fromkeys(key for result in results for key in result.numbers)
        },
        seeds=labels,
        training_status=["diverged" if bad else "trained" for bad in lost],
    )


def num_columns(result: Result) -> int:
    """S: the columns of its curves and projections, else its seeds, at least one."""
    widths = [part.num_columns for part in (*result.curves.values(), *result.projections.values())]
    return max(widths, default=len(result.seeds)) or 1


def values_of(result: Result, key: str, num: int = 1) -> list[float]:
    """A number of each seed, a single one as a list of one; ``num`` times NaN where the result has none."""
    value = result.numbers.get(key, [float("nan")] * num)
    return [float(item) for item in value] if isinstance(value, list) else [float(value)]


def num_runs(results: Sequence[Result]) -> str:
    """``12 jobs of 4 seeds``, ``12 jobs of 1 to 4 seeds``, ``12 jobs``."""
    counts = sorted({num_columns(result) for result in results})
    seeds = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    jobs = f"{len(results)} job{'s' * (len(results) > 1)}"
    return f"{jobs} of {seeds} seeds" if counts[-1] > 1 else jobs
