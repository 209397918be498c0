"""What the command does with one derivation: read its parameters, tell it as text or JSON, draw it into a file."""

from __future__ import annotations

import inspect
import json
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import sympy

from theory.derivation import Check, Derivation


def parameters(module: ModuleType, given: Sequence[str]) -> dict[str, Any]:
    """``["dimension=100"]`` -> {"dimension": 100}, each a number of the type of the default.

    Raises:
        ValueError: an unknown name, listing the known ones, or a value that is no such number.
    """
    defaults = {n: p.default for n, p in inspect.signature(module.derive).parameters.items()}
    values = dict(defaults)
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or name not in defaults:
            raise ValueError(
                f"{text}: give parameters as name=number; known: "
                + (", ".join(f"{n}={d}" for n, d in defaults.items()) or "none")
            )
        try:
            values[name] = type(defaults[name])(value)
        except ValueError as error:
            raise ValueError(
                f"{text}: {name} takes {type(defaults[name]).__name__} values, such as {name}={defaults[name]}"
            ) from error
    return values


def text_of(derivation: Derivation, checks: Sequence[Check], latex: bool) -> str:
    """The derivation for a terminal, or its mathematics as LaTeX."""
    show = sympy.latex if latex else sympy.sstr
    lines = [derivation.title, f"source: {derivation.source}", "", "assumptions"]
    lines += [f"  - {assumption}" for assumption in derivation.assumptions]
    lines += ["", "steps"]
    for number, (name, step) in enumerate(derivation.steps.items(), start=1):
        proof = "proven by sympy" if step.proven else "not proven here"
        lines += [f"  {number}. {name}: {step.reason} ({proof})", f"       {show(step.statement)}"]
    lines += ["", "closed form"]
    lines += [f"  {name}: {show(form)}" for name, form in derivation.closed_form.items()]
    lines += ["", "values", *(f"  {name}: {value}" for name, value in derivation.values.items())]
    lines += ["", "self-check"]
    lines += [
        f"  {'holds' if c.holds else 'FAILS'}  {c.name}: error {c.error:.2g}, tolerance {c.tolerance:.2g}"
        for c in checks
    ] or ["  none that these parameters allow"]
    return "\n".join(lines)


def json_of(name: str, given: dict[str, Any], derivation: Derivation, checks: Sequence[Check]) -> str:
    """Strict JSON: parameters, values, closed form as LaTeX, steps, checks."""
    return json.dumps(
        {
            "name": name,
            "parameters": given,
            "values": {k: _plain(v) for k, v in derivation.values.items()},
            "closed_form": {k: sympy.latex(v) for k, v in derivation.closed_form.items()},
            "steps": [
                {"name": step, "statement": sympy.latex(s.statement), "reason": s.reason, "proven": s.proven}
                for step, s in derivation.steps.items()
            ],
            "checks": [
                {"name": c.name, "error": _plain(c.error), "tolerance": c.tolerance, "holds": c.holds} for c in checks
            ],
        },
        indent=1,
        allow_nan=False,
    )


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, int | float | str | bool | None) else str(value)


def draw(paint: Callable[[Any], None], file: Path) -> None:
    """Draw into a file by temporary file and rename; matplotlib is imported here alone.

    Raises:
        ValueError: a format that matplotlib does not write, or no such folder.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained", dpi=150)
    known = figure.canvas.get_supported_filetypes()
    kind = file.suffix.lstrip(".").lower() or "png"
    if kind not in known:
        raise ValueError(f"--figure {file}: no format .{kind}; end the name in one of {', '.join(sorted(known))}")
    if not file.absolute().parent.is_dir() or file.is_dir():
        raise ValueError(f"--figure {file}: give a file name in a folder that exists")
    paint(figure.add_subplot())
    temporary = file.with_name(f".{os.getpid()}.{kind}")
    try:
        figure.savefig(temporary, format=kind)
        os.replace(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)
