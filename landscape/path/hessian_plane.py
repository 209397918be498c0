"""The plane along which J bends most: the two leading eigenvectors of its Hessian."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from landscape.path.laid_plane import LaidPlane, Mark, positive


class HessianPlane(LaidPlane):
    """theta_1 + a v_1 + b v_2 with the eigenvectors of the two largest eigenvalues of the Hessian of J at theta_1.

    Args:
        theta_0: is not looked at.
        theta_1: the points [S, P].
        leading: () -> for each row eigenvalues [2], eigenvectors of length 1 [2, P] and residuals |H v - lambda v| [2].
        radius: how far one looks, in parameter units.
        name: of theta_1.

    Raises:
        InputError: J has no second derivatives.
    """

    kind = "path=hessian_plane"
    needs_curvature = True

    def __init__(
        self,
        theta_0: Tensor,
        theta_1: Tensor,
        leading: Callable[[], Sequence[tuple[Any, Tensor, Any]]],
        radius: float = 1.0,
        name: str = "solution",
    ) -> None:
        radius = positive("path.radius", radius)
        found = leading()
        first, second = torch.stack([vectors for _, vectors, _ in found], dim=1)
        numbers = {}
        for k, key in enumerate(("max", "2")):
            numbers[f"plane/lambda_{key}"] = [float(values[k]) for values, _, _ in found]
            numbers[f"plane/lambda_{key}_error"] = [float(errors[k]) for _, _, errors in found]
        box = (-radius, radius)
        names = ("first eigenvector of the Hessian", "second eigenvector of the Hessian")
        super().__init__(theta_1, first, second, [Mark(name, np.zeros(2))], (box, box), names, numbers=numbers)
