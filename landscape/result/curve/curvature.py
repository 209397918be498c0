"""The metrics of curvature and gradient noise: which are shown in a table, and what each is called on an axis."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from landscape.result.curve import shown

Array = NDArray[np.float64]

LABELS = {
    "lambda_max": "largest eigenvalue λ_max of the Hessian",
    "lambda_min": "lowest eigenvalue λ_min of the Hessian",
    "trace": "trace of the Hessian",
    "peak_ratio": "λ_max / mean eigenvalue",
    "condition_number": "λ_max / λ_min",
    "gradient_norm": "|g|, norm of the gradient",
    "gradient_variance": "tr Σ, variance of the examples' gradients",
    "noise_scale": "noise scale tr Σ / |g|² [examples]",
    "gradient_curvature": "curvature along the gradient, g·H g / |g|²",
    "line_curvature": "curvature along the line, u·H u",
    "cosine": "cosine of −g to the line",
}
IN_TABLE = ("lambda_max", "lambda_min", "trace", "gradient_norm", "noise_scale", "cosine")


def in_table(metrics: Mapping[str, Array]) -> dict[str, Array]:
    """Those that a table has room for: of measured curvature the main ones, of anything else all."""
    if "lambda_max" not in metrics:
        return dict(metrics)
    ours = {*LABELS, *(name for name in metrics if name.startswith(("lambda_", "trace")))}
    return {name: values for name, values in metrics.items() if name in IN_TABLE or name not in ours}


def label_of(name: str) -> str:
    """What a metric is called on an axis."""
    return LABELS.get(name, name.replace("_", " "))


def said(metrics: Mapping[str, Array]) -> list[tuple[str, str]]:
    """The extremes of each line in words, with how sure they are; nothing where no curvature was measured."""
    found: list[tuple[str, str]] = []
    for name, words, sign in (("lambda_max", "largest λ_max", 1), ("lambda_min", "lowest λ_min", -1)):
        if name in metrics:
            told = []
            for values, errors in zip(metrics[name].T, metrics[f"{name}_error"].T, strict=True):
                known = [(sign * v, e) for v, e in zip(values.tolist(), errors.tolist(), strict=True) if v == v]
                best = max(known, default=None)
                told.append("not known" if best is None else f"{shown.number(sign * best[0])} ± {best[1]:.1g}")
            found.append((words, shown.each(told)))
    return found
