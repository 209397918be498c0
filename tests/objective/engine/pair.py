"""One line or plane twice, by an engine and by the plain path, and how the two are compared."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from torch import Tensor, nn

from landscape.cost import CrossEntropy
from landscape.data import Split
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import Linear
from tests.twin import normal

ALPHAS = np.array([-0.4, 0.0, 0.13, 0.5, 0.77, 1.0, 1.6])


def ends(module: nn.Module, num: int = 2, size: float = 0.3) -> Linear:
    """A line through two random points near the module's own, rows apart."""
    theta = ParameterLayout.of(module).theta(module).double()
    return Linear(*(theta + size * normal(num, len(theta), seed=5 + k) for k in range(2)))


class Plane:
    """Three anchors; alpha numbers the points."""

    def __init__(self, module: nn.Module, points: list[tuple[float, ...]]) -> None:
        theta = ParameterLayout.of(module).theta(module).double()
        self.anchors = [theta + 0.4 * normal(2, len(theta), seed=k) for k in range(3)]
        self.points = points

    def weights(self, alpha: float) -> tuple[float, ...]:
        """Of the point with this number."""
        return self.points[int(alpha)]

    def __call__(self, alpha: float) -> Tensor:
        """theta [S, P]."""
        return sum(w * t for w, t in zip(self.weights(alpha), self.anchors, strict=True))  # type: ignore[return-value]


def both(
    module: nn.Module, data: Split, path: Any = None, alphas: Any = ALPHAS, engine: str = "prefix", **numbers: Any
) -> tuple[Any, Any]:
    """The same line by the engine and by the plain path."""
    numbers = {
        "cost": CrossEntropy(),
        "mode": "stochastic",
        "dtype": "float64",
        "seeds": [3, 8],
        "batch_size": 9,
        "num_replicates": 2,
        "running_statistics": "keep",
        **numbers,
    }
    path = ends(module) if path is None else path
    found = [Objective(module, split=data, engine=e, **numbers).along(path, alphas) for e in (engine, "plain")]
    return found[0], found[1]


def assert_equal(fast: Any, plain: Any, rtol: float = 1e-12) -> None:
    """Every channel, and the objective of each replicate."""
    assert fast.channels.keys() == plain.channels.keys()
    for name, values in plain.channels.items():
        np.testing.assert_allclose(fast.channels[name], values, rtol=rtol, atol=rtol * np.abs(values).max())
    np.testing.assert_allclose(fast.replicates, plain.replicates, rtol=rtol)


def served(caplog: pytest.LogCaptureFixture) -> bool:
    """Whether the engine did it all: it says so where it did not."""
    return not [r for r in caplog.records if "objective.engine" in r.message]
