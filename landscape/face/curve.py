"""A trained curve between two points, as a place to measure on and as a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
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
    """What ``connect`` returns; ``measure`` takes it as it takes a line.

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
        """The net at a position of the curve; between the ends with the buffers of the end."""
        theta = self.path(float(alpha))[0]
        buffers = self.buffers_0 if alpha == 0 else self.buffers_1
        return {n: v.clone() for n, v in {**self.layout.unflatten(theta), **buffers}.items()}

    def save(self, file: str | Path) -> None:
        """Write the curve whole, with a digest, for ``ConnectingCurve.load``."""
        path, layout = self.path, self.layout
        state = {
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
        try:
            save_atomically(state, Path(file))
        except OSError as error:
            raise InputError(f"{file} cannot be written ({error})") from error

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
