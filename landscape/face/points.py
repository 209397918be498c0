"""Points that somebody has, read against the names of a net: a module, a state dict, a checkpoint, a flat tensor."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from landscape.endpoints.checkpoints import Checkpoints
from landscape.endpoints.fit import Wanted, chosen, some
from landscape.errors import InputError
from landscape.parameters import ParameterLayout


def point_of(source: Any, module: nn.Module) -> tuple[Tensor, dict[str, Tensor]]:
    """(theta [P], buffers) of one point; a flat tensor brings no buffers.

    A stand-in with the signature of ``landscape.endpoints.point_of``.
    """
    layout = ParameterLayout.of(module)
    if isinstance(source, str | Path):
        pair = Checkpoints(str(source), str(source))
        if not Path(source).exists():
            raise InputError(f"there is no checkpoint {source}")
        saved = pair._saved("start", module, Wanted.of(module))
        return saved.theta[0], saved.buffers
    if isinstance(source, Tensor):
        if source.dim() != 1 or len(source) != layout.num_parameters or not source.is_floating_point():
            raise InputError(
                f"a point came as a tensor {list(source.shape)} of {source.dtype}, and net={type(module).__name__} has "
                f"{layout.num_parameters} parameters; give them as one flat tensor of floating point"
            )
        return source.detach().clone(), {}
    content = (
        {**dict(source.named_parameters()), **dict(source.named_buffers())} if isinstance(source, nn.Module) else source
    )
    if not isinstance(content, Mapping):
        raise InputError(f"a point came as {type(source).__name__}")
    wanted = Wanted.of(module)
    fit = chosen(content, wanted, None, (), False, "a point")
    lacking, wrong = wanted.lacking(fit.found), fit.misshapen(wanted)
    if lacking or wrong:
        raise InputError(f"a point lacks {some([*lacking, *wrong])} of net={type(module).__name__}, in their shapes")
    if fit.unexpected or fit.aside:
        raise InputError(f"a point has {some([*fit.unexpected, *fit.aside])}, which net={type(module).__name__} lacks")
    tensors = {**wanted.tensors, **fit.found}
    tensors = {n: t.detach() for n, t in tensors.items()}
    theta = layout.flatten(tensors)
    if not bool(torch.isfinite(theta).all()):
        raise InputError("a point holds numbers that are not finite")
    return theta, {n: t.clone() for n, t in tensors.items() if n not in layout.names}
