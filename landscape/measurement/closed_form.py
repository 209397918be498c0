"""Theory on the same alphas as the measurement."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from landscape.curve import Curve
from landscape.errors import InputError
from landscape.measurement.family import Family, Law, family_of
from landscape.measurement.interpolation import Interpolation
from landscape.measurement.subject import Measured, Subject
from landscape.model import DeepLinear
from landscape.parameters import ParameterLayout
from landscape.path import Geometric, Linear
from landscape.progress import report
from theory import certify

log = logging.getLogger(__name__)


class ClosedForm(Interpolation):
    """J along the line as measured without dropout, beside the exact curve of the same line.

    What is known is said in ``landscape.measurement.family``: deep linear nets, one hidden layer of ReLU or maxout,
    quadratics.

    Args:
        splits: of ``train``, ``valid``, ``test``.
        certificate: also prove what shape J has on [0, 1], where theory can.

    Raises:
        InputError: a model and cost whose line has no closed form here.
    """

    def __init__(self, splits: Sequence[str] = ("train",), certificate: bool = True) -> None:
        super().__init__(splits, modes=("deterministic",))
        self.certificate = certificate

    def check(self, subject: Subject) -> None:
        """Raise InputError for a model, cost or path that is not known here, before anything is trained."""
        assert subject.dataset is not None
        family_of(subject.module, subject.cost, subject.dataset.train.first(1))
        anywhere = torch.ones(1, ParameterLayout.of(subject.module).num_parameters)
        if not isinstance(subject.lay(anywhere, 2 * anywhere), Linear):
            raise InputError("measurement=closed_form knows J along straight lines; use path=linear, or "
                             "measurement=interpolation to look along another path")  # fmt: skip

    def __call__(self, subject: Subject) -> Measured:
        """Subject -> curves ``"train/deterministic"`` (measured) and ``"train/theory"``, numbers and statements."""
        self.check(subject)
        families = {name: family_of(subject.module, subject.cost, subject.split(name)) for name in self.splits}
        ends = subject.ends
        assert ends is not None
        measured = super().__call__(subject)
        numbers, statements = dict(measured.numbers), list[str]()
        curves = dict(measured.curves)
        for name, family in families.items():
            seen = curves[f"{name}/deterministic"]
            span = (float(seen.alphas[0]), float(seen.alphas[-1]))
            try:
                lines = [family.line(a, b, span) for a, b in zip(ends.theta_0, ends.theta_1, strict=True)]
            except ValueError as error:  # a line of length zero, weights that are not finite
                raise InputError(f"measurement=closed_form has no {name} curve: {error}") from error
            exact = [line for line in lines if line is not None]
            if len(exact) == len(lines):
                theory, found = _compared(name, seen, exact)
                curves[f"{name}/theory"] = theory
                numbers |= found
            connection = connecting_curve(subject, name)
            if connection is not None:
                curves[f"{name}/geometric"] = connection
            if self.certificate:
                numbers |= _proofs(name, family, ends.theta_0, ends.theta_1, ends.labels, statements)
        return Measured(curves=curves, numbers=numbers, statements=statements, labels=measured.labels)


def connecting_curve(subject: Subject, name: str) -> Curve | None:
    """J along theta_0^(1 - alpha) theta_1^alpha of a scalar deep linear net whose ends lie in one orthant, else None.

    Between two solutions of one branch of w_1 ... w_L = 1 that curve is all solutions.
    """
    ends, module = subject.ends, subject.module
    assert ends is not None and subject.alphas is not None and subject.objective is not None
    if not isinstance(module, DeepLinear) or any(p.numel() > 1 for p in module.parameters()):
        return None
    if not bool((ends.theta_0.sign() * ends.theta_1.sign() > 0).all()):
        return None
    objective = subject.objective(module, subject.cost, subject.split(name), seeds=ends.seeds, buffers=ends.buffers)
    alphas = subject.alphas[(subject.alphas >= 0) & (subject.alphas <= 1)]
    path = Geometric(*(end.to(objective.device, objective.dtype) for end in (ends.theta_0, ends.theta_1)))
    values = objective.along(path, alphas).channels["objective"]
    dtype = str(objective.dtype).removeprefix("torch.")
    return Curve(alphas, values, split=name, mode="deterministic", dtype=dtype, num_examples=len(objective.split))


def _extrema(name: str, lines: Sequence[Law]) -> dict[str, list[float]]:
    """Counts and places of the interior extrema of each line; NaN where a line has fewer than another."""
    found = [[e for e in line.extrema() if e.interior] for line in lines]
    numbers: dict[str, list[float]] = {
        f"{name}/num_minima": [float(sum(e.kind == "minimum" for e in points)) for points in found],
        f"{name}/num_maxima": [float(sum(e.kind == "maximum" for e in points)) for points in found],
    }
    for k in range(max((len(points) for points in found), default=0)):
        for key in ("alpha", "objective"):
            numbers[f"{name}/extremum_{k}_{key}"] = [
                float(getattr(points[k], key)) if k < len(points) else np.nan for points in found
            ]
        numbers[f"{name}/extremum_{k}_is_minimum"] = [
            float(points[k].kind == "minimum") if k < len(points) else np.nan for points in found
        ]
    return numbers


def _compared(name: str, seen: Curve, lines: Sequence[Law]) -> tuple[Curve, dict[str, list[float]]]:
    """The exact curve on the measured alphas, how far the measurement is from it, and its extrema."""
    exact = np.stack([line(seen.alphas) for line in lines], axis=1)
    theory = Curve(seen.alphas, exact, split=name, mode="deterministic", dtype="float64", source="theory",
                   num_examples=seen.num_examples)  # fmt: skip
    off = np.max(np.abs(seen.objective - exact), axis=0) / np.max(np.abs(exact), axis=0)
    log.info("%s: largest deviation of the measurement from theory %.2g, relative to the largest J", name, off.max())
    numbers = {f"{name}/theory_deviation": off.tolist(), **_extrema(name, lines)}
    if all(hasattr(line, "num_pieces") for line in lines):
        numbers[f"{name}/num_pieces"] = [float(line.num_pieces) for line in lines]  # type: ignore[attr-defined]
    return theory, numbers


def _proofs(
    name: str,
    family: Family,
    theta_0: torch.Tensor,
    theta_1: torch.Tensor,
    labels: Sequence[str],
    statements: list[str],
) -> dict[str, list[float]]:
    """The proof of every line on [0, 1]: added as a sentence, and as numbers.

    ``proven_decreasing``: 1 if J is proven to decrease on all of [0, 1], else 0. ``proven_until``: up to which alpha.
    ``proven_num_maxima``: of proofs that list every extremum.
    """
    numbers: dict[str, list[float]] = {}
    with report(f"{name} proofs", len(labels)) as progress:
        for k, (a, b, label) in enumerate(zip(theta_0, theta_1, labels, strict=True)):
            try:
                proof: Any = family.certificate(a, b)
            except ValueError as error:
                raise InputError(
                    f"measurement.certificate=true cannot prove anything about line {label}: {error}"
                ) from error
            if proof is None:
                return {}
            statements.append(f"{name}, line {label}: {proof.statement}")
            if isinstance(proof, certify.Certificate):
                decreasing = proof.direction == "decreasing"
                maxima = sum(point.kind == "maximum" for point in proof.critical_points)
                numbers.setdefault(f"{name}/proven_num_maxima", []).append(float(maxima))
            else:
                decreasing = proof.decreasing
                numbers.setdefault(f"{name}/proven_until", []).append(float(proof.reached))
                numbers.setdefault(f"{name}/num_slopes", []).append(float(proof.num_slopes))
            numbers.setdefault(f"{name}/proven_decreasing", []).append(float(decreasing))
            progress(k + 1)
    return numbers
