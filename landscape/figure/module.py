"""Find the module that draws and judges a result, and save what it draws."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from landscape.errors import InputError
from landscape.figure import pages, style
from landscape.result import Result


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


def save(module: ModuleType, results: Sequence[Result], folder: Path) -> Path:
    """Write a module's figure into ``folder``, and its interactive pages where it has any; returns the PNG's path."""
    path = style.save(module.draw(results), folder)
    if hasattr(module, "make_pages"):
        pages.write(module.make_pages(results), folder)
    return path
