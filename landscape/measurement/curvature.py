"""Eigenvalues of the Hessian of J, and the noise of its gradient, along a path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from torch import Tensor

from landscape.data.stream import num_of
from landscape.errors import InputError
from landscape.ground.progress import progress_of
from landscape.measurement.contract import Measured, Pass, Work
from landscape.measurement.interpolation import MODES, numbers_of
from landscape.measurement.point_curvature import Array, PointCurvature
from landscape.measurement.stages import Network, OnPath
from landscape.objective.objective import Objective
from landscape.path.contract import derivatives_lacking
from landscape.result.curve import Curve

SPLITS = ("train", "valid", "test")


class Curvature:
    """J along the path, and at every alpha the ends of the spectrum of its Hessian and the noise of its gradient.

    The Hessian is that of J as it is measured, over all examples that are measured on: by curvlinops' products and
    scipy's ``eigsh``, each eigenvalue with |H v - lambda v|, and so near to it lies one for sure. ``PointCurvature``
    says what the metrics of the curves are.

    Args:
        splits: of ``train``, ``valid``, ``test``.
        modes: of ``deterministic`` and ``stochastic``, under masks that stay the same at every alpha.
        num: leading eigenvalues.
        num_lowest: lowest ones.
        trace: products of the Hessian that its trace is estimated with, by Hutch++; 0: no trace.
        density: also the density of all eigenvalues.
        noise: also the variance of the examples' own gradients: every example's is taken, none is sampled.
        tolerance: |H v - lambda v| relative to lambda.
        num_examples: take J and all else over the first so many examples; None: over all.
        dtype: precision of all this.

    Raises:
        InputError: a number out of range.
    """

    stage = OnPath

    def __init__(
        self,
        splits: Sequence[str] = ("train",),
        modes: Sequence[str] = ("deterministic",),
        num: int = 3,
        num_lowest: int = 1,
        trace: int = 120,
        density: bool = False,
        noise: bool = True,
        tolerance: float = 1e-6,
        num_examples: int | None = None,
        dtype: str = "float64",
    ) -> None:
        self.splits, self.modes = chosen("splits", splits, SPLITS), chosen("modes", modes, MODES)
        self.point = PointCurvature(num, num_lowest, trace, density, noise, tolerance, num_examples, dtype)

    def check(self, on_path: OnPath) -> None:
        """Raise InputError for what has no curvature that can be measured, before anything is trained."""
        if on_path.adaptive is not None:
            raise InputError(
                "measurement=curvature does not place points by itself; use alphas=standard or alphas=unit_50"
            )
        self.point.check(on_path, self.splits, self.modes, "measurement=curvature")

    def work(self, on_path: OnPath) -> Work:
        """The passes of J, and the products with its Hessian."""
        num, rows = len(on_path.alphas), len(on_path.ends.seeds)
        kinds = list(product(self.splits, self.modes))
        most = self.point.num_examples
        passes = [Pass(name, mode, _num(on_path, name, most), num, rows) for name, mode in kinds]
        return replace(self.point.work(on_path, *kinds[0], num * len(kinds), rows), passes=tuple(passes))

    def __call__(self, on_path: OnPath) -> Measured:
        """On a path -> curves keyed ``"train/deterministic"``, and numbers of each."""
        curves: dict[str, Curve] = {}
        numbers: dict[str, list[float]] = {}
        for split in self.splits:
            examples = self.point.examples(on_path, split)
            for mode in self.modes:
                name = f"{split}/{mode}"
                curves[name] = curve = self._curve(on_path, examples, split, mode)
                numbers |= numbers_of(name, curve) | numbers_at_ends(name, curve.alphas, curve.metrics)
        return Measured(curves=curves, numbers=numbers, labels=on_path.ends.labels)

    def _curve(self, on_path: OnPath, examples: Any, split: str, mode: str) -> Curve:
        objective = on_path.objective_along(examples, mode, dtype=self.point.dtype)
        path, alphas = on_path.laid(objective.device, objective.dtype), on_path.alphas
        evaluation = objective.along(path, alphas)
        channels = dict(evaluation.channels)
        values = channels.pop("objective")
        knows_direction = not derivatives_lacking(path, 1)

        def at(a: int, s: int) -> tuple[Objective, int, Tensor, Tensor | None]:
            alpha = float(alphas[a])
            return objective, s, path(alpha)[s], path.velocity(alpha)[s] if knows_direction else None

        points = list(np.ndindex(*values.shape))
        with progress_of(f"{split} {mode} curvature", len(points)) as progress:
            metrics, spectrum = self.point.walk(points, at, values, progress)
        return Curve(
            alphas=alphas,
            objective=values,
            metrics={n: v for n, v in channels.items() if not (objective.is_random and n.endswith("error"))} | metrics,
            split=split,
            mode=objective.mode,
            dtype=self.point.dtype,
            num_examples=evaluation.num_examples,
            spectrum=spectrum,
        )


def chosen(key: str, values: Sequence[str], known: Sequence[str]) -> list[str]:
    """One or more of these words.

    Raises:
        InputError: none, or others.
    """
    if isinstance(values, str) or not values or not set(values) <= set(known):
        raise InputError(f"measurement.{key}={values} must be a list of one or more of {', '.join(known)}")
    return list(values)


def _num(network: Network, name: str, most: int | None) -> int | None:
    """The examples of a split that are measured on."""
    num = num_of(network.split(name))
    return most if num is None else min(num, most or num)


def numbers_at_ends(name: str, places: Array, metrics: dict[str, Array]) -> dict[str, list[float]]:
    """The extremes of each line, and what its first and its last point have, keyed ``"train/.../lambda_max"``."""
    found: dict[str, list[float]] = {}
    for key, pick in (("lambda_max", np.fmax), ("lambda_min", np.fmin), ("cosine", np.fmin)):
        if key in metrics:
            found[f"{name}/{key}"] = pick.reduce(metrics[key], axis=0).tolist()
    for key in ("lambda_max", "noise_scale", "gradient_norm", "trace"):
        if key in metrics:
            values, finite = metrics[key], np.isfinite(metrics[key])
            rows = {"start": finite.argmax(axis=0), "end": len(values) - 1 - finite[::-1].argmax(axis=0)}
            for word, row in rows.items():
                found[f"{name}/{key}_{word}"] = values[row, np.arange(values.shape[1])].tolist()
    return found
