"""Standard errors over examples of differences from one point, gathered example by example."""

from __future__ import annotations

from typing import Any

import numpy as np

from landscape.result.curve.types import Array


class Apart:
    """The standard error over examples of J at each point less J at one of them.

    Args:
        origin: index of that point.
    """

    def __init__(self, origin: int) -> None:
        self.origin = origin
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.num = 0
        self.near = self.total = self.squares = np.zeros((0, 0))

    def state(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """What was added so far: arrays, and numbers."""
        return {"near": self.near, "total": self.total, "squares": self.squares}, {"num": self.num}

    def restore(self, arrays: dict[str, Array], numbers: dict[str, Any]) -> None:
        """Go on where ``state`` was taken."""
        self.near, self.total, self.squares = (arrays[name].copy() for name in ("near", "total", "squares"))
        self.num = int(numbers["num"])

    def add(self, costs: Any) -> None:
        """Some examples more: [S, A, n], from memory or a file, one point after the other."""
        with np.errstate(invalid="ignore", over="ignore"):
            if not self.num:
                self.near, self.total, self.squares = (np.zeros(costs.shape[1::-1]) for _ in range(3))
            start = costs[:, self.origin].astype(np.float64)
            for a in range(costs.shape[1]):
                part = costs[:, a] - start  # [S, n]
                if not self.num:  # about the means, so that the squares lose nothing
                    self.near[a] = part.mean(axis=1)
                part -= self.near[a][:, None]
                self.total[a] += part.sum(axis=1)
                self.squares[a] += (part**2).sum(axis=1)
        self.num += costs.shape[2]

    def errors(self) -> Array:
        """[A, S] in float64; NaN of a single example."""
        if self.num < 2:
            return np.full(self.total.shape, np.nan)
        with np.errstate(invalid="ignore", over="ignore"):
            variance = self.squares / self.num - (self.total / self.num) ** 2
            return np.asarray(np.sqrt(np.maximum(variance, 0.0) / (self.num - 1)))
