"""Who may import whom: the layers of the architecture, read off every import statement, lazy ones included."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(file for top in ("landscape", "theory") for file in (ROOT / top).rglob("*.py"))


class Layer(NamedTuple):
    """Rooms that may import what stands in the layers before theirs, themselves, and these libraries.

    Args:
        rooms: beside one another they do not know each other.
        only: of the layers before, no more than these rooms; None for all of them.
    """

    rooms: str
    libraries: str = ""
    only: str | None = None


LAYERS = [
    Layer("theory", "sympy numpy scipy"),
    Layer("landscape errors"),  # "landscape" is the package's own __init__.py
    Layer("ground", "torch numpy rich", only="errors"),
    Layer("result", "numpy scipy", only="errors ground"),
    Layer("parameters alphas", "torch numpy", only="errors ground result"),
    Layer("model data cost path", "torch numpy sklearn pooch filelock rich", only="errors ground result parameters"),
    Layer(
        "objective store",
        "torch numpy numba llvmlite filelock",
        only="errors ground result parameters model data cost path",
    ),
    Layer("symmetry", "torch numpy scipy yaml", only="errors ground parameters model data objective"),
    Layer(
        "training endpoints",
        "torch numpy filelock",
        only="errors ground result parameters alphas model data cost path objective store symmetry",
    ),
    Layer(
        "measurement",
        "torch numpy scipy",
        only="errors ground result parameters alphas model data cost path objective store symmetry training endpoints",
    ),
    Layer(
        "face",
        "torch numpy",
        only="errors ground result parameters alphas data cost path objective store symmetry training endpoints "
        "measurement",
    ),
    # No torch in these: saved results can be drawn without it.
    Layer("figure", "numpy matplotlib rich", only="errors ground result"),
    Layer("tracker", "", only="errors ground result"),
    Layer("report", "numpy matplotlib jinja2 rich", only="errors ground result figure"),
    # The command composes, so it may know every room; its fronts know it alone.
    Layer("command", "hydra omegaconf torch numpy rich filelock"),
    Layer("__main__ collect paper", "hydra omegaconf torch numpy rich filelock"),
]
# Single files that may import more than their room.
FILE_EXTRAS = {
    "landscape/__init__.py": {"ground", "result", "face"},  # former names of modules; what is public, when asked for
    "landscape/ground/progress.py": {"IPython"},  # in a notebook
    "landscape/objective/record.py": {"theory"},  # one reader of npz files that nobody vouches for
    "landscape/objective/curvature/operator.py": {"curvlinops"},  # an extra, imported when a Hessian is asked for
    "landscape/objective/curvature/spectrum.py": {"curvlinops", "scipy"},  # likewise
    "landscape/symmetry/saved.py": {"theory"},  # likewise
    "landscape/result/curve/shown.py": {"matplotlib", "pandas"},  # imported when asked
    "landscape/result/curve/picture.py": {"matplotlib"},  # imported when asked
    "landscape/result/curve/relief.py": {"matplotlib"},
    "landscape/result/curve/turnable.py": {"plotly"},  # an extra, imported when asked
    # Commands: how they behave at a terminal is the same for theory's and landscape's.
    "landscape/__main__.py": {"theory"},
    "landscape/collect/__main__.py": {"theory"},
    "landscape/paper/__main__.py": {"theory"},
    "landscape/figure/__main__.py": {"theory"},
    "landscape/report/__main__.py": {"theory"},
    "landscape/command/paper.py": {"theory"},
    "landscape/command/command_line.py": {"theory"},
    "landscape/endpoints/file.py": {"safetensors"},  # an extra, imported when a file asks for it
    "landscape/tracker/wandb.py": {"wandb"},
    "landscape/tracker/media.py": {"wandb"},
    "landscape/report/wandb_report.py": {"wandb", "wandb_workspaces", "tracker"},  # imported when asked
    # Theory beside the measurement: the only files of the house that know both, but for those that read arrays.
    "landscape/measurement/closed_form.py": {"theory"},
    "landscape/measurement/descent.py": {"theory"},
    "landscape/measurement/family.py": {"theory"},
    "landscape/measurement/principal.py": {"theory"},
    "landscape/result/entries.py": {"theory"},
    "landscape/result/curve/file.py": {"theory"},
    "landscape/data/cached.py": {"theory"},
    "landscape/store/bends.py": {"theory"},
    "landscape/store/entry.py": {"theory"},
    "landscape/figure/publish.py": {"omegaconf"},  # which keys an experiment sweeps itself
    "theory/command.py": {"matplotlib"},  # --figure, imported when asked
}
TABLE = {room: layer for layer in LAYERS for room in layer.rooms.split()}
DEPTH = {room: depth for depth, layer in enumerate(LAYERS) for room in layer.rooms.split()}


def room_of(path: str) -> str:
    """``landscape/path/linear.py`` -> path, ``landscape/alphas.py`` -> alphas, ``theory/x.py`` -> theory."""
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


def allowed_rooms(room: str) -> set[str]:
    """The rooms of ``landscape`` that a room may import."""
    layer = TABLE[room]
    before = {other for other in TABLE if DEPTH[other] < DEPTH[room] and other != "theory"}
    return {room, "landscape", "errors"} | (before if layer.only is None else before & set(layer.only.split()))


def violations(path: str, source: str) -> list[str]:
    """One sentence per import that the table does not allow to the file at ``path``."""
    room = room_of(path)
    if room not in TABLE:
        return [f"{path}: the room '{room}' has no layer in tests/house/test_imports.py"]
    extras = FILE_EXTRAS.get(path, set())
    faults = []
    for line, name in imported(path, source):
        parts = name.split(".")
        if parts[0] == "landscape" and room != "theory":
            target = parts[1] if len(parts) > 1 else "landscape"
            # `from landscape import __version__` names an attribute of the package, not a room.
            target = "landscape" if target == "__version__" else target
            allowed = target in allowed_rooms(room) | extras
        elif parts[0] == "theory":
            allowed = room == "theory" or "theory" in extras
        else:
            allowed = parts[0] in sys.stdlib_module_names or parts[0] in {*TABLE[room].libraries.split(), *extras}
        if not allowed:
            faults.append(f"{path}:{line}: '{room}' may not import {name}")
    return faults


def test_imports_point_one_way() -> None:
    """Every import in the tree is one that its room's row allows."""
    faults = [fault for file in FILES for fault in violations(file.relative_to(ROOT).as_posix(), file.read_text())]
    assert not faults, "\n".join(faults)


def circles(sources: dict[str, str]) -> list[list[str]]:
    """Files that import one another, each circle once: the strongly connected components of more than one file.

    Args:
        sources: {path: text}. Imports within functions and for types alone count too.
    """
    names = {".".join(Path(path).with_suffix("").parts).removesuffix(".__init__"): path for path in sources}
    read: dict[str, set[str]] = {path: set() for path in sources}
    for path, source in sources.items():
        for _, name in imported(path, source):
            # A module, or something that is in one; packages on the way run before it, but read as rooms, not files.
            target = names.get(name) or names.get(name.rpartition(".")[0])
            if target is not None and target != path:
                read[path].add(target)

    def reached(path: str) -> set[str]:
        seen: set[str] = set()
        waiting = [path]
        while waiting:
            for target in read[waiting.pop()] - seen:
                seen.add(target)
                waiting.append(target)
        return seen

    onward = {path: reached(path) for path in read}
    found = {frozenset(q for q in onward[p] if p in onward[q]) for p in read if p in onward[p]}
    return sorted(sorted(circle) for circle in found)


def test_no_files_import_one_another() -> None:
    """Not within functions either: of two ideas that need each other a third is missing."""
    files = [*FILES, *(ROOT / "benchmarks").rglob("*.py")]
    assert circles({file.relative_to(ROOT).as_posix(): file.read_text() for file in files}) == []


def test_the_finder_of_circles_sees_them() -> None:
    lazy, types = "def f():\n    from landscape.b import x", "if TYPE_CHECKING:\n    import landscape.c.d"
    files = {"landscape/a.py": lazy, "landscape/b.py": types, "landscape/c/d.py": "from landscape import a"}
    files |= {"landscape/c/__init__.py": "from landscape.c.d import y", "theory/e.py": "import theory.e, numpy"}
    assert circles(files) == [["landscape/a.py", "landscape/b.py", "landscape/c/d.py"]]
    assert circles({**files, "landscape/c/d.py": ""}) == []


@pytest.mark.parametrize(
    ("path", "source", "allowed"),
    [
        ("landscape/figure/style.py", "import matplotlib.pyplot as plt", True),
        ("landscape/figure/style.py", "def lazy():\n    import torch", False),
        ("landscape/figure/style.py", "from landscape.objective import Objective", False),
        ("landscape/figure/style.py", "from landscape import objective", False),
        ("landscape/figure/style.py", "from ..objective import Objective", False),
        ("landscape/figure/style.py", "from .. import objective", False),
        ("landscape/figure/style.py", "from . import panel", True),
        ("landscape/figure/style.py", "import importlib\nimportlib.import_module('torch')", False),
        ("landscape/path/linear.py", "from landscape.model.mlp import MLP", False),
        ("landscape/path/linear.py", "from landscape.errors import InputError", True),
        ("landscape/measurement/closed_form.py", "from theory import deep_linear", True),
        ("landscape/measurement/residual.py", "from theory import deep_linear", False),
        ("landscape/measurement/residual.py", "from landscape.training import loop", True),
        ("landscape/training/loop.py", "from landscape.measurement import residual", False),
        ("landscape/store/store.py", "from omegaconf import DictConfig", False),
        ("landscape/command/config.py", "from omegaconf import DictConfig", True),
        ("landscape/tracker/wandb.py", "import wandb", True),
        ("landscape/tracker/null.py", "import wandb", False),
        ("landscape/tracker/rows.py", "import wandb", False),
        ("landscape/report/wandb_report.py", "from landscape.tracker import rows", True),
        ("landscape/report/page.py", "from landscape.tracker import rows", False),
        ("landscape/result/curve/numbers.py", "import torch", False),
        ("theory/walk/random_walk.py", "import sympy, numpy, scipy.special", True),
        ("theory/walk/random_walk.py", "from landscape.errors import InputError", False),
        ("theory/walk/random_walk.py", "import torch", False),
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
        ("result figure report", "torch hydra wandb"),
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


def test_figures_do_not_import_figures() -> None:
    """What two figures share is a module of its own; the sweep, which draws anything, may stand in for one."""
    figures = [file for file in FILES if re.search(r"figure/((fig|ext|thm)\d\d_|sweep/)", file.as_posix())]
    names = [(file.stem, name) for file in figures for _, name in imported(file.as_posix(), file.read_text())]
    assert [pair for pair in names if re.match(r"landscape\.figure\.(fig|ext|thm)\d\d_", pair[1])] == []
