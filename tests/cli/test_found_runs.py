"""A folder of checkpoints, by the command: off the line, in the plane and along the line, with nothing trained."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from landscape.data.digits import digits
from landscape.model import MLP
from landscape.result.saved import Result

from .conftest import ONE_JOB, TINY, Ran

pytestmark = pytest.mark.usefixtures("blank_figures")

RUN = (*TINY[2:5], "endpoints=run", "endpoints.folder=ckpts", "endpoints.pattern=epoch_*.pt", "forecast=off")
NUM = 11


def net(k: float) -> nn.Module:
    """A point between two nets, a little off the line."""
    made = [MLP(64, 10, [8], nn.ReLU(), zero_last=False) for _ in range(3)]
    for seed, module in enumerate(made):
        generator = torch.Generator().manual_seed(seed)
        for p in module.parameters():
            p.data = 0.3 * torch.randn(p.shape, generator=generator)
    with torch.no_grad():
        for start, end, aside in zip(*(module.parameters() for module in made), strict=True):
            start += k / (NUM - 1) * (end - start) + 0.1 * k * (NUM - 1 - k) / NUM * aside
    return made[0]


@pytest.fixture(autouse=True)
def ckpts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ckpts").mkdir()
    for k in range(NUM):
        torch.save({"model": net(k).state_dict(), "epoch": k}, tmp_path / "ckpts" / f"epoch_{k}.pt")
    return tmp_path / "ckpts"


MODEL = ("model.widths=[8]", "measurement.noise=false")


@pytest.mark.slow
def test_a_job_without_training_that_is_cut_begins_anew(
    cli: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("landscape.command.task.run", cut)
    ran = cli(*RUN, MODEL[0], "measurement=residual")
    assert ran.status == 130 and "interrupted; the same command begins this job anew" in ran.out, ran.out
    ran = cli(*TINY, "name=trains")
    assert ran.status == 130 and "interrupted; the same command goes on from the last checkpoint" in ran.out, ran.out


def test_the_plane_of_a_run_has_j_at_every_file_and_its_track(cli: Callable[..., Ran]) -> None:
    ran = cli(*RUN, *MODEL, "measurement=plane", ONE_JOB)
    assert ran.status == 0 and ran.out.count("J at each saved point of training") == 1, ran.out
    assert "no straight line" not in ran.out
    (folder,) = (job.parent for job in ran.outputs.glob("*/*/*/result.json"))
    result = Result.load(folder)
    track, split = result.projections["trajectory"], digits().train.first(50)
    assert track.objective is not None and track.epochs.tolist() == list(range(NUM))
    with torch.no_grad():
        plain = [float(F.cross_entropy(net(k)(split.x), split.y)) for k in range(NUM)]
    np.testing.assert_allclose(track.objective[:, 0], plain, rtol=1e-5)
    curve = result.curves["train/stochastic"]
    np.testing.assert_allclose(curve.objective[np.isin(curve.alphas, [0, 1]), 0], [plain[0], plain[-1]], rtol=1e-5)
    assert result.numbers["max_plane_distance"][0] > 0  # how far the drawn points may be from where they are drawn
    assert result.learning_curve is None and result.training_status == [] and not list(ran.outputs.glob("solutions/*"))
    assert "start 0 L from (0, 0)" in " ".join(map(str, result.verdicts))


def test_off_the_line_points_that_are_not_finite_are_named_and_the_walk_starts_where_the_line_does(
    cli: Callable[..., Ran], ckpts: Path
) -> None:
    state = torch.load(ckpts / "epoch_5.pt")
    state["model"]["layers.0.bias"][3] = torch.nan
    torch.save(state, ckpts / "epoch_5.pt")
    ran = cli(*RUN, MODEL[0], "measurement=residual", "endpoints.start=epoch_2.pt", ONE_JOB)
    assert ran.status == 0 and "numbers that are not finite in epoch_5.pt" in ran.out, ran.out
    assert "no use of endpoints" not in ran.out
    (folder,) = (job.parent for job in ran.outputs.glob("*/*/*/result.json"))
    result = Result.load(folder)
    track = result.projections["trajectory"]
    assert np.flatnonzero(np.isnan(track.projection[:, 0])).tolist() == [3]
    assert np.hypot(track.projection, track.residual_norm)[0] == 0 and track.best_epoch == [10]
    text = " ".join(str(verdict) for verdict in result.verdicts)
    assert "start 0 L from (0, 0)" in text and "left out as not finite: point 5" in text and "best epoch" not in text


@pytest.mark.slow
def test_a_run_is_measured_again_when_one_of_its_files_changes(cli: Callable[..., Ran], ckpts: Path) -> None:
    jobs = []
    for change in (False, False, True):
        if change:
            torch.save(net(3.5).state_dict(), ckpts / "epoch_3.pt")
        ran = cli(*RUN, *MODEL)
        assert ran.status == 0 and ("1 done before" in ran.out) == (len(jobs) == 1), ran.out
        jobs += ran.jobs
    assert jobs[0] == jobs[1] != jobs[2]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (["endpoints.folder=nowhere"], "endpoints.folder=nowhere is no folder"),
        (["endpoints.pattern=step_*.pt"], "and endpoints.pattern=step_*.pt give no checkpoint"),
        (["endpoints.end=epoch_99.pt"], "endpoints.end=epoch_99.pt is none of the checkpoints"),
        (["model.widths=[9]"], "use the model that was saved"),
        (["measurement=residual", "endpoints.start=epoch_10.pt"], "does not come before"),
        (["measurement=residual", "endpoints.pattern=epoch_1.pt"], "a line needs two points"),
    ],
)
def test_wrong_runs_end_with_one_sentence(cli: Callable[..., Ran], changes: list[str], text: str) -> None:
    ran = cli(*RUN, MODEL[0], *changes, ONE_JOB)
    assert ran.status == 2 and text in re.sub(r"\s+", " ", ran.out) and "Traceback" not in ran.out, ran.out
