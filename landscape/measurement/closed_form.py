"""Theory on the same alphas as the measurement: the only room of the house that knows both."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from landscape.cost import SquaredError
from landscape.curve import Curve, Projection
from landscape.data.dataset import Split
from landscape.errors import InputError
from landscape.measurement.interpolation import Interpolation
from landscape.measurement.subject import Measured, Subject
from landscape.model import DeepLinear, Quadratic
from landscape.parameters import ParameterLayout
from landscape.path import Geometric
from landscape.training import Momentum
from theory import deep_linear, modes, polynomial, quadratic, spectra

log = logging.getLogger(__name__)

Array = NDArray[np.float64]
THEORY_POINTS = 64  # steps of a descent at which the whole spectrum is summed


class Law(Protocol):
    """J along one line, exactly."""

    def __call__(self, alphas: Array) -> Array:
        """alphas [A] -> J [A]."""

    def extrema(self) -> Sequence[Any]:
        """Every extremum of the interval, with ``alpha``, ``objective``, ``kind`` and ``interior``."""


class ClosedForm(Interpolation):
    """J along the line as measured without dropout, beside the exact curve of the same line.

    Known: a ``DeepLinear`` net with squared error (second moments of the data), and a ``Quadratic``.

    Args:
        splits: of ``train``, ``valid``, ``test``.
        certificate: also prove, in exact arithmetic, which extrema J has on [0, 1], where theory can.

    Raises:
        InputError: a model and cost whose line has no closed form here.
    """

    def __init__(self, splits: Sequence[str] = ("train",), certificate: bool = True) -> None:
        super().__init__(splits, modes=("deterministic",))
        self.certificate = certificate

    def __call__(self, subject: Subject) -> Measured:
        """Subject -> curves ``"train/deterministic"`` (measured) and ``"train/theory"``, numbers and statements."""
        families = {name: family_of(subject.module, subject.cost, subject.split(name)) for name in self.splits}
        measured = super().__call__(subject)
        ends = subject.ends
        assert ends is not None
        numbers, statements = dict(measured.numbers), list[str]()
        curves = dict(measured.curves)
        for name, family in families.items():
            seen = curves[f"{name}/deterministic"]
            span = (float(seen.alphas[0]), float(seen.alphas[-1]))
            lines = [family.line(a, b, span) for a, b in zip(ends.theta_0, ends.theta_1, strict=True)]
            exact = np.stack([line(seen.alphas) for line in lines], axis=1)
            curves[f"{name}/theory"] = Curve(seen.alphas, exact, split=name, mode="deterministic", dtype="float64",
                                             source="theory", num_examples=seen.num_examples)  # fmt: skip
            off = np.max(np.abs(seen.objective - exact), axis=0) / np.max(np.abs(exact), axis=0)
            numbers[f"{name}/theory_deviation"] = off.tolist()
            log.info("%s: largest deviation of the measurement from theory %.2g, relative to the largest J",
                     name, off.max())  # fmt: skip
            numbers |= _extrema(name, lines)
            connection = connecting_curve(subject, name)
            if connection is not None:
                curves[f"{name}/geometric"] = connection
            if self.certificate:
                numbers |= _proofs(name, family, ends.theta_0, ends.theta_1, ends.labels, statements)
        return Measured(curves=curves, numbers=numbers, statements=statements, labels=measured.labels)


class DeepLinearFamily:
    """All lines of one deep linear net on one split: the data enter once, by their second moments."""

    def __init__(self, module: DeepLinear, split: Split) -> None:
        self.layout, self.factors = ParameterLayout.of(module), module.factors
        x = split.x.flatten(1).double().cpu().numpy()
        outputs = int(self.layout.shapes[-1][0])
        y = split.y if split.y.is_floating_point() else F.one_hot(split.y, outputs)
        self.moments = deep_linear.moments(x, y.double().cpu().numpy())

    def _weights(self, theta: torch.Tensor) -> list[Array]:
        named = self.layout.unflatten(theta.double())
        return [named[name].numpy() for name in self.factors]

    def line(self, theta_0: torch.Tensor, theta_1: torch.Tensor, span: tuple[float, float]) -> Law:
        """theta_0, theta_1 [P] -> J along the line between them."""
        return deep_linear.line(self._weights(theta_0), self._weights(theta_1), self.moments, span)

    def certificate(self, theta_0: torch.Tensor, theta_1: torch.Tensor) -> Any:
        """The proof about J on [0, 1]."""
        return deep_linear.line(self._weights(theta_0), self._weights(theta_1), self.moments).certificate()


class QuadraticFamily:
    """All lines of one quadratic: J is of degree 2 in alpha."""

    def __init__(self, module: Quadratic) -> None:
        self.curvature, self.solution = (module.constants[n].numpy() for n in ("curvature", "solution"))

    def line(self, theta_0: torch.Tensor, theta_1: torch.Tensor, span: tuple[float, float]) -> Law:
        """theta_0, theta_1 [P] -> J along the line between them, from its Bernstein coefficients on the span."""
        start, end = theta_0.double().numpy(), theta_1.double().numpy()
        low, high = ((1 - a) * start + a * end - self.solution for a in span)
        pairs = [(low, low), (low, high), (high, high)]
        coefficients = np.array([0.5 * float(self.curvature @ (a * b)) for a, b in pairs])
        noise = 1e-15 * len(start) ** 0.5 * float(np.max(np.abs(coefficients)))
        return polynomial.Line(coefficients, span, noise)


def family_of(module: nn.Module, cost: Any, split: Split) -> Any:
    """What theory knows of this model and cost.

    Raises:
        InputError: nothing.
    """
    if isinstance(module, DeepLinear) and isinstance(cost, SquaredError):
        return DeepLinearFamily(module, split)
    if isinstance(module, Quadratic):
        return QuadraticFamily(module)
    raise InputError(
        f"measurement=closed_form knows no closed form for model={type(module).__name__} with cost "
        f"{type(cost).__name__}; use model=deep_linear cost=squared_error or model=quadratic cost=output, or "
        "measurement=interpolation"
    )


def connecting_curve(subject: Subject, name: str) -> Curve | None:
    """J along theta_0^(1 - alpha) theta_1^alpha of a scalar deep linear net whose ends lie in one orthant, else None.

    Between two solutions of one branch of w_1 ... w_L = 1 that curve is all solutions.
    """
    ends, module = subject.ends, subject.module
    assert ends is not None and subject.alphas is not None and subject.objective is not None
    if not isinstance(module, DeepLinear) or any(p.numel() > 1 for p in module.parameters()):
        return None
    if not bool((ends.theta_0 * ends.theta_1 > 0).all()):
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


def _proofs(
    name: str, family: Any, theta_0: torch.Tensor, theta_1: torch.Tensor, labels: Sequence[str], statements: list[str]
) -> dict[str, list[float]]:
    """The certificate of every line on [0, 1] as a sentence, and whether it proves J decreasing (1) or not (0)."""
    if not hasattr(family, "certificate"):
        return {}
    decreasing, maxima = [], []
    for a, b, label in zip(theta_0, theta_1, labels, strict=True):
        proof = family.certificate(a, b)
        statements.append(f"{name}, line {label}: {proof.statement}")
        decreasing.append(float(proof.direction == "decreasing"))
        maxima.append(float(sum(point.kind == "maximum" for point in proof.critical_points)))
    return {f"{name}/proven_decreasing": decreasing, f"{name}/proven_num_maxima": maxima}


def descent_method(module: nn.Module, optimizer: torch.optim.Optimizer) -> modes.Method | None:
    """The optimizer as theory knows it on a quadratic; None where theory knows one of the two not.

    Raises:
        InputError: a learning rate that is not stable on this quadratic, with the bound.
    """
    group = optimizer.param_groups[0]
    if isinstance(module, Quadratic) and isinstance(optimizer, Momentum):
        method = modes.heavy_ball(group["lr"], group["momentum"])
    elif isinstance(module, Quadratic) and type(optimizer) is torch.optim.SGD and not group["weight_decay"]:
        method = modes.torch_sgd(group["lr"], group["momentum"], group["dampening"], nesterov=group["nesterov"])
    else:
        log.info("no closed form for %s on %s: the run is drawn alone", type(optimizer).__name__, type(module).__name__)
        return None
    try:
        method.require_stable(module.constants["curvature"].numpy())
    except ValueError as error:
        raise InputError(f"optimizer.lr={group['lr']}: {error}") from error
    return method


def descent_theory(method: modes.Method, module: Quadratic, num_steps: int, noise: float) -> dict[str, Projection]:
    """Projection and residual of a method on a quadratic in closed form.

    ``"theory"``: this very problem, at up to 64 steps, the whole spectrum summed; of a noisy run the mean projection
    and the root mean square residual. ``"expected"``, ``"expected_low"``, ``"expected_high"``: mean and two standard
    deviations of the projection over solutions N(0, I), spectrum in 400 bins.
    """
    curvature, solution = (module.constants[n].numpy() for n in ("curvature", "solution"))
    spectrum = spectra.from_start(curvature, -solution)
    length = float(np.linalg.norm(solution))
    first, spread_out = np.arange(min(num_steps, 8) + 1.0), np.geomspace(1, num_steps, THEORY_POINTS - 8).round()
    chosen = np.unique(np.concatenate([first, spread_out, [num_steps]]))
    every = np.arange(num_steps + 1.0)
    if noise:
        law = quadratic.noisy(method, spectrum, chosen, variance=noise**2, distance=length)
        found = (law.projection, law.residual)
    else:
        track = quadratic.track(method, spectrum, chosen)
        found = (track.projection, track.residual)
    expected = quadratic.random_start(method, spectrum.binned(400), every)

    def projected(steps: Array, along: Array, aside: Array) -> Projection:
        x, r = (np.asarray(v, dtype=np.float64)[:, None] * length for v in (along, aside))
        return Projection(steps, steps, x, r, np.full_like(x, np.nan), np.array([length]), np.array([float(num_steps)]))

    spread = 2 * expected.projection_std
    return {
        "theory": projected(chosen, *found),
        "expected": projected(every, expected.projection, expected.residual),
        "expected_low": projected(every, expected.projection - spread, expected.residual),
        "expected_high": projected(every, expected.projection + spread, expected.residual),
    }
