"""Lines and planes between networks that were saved elsewhere, by the command."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from landscape.ground.provenance import outside
from landscape.model import MLP
from landscape.result.saved import Result

from .conftest import ONE_JOB, TINY, Cli

pytestmark = pytest.mark.usefixtures("blank_figures")

LINE = (*TINY[2:5], "endpoints=checkpoints", "endpoints.start=0.pt", "endpoints.end=1.pt", "forecast=off")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where commands run, with three checkpoints as a training script leaves them."""
    monkeypatch.chdir(tmp_path)
    for k in range(3):
        torch.manual_seed(k)
        net = MLP(64, 10, [100, 100], nn.ReLU(), zero_last=False)
        torch.save({"model": net.state_dict(), "epoch": k}, f"{k}.pt")
    return tmp_path


@pytest.mark.slow
def test_the_readmes_command_works_at_smoke_scale_and_is_done_again_when_a_file_changes(cli: Cli, here: Path) -> None:
    jobs = []
    for end in ("1.pt", None, "2.pt"):
        if end is not None:
            (here / "end.pt").write_bytes((here / end).read_bytes())
        ran = cli(*LINE, "endpoints.end=end.pt", "limits=smoke")
        assert ran.status == 0 and ("1 done before" in ran.out) == (end is None), ran.out
        jobs += ran.jobs
    assert jobs[0] == jobs[1] != jobs[2]
    curves = [Result.load(job).curves["train/deterministic"].objective for job in (jobs[0], jobs[2])]
    assert np.array_equal(curves[0][0], curves[1][0]) and not np.isclose(curves[0][-1], curves[1][-1]).all()


@pytest.mark.slow
def test_three_checkpoints_are_a_plane_in_one_command(cli: Cli, here: Path) -> None:
    ran = cli(*LINE, "measurement=plane", "endpoints.third=2.pt")
    assert ran.status == 0, ran.out
    result = Result.load(ran.jobs[0])
    plane, curve = result.projections["plane"], result.curves["train/stochastic"]
    assert plane.objective is not None and len(plane.objective) == len(curve.alphas) ** 2
    # The points with b = 0 are the line.
    np.testing.assert_allclose(plane.objective[:: len(curve.alphas)], curve.objective, rtol=1e-5)
    assert (ran.jobs[0] / "figure.png").is_file()


@pytest.mark.slow
def test_the_surface_through_three_checkpoints_has_the_values_of_their_line(cli: Cli, here: Path) -> None:
    ran = cli(*LINE, "measurement=surface", "path=corners_plane", "endpoints.third=2.pt", "measurement.first=[0,0.5,1]")
    assert ran.status == 0 and (ran.jobs[0] / "figure.png").is_file(), ran.out
    surfaces = Result.load(ran.jobs[0]).surfaces
    ran = cli(*LINE, "measurement.modes=[deterministic]")
    assert ran.status == 0, ran.out
    for name, curve in Result.load(ran.jobs[0]).curves.items():
        on_line = surfaces[name].objective[[0, 2], surfaces[name].second.tolist().index(0.0)]
        np.testing.assert_allclose(on_line, curve.objective[[0, -1]], rtol=1e-6)
    assert len(surfaces) == 2


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (["endpoints.start=3"], "endpoints.start=3 must be a text"),
        (["endpoints.end=0.pt"], "are one file; a line needs two points"),
        (["measurement=plane"], "endpoints.third=FILE"),
        (["measurement=residual"], "use endpoints=run, a folder of checkpoints"),
        (["endpoints.third=2.pt"], "path=corners_plane, or measurement=plane, or leave it out"),
        (["endpoints.end=nan.pt"], "holds nan in layers.1.bias"),
        (["endpoints.end=text.pt"], "is no state dict"),
        (["model.widths=[8]"], "use the model that was saved"),
    ],
)
def test_wrong_checkpoints_end_with_one_sentence(cli: Cli, here: Path, changes: list[str], text: str) -> None:
    bad: dict[str, Any] = torch.load("1.pt")
    bad["model"]["layers.1.bias"][3] = torch.nan
    torch.save(bad, "nan.pt")
    Path("text.pt").write_text("hello")
    ran = cli(*LINE, *changes, ONE_JOB)
    assert ran.status == 2 and text in re.sub(r"\s+", " ", ran.out) and "Traceback" not in ran.out


def test_every_file_of_the_endpoints_is_known_by_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    names = ["before", "after.pt", "folder/model.safetensors", "deep.pt"]
    for name in names:
        Path(name).write_text(name)
    config = {"endpoints": {"start": "before", "end": "folder", "third": "after.pt", "more": [{"file": "deep.pt"}]}}
    kept = outside(config)
    assert set(kept) == set(names)
    for name in names:
        Path(name).write_text("other")
        assert outside(config) != kept
        Path(name).write_text(name)
    assert outside(config) == kept and outside({"model": {"name": "before"}}) == {}
