"""Find the module that draws and judges a result."""

from __future__ import annotations

import importlib
from types import ModuleType

from landscape.errors import InputError


def figure_module(name: str) -> ModuleType:
    """The module with ``draw(results)`` and ``judge(results)``.

    Raises:
        InputError: there is no such module, or it lacks one of the two.
    """
    try:
        module = importlib.import_module(name)
    except (ImportError, ValueError) as error:  # ValueError: the name is empty
        raise InputError(
            f"figure={name} is no module that can be imported ({error}); give a module with draw and judge, "
            "for example landscape.figure.sweep"
        ) from error
    if not callable(getattr(module, "draw", None)) or not callable(getattr(module, "judge", None)):
        raise InputError(f"figure={name} names a module without draw(results) and judge(results)")
    return module
