"""The plane around a point along two random directions."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from landscape.errors import InputError
from landscape.path.directions import directions
from landscape.path.laid_plane import LaidPlane, Mark, positive

RANDOM = ("first random direction", "second random direction")


class RandomPlane(LaidPlane):
    """theta_1 + a d_1 + b d_2 with random directions whose filters have the norms of those of theta_1.

    Args:
        theta_0: is not looked at.
        theta_1: the point in the middle [S, P].
        module: whose layers theta has.
        seeds: of the rows; each has directions of its own.
        seed: of the directions.
        radius: how far one looks, in units of the point's own filters.
        one_axis: ``"zero"`` keeps biases and normalisations still, ``"keep"`` moves each as one filter.
        name: of the point.

    Raises:
        InputError: a value that means nothing, or nothing is left that could move.

    Source: Li et al. 2018 (arXiv 1712.09913), section 4; here the directions are orthogonal, see ``directions``.
    """

    kind = "path=random_plane"

    def __init__(
        self,
        theta_0: Tensor,
        theta_1: Tensor,
        module: nn.Module,
        seeds: Sequence[int],
        seed: int = 0,
        radius: float = 1.0,
        one_axis: str = "zero",
        name: str = "solution",
    ) -> None:
        radius = positive("path.radius", radius)
        pairs = [
            directions(module, theta, whole(seed), of, one_axis) for theta, of in zip(theta_1, seeds, strict=False)
        ]
        first, second = torch.stack(pairs, dim=1)
        box = (-radius, radius)
        marks = [Mark(name, np.zeros(2))]
        super().__init__(theta_1, first, second, marks, (box, box), RANDOM, has_lengths=False)


def whole(seed: Any) -> int:
    """A seed that must be a whole number."""
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise InputError(f"path.seed={seed} must be a whole number, 0 or more")
    return int(seed)
