"""A plane through parameter space: a point, two directions, and what belongs to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Real
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from landscape.errors import InputError
from landscape.path.plane import Plane

Array = NDArray[np.float64]

FLAT = 1e-6
"""Share of a direction that must lie beside the other, or both span a line."""


@dataclass(frozen=True)
class Mark:
    """A point that a plane was laid through.

    Args:
        name: what it is called.
        at: its (a, b), the same of all rows [2], or one of each [2, S].
        theta: the point itself [S, P]; None where it is an anchor.
    """

    name: str
    at: Array
    theta: Tensor | None = None


class LaidPlane:
    """theta(a, b) = origin + a d_1 + b d_2, one plane per row; a kind of plane says in its constructor which.

    A constructor takes the ends of a path, theta_0 and theta_1 [S, P], and by name what else it needs of a job: see
    ``landscape.measurement.stages.OnPath.lay``.

    Args:
        origin: [S, P].
        first, second: d_1 and d_2 [S, P].
        marks: the points that it goes through, the origin first.
        extent: ((a, a), (b, b)) between which one looks if nothing else is said.
        direction_names: what the directions are, for a reader.
        has_lengths: whether lengths on the plane are those of parameter space, or mean nothing.
        path: points of a run near the plane, as ``Surface.path`` has them, less J.
        numbers: of each row, by name.

    Raises:
        InputError: directions that are zero, or point the same way.
    """

    kind: ClassVar[str] = "a plane"
    """In a message: whose directions are too short or too much alike."""

    def __init__(
        self,
        origin: Tensor,
        first: Tensor,
        second: Tensor,
        marks: Sequence[Mark],
        extent: tuple[tuple[float, float], tuple[float, float]],
        direction_names: tuple[str, str],
        has_lengths: bool = True,
        path: dict[str, Array] | None = None,
        numbers: dict[str, list[float]] | None = None,
    ) -> None:
        self.origin, self.first, self.second = (part.double() for part in (origin, first, second))
        self.marks, self.extent, self.direction_names = list(marks), extent, direction_names
        self.has_lengths, self.path = has_lengths, path or {}
        self._check_apart()
        self.numbers = {"plane/cosine": self.cosine.tolist()} | (numbers or {})

    def on(self, first: ArrayLike, second: ArrayLike) -> Plane:
        """The points of a grid, numbered; bitwise those that the plane was laid through where they lie on it.

        Args:
            first, second: a [A] and b [B].
        """
        rows = len(self.origin)
        known = [(_of_rows(mark.at, rows), mark.theta) for mark in self.marks if mark.theta is not None]
        return Plane(*self.anchors, first, second, known)

    @property
    def anchors(self) -> tuple[Tensor, Tensor, Tensor]:
        """theta at (0, 0), (1, 0) and (0, 1), each [S, P]."""
        return self.origin, self.origin + self.first, self.origin + self.second

    @property
    def corners(self) -> Array:
        """(a, b) of the points that it was laid through [C, 2], or [C, 2, S] where the rows differ."""
        if any(mark.at.ndim > 1 for mark in self.marks):
            return np.stack([_of_rows(mark.at, len(self.origin)) for mark in self.marks])
        return np.array([mark.at for mark in self.marks])

    @property
    def positions(self) -> tuple[list[float], list[float]]:
        """Those on each axis at which the points lie that it was laid through."""
        first, second = (sorted({float(v) for mark in self.marks for v in np.ravel(mark.at[k])}) for k in (0, 1))
        return first, second

    @property
    def lengths(self) -> tuple[Array, Array, Array]:
        """The length of d_1, and by how much d_2 goes along it and beside it, each [S]."""
        length = torch.linalg.vector_norm(self.first, dim=1)
        along = torch.linalg.vecdot(self.first, self.second) / length
        rest = self.second - (along / length)[:, None] * self.first
        return length.numpy(), along.numpy(), torch.linalg.vector_norm(rest, dim=1).numpy()

    @property
    def cosine(self) -> Array:
        """Of the angle between the directions [S]."""
        _, along, beside = self.lengths
        return along / np.hypot(along, beside)

    @property
    def reach(self) -> Array:
        """How far each point of ``path`` lies from the origin, on the plane and in parameter units [T, S]."""
        length, along, beside = self.lengths
        a, b = self.path["first"], self.path["second"]
        return np.asarray(np.hypot(a * length + b * along, b * beside))

    def _check_apart(self) -> None:
        for name, direction in zip(self.direction_names, (self.first, self.second), strict=True):
            if not direction.any(dim=1).all():
                raise InputError(f"{self.kind}: {name} has length zero; a plane needs two directions that are not")
        _, along, beside = self.lengths
        if (beside <= FLAT * np.hypot(along, beside)).any():
            raise InputError(
                f"{self.kind}: {' and '.join(self.direction_names)} point along one line; a plane needs two"
            )


def plane_kind(path: Any) -> type[LaidPlane] | None:
    """The kind of plane that a path of a config is, or None."""
    while isinstance(path, partial):
        path = path.func
    return path if isinstance(path, type) and issubclass(path, LaidPlane) else None


def positive(key: str, value: Any, least: float = 1e-300) -> float:
    """The value of a key that must be a finite number above 0, or from ``least`` on."""
    if isinstance(value, bool) or not isinstance(value, Real) or not least <= float(value) < float("inf"):
        raise InputError(f"{key}={value!r} must be a finite number, {'0 or more' if least == 0 else 'above 0'}")
    return float(value)


def _of_rows(at: Array, rows: int) -> Array:
    """[2, S]."""
    return at if at.ndim > 1 else np.repeat(at[:, None], rows, axis=1)
