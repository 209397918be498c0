"""A trained curve between two points, as a place to measure on and as a file."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape.errors import InputError
from landscape.face.places import LineBetween, Place
from landscape.face.points import Reading
from landscape.parameters import ParameterLayout
from landscape.path import Bent, Bezier, Polygon
from landscape.result.curve import Curve
from landscape.training.checkpoint import Unusable, load, save_atomically

KINDS: dict[str, type[Bent]] = {"bezier": Bezier, "polygon": Polygon}
FORMAT = "landscape curve 1"


@dataclass(frozen=True, eq=False)
class ConnectingCurve(Place[Curve]):
    """What ``connect`` returns; ``measure`` takes it as it takes a line. Two are equal if all that ``save`` writes is.

    Args:
        path: the curve between theta_0 and theta_1, each [1, P].
        layout: what the P values are.
        buffers_0, buffers_1: {name: tensor}, what the nets at both ends compute with beside their parameters.
        costs: of each epoch of training [T]: the cost of its minibatches, each at a place of its own on the curve.
        seed: of the training.
    """

    path: Bent
    layout: ParameterLayout
    buffers_0: dict[str, Tensor]
    buffers_1: dict[str, Tensor]
    costs: NDArray[np.float64]
    seed: int

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ConnectingCurve):
            return NotImplemented
        mine, others = self._plain(), other._plain()
        return all(_is_same(value, others[name]) for name, value in mine.items())

    def __hash__(self) -> int:
        raise TypeError("a ConnectingCurve cannot be hashed, since its tensors may be written to; use id(...)")

    @property
    def kind(self) -> str:
        """``"bezier"`` or ``"polygon"``."""
        return next(name for name, kind in KINDS.items() if isinstance(self.path, kind))

    @property
    def bends(self) -> Tensor:
        """[B, P], flat points."""
        return self.path.bends[:, 0]

    @property
    def length(self) -> float:
        """Of the whole curve, in parameter units; that of the line is the distance of its ends."""
        return float(self.path.length[0])

    @property
    def line(self) -> LineBetween:
        """The straight line between the same two points."""
        reading = Reading.of("ls.line", 2, None, (), None)
        return LineBetween((self.state_dict(0.0), self.state_dict(1.0)), "linear", reading)

    def state_dict(self, alpha: float) -> dict[str, Tensor]:
        """The net at a position of the curve.

        Between the ends its buffers are those of ``b``: batch norm's statistics are to be taken anew over the training
        data, as ``measure`` does by ``running_statistics="recalibrate"``, before such a net is used.
        """
        if not isfinite(alpha):
            raise InputError(f"alpha={alpha} is no position of a curve; give a finite number")
        theta = self.path(float(alpha))[0]
        buffers = self.buffers_0 if alpha == 0 else self.buffers_1
        return {n: v.clone() for n, v in {**self.layout.unflatten(theta), **buffers}.items()}

    def save(self, file: str | Path) -> None:
        """Write the curve whole, with a digest, for ``ConnectingCurve.load``."""
        try:
            save_atomically(self._plain(), Path(file))
        except OSError as error:
            raise InputError(f"{file} cannot be written ({error})") from error

    def _plain(self) -> dict[str, Any]:
        """Tensors, numbers and texts that make the curve."""
        path, layout = self.path, self.layout
        return {
            "format": FORMAT,
            "kind": self.kind,
            "spacing": path.spacing,
            "points": [point.cpu() for point in (path.theta_0, path.theta_1, path.bends)],
            "names": list(layout.names),
            "shapes": [list(shape) for shape in layout.shapes],
            "complex_names": list(layout.complex_names),
            "buffers": [self.buffers_0, self.buffers_1],
            "costs": self.costs.tolist(),
            "seed": self.seed,
        }

    @classmethod
    def load(cls, file: str | Path) -> ConnectingCurve:
        """Read what ``save`` wrote; nothing in the file runs.

        Raises:
            InputError: no such file, or one that is not what was written.
        """
        try:
            state = load(Path(file))
            if state is None:
                raise InputError(f"{file} does not exist")
            if state.get("format") != FORMAT:
                raise InputError(f"{file} holds no curve of ls.connect")
            theta_0, theta_1, bends = state["points"]
            shapes = tuple(tuple(shape) for shape in state["shapes"])
            layout = ParameterLayout(tuple(state["names"]), shapes, tuple(state["complex_names"]))
            path = KINDS[state["kind"]](theta_0, theta_1, bends, state["spacing"])
            buffers_0, buffers_1 = state["buffers"]
            return cls(path, layout, buffers_0, buffers_1, np.array(state["costs"]), int(state["seed"]))
        except Unusable as error:
            raise InputError(f"{file} is no curve that was saved: {error}") from error

    def __repr__(self) -> str:
        num = len(self.path.bends)
        distance = float((self.path.theta_1 - self.path.theta_0).double().norm())
        return (
            f"{self.kind} curve of {num} bend{'s' * (num > 1)}, {self.length / distance:.3g} times as long as its line"
        )


def _is_same(one: Any, other: Any) -> bool:
    """Tensors value by value, wherever they lie."""
    if isinstance(one, Tensor):
        return isinstance(other, Tensor) and one.dtype == other.dtype and torch.equal(one.cpu(), other.cpu())
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_is_same(value, other[name]) for name, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(_is_same(*pair) for pair in zip(one, other, strict=True))
    return bool(one == other)
