"""The plane through three points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from landscape.errors import InputError
from landscape.path.laid_plane import FLAT, LaidPlane, Mark, positive

AXES = ("orthogonal", "sides")


class CornersPlane(LaidPlane):
    """Through theta_0 at (0, 0), theta_1 at (1, 0) and a third point, each bitwise on a grid that has their places.

    Args:
        theta_0, theta_1, theta_2: the points [S, P].
        names: what they are called.
        margin: how far one looks beyond them, in units of the axes.
        axes: ``"orthogonal"``: from the first point to the second, and what of the third is orthogonal to that, which
            puts the third at (c, 1); ``"sides"``: from the first point to each of the others, which puts it at (0, 1).

    Raises:
        InputError: the three lie on one line, no third point, or a value that means nothing.

    Source: Garipov et al. 2018 (arXiv 1802.10026), section 3.
    """

    kind = "path=corners_plane"
    needs_third = True

    def __init__(
        self,
        theta_0: Tensor,
        theta_1: Tensor,
        theta_2: Tensor | None,
        names: Sequence[str] = ("start", "end", "third"),
        margin: float = 0.25,
        axes: str = "orthogonal",
    ) -> None:
        margin = positive("path.margin", margin, least=0.0)
        if axes not in AXES:
            raise InputError(f"path.axes={axes} must be one of {', '.join(AXES)}")
        if theta_2 is None:
            raise InputError(
                "path=corners_plane needs a third point: endpoints=three_solutions, or endpoints.third=FILE beside "
                "endpoints.start and endpoints.end"
            )
        one, two, three = (theta.double() for theta in (theta_0, theta_1, theta_2))
        along, aside = two - one, three - one
        square = torch.linalg.vecdot(along, along)
        shift = torch.linalg.vecdot(along, aside) / square
        rest = aside - shift[:, None] * along
        rest -= (torch.linalg.vecdot(along, rest) / square)[:, None] * along  # rounding left a little
        size = torch.linalg.vector_norm(aside, dim=1)
        if not bool((square > 0).all()) or not bool((torch.linalg.vector_norm(rest, dim=1) > FLAT * size).all()):
            raise InputError(
                f"{', '.join(names[:-1])} and {names[-1]} lie on one line; a plane needs a third point beside it"
            )
        is_orthogonal = axes == "orthogonal"
        place = np.stack([shift.numpy(), np.ones(len(one))]) if is_orthogonal else np.array([0.0, 1.0])
        if is_orthogonal and len(one) == 1:
            place = place[:, 0]
        marks = [
            Mark(names[0], np.array([0.0, 0.0])),
            Mark(names[1], np.array([1.0, 0.0])),
            Mark(names[2], place, three if is_orthogonal else None),
        ]
        low, high = min(0.0, float(np.min(place[0]))), max(1.0, float(np.max(place[0])))
        super().__init__(
            one,
            along,
            rest if is_orthogonal else aside,
            marks,
            ((low - margin, high + margin), (-margin, 1 + margin)),
            (f"from {names[0]} to {names[1]}", f"beside that, towards {names[2]}"),
        )
        self._anchors = one, two, (one + rest if is_orthogonal else three)

    @property
    def anchors(self) -> tuple[Tensor, Tensor, Tensor]:
        """theta at (0, 0), (1, 0) and (0, 1), each [S, P]."""
        return self._anchors
