"""The plane through a point along two directions that somebody gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from landscape.errors import InputError
from landscape.path.laid_plane import LaidPlane, Mark, positive


class GivenPlane(LaidPlane):
    """origin + a d_1 + b d_2 with directions that are read as points are: files of state dicts, or flat tensors.

    Args:
        theta_0: is not looked at.
        theta_1: the solutions [S, P].
        read: (what somebody gives, its key) -> theta [P].
        directions: d_1 and d_2, the same for all rows.
        origin: a point instead of theta_1; None: theta_1.
        radius: how far one looks, in lengths of the directions as they are.
        name: of the origin.

    Raises:
        InputError: not two directions, or such as are zero or along one line.
    """

    kind = "path=given_plane"

    def __init__(
        self,
        theta_0: Tensor,
        theta_1: Tensor,
        read: Callable[[Any, str], Tensor],
        directions: Sequence[Any],
        origin: Any = None,
        radius: float = 1.0,
        name: str | None = None,
    ) -> None:
        radius = positive("path.radius", radius)
        if isinstance(directions, str) or not isinstance(directions, Sequence) or len(directions) != 2:
            raise InputError(f"path.directions={directions} must be a list of two files with state dicts")
        keys = ("path.directions[0]", "path.directions[1]")
        first, second = (read(given, key) for given, key in zip(directions, keys, strict=True))
        one, two = (Path(d).name if isinstance(d, str | Path) else k for d, k in zip(directions, keys, strict=True))
        point = theta_1 if origin is None else read(origin, "path.origin").expand_as(theta_1)
        box = (-radius, radius)
        super().__init__(
            point,
            first.double().expand(point.shape),
            second.double().expand(point.shape),
            [Mark(name or ("solution" if origin is None else "origin"), np.zeros(2))],
            (box, box),
            (one, two),
        )
