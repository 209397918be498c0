"""The reference of ``import landscape as ls``: one entry of mkdocstrings for every public name."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import landscape

ROOT = Path(__file__).parents[1]

PARTS = {
    "Where to measure": ("line", "plane", "trajectory"),
    "Measuring": ("measure", "curvature", "principal"),
    "Between two solutions": ("align", "connect"),
    "What comes back": ("Curve", "Surface", "Projection", "Components", "ConnectingCurve"),
    "Wrong input": ("InputError",),
}
"""Every public name that is documented by its docstring; a test holds it against ``landscape.__all__``."""


def page() -> str:
    """The page, in the order in which somebody needs the names."""
    named = {name for names in PARTS.values() for name in names}
    parts = PARTS | {"Further names": tuple(n for n in landscape.__all__ if n not in named and not n.startswith("_"))}
    lines = [
        "# Python",
        "",
        *inspect.cleandoc(landscape.__doc__ or "").replace("::\n", ":\n").splitlines(),
        "",
        "[From Python](../library.md) tells the same with examples. Shapes in brackets: S networks, P parameters, A",
        f"positions on a path, T saved points, N examples. This is version {landscape.__version__}, `ls.__version__`.",
    ]
    for part, names in parts.items():
        if names:
            lines += ["", f"## {part}"]
        for name in names:
            lines += ["", f"::: {defined(name)}", "    options:", "      heading_level: 3", f"      heading: ls.{name}"]
            lines += [f"      toc_label: {name}"]
    return "\n".join(lines) + "\n"


def defined(name: str, module: str = "landscape") -> str:
    """Where a public name is defined, read off the imports: of ``measure`` there is a module, too."""
    folder = ROOT.joinpath(*module.split("."))
    file = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and name in {alias.name for alias in node.names}:
            return defined(name, node.module)
    return f"{module}.{name}"
