"""What a loss that somebody has is to be called with, read off the names of its arguments."""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any, Literal

from torch import nn

from landscape.errors import InputError

Kind = Literal["targets", "batch", "module"]
"""(outputs, y), (outputs, batch), (module, batch)."""

MODULE = ("module", "model", "net")
"""How the first argument is called where it is the module itself."""
BATCH = ("batch", "b", "data", "examples")
"""How the second argument is called where it is the whole batch."""
HOW = (
    "a loss takes (outputs, y); (outputs, batch), if it calls its second argument batch; or (module, batch), if it "
    "calls its first one module, model or net"
)


def kind_of(loss: Any) -> Kind:
    """What to call a loss with.

    Raises:
        InputError: it does not take two arguments.
    """
    name = name_of(loss)
    try:
        parameters = inspect.signature(loss.forward if isinstance(loss, nn.Module) else loss).parameters.values()
    except (TypeError, ValueError):  # code in C says nothing
        return "targets"
    placed = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = [p.name for p in placed if p.default is p.empty]
    only = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    takes_any = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    if len(needed) > 2 or only or (len(placed) < 2 and not takes_any):
        taken = ", ".join([*(p.name for p in placed), *only]) or "nothing"
        raise InputError(f"cost={name} takes {taken}; {HOW}; functools.partial or a lambda gives it the others")
    names = [p.name for p in placed[:2]]
    if names and names[0] in MODULE:
        return "module"
    return "batch" if len(names) > 1 and names[1] in BATCH else "targets"


def check_loss(loss: Any) -> None:
    """Raise InputError for a class, and for a module with parameters or a method of one: no path would move them."""
    name = name_of(loss)
    if inspect.isclass(loss):
        raise InputError(f"cost={name} is a class; give an object of it: {name}(...)")
    while isinstance(loss, partial):
        loss = loss.func
    holder = getattr(loss, "__self__", loss)
    if not isinstance(holder, nn.Module) or next(holder.parameters(), None) is None:
        return
    if holder is loss:
        raise InputError(
            f"cost={name} has parameters of its own, which nobody would train; make them a part of the model"
        )
    raise InputError(
        f"cost={name} is a method of a {type(holder).__name__}, whose parameters no path would move; give a function "
        "(module, batch) -> values, which is called with the module at each point"
    )


def name_of(cost: Any) -> str:
    """A function's or an object's name, for messages."""
    if isinstance(cost, partial):
        return name_of(cost.func)
    return str(getattr(cost, "__name__", type(cost).__name__))
