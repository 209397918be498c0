"""Find the module that draws and judges a result, and save what it draws."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import cast

from matplotlib.figure import Figure

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


def drawn(module: ModuleType, results: Sequence[Result], numbers: Sequence[str] = ()) -> Figure:
    """A module's figure.

    Args:
        numbers: what its maps show; a module that draws none takes none.
    Raises:
        InputError: numbers for such a module, or one that no result has.
    """
    if not numbers:
        return cast(Figure, module.draw(results))
    if "numbers" not in inspect.signature(module.draw).parameters:
        raise InputError(f"--number {numbers[0]}: {module.__name__} draws no map of a number; leave it out")
    return cast(Figure, module.draw(results, numbers=numbers))


def save(module: ModuleType, results: Sequence[Result], folder: Path, numbers: Sequence[str] = ()) -> Path:
    """Write a module's figure into ``folder``, and its interactive pages where it has any; returns the PNG's path."""
    path = style.save(drawn(module, results, numbers), folder)
    if hasattr(module, "make_pages"):
        pages.write(module.make_pages(results), folder)
    return path
