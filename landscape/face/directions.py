"""Random directions whose filters have the norms of the point's own."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvTransposeNd

from landscape.errors import InputError
from landscape.ground.streams import ENDPOINT, stream
from landscape.parameters import ParameterLayout

NORMS = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)


def directions(module: nn.Module, theta: Tensor, seed: int, num: int = 2) -> Tensor:
    """Normal random directions [num, P] in float64, each filter scaled to the norm of the point's own.

    A filter is what makes one output: a slice along the first axis, of transposed convolutions along the second. What
    has one axis only, and what belongs to a normalisation, gets no direction.

    Args:
        module: whose names and layers theta has.
        theta: the point [P].
        seed: the same directions for the same seed, whatever the device and the precision.

    Raises:
        InputError: nothing is left that could move.

    Source: Li et al. 2018 (arXiv 1712.09913), section 4.
    """
    layout, owners = ParameterLayout.of(module), dict(module.named_modules())
    generator = stream(seed, ENDPOINT)
    found = []
    for _ in range(num):
        drawn = torch.randn(theta.numel(), generator=generator, dtype=torch.float64)
        parts = zip(
            layout.names,
            layout.shapes,
            drawn.split(layout.sizes),
            theta.double().cpu().split(layout.sizes),
            strict=True,
        )
        made = []
        for name, shape, noise, own in parts:
            owner = owners.get(name.rpartition(".")[0])
            if len(shape) < 2 or isinstance(owner, NORMS):
                made.append(torch.zeros_like(noise))
                continue
            num_groups = owner.groups if isinstance(owner, _ConvTransposeNd) and len(shape) > 2 else 0
            made.append(_scaled(noise, own, shape, num_groups))
        found.append(torch.cat(made))
    if not any(bool(direction.any()) for direction in found):
        raise InputError(
            f"net={type(module).__name__} has no weights of two axes that are not zero, so no direction is left for "
            "a plane around one point; give three points, plane(a, b, c)"
        )
    return torch.stack(found)


def _scaled(noise: Tensor, own: Tensor, shape: tuple[int, ...], num_groups: int) -> Tensor:
    """Noise [size] with the norms of the filters of ``own``; outputs of transposed convolutions are the second axis."""
    rows = (num_groups, shape[0] // num_groups, shape[1], -1) if num_groups else (shape[0], -1)
    noise, own = noise.reshape(rows), own.reshape(rows)
    inner = (1, 3) if num_groups else (1,)
    size = torch.linalg.vector_norm(noise, dim=inner, keepdim=True)
    scale = torch.linalg.vector_norm(own, dim=inner, keepdim=True) / size.clamp_min(torch.finfo(torch.float64).tiny)
    scaled: Tensor = noise * scale
    return scaled.reshape(-1)
