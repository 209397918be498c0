"""What theory knows of a model and a cost: the exact J along its lines, and proofs about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from landscape.cost import CrossEntropy, Output, SquaredError
from landscape.cost.labels import scales
from landscape.data.dataset import Split
from landscape.errors import InputError
from landscape.model import MLP, DeepLinear, MaxoutMLP, Quadratic
from landscape.parameters import ParameterLayout
from theory import deep_linear, piecewise
from theory.arithmetic import polynomial
from theory.certificate import certify
from theory.piecewise import certified_decrease

Array = NDArray[np.float64]
Span = tuple[float, float]


class Law(Protocol):
    """J along one line, exactly."""

    def __call__(self, alphas: Array) -> Array:
        """alphas [A] -> J [A]."""

    def extrema(self) -> Sequence[Any]:
        """Every extremum of the interval, with ``alpha``, ``objective``, ``kind`` and ``interior``."""


class Proof(Protocol):
    """A theorem about J on [0, 1]."""

    @property
    def statement(self) -> str:
        """In words."""


class Family(Protocol):
    """All lines of one model with one cost on one split."""

    def line(self, theta_0: Tensor, theta_1: Tensor, span: Span) -> Law | None:
        """theta_0, theta_1 [P] -> J along the line between them, or None if only proofs are known."""

    def certificate(self, theta_0: Tensor, theta_1: Tensor) -> Proof | None:
        """A proof about J on [0, 1], or None."""


class DeepLinearFamily:
    """A deep linear net with squared error: the data enter once, by their second moments."""

    def __init__(self, module: DeepLinear, split: Split) -> None:
        self.layout, self.factors = ParameterLayout.of(module), module.factors
        self.moments = deep_linear.moments(_inputs(split), _targets(split, int(self.layout.shapes[-1][0])))

    def _weights(self, theta: Tensor) -> list[Array]:
        named = self.layout.unflatten(theta.double().cpu())
        return [named[name].numpy() for name in self.factors]

    def line(self, theta_0: Tensor, theta_1: Tensor, span: Span) -> Law:
        """A polynomial of degree 2L."""
        return deep_linear.line(self._weights(theta_0), self._weights(theta_1), self.moments, span)

    def certificate(self, theta_0: Tensor, theta_1: Tensor) -> Proof:
        """Every critical point, or that there is none."""
        return certify.certify(self._weights(theta_0), self._weights(theta_1), self.moments)


class QuadraticFamily:
    """A quadratic: J is of degree 2 in alpha."""

    def __init__(self, module: Quadratic) -> None:
        self.curvature, self.solution = (module.constants[n].numpy() for n in ("curvature", "solution"))

    def line(self, theta_0: Tensor, theta_1: Tensor, span: Span) -> Law:
        """From its Bernstein coefficients on the span."""
        start, end = theta_0.double().cpu().numpy(), theta_1.double().cpu().numpy()
        low, high = ((1 - a) * start + a * end - self.solution for a in span)
        pairs = [(low, low), (low, high), (high, high)]
        coefficients = np.array([0.5 * float(self.curvature @ (a * b)) for a, b in pairs])
        noise = 1e-15 * len(start) ** 0.5 * float(np.max(np.abs(coefficients)))
        return polynomial.Line(coefficients, span, noise)

    def certificate(self, theta_0: Tensor, theta_1: Tensor) -> None:
        """None: there is nothing to prove about a parabola that its three coefficients do not say."""


class OneHiddenLayerFamily:
    """A ReLU or maxout net with one hidden layer, without dropout: J is smooth between known kinks.

    With squared error the whole curve is exact, a quartic on each piece. Of a ReLU net it can also be proven that J
    decreases, with squared error and with cross-entropy, kinks and rounding included.
    """

    def __init__(self, module: MLP | MaxoutMLP, cost: SquaredError | CrossEntropy, split: Split) -> None:
        self.layout, self.x = ParameterLayout.of(module), _inputs(split)
        self.pieces = module.pieces if isinstance(module, MaxoutMLP) else None
        self.is_squared = isinstance(cost, SquaredError)
        self.y = _targets(split, int(self.layout.shapes[-1][0])) if self.is_squared else split.pair[1].cpu().numpy()

    def _network(self, theta: Tensor) -> tuple[Array, Array, Array, Array]:
        named = self.layout.unflatten(theta.double().cpu())
        w1, b1, w2, b2 = (named[f"layers.{k}.{part}"].numpy() for k in (0, 1) for part in ("weight", "bias"))
        return w1, b1, w2, b2

    def line(self, theta_0: Tensor, theta_1: Tensor, span: Span) -> Law | None:
        """Piecewise quartic; None with cross-entropy."""
        if not self.is_squared:
            return None
        return piecewise.line(self._network(theta_0), self._network(theta_1), self.x, self.y, span, self.pieces)

    def certificate(self, theta_0: Tensor, theta_1: Tensor) -> Proof | None:
        """That J decreases, as far as the proof goes; None for maxout."""
        if self.pieces is not None:
            return None
        cost = "squared_error" if self.is_squared else "cross_entropy"
        return certified_decrease.line(self._network(theta_0), self._network(theta_1), self.x, self.y, cost=cost)


def check_labels(cost: Any, split: Split) -> None:
    """Raise InputError unless each example has the one class label that theory's cross-entropy is about."""
    y = split.pair[1]
    if isinstance(cost, CrossEntropy) and (y.is_floating_point() or y.dim() > 1 or scales(cost, y)):
        raise InputError(
            "measurement=closed_form knows cross-entropy of one class label per example, and here labels "
            "are missing, several or probabilities; use measurement=interpolation"
        )


def family_of(module: nn.Module, cost: Any, split: Split) -> Family:
    """What theory knows of this model and cost.

    Raises:
        InputError: theory knows nothing of them; the message lists what it knows.
    """
    if isinstance(module, DeepLinear) and isinstance(cost, SquaredError):
        return DeepLinearFamily(module, split)
    if isinstance(module, Quadratic) and isinstance(cost, Output):
        return QuadraticFamily(module)
    relu = isinstance(module, MLP) and isinstance(module.activation, nn.ReLU)
    biased = all(getattr(layer, "bias", None) is not None for layer in getattr(module, "layers", ()))
    normed = isinstance(module, MLP) and bool(module.norms)
    if isinstance(module, MLP | MaxoutMLP) and len(module.layers) == 2 and biased and not normed:
        if isinstance(cost, SquaredError) and (relu or isinstance(module, MaxoutMLP)):
            return OneHiddenLayerFamily(module, cost, split)
        if isinstance(cost, CrossEntropy) and relu:
            return OneHiddenLayerFamily(module, cost, split)
    raise InputError(
        f"measurement=closed_form knows no closed form for model={type(module).__name__} with cost "
        f"{type(cost).__name__}; it knows model=deep_linear with cost=squared_error, model=quadratic with cost=output, "
        "and one hidden layer (one entry in model.widths) with biases, no batch norm, of ReLU with cost=squared_error "
        "or cross_entropy, or of maxout with cost=squared_error; else use measurement=interpolation"
    )


def _inputs(split: Split) -> Array:
    return np.asarray(split.pair[0].flatten(1).double().cpu().numpy())


def _targets(split: Split, outputs: int) -> Array:
    y = split.pair[1]
    y = y if y.is_floating_point() else F.one_hot(y, outputs)
    return np.asarray(y.double().cpu().numpy())
