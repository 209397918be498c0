"""The docstrings and the notebooks run; the pages do in tests/docs."""

from __future__ import annotations

import doctest
import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
LARGEST = 200_000
"""Bytes of a notebook with its outputs."""


@pytest.mark.parametrize(
    "name",
    [
        "landscape.face.align",
        "landscape.face.places",
        "landscape.face.curvature",
        "landscape.face.planes",
        "landscape.face.connect",
        "landscape.face.measure",
        "landscape.face.principal",
        "landscape.result.curve.curve",
        "landscape.result.curve.surface",
    ],
)
def test_docstrings_run(name: str) -> None:
    found = doctest.testmod(import_module(name))
    assert found.attempted and not found.failed


@pytest.mark.slow
@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_notebooks_run(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MPLBACKEND")  # so that figures go into the notebook
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    book = nbformat.read(file, as_version=4)
    nbclient.NotebookClient(book, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    kinds = [kind for cell in book.cells for out in cell.get("outputs", []) for kind in out.get("data", {})]
    assert "image/png" in kinds and "text/html" in kinds


def test_notebooks_are_small_and_whole() -> None:
    """With outputs, which hold no place of a machine."""
    assert len(NOTEBOOKS) == 2
    for file in NOTEBOOKS:
        text = file.read_text("utf-8")
        assert len(text) < LARGEST
        words = re.sub(r'"image/png": "[^"]*"', "", text)
        assert not re.search(r"/(home|root|tmp|work|Users)/", words)
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
        assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
        assert not [out for cell in cells for out in cell["outputs"] if out["output_type"] in ("error", "stderr")]


def test_importing_is_cheap() -> None:
    """No library is loaded before it is needed, and a name that is not there is told by it."""
    program = (
        "import sys, landscape as ls\n"
        "assert not {'torch', 'numpy', 'rich', 'scipy', 'matplotlib'} & set(sys.modules), sorted(sys.modules)\n"
        "assert ls.InputError is ls.InputError and ls.__version__ and set(ls.__all__) <= set(dir(ls))\n"
        "assert 'torch' not in sys.modules\n"
        "ls.Curve, ls.Surface, ls.Projection\n"
        "assert not {'torch', 'matplotlib', 'pandas'} & set(sys.modules)\n"
        "from landscape import *\n"
        "assert callable(measure) and callable(line)\n"
        "import landscape.curve, landscape.path\n"
        "ls.lines"
    )
    wanted = "AttributeError: module 'landscape' has no attribute 'lines'"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr.strip().split("\n")[-1].startswith(wanted), done.stderr
