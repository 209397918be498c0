"""Every snippet runs: the page of the library, the README's, the docstrings and the notebooks."""

from __future__ import annotations

import copy
import doctest
import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
import torch
from torch import nn

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
LARGEST = 200_000
"""Bytes of a notebook with its outputs."""


def snippets(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", (ROOT / page).read_text("utf-8"), re.M | re.S)


def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    parts = snippets("docs/library.md")
    for part in parts:
        exec(compile(part, "docs/library.md", "exec"), names)
    plt.close("all")
    assert names["curves"]["valid"].num_examples == 397 and names["surface"].objective.shape == (13, 13, 1)
    told = capsys.readouterr().out
    assert "lowest J" in told and "largest residual" in told and "a and b hold the same parameters" in told


@pytest.mark.slow
def test_the_page_of_surfaces_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for part in snippets("docs/surfaces.md"):
        exec(compile(part, "docs/surfaces.md", "exec"), names)
    plt.close("all")
    assert names["surface"].objective.shape == (3, 4, 1) and len(names["run"].path["first"]) == 9
    assert (tmp_path / "run.html").stat().st_size > 1_000_000


@pytest.mark.slow
def test_the_page_of_curves_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for part in snippets("docs/curves.md"):
        exec(compile(part, "docs/curves.md", "exec"), names)
    assert names["on_curve"].summary()["end_barrier"][0] < 0.3 * names["on_line"].summary()["end_barrier"][0]


@pytest.mark.slow
def test_the_page_of_tolerances_runs(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for part in snippets("docs/tolerance.md"):
        exec(compile(part, "docs/tolerance.md", "exec"), names)
    assert 0 < names["bound"].max() <= 1e-3 * 1.25 and names["curve"].noise["passes"][0] < 30  # of a drop of 1.24
    assert "J to within" in capsys.readouterr().out and names["surface"].noise["bound"].max() > 0


def test_the_page_on_principal_axes_runs(capsys: pytest.CaptureFixture[str]) -> None:
    [part] = snippets("docs/pca.md")
    exec(compile(part, "docs/pca.md", "exec"), {})
    plt.close("all")
    assert "Principal axes of a run about their mean: 40 points" in capsys.readouterr().out


def test_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    [part] = [text for text in snippets("README.md") if "import landscape as ls" in text]
    x, y = torch.randn(40, 4), torch.arange(40) % 3
    after = nn.Linear(4, 3)
    before = copy.deepcopy(after)
    nn.init.zeros_(before.weight)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=8)
    names = {"net": after, "before": before, "after": after, "loader": loader, "loss_fn": nn.CrossEntropyLoss()}
    exec(compile(part, "README.md", "exec"), names)
    plt.close("all")
    assert names["curve"].num_examples == 40  # type: ignore[attr-defined]


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
