"""Find the module that draws and judges a result, and save what it draws."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Collection, Sequence
from pathlib import Path
from types import ModuleType
from typing import cast

from matplotlib.figure import Figure

import landscape.figure as room
from landscape.errors import InputError
from landscape.figure import caption, style
from landscape.figure.turnable import write_pages
from landscape.result.saved import Result


def figure_of(results: Sequence[Result], own: Collection[str] = ()) -> ModuleType:
    """The module that saved results name, if it is one of this package's or of those that the user named.

    Importing a module runs it, and whoever wrote a result chose the name.

    Args:
        results: of one figure. own: dotted names from the user's command line or config.
    Raises:
        InputError: it is another's. Also what ``figure_module`` raises.
    """
    name = results[0].figure
    ours = {f"{room.__name__}.{found.name}" for found in pkgutil.iter_modules(room.__path__)}
    if name not in own and name not in ours:
        raise InputError(
            f"figure={name} is what a saved result names, and none of {room.__name__}'s modules: a name from a file is "
            f"not imported; if that module is your own, add --figure {name}"
        )
    return figure_module(name)


def figure_module(name: str) -> ModuleType:
    """The module with ``draw(results)`` and ``judge(results)``, as the user's own config or command names it.

    Raises:
        InputError: there is no such module, or it lacks one of the two.
    """
    try:
        module = importlib.import_module(name)
    except (ImportError, ValueError, TypeError) as error:  # ValueError: the name is empty; TypeError: it is relative
        raise InputError(
            f"figure={name} is no module that can be imported ({error}); give a module with draw and judge, "
            "for example landscape.figure.sweep"
        ) from error
    if not callable(getattr(module, "draw", None)) or not callable(getattr(module, "judge", None)):
        raise InputError(f"figure={name} names a module without draw(results) and judge(results)")
    return module


def drawn(module: ModuleType, results: Sequence[Result], numbers: Sequence[str] = (), num_lost: int = 0) -> Figure:
    """A module's figure.

    Args:
        numbers: what its maps show; a module that draws none takes none. num_lost: jobs of the sweep that have no
            result to draw, which the footer says first.
    Raises:
        InputError: numbers for such a module, or one that no result has.
    """
    if not numbers:
        return caption.say_lost(cast(Figure, module.draw(results)), len(results), num_lost)
    if "numbers" not in inspect.signature(module.draw).parameters:
        raise InputError(f"--number {numbers[0]}: {module.__name__} draws no map of a number; leave it out")
    return caption.say_lost(cast(Figure, module.draw(results, numbers=numbers)), len(results), num_lost)


def has_figure(folder: Path) -> bool:
    """Whether both files of a figure are there: a job killed while it drew has a result and not both of them."""
    return all((folder / f"figure.{suffix}").is_file() for suffix in ("png", "pdf"))


def save(
    module: ModuleType, results: Sequence[Result], folder: Path, numbers: Sequence[str] = (), num_lost: int = 0
) -> Path:
    """Write a module's figure into ``folder``, and its interactive pages where it has any; returns the PNG's path."""
    path = style.save(drawn(module, results, numbers, num_lost), folder)
    if hasattr(module, "make_pages"):
        write_pages(module.make_pages(results), folder)
    return path
