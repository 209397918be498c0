"""Whether a module keeps what it computed: at every point it must cost what a copy that never ran costs there."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from landscape.data.tree import Values
from landscape.errors import InputError
from landscape.objective.batch import Batches, Buffers, copied
from landscape.objective.forward import ForwardPass, known_of
from landscape.objective.module.safe import is_known
from landscape.objective.module.template import has_own_modes, template_of
from landscape.objective.module.watch import memory_of

SAME = {torch.float32: 1e-5, torch.float64: 1e-10}
"""Relative to the size of the costs: two runs of the same operators on the same numbers."""
FEW = 16
"""Examples that show what was kept: others than the first few that a module ran on, see ``conduct``."""
FAR = 10**6
"""Passes that nobody waits for."""
OWN = ("_parameters", "_buffers", "_modules")


def check_keeps_nothing(batches: Batches, original: nn.Module, buffers: Buffers) -> None:
    """Raise InputError if what ran at one point costs something else at others than what never ran.

    Args:
        batches: of a module that has run.
        original: the module that it is a copy of, which may have run too.
        buffers: of the first row.
    """
    forward = batches.forward
    x, y = batches.split.rows(slice(batches.split.num_streams or FEW))

    def point(scale: float = 1.0, seed: int = 1) -> Tensor:  # made anew: of many parameters each copy weighs
        return forward.off_start(0.1, seed).mul_(scale)

    # Weights are replaced at each point by others of the same version, and sometimes at the same address.
    for seed in (1, 2):
        used = _cost(forward, point(1.0, seed), x, y, buffers, keeps_theta=False)
        theta = point(1.0, seed)
        fresh = _copy(forward, original, theta)
        new = _cost(fresh, theta, x, y, buffers, keeps_theta=False)
        del theta
        apart = float((new - used).abs().nan_to_num(0.0).mean() + (new.isnan() != used.isnan()).sum())
        slack = SAME[forward.dtype] * max(float(used.abs().nan_to_num(0.0, 0.0, 0.0).mean()), 1e-30)
        if seed == 1:
            _check_counters(fresh, point, x, y, buffers, slack)
        if apart > slack or (seed == 1 and _computes_again(fresh, point, x, y)):
            raise InputError(
                f"model={type(original).__name__} keeps something of the weights or examples that it first saw, as a "
                "product of weights in an attribute, so that a path would not move what its forward reads; let "
                "forward compute it anew every time"
            )
        del fresh


def _check_counters(
    fresh: ForwardPass, point: Callable[[], Tensor], x: Values, y: Values, buffers: Buffers, slack: float
) -> None:
    """Raise InputError if a number that each pass changes, far on, changes the cost.

    Args:
        fresh: of a copy that has run and that nobody needs any more.
        slack: by how much costs may differ.
    """
    parts = [(name, part.__dict__) for name, part in fresh.module.named_modules() if not is_known(part)]
    before = [dict(attributes) for _, attributes in parts]
    again = _cost(fresh, point(), x, y, buffers, keeps_theta=False)
    for (name, attributes), old in zip(parts, before, strict=True):
        for key in [k for k, v in attributes.items() if type(v) in (int, float) and v != old.get(k, v)]:
            kept, attributes[key] = attributes[key], attributes[key] + FAR
            moved = _cost(fresh, point(), x, y, buffers, keeps_theta=False)
            attributes[key] = kept
            if float((moved - again).abs().nan_to_num(0.0).mean()) > slack:
                raise InputError(
                    f"model={fresh.name} changes {f'{name}.{key}'.lstrip('.')} in each pass, and costs something else "
                    "where it is far on, so that J would depend on what was measured before; change it in training "
                    "mode only"
                )


def check_memory(original: nn.Module) -> None:
    """Raise InputError if a buffer or an attribute shares memory with a weight, which a path would not move there."""
    weights: dict[Any, str] = {}
    for name, p in original.named_parameters(remove_duplicate=False):
        if p.numel() and not p.is_meta:
            weights |= dict.fromkeys(_places(p), name)
    parameters = {id(p) for p in original.parameters()}
    flat = {id(w) for m in original.modules() if isinstance(m, nn.RNNBase) for w in m._flat_weights}
    for prefix, part in original.named_modules():
        attributes = {n: v for n, v in part.__dict__.items() if n not in OWN}
        for key, value in {**part._buffers, **attributes}.items():
            for held in _arrays(value):
                if id(held) in parameters or id(held) in flat:
                    continue  # the weight itself, seen where it is read
                weight = next((weights[place] for place in _places(held) if place in weights), None)
                # torch's older norms leave a weight there that they compute before every pass.
                if weight is not None and f"{key}_orig" not in part._parameters:
                    raise InputError(
                        f"model={type(original).__name__} holds weight {weight} a second time, as "
                        f"{f'{prefix}.{key}'.lstrip('.')}, which shares its memory and which a path would not move; "
                        "let forward read its registered parameters"
                    )


def _places(held: Any) -> list[Any]:
    """Where a tensor or an array lies."""
    if isinstance(held, Tensor):
        if held.device.type != "cpu" or held.layout != torch.strided or not held.numel():
            return [memory_of(held)]
        return [held.untyped_storage().data_ptr(), held.data_ptr()]
    while isinstance(held.base, np.ndarray):
        held = held.base
    return [held.__array_interface__["data"][0]] if held.size else []


def _arrays(value: Any, depth: int = 3) -> list[Any]:
    """Tensors and arrays in lists, tuples and dicts."""
    if isinstance(value, Tensor | np.ndarray):
        return [value]
    if depth and isinstance(value, dict):
        value = list(value.values())
    if depth and isinstance(value, list | tuple):
        return [found for one in value for found in _arrays(one, depth - 1)]
    return []


def _computes_again(forward: ForwardPass, point: Callable[[float], Tensor], x: Values, y: Values) -> bool:
    """Whether something that a module came with is, once taken away, computed anew from weights and not from examples.

    A constant is missed, an option is not filled in, and what is set by the first batch depends on the examples.
    """
    for part in forward.module.modules():
        if is_known(part):
            continue
        plain = {n: v for n, v in part.__dict__.items() if n not in OWN and (isinstance(v, float) or _arrays(v))}
        for name, value in list({**plain, **{n: b for n, b in part._buffers.items() if b is not None}}.items())[:16]:
            empty = type(value)() if isinstance(value, dict | list) else None
            for is_gone, is_reset in product((False, True), repeat=2):
                how = (part, name, () if is_gone else (empty,), is_reset)
                try:
                    first, moved = (_filled(forward, *how, point(scale), x, y) for scale in (1, 2))
                    if (
                        not first
                        or first == moved
                        or first != _filled(forward, *how, point(1), x.flip(0)[1:], y.flip(0)[1:])
                    ):
                        continue
                    # What is computed before every pass, as a norm of weights is, is not kept.
                    left = [_filled(forward, part, name, None, False, point(scale), x, y) for scale in (1, 2)]
                except torch.OutOfMemoryError:
                    raise
                except Exception:  # missed
                    continue
                if left[0] == left[1]:
                    return True
    return False


def _filled(
    forward: ForwardPass,
    part: nn.Module,
    name: str,
    value: tuple[Any, ...] | None,
    is_reset: bool,
    theta: Tensor,
    x: Values,
    y: Values,
) -> list[Any]:
    """The numbers that a pass leaves in one attribute or buffer of a module.

    Args:
        value: what to put there before, in a tuple; an empty one takes the name away, None leaves it as it is.
        is_reset: put what is True of the part to False too, such as a note that something has been computed.
    """
    stores = [(m, dict(m.__dict__), dict(m._buffers)) for m in forward.module.modules()]
    store: dict[str, Any] = part._buffers if name in part._buffers else part.__dict__
    try:
        if value is not None:
            store.pop(name)
            store.update(zip([name], value, strict=False))
        if is_reset:
            part.__dict__.update({n: False for n, v in part.__dict__.items() if v is True})
        _cost(forward, theta, x, y, {}, keeps_theta=False)
        found = part._buffers.get(name, part.__dict__.get(name))
        return [found] if isinstance(found, float) else [torch.as_tensor(one).tolist() for one in _arrays(found)]
    finally:
        for module, attributes, buffers in stores:
            module.__dict__.clear()
            module.__dict__.update(attributes)
            module._buffers.clear()
            module._buffers.update(buffers)


def _copy(forward: ForwardPass, original: nn.Module, theta: Tensor) -> ForwardPass:
    """The pass with a copy of the module that was loaded at theta and has not run."""
    net = template_of(original, forward.device, forward.dtype, shares_values=True)
    if has_own_modes(net):  # perhaps it computes something as it enters evaluation mode
        with torch.no_grad():
            own = dict(net.named_parameters())
            for name, value in forward.layout.unflatten(theta).items():
                own[name].copy_(value)
        net = template_of(net, forward.device, forward.dtype)
    return forward.but(module=net)


def _cost(
    forward: ForwardPass, theta: Tensor, x: Values, y: Values, buffers: Buffers, keeps_theta: bool = True
) -> Tensor:
    with torch.no_grad():
        values, _ = forward.on_copies(theta, known_of(*copied(x, y), buffers, None), None, keeps_theta)
    return values["objective"].double()
