"""Bounds on norms: of the gradient, by shortening it, and of weights, by projection."""

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


def clip(gradients: dict[str, Tensor], scale: float, max_norm: float | None) -> dict[str, Tensor]:
    """The gradients times ``scale``, then shortened to ``max_norm``, each seed by its own norm over all parameters.

    Args:
        gradients: {name: [S, *shape]}; two names may share one tensor, so nothing is written into them.

    Source: Zaremba, Sutskever & Vinyals (arXiv 1409.2329), section 4.
    """
    if scale == 1 and max_norm is None:
        return gradients
    factor = torch.full((len(next(iter(gradients.values()))),), scale, dtype=torch.float64)
    if max_norm is not None:
        squares = torch.stack([g.reshape(len(g), -1).abs().square().sum(dim=1) for g in gradients.values()])
        norm = scale * squares.sum(dim=0).sqrt()  # [S]
        factor = scale * (max_norm / norm.clamp(min=1e-30)).clamp(max=1.0)
    return {name: g * factor.to(g).view(-1, *[1] * (g.dim() - 1)) for name, g in gradients.items()}
