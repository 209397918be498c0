"""A copy of somebody's module that can be evaluated at any point, whatever wrappers and caches the module has."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from landscape.errors import InputError
from landscape.ground.precision import converted
from landscape.parameters import check_shapes

WRAPPERS = {
    "OptimizedModule": "_orig_mod",  # torch.compile
    "DataParallel": "module",
    "DistributedDataParallel": "module",
}
"""Class -> the attribute that holds what it wraps. Wrappers add speed and change no value."""


class Unwrapped(nn.Module):
    """What a wrapper holds, under the names that its parameters have in the wrapper."""

    def __init__(self, attribute: str, inner: nn.Module) -> None:
        super().__init__()
        self.add_module(attribute, inner)
        self.inner_name = attribute

    def __getattr__(self, name: str) -> Any:
        """Whatever else is asked of it, such as ``initial_state``, is asked of the inner module."""
        if name in self.__dict__.get("_modules", {}) or "inner_name" not in self.__dict__:
            return super().__getattr__(name)
        return getattr(self._modules[self.inner_name], name)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The inner module's own."""
        inner = self._modules[self.inner_name]
        assert inner is not None
        return inner(*args, **kwargs)


def template_of(module: nn.Module, device: torch.device, dtype: torch.dtype, shares_values: bool = False) -> nn.Module:
    """A copy in evaluation mode, without gradients; the module itself is not touched.

    Args:
        shares_values: its parameters lie where those of the module do: it must always run with others in their place.

    Raises:
        InputError: lazy layers, TorchScript, or something that cannot be copied.
    """
    check_shapes(module)
    if any(tensor.is_meta for tensor in (*module.parameters(), *module.buffers())):
        raise InputError(
            f"model={type(module).__name__} lies on the meta device, where tensors have no values; use a real one"
        )
    script = next((n or "the module" for n, m in module.named_modules() if isinstance(m, torch.jit.ScriptModule)), None)
    if script is not None:
        raise InputError(
            f"model={type(module).__name__} is TorchScript ({script}), whose parameters cannot be replaced from "
            "outside; give the Python module that was scripted or traced, and load its state_dict"
        )
    module = unwrapped(module)
    found = converted(_copied(module, shares_values and not has_own_modes(module)), device, dtype).requires_grad_(False)
    before = [p.clone() for p in found.parameters()] if has_own_modes(found) else []
    found.eval()
    if any(not torch.equal(p, b) for p, b in zip(found.parameters(), before, strict=False)):
        # Adapters that merge themselves into the weights as they leave training mode: theta is what is not merged.
        found = converted(_copied(module), device, dtype).requires_grad_(False)
        for part in found.modules():
            part.training = False
    return found


def unwrapped(module: nn.Module) -> nn.Module:
    """The module with every wrapper in it replaced, names kept; itself where there is none."""
    if not any(type(m).__name__ in WRAPPERS for m in module.modules()):
        return module
    attribute = WRAPPERS.get(type(module).__name__)
    if attribute is not None:
        return Unwrapped(attribute, unwrapped(getattr(module, attribute)))
    shell = copy.copy(module)
    shell.__dict__["_modules"] = {n: None if m is None else unwrapped(m) for n, m in module._modules.items()}
    return shell


def has_own_modes(module: nn.Module) -> bool:
    """Whether some part does more than to note in which mode it is."""
    plain = nn.Module.train, nn.Module.eval
    return any((type(m).train, type(m).eval) != plain for m in module.modules())


def _copied(module: nn.Module, shares_values: bool = False) -> nn.Module:
    """A deep copy, also of a module that keeps a computed tensor, as weight norm, spectral norm and pruning do."""
    memo: dict[int, Any] = {}
    for p in module.parameters() if shares_values else ():
        if type(p) is nn.Parameter and (p.is_floating_point() or p.is_complex()):
            memo[id(p)] = nn.Parameter(p.detach(), requires_grad=False)
    for part in module.modules():
        for tensor in _tensors(list(part.__dict__.values())):
            if not tensor.is_leaf:
                memo[id(tensor)] = tensor.detach().clone()
    try:
        return copy.deepcopy(module, memo)
    except (RuntimeError, TypeError, NotImplementedError, AttributeError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"model={type(module).__name__} cannot be copied ({reason}), and the module itself is never touched; keep "
            "open files, locks and computed tensors out of its attributes"
        ) from error


def _tensors(values: list[Any]) -> Iterator[Tensor]:
    """The tensors in lists, tuples and dicts of an object's attributes."""
    waiting, seen = values, set[int]()
    while waiting:
        value = waiting.pop()
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple | dict) and id(value) not in seen:
            seen.add(id(value))
            waiting.extend(value.values() if isinstance(value, dict) else value)
