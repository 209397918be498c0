"""Random directions whose filters have the norms of the point's own, the second orthogonal to the first."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvTransposeNd

from landscape.errors import InputError
from landscape.ground.streams import PLANE, stream
from landscape.parameters import ParameterLayout

NORMS = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
ONE_AXIS = ("zero", "keep")
LEFT = 1e-6
"""Share of a filter's noise that must be left beside the first direction: of filters of one weight there is none."""


def directions(module: nn.Module, theta: Tensor, seed: int, of: int = 0, one_axis: str = "zero") -> Tensor:
    """Two normal random directions [2, P] in float64, orthogonal, each filter scaled to the norm of the point's own.

    A filter is what makes one output: a slice along the first axis, of transposed convolutions along the second. Inside
    each filter the second direction is made orthogonal to the first before it is scaled, so both have the norms of the
    point's filters and no filter adds to their inner product. A filter of a single weight has one direction alone:
    there the second is zero.

    Args:
        module: whose names and layers theta has.
        theta: the point [P].
        seed: the same directions for the same seed, whatever the device and the precision.
        of: which of several planes of one seed, each with directions of its own.
        one_axis: what becomes of parameters of one axis and of normalisations: ``"zero"``, they stay still; ``"keep"``,
            each of them is one filter.

    Raises:
        InputError: nothing is left that could move.

    Source: Li et al. 2018 (arXiv 1712.09913), section 4, whose directions are not orthogonal.
    """
    if one_axis not in ONE_AXIS:
        raise InputError(f"path.one_axis={one_axis} must be one of {', '.join(ONE_AXIS)}")
    layout, owners = ParameterLayout.of(module), dict(module.named_modules())
    generator = stream(seed, PLANE, of)
    found = torch.randn(2, theta.numel(), generator=generator, dtype=torch.float64)
    parts = found.split(layout.sizes, dim=1), theta.detach().double().cpu().split(layout.sizes)
    for name, shape, pair, own in zip(layout.names, layout.shapes, *parts, strict=True):
        owner = owners.get(name.rpartition(".")[0])
        if not own.numel():
            continue
        if len(shape) < 2 or isinstance(owner, NORMS):
            rows: tuple[int, ...] = (1, -1)
            if one_axis == "zero":
                pair.zero_()
                continue
        elif isinstance(owner, _ConvTransposeNd) and len(shape) > 2:
            rows = (owner.groups, shape[0] // owner.groups, shape[1], -1)
        else:
            rows = (shape[0], -1)
        _scale(pair.view(2, *rows), own.reshape(rows))
    if not found.any(dim=1).all():
        others = any(len(shape) < 2 and math.prod(shape) > 1 for shape in layout.shapes)
        more = "path.one_axis=keep, or " if one_axis == "zero" and others else ""
        raise InputError(
            f"model={type(module).__name__} has no filters of two weights or more that are not zero, so no direction "
            f"is left for a plane around one point; use {more}path=corners_plane"
        )
    return found


def _scale(pair: Tensor, own: Tensor) -> None:
    """Two pieces of noise with the norms of the filters of ``own``, in place; of four axes the second is the filter."""
    inner = (1, 3) if own.dim() == 4 else (1,)
    norm = torch.linalg.vector_norm(own, dim=inner, keepdim=True)
    first, second = pair
    before = torch.linalg.vector_norm(second, dim=inner, keepdim=True)
    first *= norm / torch.linalg.vector_norm(first, dim=inner, keepdim=True)
    square = (first * first).sum(dim=inner, keepdim=True).clamp_min(torch.finfo(torch.float64).tiny)
    for _ in range(2):  # once leaves what rounding made of it
        second -= (first * second).sum(dim=inner, keepdim=True) / square * first
    left = torch.linalg.vector_norm(second, dim=inner, keepdim=True)
    second *= torch.where(left > LEFT * before, norm / left, torch.zeros_like(norm))
