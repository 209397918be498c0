"""Theory on the same alphas as the measurement."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from landscape.endpoints import Ends
from landscape.errors import InputError
from landscape.ground.progress import progress_of
from landscape.measurement.contract import Measured, Work
from landscape.measurement.family import Family, Law, check_labels, family_of
from landscape.measurement.interpolation import Interpolation
from landscape.measurement.stages import OnPath
from landscape.model import DeepLinear
from landscape.parameters import ParameterLayout
from landscape.path import Geometric, Linear
from landscape.result.curve import Curve
from theory.certificate import certify

log = logging.getLogger(__name__)


class ClosedForm:
    """J along the line as measured without dropout, beside the exact curve of the same line.

    What is known is said in ``landscape.measurement.family``: deep linear nets, one hidden layer of ReLU or maxout,
    quadratics.

    A seed whose line is a single point, or holds weights that are not finite, leaves a column of NaN and a warning.

    Args:
        splits: of ``train``, ``valid``, ``test``.
        certificate: also prove what shape J has on [0, 1], where theory can.
        noise: as of interpolation.
        slopes: as of interpolation.
        shards: as of interpolation.

    Raises:
        InputError: a model and cost whose line has no closed form here.
    """

    stage = OnPath

    def __init__(
        self,
        splits: Sequence[str] = ("train",),
        certificate: bool = True,
        noise: bool = True,
        slopes: int = 0,
        shards: int | None = None,
    ) -> None:
        self.curves, self.certificate = Interpolation(splits, ("deterministic",), slopes, noise, shards), certificate
        self.splits, self.shards, self.share = self.curves.splits, self.curves.shards, self.curves.share

    def check(self, on_path: OnPath) -> None:
        """Raise InputError for a model, cost or path that is not known here, before anything is trained."""
        on_path.check_held(self.splits, "closed_form")
        self.curves.check(on_path)
        family_of(on_path.module, on_path.cost, on_path.dataset.train.first(1))
        for name in self.splits:
            check_labels(on_path.cost, on_path.split(name))
        anywhere = torch.ones(1, ParameterLayout.of(on_path.module).num_parameters)
        if not isinstance(on_path.lay(anywhere, 2 * anywhere), Linear):
            raise InputError(
                "measurement=closed_form knows J along straight lines; use path=linear, or "
                "measurement=interpolation to look along another path"
            )

    def work(self, on_path: OnPath) -> Work:
        """The passes of the measured curves; what theory and its proofs take is not known beforehand."""
        work = self.curves.work(on_path)
        unknown = (work.unknown, "the exact curve" + " and proofs" * self.certificate)
        return replace(work, unknown=" and ".join(filter(None, unknown)))

    def __call__(self, on_path: OnPath) -> Measured:
        """On a line -> curves ``"train/deterministic"`` (measured) and ``"train/theory"``, numbers and statements."""
        self.check(on_path)
        families = {name: family_of(on_path.module, on_path.cost, on_path.split(name)) for name in self.splits}
        ends = on_path.ends
        measured = self.curves(on_path)
        curves, numbers, statements = dict(measured.curves), dict(measured.numbers), list[str]()
        for name, family in families.items():
            seen = curves[f"{name}/deterministic"]
            span = (float(seen.alphas[0]), float(seen.alphas[-1]))
            lines = _lines(name, family, ends, span)
            if lines is not None:
                theory, found = _compared(name, seen, lines)
                curves[f"{name}/theory"] = theory
                numbers |= found
            connection = connecting_curve(on_path, name)
            if connection is not None:
                curves[f"{name}/geometric"] = connection
            if self.certificate:
                numbers |= _proofs(name, family, ends, statements)
        return Measured(curves=curves, numbers=numbers, statements=statements, labels=measured.labels)


def connecting_curve(on_path: OnPath, name: str) -> Curve | None:
    """J along theta_0^(1 - alpha) theta_1^alpha of a scalar deep linear net whose ends lie in one orthant, else None.

    Between two solutions of one branch of w_1 ... w_L = 1 that curve is all solutions.
    """
    ends, module = on_path.ends, on_path.module
    if not isinstance(module, DeepLinear) or any(p.numel() > 1 for p in module.parameters()):
        return None
    if not bool((ends.theta_0.sign() * ends.theta_1.sign() > 0).all()):
        return None
    objective = on_path.objective_along(on_path.split(name), "deterministic")
    alphas = on_path.alphas[(on_path.alphas >= 0) & (on_path.alphas <= 1)]
    path = replace(on_path, path=Geometric).laid(objective.device, objective.dtype)
    values = objective.along(path, alphas).channels["objective"]
    dtype = str(objective.dtype).removeprefix("torch.")
    return Curve(alphas, values, split=name, mode="deterministic", dtype=dtype, num_examples=len(objective.split))


def _lines(name: str, family: Family, ends: Ends, span: tuple[float, float]) -> list[Law | None] | None:
    """J along each line, None for a line without a law; None instead of a list if only proofs are known."""
    lines: list[Law | None] = []
    for a, b, label in zip(ends.theta_0, ends.theta_1, ends.labels, strict=True):
        try:
            line = family.line(a, b, span)
        except ValueError as error:
            if len(ends.labels) == 1 and _is_line(a, b):
                raise InputError(f"measurement=closed_form has no {name} curve: {error}") from error
            log.warning("%s: line %s has no closed form, its numbers are left out: %s", name, label, error)
            lines.append(None)
            continue
        if line is None:
            return None
        lines.append(line)
    return lines


def _is_line(theta_0: torch.Tensor, theta_1: torch.Tensor) -> bool:
    """Whether two points [P] are finite and differ; training can end at its start, or diverge."""
    return bool((theta_0.isfinite() & theta_1.isfinite()).all()) and not torch.equal(theta_0, theta_1)


def _extrema(name: str, lines: Sequence[Law | None]) -> dict[str, list[float]]:
    """Counts and places of the interior extrema of each line; NaN where a line has fewer than another, or no law."""
    found = [[] if line is None else [e for e in line.extrema() if e.interior] for line in lines]
    numbers: dict[str, list[float]] = {
        f"{name}/num_{plural}": [
            np.nan if line is None else float(sum(e.kind == kind for e in points))
            for line, points in zip(lines, found, strict=True)
        ]
        for kind, plural in (("minimum", "minima"), ("maximum", "maxima"))
    }
    for k in range(max(map(len, found), default=0)):
        rows = [(p[k].alpha, p[k].objective, p[k].kind == "minimum") if k < len(p) else [np.nan] * 3 for p in found]
        for n, key in enumerate(("alpha", "objective", "is_minimum")):
            numbers[f"{name}/extremum_{k}_{key}"] = [float(row[n]) for row in rows]
    return numbers


def _compared(name: str, seen: Curve, lines: Sequence[Law | None]) -> tuple[Curve, dict[str, list[float]]]:
    """The exact curve on the measured alphas, how far the measurement is from it, and its extrema."""
    lost = np.full(len(seen.alphas), np.nan)
    exact = np.stack([lost if line is None else line(seen.alphas) for line in lines], axis=1)
    theory = Curve(
        seen.alphas,
        exact,
        split=name,
        mode="deterministic",
        dtype="float64",
        source="theory",
        num_examples=seen.num_examples,
    )
    off = np.max(np.abs(seen.objective - exact), axis=0) / np.max(np.abs(exact), axis=0)
    # fmax passes over the NaN of a line without a law.
    most = np.fmax.reduce(off)
    log.info("%s: largest deviation of the measurement from theory %.2g, relative to the largest J", name, most)
    numbers = {f"{name}/theory_deviation": off.tolist(), **_extrema(name, lines)}
    pieces = [np.nan if line is None else float(getattr(line, "num_pieces", np.nan)) for line in lines]
    if not np.isnan(pieces).all():
        numbers[f"{name}/num_pieces"] = pieces
        # Shallower ones are left out: see the extrema of theory.piecewise.pieces.
        depths = [np.nan if line is None else 8 * float(getattr(line, "noise", np.nan)) for line in lines]
        numbers[f"{name}/extremum_depth"] = depths
    return theory, numbers


def _proofs(name: str, family: Family, ends: Ends, statements: list[str]) -> dict[str, list[float]]:
    """The proof of every line on [0, 1]: added as a sentence, and as numbers, NaN for a line that has none.

    ``proven_decreasing``: 1 if J is proven to decrease on all of [0, 1], else 0. ``proven_until``: up to which alpha.
    ``proven_num_maxima``: of proofs that list every extremum.
    """
    rows: list[dict[str, float]] = []
    with progress_of(f"{name} proofs", len(ends.labels)) as progress:
        for k, (a, b, label) in enumerate(zip(ends.theta_0, ends.theta_1, ends.labels, strict=True)):
            progress(k)
            try:
                proof: Any = family.certificate(a, b)
            except ValueError as error:
                if len(ends.labels) == 1 and _is_line(a, b):
                    raise InputError(
                        f"measurement.certificate=true cannot prove anything about line {label}: {error}"
                    ) from error
                log.warning("%s: nothing can be proven about line %s: %s", name, label, error)
                rows.append({})
                continue
            if proof is None:
                return {}
            statements.append(f"{name}, line {label}: {proof.statement}")
            if isinstance(proof, certify.Certificate):
                row = {
                    "proven_num_maxima": sum(point.kind == "maximum" for point in proof.critical_points),
                    "proven_decreasing": proof.direction == "decreasing",
                }
            else:
                row = {"proven_until": proof.reached, "num_slopes": proof.num_slopes}
                row["proven_decreasing"] = proof.decreasing
            rows.append({key: float(value) for key, value in row.items()})
            progress(k + 1)
    keys = dict.fromkeys(key for row in rows for key in row)
    return {f"{name}/{key}": [row.get(key, np.nan) for row in rows] for key in keys}
