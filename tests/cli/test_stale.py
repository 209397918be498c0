"""What a config names but does not contain is part of its key; what was finished outlives a failed repetition."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from landscape.result.saved import Result

from .conftest import TINY, Ran

NET = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(64, 8), nn.{activation}(), nn.Linear(8, 10))
"""


def test_an_edited_module_is_trained_again(
    cli: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "my_conf" / "model").mkdir(parents=True)
    (tmp_path / "my_conf" / "model" / "net.yaml").write_text("_target_: edited_net.Net\n_partial_: true\n")
    arguments = [*TINY[:5], f"hydra.searchpath=[file://{tmp_path}/my_conf]", "model=net"]
    jobs = []
    for activation in ("Tanh", "Tanh", "ReLU"):
        (tmp_path / "edited_net.py").write_text(NET.format(activation=activation))
        sys.modules.pop("edited_net", None)
        ran = cli(*arguments)
        assert ran.status == 0, ran.out
        jobs += [ran.jobs[0].name]
    assert jobs[0] == jobs[1] != jobs[2]
    assert len(list((tmp_path / "outputs" / "solutions").glob("*/meta.json"))) == 2
    sys.modules.pop("edited_net", None)


@pytest.mark.slow
def test_an_overwritten_checkpoint_is_measured_again(cli: Callable[..., Ran], tmp_path: Path) -> None:
    from landscape.model import MLP

    def write(name: str, seed: int) -> None:
        torch.manual_seed(seed)
        torch.save(MLP(64, 10, [8, 8], torch.nn.ReLU()).state_dict(), tmp_path / name)

    write("a.pt", 0)
    write("b.pt", 1)
    ends = [f"endpoints.start={tmp_path}/a.pt", f"endpoints.end={tmp_path}/b.pt", "endpoints=checkpoints"]
    first = cli(*TINY, *ends, "alphas=standard")
    assert first.status == 0, first.out
    before = first.jobs[0].name
    assert "was done before" in cli(*TINY, *ends, "alphas=standard").out
    write("b.pt", 2)
    assert cli(*TINY, *ends, "alphas=standard").jobs[0].name != before


@pytest.mark.slow
def test_a_failed_repetition_leaves_the_finished_result(cli: Callable[..., Ran]) -> None:
    folder = cli(*TINY).jobs[0]
    ran = cli(*TINY, "refresh=true", "device=abacus")
    assert ran.status == 2 and ran.sweep["jobs"][0]["status"] == "failed"
    assert Result.load(folder).status == "done"


@pytest.mark.slow
def test_a_broken_record_does_not_hide_the_results(cli: Callable[..., Ran]) -> None:
    folder = cli(*TINY).jobs[0]
    (folder / "job.json").write_text("{")
    ran = cli(*TINY)
    assert ran.status == 0 and "1 done before" in ran.out
    assert json.loads((folder / "job.json").read_text())["status"] == "skipped"


@pytest.mark.slow
def test_a_fault_in_collecting_is_status_1(cli: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise OSError(28, "No space left on device", "sweep.json")

    monkeypatch.setattr(
        "landscape.command.collect.outcome.write_json",
        lambda file, value: broken() if file.name == "sweep.json" else None,
    )
    ran = cli(*TINY)
    assert ran.status == 1 and "could not be collected: the disk is full" in ran.out and "Traceback" not in ran.out


@pytest.mark.slow
def test_a_command_whose_jobs_all_fail_leaves_no_table_or_figure_of_an_earlier_one(cli: Callable[..., Ran]) -> None:
    (job,) = cli(*TINY).jobs
    folder = job.parent
    assert (folder / "sweep.csv").exists() and (folder / "figure.png").exists()
    failed = cli(*TINY, "optimizer.lr=-1")
    assert failed.status == 2
    left = {path.name for path in folder.iterdir() if path.is_file()}
    assert not left & {"sweep.csv", "sweep_summary.csv", "figure.png", "figure.pdf"} and "sweep.json" in left
    assert Result.load(job).status == "done"
