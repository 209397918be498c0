"""Norm bounds, enforced by projection."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


@torch.no_grad()
def project_max_norm(theta: Mapping[str, Tensor], max_norms: Mapping[str, float]) -> None:
    """w <- w clip(|w|, 0, c)/max(|w|, 1e-7) for the incoming weights w of each unit, in place.

    Args:
        theta: {name: [S, out, ...]}; the norm runs over everything after ``out``.
        max_norms: {name: c}; other parameters, and the velocity, are left as they are.

    Source: pylearn2 ``MaxL2FilterNorm`` and ``max_col_norm``.
    """
    for name, bound in max_norms.items():
        weight = theta[name]
        rows = weight.view(weight.shape[0] * weight.shape[1], -1)  # [S*out, in]; reshape might copy and lose the change
        norm = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
        rows.mul_(norm.clamp(max=bound) / norm.clamp(min=1e-7))
