"""Some seeds' part of a result, as if the job had had these alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from landscape.figure.subject import seed_names
from landscape.figure.sweep.pool import num_columns
from landscape.result.saved import Result


def ends_of(label: str) -> list[str]:
    """``"0-1"``, a line between two seeds' solutions -> ``["0", "1"]``; one seed -> itself."""
    return label.split("-") if "-" in label[1:] else [label]


def of_columns(result: Result, columns: Sequence[int]) -> Result:
    """The same job as if it had had these columns' seeds alone.

    Arrays of another width, such as a theory's one column, are for all seeds and stay. What belongs to trainings
    follows the trainings at these lines' ends.
    """
    num = num_columns(result)
    labels = seed_names(result, num)
    trained = list(dict.fromkeys(part for label in labels for part in ends_of(label)))
    ends = list(dict.fromkeys(trained.index(part) for column in columns for part in ends_of(labels[column])))
    on_lines = any(len(ends_of(label)) > 1 for label in labels)

    def of_training(values: list[Any]) -> list[Any]:
        return [values[k] for k in ends] if len(values) == len(trained) else values

    def of_line(values: list[Any]) -> list[Any]:
        return [values[k] for k in columns] if len(values) == num else values

    curves = {
        key: curve.columns(columns) if curve.num_columns == num else curve for key, curve in result.curves.items()
    }
    # A trajectory is that of a training, whatever line the curves lie on.
    tracks = {}
    for key, track in result.projections.items():
        chosen = {len(trained): ends, num: columns}.get(track.num_columns)
        tracks[key] = track if chosen is None else track.columns(chosen)
    learning = result.learning_curve
    if learning is not None and learning.num_columns == len(trained):
        learning = learning.columns(ends)
    numbers: dict[str, float | list[float]] = {}
    for key, value in result.numbers.items():
        per_training = on_lines and "/" not in key  # "train/…" are read off a curve, the others off a training
        if isinstance(value, list):
            value = of_training(value) if per_training else of_line(value)
        numbers[key] = value
    return replace(
        result,
        curves=curves,
        projections=tracks,
        learning_curve=learning,
        numbers=numbers,
        seeds=[labels[column] for column in columns],
        training_status=of_training(result.training_status),
        statements=of_line(result.statements),
    )
