"""Who may import whom: section 2 of the architecture, read off every import statement, lazy ones included."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(file for top in ("landscape", "theory") for file in (ROOT / top).rglob("*.py"))


class Row(NamedTuple):
    """What the rooms of one row may import besides the standard library, ``landscape.errors`` and themselves."""

    rooms: str
    libraries: str
    others: str = ""


PLAIN = "curve files result verdict"
TORCH = "parameters trajectory model data cost path"
HELD = "borrowed engine sums budget blocks footprint fitting precision watch template conduct soundness"
MIDDLE = "objective slope running_statistics solutions endpoints alphas streams progress"
ROWS = [
    Row("theory", "sympy numpy scipy"),
    Row("landscape errors files limits provenance settings", ""),  # "landscape" is the package's own __init__.py
    # Foundations of one idea each: grids, random streams, progress at a terminal.
    Row("alphas", "numpy"),
    Row("streams", "torch numpy"),
    Row("progress", "rich"),
    Row("budget precision", "torch"),
    Row("curve", "numpy scipy"),
    Row("result verdict", "numpy", PLAIN),
    Row("streaming", "numpy numba"),  # one compiled pass over what is too large for two
    Row("parameters trajectory", "torch numpy", "curve parameters trajectory streaming"),
    # Never each other.
    Row("model", "torch numpy"),
    Row("data", "torch numpy sklearn pooch filelock rich", "files"),
    Row("cost", "torch numpy"),
    Row("path", "torch numpy"),
    # What the plain path and the engines add up in.
    Row("sums", "torch numpy"),
    # A function of a point and a batch, given as such: it knows no model, no cost and no data, and of parameters only
    # how a row of them lies in memory.
    Row("engine", "torch numpy numba llvmlite", "parameters sums"),
    # How much of that is done at once.
    Row("blocks footprint", "torch", "budget engine blocks data objective streams"),
    # How somebody's module is held, and what it does beside computing.
    Row("borrowed", "torch"),
    Row("watch", "torch numpy"),
    Row("template", "torch", "parameters precision"),
    Row("conduct", "torch", "model parameters objective watch"),
    Row("fitting", "torch", "data objective"),
    Row("soundness", "torch", "conduct fitting objective watch"),
    Row("objective running_statistics solutions endpoints", "torch numpy", f"{PLAIN} {TORCH} {MIDDLE} {HELD}"),
    Row("slope", "torch numpy", "blocks footprint objective model parameters path precision watch"),
    Row(
        "training store entry",
        "torch numpy filelock",
        f"{PLAIN} {TORCH} {MIDDLE} borrowed precision template training store entry",
    ),
    Row("measurement", "torch numpy scipy", f"{PLAIN} {TORCH} {MIDDLE} blocks footprint training store"),
    # No torch from here on: saved results can be drawn without it.
    Row("figure", "numpy matplotlib rich", f"{PLAIN} settings"),
    # A page of drawings: the figure room draws and judges, the template engine escapes.
    Row("report", "numpy matplotlib jinja2 rich", f"{PLAIN} figure settings"),
    Row("tracker", "", PLAIN),
    # The command line: composes, so it may know every room.
    Row(
        "__main__ arguments closing collect command_line compute config forecast job paper plan prepare",
        "hydra omegaconf torch numpy rich filelock",
        "*",
    ),
]
# Single files that may import more than their room.
FILE_EXTRAS = {
    # Commands: how they behave at a terminal is the same for theory's and landscape's.
    "landscape/__main__.py": {"theory"},
    "landscape/paper.py": {"theory"},
    "landscape/collect/__main__.py": {"theory"},
    "landscape/figure/__main__.py": {"theory"},
    "landscape/report/__main__.py": {"theory"},
    "landscape/endpoints/file.py": {"safetensors"},  # an extra, imported when a file asks for it
    "landscape/tracker/wandb.py": {"wandb"},
    "landscape/tracker/media.py": {"wandb"},
    "landscape/report/wandb_report.py": {"wandb", "wandb_workspaces", "tracker"},  # imported when asked
    # Theory beside the measurement: the only files of the house that know both, but for those that read arrays.
    "landscape/measurement/closed_form.py": {"theory"},
    "landscape/measurement/descent_law.py": {"theory"},
    "landscape/measurement/family.py": {"theory"},
    "landscape/measurement/random_walk.py": {"budget"},
    "landscape/result.py": {"theory"},
    "landscape/data/cached.py": {"theory"},
    "landscape/figure/publish.py": {"provenance", "omegaconf"},  # which keys an experiment sweeps itself
    "landscape/figure/pages.py": {"plotly"},  # interactive pages, imported when asked
    "theory/__main__.py": {"matplotlib"},  # --figure, imported when asked
}
TABLE = {room: row for row in ROWS for room in row.rooms.split()}


def room_of(path: str) -> str:
    """``landscape/path/linear.py`` -> path, ``landscape/store.py`` -> store, ``theory/x.py`` -> theory."""
    parts = Path(path).with_suffix("").parts
    if parts[0] == "theory":
        return "theory"
    return "landscape" if parts[1] == "__init__" else parts[1]


def imported(path: str, source: str) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import in ``source``, relative and literal dynamic ones resolved."""
    package = Path(path).parent.parts
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            base += [node.module] if node.module else []
            yield from ((node.lineno, ".".join([*base, alias.name])) for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = ast.unparse(node.func)
            if name in {"__import__", "import_module", "importlib.import_module"}:
                yield node.lineno, str(node.args[0].value)


def violations(path: str, source: str) -> list[str]:
    """One sentence per import that the table does not allow to the file at ``path``."""
    room = room_of(path)
    if room not in TABLE:
        return [f"{path}: the room '{room}' has no row in the table of tests/house/test_imports.py"]
    row, extras = TABLE[room], FILE_EXTRAS.get(path, set())
    faults = []
    for line, name in imported(path, source):
        parts = name.split(".")
        if parts[0] == "landscape" and room != "theory":
            target = parts[1] if len(parts) > 1 else "landscape"
            # `from landscape import __version__` names an attribute of the package, not a room.
            target = "landscape" if target == "__version__" else target
            allowed = target in {room, "errors", "landscape", *row.others.split(), *extras} or row.others == "*"
        elif parts[0] == "theory":
            allowed = room == "theory" or "theory" in extras
        else:
            allowed = parts[0] in sys.stdlib_module_names or parts[0] in {*row.libraries.split(), *extras}
        if not allowed:
            faults.append(f"{path}:{line}: '{room}' may not import {name}")
    return faults


def test_imports_point_one_way() -> None:
    """Every import in the tree is one that its room's row allows."""
    faults = [fault for file in FILES for fault in violations(file.relative_to(ROOT).as_posix(), file.read_text())]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("path", "source", "allowed"),
    [
        ("landscape/figure/style.py", "import matplotlib.pyplot as plt", True),
        ("landscape/figure/style.py", "def lazy():\n    import torch", False),
        ("landscape/figure/style.py", "from landscape.objective import Objective", False),
        ("landscape/figure/style.py", "from landscape import objective", False),
        ("landscape/figure/style.py", "from ..objective import Objective", False),
        ("landscape/figure/style.py", "from .. import objective", False),
        ("landscape/figure/style.py", "from . import line", True),
        ("landscape/figure/style.py", "import importlib\nimportlib.import_module('torch')", False),
        ("landscape/path/linear.py", "from landscape.model.mlp import MLP", False),
        ("landscape/path/linear.py", "from landscape.errors import InputError", True),
        ("landscape/measurement/closed_form.py", "from theory import deep_linear", True),
        ("landscape/measurement/residual.py", "from theory import deep_linear", False),
        ("landscape/measurement/residual.py", "from landscape.training import loop", True),
        ("landscape/training/loop.py", "from landscape.measurement import residual", False),
        ("landscape/store.py", "from omegaconf import DictConfig", False),
        ("landscape/config.py", "from omegaconf import DictConfig", True),
        ("landscape/tracker/wandb.py", "import wandb", True),
        ("landscape/tracker/null.py", "import wandb", False),
        ("landscape/tracker/rows.py", "import wandb", False),
        ("landscape/report/wandb_report.py", "from landscape.tracker import rows", True),
        ("landscape/report/page.py", "from landscape.tracker import rows", False),
        ("landscape/curve/numbers.py", "import torch", False),
        ("theory/walk.py", "import sympy, numpy, scipy.special", True),
        ("theory/walk.py", "from landscape.errors import InputError", False),
        ("theory/walk.py", "import torch", False),
        ("landscape/unheard_of.py", "", False),
    ],
)
def test_the_reader_of_imports_sees_faults(path: str, source: str, allowed: bool) -> None:
    """The check itself: it lets pass what it should and catches what it should."""
    assert (violations(path, source) == []) is allowed


@pytest.mark.parametrize(
    ("rooms", "unwanted"),
    [
        ("theory", "torch landscape hydra matplotlib"),
        ("curve result verdict figure report", "torch hydra wandb"),
        ("tracker", "torch hydra"),
    ],
)
def test_rooms_do_not_pull_in_what_they_do_without(rooms: str, unwanted: str) -> None:
    """A fresh interpreter that imports all modules of the rooms loads none of the unwanted, even indirectly."""
    names = [
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for file in FILES
        if room_of(file.relative_to(ROOT).as_posix()) in rooms.split()
    ]
    assert names, f"no module in {rooms}"
    program = (
        "import importlib, sys\n"
        "for name in sys.argv[2:]: importlib.import_module(name)\n"
        "sys.exit(' '.join(sorted(set(sys.argv[1].split()) & set(sys.modules))) or None)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, unwanted, *names], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"importing {rooms} loads: {done.stderr}"
