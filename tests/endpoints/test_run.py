"""A folder with a checkpoint per epoch is a run: which files, in which order, and what is wrong with one."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from landscape.endpoints import Checkpoints, Run, Snapshots, trajectory_of
from landscape.endpoints.snapshots import HELD
from landscape.errors import InputError
from landscape.ground.provenance import outside
from landscape.parameters import ParameterLayout
from landscape.store.trajectory import project, project_second

from .test_fit import net

NUM = 12
LAYOUT = ParameterLayout.of(net())


def theta(seed: int) -> torch.Tensor:
    return LAYOUT.theta(net(seed))


@pytest.fixture
def ckpts(tmp_path: Path) -> Path:
    """Epochs 0 to 11, as a training script leaves them; the point of epoch k is drawn from seed k."""
    folder = tmp_path / "ckpts"
    folder.mkdir()
    for k in range(NUM):
        torch.save({"model": net(k).state_dict(), "epoch": k}, folder / f"epoch_{k}.pt")
    return folder


def test_a_run_goes_from_its_first_file_to_its_last_in_natural_order(ckpts: Path) -> None:
    run = Run(str(ckpts), "epoch_*.pt")
    run.check(1)
    ends = run.load(net(99))
    assert torch.equal(ends.theta_0[0], theta(0)) and torch.equal(ends.theta_1[0], theta(NUM - 1))
    assert torch.equal(ends.buffers[0]["1.running_var"], net(NUM - 1)[1].running_var)
    assert torch.equal(ends.buffers_0[0]["1.running_var"], net(0)[1].running_var)
    assert ends.runs is not None and ends.runs.best_epoch == [NUM - 1]
    (found,) = ends.runs.trajectories
    assert found.epochs.tolist() == found.steps.tolist() == list(range(NUM))
    for k, point in enumerate(found):
        assert np.array_equal(point, theta(k).double().numpy())


@pytest.mark.parametrize("named", ["epoch_9.pt", "{folder}/epoch_9.pt"])
def test_named_ends_are_ends_and_what_lies_before_them_is_left_out(ckpts: Path, named: str) -> None:
    ends = Run(str(ckpts), start="epoch_2.pt", end=named.format(folder=ckpts)).load(net())
    assert torch.equal(ends.theta_0[0], theta(2)) and torch.equal(ends.theta_1[0], theta(9))
    assert ends.runs is not None and len(ends.runs.trajectories[0].epochs) == NUM - 2 and ends.runs.best_epoch == [9]
    wrong = {"start": "epoch_9.pt", "end": "epoch_2.pt"}, {"start": "epoch_11.pt"}, {"end": "epoch_0.pt"}
    for keys in wrong:
        with pytest.raises(InputError, match="does not come before"):
            Run(str(ckpts), **keys).check(1)
    with pytest.raises(InputError, match=r"endpoints\.end=best\.pt is none of the checkpoints .* epoch_0\.pt, epoch_1"):
        Run(str(ckpts), end="best.pt").check(1)


def test_projections_of_files_are_those_of_a_plain_loop(ckpts: Path) -> None:
    ends = Run(str(ckpts)).load(net())
    assert ends.runs is not None
    start, end = ends.theta_0.double().numpy(), ends.theta_1.double().numpy()
    found = project(ends.runs.trajectories, start, end, ends.runs.best_epoch, streamed=1)
    second, distance = project_second(ends.runs.trajectories, start, end, found)
    line = (end - start)[0] / np.linalg.norm(end - start)
    for k in range(NUM):
        moved = theta(k).double().numpy() - start[0]
        np.testing.assert_allclose(found.projection[k, 0], moved @ line, atol=1e-12)
        np.testing.assert_allclose(found.residual_norm[k, 0], np.linalg.norm(moved - moved @ line * line), atol=1e-12)
        np.testing.assert_allclose(found.parameter_norm[k, 0], theta(k).double().norm())
    np.testing.assert_allclose(second**2 + distance**2, found.residual_norm**2, atol=1e-10)


def test_each_file_is_read_once_per_pass_and_a_few_are_held(ckpts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    read = Snapshots.point
    monkeypatch.setattr(Snapshots, "point", lambda self, k, *a, **b: (seen.append(k), read(self, k, *a, **b))[1])
    run = trajectory_of(ckpts, net())
    for _ in run:
        pass
    assert seen == [*range(NUM), *range(NUM)]
    seen.clear()
    for first in range(0, NUM, HELD):
        for _ in range(5):  # passes over the data
            for k in range(first, first + HELD):
                run.theta(float(k))
    assert seen == list(range(NUM)) and len(run._held) == HELD


def spoil(folder: Path, k: int, change: Callable[[dict[str, Any]], Any]) -> None:
    file = folder / f"epoch_{k}.pt"
    state = torch.load(file)
    torch.save({**state, "model": change(dict(state["model"]))}, file)


def test_a_pattern_that_fits_no_name_is_told_once(ckpts: Path, caplog: pytest.LogCaptureFixture) -> None:
    spoil(ckpts, 4, lambda s: {**s, "head.bias": torch.ones(1)})
    with caplog.at_level(logging.WARNING):
        Run(str(ckpts), ignore=["head.*", "haed.*"]).load(net())
        Checkpoints(str(ckpts / "epoch_4.pt"), str(ckpts / "epoch_5.pt"), ignore=["head.*"]).load(net())
    assert caplog.messages == ["endpoints.ignore: no name in the checkpoints fits haed.*"]


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_point_in_the_middle_that_is_not_finite_is_a_row_of_nan(
    ckpts: Path, caplog: pytest.LogCaptureFixture, value: float
) -> None:
    spoil(ckpts, 5, lambda s: {**s, "2.bias": torch.tensor([0.0, value, 1.0])})
    with caplog.at_level(logging.WARNING):
        ends = Run(str(ckpts)).load(net())
    assert len(caplog.messages) == 1 and "not finite in epoch_5.pt" in caplog.text and ends.runs is not None
    start, end = ends.theta_0.double().numpy(), ends.theta_1.double().numpy()
    found = project(ends.runs.trajectories, start, end, ends.runs.best_epoch)
    lost = np.arange(NUM) == 5
    for values in (found.projection, found.residual_norm, found.parameter_norm):
        assert np.array_equal(np.isnan(values[:, 0]), lost)
    for key in ("start", "end"):
        with pytest.raises(InputError, match=r"epoch_5\.pt .*holds (nan|inf) in 2\.bias .* must be finite"):
            Run(str(ckpts), **{key: "epoch_5.pt"}).load(net())


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-60])


REFUSED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "half-written": (lambda folder: cut(folder / "epoch_7.pt"), "epoch_7.pt is no state dict"),
    "other shape": (
        lambda folder: spoil(folder, 4, lambda s: {**s, "2.weight": torch.ones(3, 7)}),
        "epoch_4.pt (entry model) has shape (3, 7) for parameter 2.weight",
    ),
    "lacks": (
        lambda folder: spoil(folder, 4, lambda s: {n: v for n, v in s.items() if n != "0.bias"}),
        "epoch_4.pt (entry model) has nothing for parameter 0.bias",
    ),
    "no statistics": (
        lambda folder: spoil(folder, 6, lambda s: {n: v for n, v in s.items() if "running" not in n}),
        "has nothing for buffer 1.running_mean",
    ),
    "more": (
        lambda folder: spoil(folder, 3, lambda s: {**s, "head.bias": torch.ones(1)}),
        "epoch_3.pt (entry model) has entries that model=Sequential lacks: head.bias",
    ),
    "several kinds": (
        lambda folder: torch.save(net(3).state_dict(), folder / "best.pt"),
        "holds names of several kinds, whose order nobody knows",
    ),
    "ends alike": (
        lambda folder: torch.save(net(0).state_dict(), folder / "epoch_11.pt"),
        "epoch_0.pt and epoch_11.pt of endpoints.folder=",
    ),
    "a link that leads out": (
        lambda folder: (
            (folder / "epoch_5.pt").rename(folder.parent / "away.pt"),
            (folder / "epoch_5.pt").symlink_to(folder.parent / "away.pt"),
        ),
        "holds the link epoch_5.pt, which leads out of the folder",
    ),
    "a dangling link": (lambda folder: (folder / "epoch_12.pt").symlink_to("nowhere.pt"), "epoch_12.pt is no file"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_run_is_refused_by_name(ckpts: Path, case: str) -> None:
    change, text = REFUSED[case]
    change(ckpts)
    with pytest.raises(InputError, match=re.escape(text)) as caught:
        run = Run(str(ckpts))
        run.check(1)
        run.load(net())
    assert "endpoints.folder=" in str(caught.value) and str(caught.value).isprintable()


def test_links_inside_and_copies_are_points_like_others(ckpts: Path, caplog: pytest.LogCaptureFixture) -> None:
    (ckpts / "epoch_12.pt").symlink_to("epoch_5.pt")
    (ckpts / "epoch_13.pt").write_bytes((ckpts / "epoch_5.pt").read_bytes())
    (ckpts.parent / "link").symlink_to(ckpts)
    with caplog.at_level(logging.WARNING):
        ends = Run(str(ckpts.parent / "link")).load(net())
    assert torch.equal(ends.theta_1[0], theta(5)) and "epoch_12.pt and epoch_13.pt are the same point" in caplog.text


def test_names_that_are_in_no_order_are_said_to_be_counted(ckpts: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert trajectory_of(ckpts, net(), "epoch_?.pt").epochs.tolist() == list(range(10)) and "counted" not in caplog.text
    (ckpts / "epoch_01.pt").write_bytes((ckpts / "epoch_5.pt").read_bytes())
    assert trajectory_of(ckpts, net()).epochs.tolist() == list(range(NUM + 1))
    assert caplog.text.count("no number in the names rises from each to the next (epoch_0.pt, epoch_") == 1
    assert "so the points are counted 0, 1, 2, ... in this order" in caplog.text


def test_a_file_of_another_run_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    start = net(0)
    for k in range(9):
        state = {n: v + 0.001 * k * v.sign() if v.is_floating_point() else v for n, v in start.state_dict().items()}
        torch.save(net(1).state_dict() if k == 6 else state, tmp_path / f"{k}.pt")
    with caplog.at_level(logging.WARNING):
        trajectory_of(tmp_path, net())
    assert re.search(r"from 5\.pt to 6\.pt \(\d+ times\), 6\.pt to 7\.pt .*are all of one run", caplog.text)


def test_a_file_that_changes_meanwhile_is_refused(ckpts: Path) -> None:
    run = trajectory_of(ckpts, net())
    torch.save(net(50).state_dict(), ckpts / "epoch_3.pt")
    run.theta(2)
    with pytest.raises(InputError, match=r"epoch_3\.pt changed while the run was read"):
        run.theta(3)


def test_folders_of_hugging_face_are_points_of_a_run(tmp_path: Path) -> None:
    for k in (100, 20):
        (tmp_path / f"checkpoint-{k}").mkdir()
        torch.save(net(k).state_dict(), tmp_path / f"checkpoint-{k}" / "pytorch_model.bin")
        torch.save({"state": 1}, tmp_path / f"checkpoint-{k}" / "optimizer.pt")
    ends = Run(str(tmp_path)).load(net())
    assert torch.equal(ends.theta_0[0], theta(20)) and torch.equal(ends.theta_1[0], theta(100))
    assert set(outside({"endpoints": {"folder": str(tmp_path), "pattern": None}})) == {
        str(tmp_path / f"checkpoint-{k}" / "pytorch_model.bin") for k in (20, 100)
    }


def test_the_key_of_a_job_knows_every_file_of_the_run_and_no_other(ckpts: Path) -> None:
    config = {"endpoints": {"folder": str(ckpts), "pattern": "epoch_*.pt"}}
    before = outside(config)
    assert len(before) == NUM
    (ckpts / "events.log").write_text("more")
    torch.save(net().state_dict(), ckpts / "best.pt")
    assert outside(config) == before
    torch.save(net(50).state_dict(), ckpts / "epoch_5.pt")
    changed = outside(config)
    assert changed != before
    torch.save(net(50).state_dict(), ckpts / "epoch_12.pt")
    assert outside(config) != changed
    assert outside({"endpoints": {"folder": str(ckpts), "pattern": "/x"}}) == {}


def test_missing_and_entry_are_as_of_two_checkpoints(ckpts: Path) -> None:
    for k in range(NUM):
        spoil(ckpts, k, lambda s: {n: v for n, v in s.items() if not n.startswith("0.")})
    with pytest.raises(InputError, match=r"endpoints\.missing=model to take it from the model"):
        Run(str(ckpts)).load(net())
    ends = Run(str(ckpts), missing="model").load(net(77), again=lambda: net(77))
    assert torch.equal(ends.theta_0[0, :24], theta(77)[:24]) and torch.equal(ends.theta_1[0, -15:], theta(11)[-15:])
    for k in range(NUM):
        torch.save({"model": net(k).state_dict(), "ema": net(k + 100).state_dict()}, ckpts / f"epoch_{k}.pt")
    with pytest.raises(InputError, match=r"choose one: endpoints\.entry=ema"):
        Run(str(ckpts)).load(net())
    assert torch.equal(Run(str(ckpts), entry="ema").load(net()).theta_1[0], theta(111))
    with pytest.raises(InputError, match=r"no entry endpoints\.entry=best"):
        Run(str(ckpts), entry="best").load(net())


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"folder": 3}, "endpoints.folder=3 must be the name of a folder"),
        ({"pattern": ""}, "endpoints.pattern= must be a text, or null"),
        ({"start": 3}, "endpoints.start=3 must be a text"),
        ({"end": ["a"]}, "endpoints.end=['a'] must be a text"),
        ({"entry": 1}, "endpoints.entry=1 must be a text"),
        ({"ignore": 5}, "endpoints.ignore=5 must be"),
        ({"missing": "yes"}, "endpoints.missing=yes must be model"),
    ],
)
def test_values_of_another_kind_are_refused(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=re.escape(text)):
        Run(**{"folder": "ckpts", **changes})


def test_memory_is_that_of_a_few_points(tmp_path: Path) -> None:
    """Of forty points no more than a few are there at once."""
    import gc

    module = nn.Linear(313, 311, bias=False)
    paths = []
    for k in range(40):
        paths.append(tmp_path / f"{k}.pt")
        torch.save({"weight": torch.full((311, 313), float(k))}, paths[-1])
    run = trajectory_of(paths, module)
    for k in range(40):
        run.theta(k)
    gc.collect()
    large = [o for o in gc.get_objects() if type(o) is torch.Tensor and o.numel() == 311 * 313]
    assert len({o.untyped_storage().data_ptr() for o in large}) <= HELD + 2
