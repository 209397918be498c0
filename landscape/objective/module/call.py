"""How a module is called with the inputs of a batch: by position, by name, or as its cost or its user say."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from landscape.cost.contract import calls_module
from landscape.errors import InputError
from landscape.objective.module.template import Unwrapped

Call = Callable[[nn.Module, Any], Any]

NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
PLACED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)


def call_of(module: nn.Module, cost: Any, form: Any) -> Call:
    """(module, inputs) -> outputs.

    Args:
        form: of the batches; its ``call`` is taken where there is one.
    """
    if calls_module(cost):
        call: Call = cost.call
        return call
    if form.call is not None:
        own: Call = form.call
        return own
    return called if form.x is not None else _alone


def _alone(module: nn.Module, inputs: Any) -> Any:
    """Of one tensor, and of whatever a cost of the house makes of it."""
    return module(inputs)


def called(module: nn.Module, inputs: Any) -> Any:
    """A tensor is the one argument; a dict gives arguments by name, those that ``forward`` takes; a tuple by position.

    Where ``forward`` needs one argument alone, and not by a name that is in the dict, it gets the container itself.

    Raises:
        InputError: it needs what the batch lacks.
    """
    if isinstance(inputs, Tensor) or not isinstance(inputs, Mapping | tuple | list):
        return module(inputs)
    parameters = _parameters(module)
    needed = [n for n, p in parameters.items() if p.default is p.empty and p.kind in (*PLACED, *NAMED)]
    if isinstance(inputs, Mapping):
        takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        taken = {n: v for n, v in inputs.items() if n in parameters and parameters[n].kind in NAMED}
        lacking = [name for name in needed if name not in taken]
        if taken and not lacking:
            return module(**taken)
        if takes_all and not lacking:
            return module(**inputs)
        if len(needed) <= 1:
            return module(inputs)
        raise InputError(
            f"model={type(module).__name__}.forward needs {', '.join(lacking)}, and the batch has "
            f"{', '.join(map(str, inputs))}; name its entries so, or say how it is called: call=lambda net, batch: ..."
        )
    takes_any = any(p.kind is p.VAR_POSITIONAL for p in parameters.values())
    if len(needed) == 1 and len(inputs) > 1 and not takes_any:
        placed = [n for n, p in parameters.items() if p.kind in PLACED]
        return module(inputs) if len(placed) < len(inputs) else module(*inputs)
    return module(*inputs)


def _parameters(module: nn.Module) -> Mapping[str, inspect.Parameter]:
    while isinstance(module, Unwrapped):
        module = getattr(module, module.inner_name)
    try:
        return inspect.signature(module.forward).parameters
    except (TypeError, ValueError):
        return {}
