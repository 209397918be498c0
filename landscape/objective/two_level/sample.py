"""The examples whose costs were taken at every point: what they say of all examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """Some examples that stand for all.

    Args:
        split: a ``Split`` of them.
        costs: the objective of each [S, A, n], scaled so that its mean over all examples is J.
        weights: how many of all examples each stands for [n], of sum N.
        num_examples: N.
    """

    split: Any
    costs: NDArray[Any]
    weights: Array
    num_examples: int

    def errors(self) -> NDArray[np.float32]:
        """The standard error over all N examples of J(b) - J(a) for each pair of points [A, A, S]."""
        found = []
        for line in self._lines():
            with np.errstate(invalid="ignore", over="ignore"):
                covariance = (line * self.weights) @ line.T / self.num_examples
                own = np.diag(covariance)
                found.append(self._error(own[:, None] + own[None, :] - 2 * covariance))
        return np.stack(found, axis=2).astype(np.float32)

    def errors_from(self, origin: int) -> Array:
        """The standard error over all N examples of J less J at one of the points [A, S]."""
        with np.errstate(invalid="ignore", over="ignore"):
            apart = [line - line[origin] for line in self._lines()]
            return np.stack([self._error((line**2) @ self.weights / self.num_examples) for line in apart], axis=1)

    def _lines(self) -> list[Array]:
        """The costs of each line about their means, less what an example has at all points: [A, n]."""
        found = []
        for costs in self.costs:
            with np.errstate(invalid="ignore", over="ignore"):
                line = costs.astype(np.float64)
                line -= (line @ self.weights / self.num_examples)[:, None]
                found.append(line - line.mean(axis=0))
        return found

    def _error(self, variance: Array) -> Array:
        return np.asarray(np.sqrt(np.maximum(variance, 0.0) / max(self.num_examples - 1, 1)))
