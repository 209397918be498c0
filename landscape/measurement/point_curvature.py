"""What is measured of the second derivatives and of the gradient at one point, as named numbers."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from landscape.cost.labels import on_few
from landscape.data.stream import Stream, num_of, together
from landscape.errors import InputError
from landscape.measurement.contract import Measured, Steps, Work
from landscape.measurement.stages import Network
from landscape.objective.curvature import check_curvature, extremes, scatter_of, trace_of
from landscape.objective.curvature.spectrum import NUM_REPEATS, NUM_VECTORS, density_of
from landscape.objective.memory.budget import free_bytes, size
from landscape.objective.module.watch import undisturbed
from landscape.objective.objective import Objective
from landscape.parameters import ParameterLayout

if TYPE_CHECKING:
    from landscape.objective.curvature.operator import Hessian

log = logging.getLogger(__name__)

Array = NDArray[np.float64]
At = Callable[[int, int], tuple[Objective, int, Tensor, Tensor | None]]
"""(row, column) of a table of points -> J there, which of its rows, theta [P], the direction of the line [P] if any."""
NUM_POINTS = 200
"""Of a spectral density."""
USUAL, NOISE = 300, 40
"""Products for the ends of the spectrum at most, as on nets of some 10,000 parameters, and what the examples' gradients
take as long as: they are counted on when a command says how long it will take."""


@dataclass(frozen=True)
class PointCurvature:
    """The keys that all measurements of curvature share.

    Args:
        num: leading eigenvalues. num_lowest: lowest ones.
        trace: products of the matrix that the trace is estimated with; 0: no trace.
        density: also the spectral density, as ``Curve.spectrum``.
        noise: also the variance of the examples' gradients.
        tolerance: |H v - lambda v| relative to lambda.
        num_examples: measure all of it, J too, on the first so many of each split; None: on all.
        dtype: precision of J, its gradient and the products.

    Raises:
        InputError: a number out of range.
    """

    num: int = 3
    num_lowest: int = 1
    trace: int = 120
    density: bool = False
    noise: bool = True
    tolerance: float = 1e-6
    num_examples: int | None = None
    dtype: str = "float64"

    def __post_init__(self) -> None:
        least = {"num": 1, "num_lowest": 0, "trace": 0, "num_examples": 1}
        for key, low in least.items():
            value = getattr(self, key)
            if key == "num_examples" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, Integral) or value < low:
                raise InputError(f"measurement.{key}={value!r} must be a whole number of at least {low}")
        if 0 < self.trace < 3 * NUM_REPEATS:
            raise InputError(
                f"measurement.trace={self.trace} is too few products for an estimate with an error; use "
                f"{3 * NUM_REPEATS} or more, or 0 for no trace"
            )
        if self.density and not self.num_lowest:
            raise InputError("measurement.density=true needs the lowest eigenvalue; set measurement.num_lowest=1")
        for key in ("density", "noise"):
            if not isinstance(getattr(self, key), bool):
                raise InputError(f"measurement.{key}={getattr(self, key)!r} must be true or false")
        number = self.tolerance
        if isinstance(number, bool) or not isinstance(number, Real) or not 0 < float(number) < 1:
            raise InputError(f"measurement.tolerance={number!r} must be a number between 0 and 1")
        if self.dtype not in ("float32", "float64"):
            raise InputError(f"measurement.dtype={self.dtype} must be float32 or float64")

    def check(self, network: Network, splits: list[str], modes: list[str], what: str) -> None:
        """Raise InputError for what has no curvature that can be measured, before anything is trained."""
        for mode in modes:

            def attempt(few: Any, mode: str = mode) -> None:
                check_curvature(network.objective_of(few, mode, seeds=network.seeds[:1], dtype="float64"), what)

            on_few(network.dataset.train, attempt)
        num = ParameterLayout.of(network.module).num_parameters
        for key in ("num", "num_lowest"):
            if getattr(self, key) > num:
                told = "%s: %s=%d eigenvalues are asked for, and there are %d, as many as parameters; the rest is NaN"
                log.warning(told, what, key, getattr(self, key), num)
        for name in splits:
            _check_size(network, name, self.num_examples)

    def examples(self, network: Network, name: str) -> Any:
        """The examples of a split that are measured on: a stream is read once and held."""
        split = network.split(name)
        if isinstance(split, Stream):
            split = together(list(split.limited(self.num_examples).batches()))
        return split if self.num_examples is None else split.first(self.num_examples)

    def at(self, hessian: Hessian, value: float, direction: Tensor | None, seed: int = 0) -> dict[str, float]:
        """Named numbers at a point; all NaN where J is not finite.

        Args:
            hessian: there.
            value: J there, of the objective.
            direction: of the line [P]; None where there is none.
            seed: of random vectors.

        Returns:
            ``gradient_norm``; ``gradient_variance`` tr Sigma, ``noise_scale`` tr Sigma / |g|²; ``cosine`` of -g to the
            direction and ``line_curvature`` u.H u along it; ``gradient_curvature`` g.H g / |g|²; ``lambda_max``,
            ``lambda_2`` ..., ``lambda_min``, each with its ``_error``; ``trace``, ``trace_error`` and ``peak_ratio``,
            lambda_max over the mean eigenvalue; ``condition_number`` where all eigenvalues are positive.
        """
        if not math.isfinite(value) or not bool(hessian.gradient.isfinite().all()):
            return {}
        hessian.check_value(value)
        gradient, norm = hessian.gradient, float(hessian.gradient.norm())
        found = {"gradient_norm": norm}
        if self.noise:
            scatter = scatter_of(hessian)
        if self.noise and not math.isnan(scatter.variance):
            found |= {"gradient_variance": scatter.variance, "noise_scale": scatter.noise_scale}
        if direction is not None and float(direction.norm()) > 0:
            unit = (direction.double() / direction.double().norm()).to(gradient)
            found["cosine"] = float(-gradient @ unit) / norm if norm > 0 else math.nan
            found["line_curvature"] = float(unit @ hessian.times(unit))
        if norm > 0:
            found["gradient_curvature"] = float(gradient @ hessian.times(gradient / norm)) / norm
        return found | self._spectrum(hessian, seed)

    def _spectrum(self, hessian: Hessian, seed: int) -> dict[str, float]:
        found: dict[str, float] = {}
        high, low = extremes(hessian, self.num, self.num_lowest, self.tolerance, seed)
        names = self.eigenvalue_names
        values, errors = ([*getattr(high, key), *getattr(low, key)] for key in ("values", "errors"))
        for name, value, error in zip(names, values, errors, strict=False):
            found |= {name: float(value), f"{name}_error": float(error)}
        if self.trace:
            trace, error = trace_of(hessian, self.trace, seed)
            found |= {"trace": trace, "trace_error": error}
            if trace > error:
                found["peak_ratio"] = found["lambda_max"] * hessian.shape[0] / trace
        if self.num_lowest and found["lambda_min"] > found["lambda_min_error"]:
            found["condition_number"] = found["lambda_max"] / found["lambda_min"]
        return found

    @property
    def eigenvalue_names(self) -> list[str]:
        """Of the leading ones, then of the lowest ones."""
        leading = ["lambda_max", *(f"lambda_{k}" for k in range(2, self.num + 1))]
        lowest = ["lambda_min", *(f"lambda_min_{k}" for k in range(2, self.num_lowest + 1))]
        return leading + lowest[: self.num_lowest]

    @property
    def names(self) -> list[str]:
        """Of everything that ``at`` may return, in the order in which it is shown."""
        values = self.eigenvalue_names
        found = [*values, *(f"{name}_error" for name in values), "trace", "trace_error", "peak_ratio"]
        found += ["condition_number", "gradient_norm", "gradient_variance", "noise_scale", "gradient_curvature"]
        return [*found, "cosine", "line_curvature"]

    def walk(
        self, points: Sequence[tuple[int, int]], at: At, values: Array, progress: Callable[..., None]
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """Metrics, each of the shape of ``values``, and the spectral densities [G, *values.shape].

        Args:
            points: (row, column) of each point that is measured.
            at: what lies there.
            values: J at all points [A, S].
            progress: told how many are done.
        """
        from landscape.objective.curvature.operator import Hessian  # curvlinops is imported when it is needed

        metrics: dict[str, Array] = {}
        keys = ("eigenvalue", "density") if self.density else ()
        spectrum = {key: np.full((NUM_POINTS, *values.shape), np.nan) for key in keys}
        products = 0
        with undisturbed():
            for done, (a, s) in enumerate(points):
                objective, row, theta, direction = at(a, s)
                hessian = Hessian(objective, theta, row)
                seed = objective.seeds[row]
                found = self.at(hessian, float(values[a, s]), direction, seed)
                for name, value in found.items():
                    metrics.setdefault(name, np.full(values.shape, np.nan))[a, s] = value
                if self.density and found:
                    between = (found.get("lambda_min", math.nan), found["lambda_max"])
                    for key, part in zip(keys, density_of(hessian, between, NUM_POINTS, seed=seed), strict=True):
                        spectrum[key][:, a, s] = part
                products += hessian.products
                progress(done + 1, f"{products} products with the Hessian")
        return {name: metrics[name] for name in self.names if name in metrics}, spectrum

    def work(self, network: Network, split: str, mode: str, num_points: int, num_rows: int) -> Work:
        """Products with the Hessian, as many as are usual at most; a few of them tell how long one takes."""
        examples = network.split(split)
        if isinstance(examples, Stream):
            return Work(unknown="the eigenvalues over examples that are streamed")
        num = min(len(examples), self.num_examples or len(examples))

        def shorter(num_products: int) -> Callable[[Network], Measured]:
            return lambda subject: _multiplied(subject, split, mode, num, self.dtype, num_products)

        each = USUAL + NUM_REPEATS * NUM_VECTORS * self.density + self.trace + NOISE * self.noise
        return Work(steps=Steps(num_points * num_rows * each, 1, num, shorter, may_stop=True))


def _multiplied(network: Network, split: str, mode: str, num: int, dtype: str, num_products: int) -> Measured:
    """So many products at the module's own point."""
    from landscape.objective.curvature.operator import Hessian  # curvlinops is imported when it is needed

    objective = network.objective_of(network.split(split).first(num), mode, seeds=network.seeds[:1], dtype=dtype)
    hessian = Hessian(objective, objective.forward.off_start())
    for _ in range(num_products):
        hessian.times(hessian.gradient)
    return Measured()


def _check_size(network: Network, name: str, num: int | None) -> None:
    """Refuse a stream that cannot be held."""
    split = network.split(name)
    if not isinstance(split, Stream):
        return
    known, first = num_of(split.limited(num)), split.first_batch
    told = "eigenvalues take hundreds of passes over the examples, so that streamed ones are read once and held"
    if known is None:
        raise InputError(f"{told}, and how many {name} has is not known; set measurement.num_examples")
    held = known * sum(part.nbytes for part in first.leaves.values()) / len(first)
    if held > free_bytes(network.device) / 4:
        raise InputError(f"{told}, and the {known} of {name} take {size(held)}; set measurement.num_examples to fewer")
