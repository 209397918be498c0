"""All derivations as one page of Markdown, rendered from the derivations themselves."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

import sympy

from theory.derivation import Derivation, Step

# GitHub refuses the first; Markdown may take the others for its own signs before the mathematics is found.
PLAIN_TEX = {
    "\\operatorname": "\\mathrm",
    "\\\\": "\\cr ",
    "\\{": "\\lbrace ",
    "\\}": "\\rbrace ",
    "\\|": "\\Vert ",
    "\\,": "\\thinspace ",
    "\\;": "\\thickspace ",
    "\\!": "",
    "*": "\\ast ",
    "<": "\\lt ",
    ">": "\\gt ",
}

HEAD = """# Theory

<!-- Generated with sympy {version} by: python -m theory page docs/theory.md -->

The mathematics beside the measurements, rendered from the derivations in `theory/`; do not edit this page. *Proven*
marks a line that sympy reduces to an identity, and the tests ask it to. *Not proven* marks a line that is quoted or
only checked numerically; its reason says which. `python -m theory NAME` prints the same with numbers and a numerical
self-check, `--figure FILE` draws it. Formulas for a given depth or size are those of the default parameters.
"""


def render(names: Mapping[str, str]) -> str:
    """The page for name -> module, from every ``derive()`` at its defaults; the same text at every call."""
    found = {name: importlib.import_module(module).derive() for name, module in names.items()}
    contents = [f"- [{escape(d.title)}](#{name.replace('_', '-')})" for name, d in found.items()]
    parts = [HEAD.format(version=sympy.__version__), "\n".join(contents)]
    parts += [section(name, derivation) for name, derivation in found.items()]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def section(name: str, derivation: Derivation) -> str:
    """One derivation: title, assumptions, source, steps, closed form."""
    blocks = [
        f'<a id="{name.replace("_", "-")}"></a>\n\n## {escape(derivation.title)}',
        f"`python -m theory {name}`. Source: {escape(derivation.source)}.",
        "**Assumptions**",
        "\n".join(f"- {escape(assumption)}" for assumption in derivation.assumptions),
        "**Steps**",
        *(_step(number, *step) for number, step in enumerate(derivation.steps.items(), start=1)),
        "**Closed form**",
        *(f"{escape(form)}:\n\n{display(value)}" for form, value in derivation.closed_form.items()),
    ]
    return "\n\n".join(blocks)


def _step(number: int, name: str, step: Step) -> str:
    mark = "Proven" if step.proven else "Not proven"
    text = f"{number}\\. **{escape(name)}.** {escape(step.reason).rstrip('.')}. *{mark}.*"
    return text if step.statement is sympy.true else f"{text}\n\n{display(step.statement)}"


def display(value: sympy.Basic) -> str:
    """Display mathematics on one line, so that no part of it can begin a list, and in macros that GitHub renders."""
    latex = sympy.latex(value)
    for found, replacement in PLAIN_TEX.items():
        latex = latex.replace(found, replacement)
    return f"$${latex}$$"


def escape(text: str) -> str:
    """Plain text with nothing left that Markdown would read as markup; ``code`` stays code."""
    pieces = re.split(r"``(.+?)``|`(.+?)`", text)
    plain = [re.sub(r"([\\`*_\[\]<>#$~|])", r"\\\1", piece or "") for piece in pieces[::3]]
    code = [f"`{double or single}`" for double, single in zip(pieces[1::3], pieces[2::3], strict=True)]
    return "".join(a + b for a, b in zip(plain, [*code, ""], strict=True))


def write(file: Path, names: Mapping[str, str]) -> None:
    """Write the page by temporary file and rename.

    Raises:
        ValueError: the file is not in a folder that exists.
    """
    if not file.absolute().parent.is_dir() or file.is_dir():
        raise ValueError(f"page {file}: give a file name in a folder that exists")
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        temporary.write_text(render(names), encoding="utf-8")
        os.replace(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)
