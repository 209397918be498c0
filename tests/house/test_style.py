"""House habits that a linter does not know: length, names of modules, a docstring on everything public."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = sorted(file for top in ("landscape", "theory") for file in (ROOT / top).rglob("*.py"))
FILES = CODE + sorted(file for top in ("tests", "benchmarks", "website") for file in (ROOT / top).rglob("*.py"))
LONGEST_FILE = 300
NAMELESS = {"util", "utils", "helper", "helpers", "common", "misc"}


def named(file: Path) -> str:
    """The path as it is shown in test names and messages."""
    return file.relative_to(ROOT).as_posix()


def nameless_parts(path: str) -> set[str]:
    """Folders and modules in ``path`` whose name says nothing about what is inside."""
    return set(Path(path).with_suffix("").parts) & NAMELESS


def undocumented(source: str) -> Iterator[str]:
    """The module, and its top-level classes and functions, that are public and have no docstring."""
    module = ast.parse(source)
    if module.body and not ast.get_docstring(module):
        yield "the module"
    for node in module.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            overload = any("overload" in ast.unparse(decorator) for decorator in node.decorator_list)
            if not node.name.startswith("_") and not overload and not ast.get_docstring(node):
                yield node.name


def test_files_are_short() -> None:
    """One idea per file."""
    assert {named(f): n for f in FILES if (n := len(f.read_text().splitlines())) > LONGEST_FILE} == {}


def test_names_say_what_is_inside() -> None:
    """No drawer for leftovers."""
    assert {named(f): found for f in FILES if (found := nameless_parts(named(f)))} == {}


def test_public_names_have_docstrings() -> None:
    """Everything that another room may use says in a sentence what it is."""
    assert {named(f): found for f in CODE if (found := list(undocumented(f.read_text())))} == {}


def test_the_readers_see_faults() -> None:
    """The checks above catch what they are for."""
    assert nameless_parts("landscape/utils.py") == {"utils"}
    assert nameless_parts("landscape/common/x.py") == {"common"}
    assert nameless_parts("landscape/curve/numbers.py") == set()
    assert list(undocumented('"""M."""\nclass A: pass\ndef _b(): pass\ndef c():\n    """C."""\n')) == ["A"]
    assert list(undocumented("import os\n")) == ["the module"]
    assert list(undocumented("")) == []
