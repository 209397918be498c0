"""An offline run, read back by W&B's own reader: every value, not only that there is a file."""

from __future__ import annotations

import hashlib
import os
import time
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from landscape.errors import InputError
from landscape.tracker import SolutionFiles, Tracker, rows
from landscape.tracker.null import NullTracker
from landscape.tracker.wandb import WandbTracker
from tests.tracker import job


@pytest.fixture(scope="module")
def run(runs: dict[str, Any]) -> Any:
    """The first of them."""
    return runs["k3y"]


def test_one_folder_holds_all_jobs(runs: dict[str, Any], folder: Path) -> None:
    """Both jobs are complete, and everything of W&B lies in the sweep's one folder."""
    assert set(runs) == {"k3y", "other"}
    assert runs["k3y"].history == [  # same rows; only where media lie may differ
        row | {key: value for key, value in first.items() if "path" in key}
        for row, first in zip(runs["other"].history, runs["k3y"].history, strict=True)
    ]
    assert [r.of("exit")[0]["exit_code"] for r in runs.values()] == [0, 0]
    assert sorted(p.name for p in folder.iterdir()) == ["k3y", "other", "solutions", "wandb"]


def test_every_row_comes_back_once(run: Any) -> None:
    """What came live is not logged again; W&B is told which key is the x axis of which."""
    result = job.result()
    assert run.rows("interpolation/") == list(rows.curve_rows(result.curves, result.seeds))
    assert run.rows("residual/") == list(rows.projection_rows(result.projections, result.seeds))
    assert run.rows("learning/") == list(rows.learning_rows(result.learning_curve, result.seeds))
    globs = {m["glob_name"]: m["step_metric"] for m in run.of("metric") if "glob_name" in m}
    axes = {"interpolation": "alpha", "residual": "projection", "learning": "epoch"}
    assert globs == {f"{family}/*": f"{family}/{axis}" for family, axis in axes.items()}
    assert {m["name"] for m in run.of("metric") if "name" in m} == set(globs.values())


def test_identity_config_and_summary(run: Any) -> None:
    """Name, group, job type, tags and the resolved config arrive as given; the choices are added."""
    (head,) = run.of("run")
    shown = {key: head[key] for key in ("display_name", "run_group", "job_type", "tags", "project")}
    wanted = {"display_name": "recipe=toy", "run_group": "fig99_toy", "job_type": "interpolation"}
    assert shown == wanted | {"tags": ["smoke", "toy"], "project": "landscape"}
    config = {key: value for key, value in head["config"]["update"].items() if key != "_wandb"}
    assert config == {"model": {"width": 17}, "training": {"num_seeds": 2}, "seed": 7}
    (added,) = (c["update"]["result"] for c in run.of("config") if "result" in c["update"])
    assert (added["choices"], added["caps"]) == ({"recipe": "toy"}, ["training.max_epochs 9 -> 3"])
    assert rows.summary(job.result()).items() <= run.summary.items()
    assert "absent" not in run.summary and "largest_rise/seed5" not in run.summary


def test_tables_and_chart(run: Any) -> None:
    """The long table holds every point, the verdict table every verdict, the chart every finite point."""
    curves = run.table("curves")
    assert curves["columns"] == ["curve", "seed", "alpha", "objective", "error", "bound"]
    assert len(curves["data"]) == 16
    assert ["train/stochastic", "seed5", 1.3, 1.0625, 0.0, None] in curves["data"]
    assert ["train/stochastic", "seed5", 0.4, None, 0.4, None] in curves["data"]
    assert ["valid/deterministic", "seed4", 0.4, 1.15625, None, None] in curves["data"]
    verdicts = run.table("verdict_table")
    shown = [dict(zip(verdicts["columns"], row, strict=True)) for row in verdicts["data"]]
    outcomes = {row["check"]: row["holds"] for row in shown}
    assert outcomes == {"1a": "holding", "1b": "holding", "2": "failing", "3": "not_judged"}
    chart = run.table("objective_table")
    points = [(line, x, y) for x, line, y in chart["data"] if line == "train/stochastic seed5"]
    assert points == [("train/stochastic seed5", x, y) for x, y in [(-0.25, 3.5), (0, 3.25), (1, 0.75), (1.3, 1.0625)]]
    panels = [c["update"] for c in run.of("config") if "_wandb.visualize.objective" in c["update"]]
    assert panels[0]["_wandb.visualize.objective"]["panel_config"]["panelDefId"] == "wandb/lineseries/v0"


def test_figure_and_artifacts_are_the_files(run: Any, folder: Path) -> None:
    """The bytes of figure, result and solution are kept under the sweep's ``wandb/``, with the digest of the source."""
    (image,) = (row for row in run.history if "figure.path" in row)
    assert (run.folder / "files" / image["figure.path"]).read_bytes() == (folder / "k3y/figure.png").read_bytes()
    sources = {
        "curves": {name: folder / "k3y" / name for name in ("result.json", "result.npz")},
        "solution": {"theta.npy": folder / "solutions/s0l/theta.npy"},
    }
    for kind, files in sources.items():
        entries = run.artifacts[kind]
        assert set(entries) == set(files)
        for name, source in files.items():
            assert b64decode(entries[name]["digest"]) == hashlib.md5(source.read_bytes()).digest()
            staged = Path(entries[name]["local_path"])
            assert staged.is_relative_to(folder / "wandb") and staged.read_bytes() == source.read_bytes()


def test_a_closing_run_holds_the_sweep(tmp_path: Path, records: Callable[[Path], list[Any]]) -> None:
    """Values in the summary, a table without rows left out, cells without a value None, the figure's own bytes."""
    figure, _ = job.files(tmp_path)
    tracker = WandbTracker()
    tracker.start(job.info(tmp_path, "summary-1"))
    tracker.conclude(job.closing(tmp_path))
    tracker.finish()
    (run,) = records(tmp_path)
    wanted = {"jobs/done": 1, "rate/1a": 1.0, "verdicts/holding": 2, "verdicts/failing": 1, "verdicts/not_judged": 1}
    assert {key: run.summary.get(key) for key in wanted} == wanted
    assert run.table("rates")["data"] == [["1a", 1.0, 0.206543], ["2", 0.0, None]]
    assert len(run.table("verdict_table")["data"]) == 4
    assert not [row for row in run.history if "means.path" in row]
    (image,) = (row for row in run.history if "figure.path" in row)
    assert (run.folder / "files" / image["figure.path"]).read_bytes() == figure.read_bytes()
    assert run.of("exit")[0]["exit_code"] == 0


def test_a_second_run_of_one_id_replaces_the_first(tmp_path: Path) -> None:
    """Sent as well, the first would double every row; but a run that failed takes nothing away."""

    def folders() -> dict[str, list[Path]]:
        found = sorted((tmp_path / "wandb").glob("offline-run-*"))
        return {key: [run for run in found if run.name.endswith(f"-{key}")] for key in ("k3y", "3y", "other")}

    for key in ("k3y", "3y", "other"):  # one id ends as another does
        job.track(WandbTracker(), tmp_path, key)
    before = folders()
    time.sleep(1)  # wandb names its folders by the second
    job.track(WandbTracker(), tmp_path)
    after = folders()
    assert [len(found) for found in after.values()] == [1, 1, 1] and after["k3y"] != before["k3y"]
    assert (after["3y"], after["other"]) == (before["3y"], before["other"])
    time.sleep(1)
    failed = WandbTracker()
    failed.start(job.info(tmp_path))
    failed.finish(exit_code=1)
    assert [len(found) for found in folders().values()] == [2, 1, 1]


def test_environment_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """During a run W&B's folders are the sweep's, or the user's; afterwards every variable is what it was."""
    monkeypatch.setenv("WANDB_DATA_DIR", "mine")
    monkeypatch.delenv("WANDB_CACHE_DIR", raising=False)
    monkeypatch.delenv("WANDB_ERROR_REPORTING", raising=False)
    before = {key: value for key, value in os.environ.items() if key.startswith("WANDB")}
    tracker = WandbTracker()
    tracker.start(job.info(tmp_path))
    assert os.environ["WANDB_DATA_DIR"] == "mine"
    assert os.environ["WANDB_CACHE_DIR"] == str(tmp_path / "wandb" / "cache")
    assert os.environ["WANDB_ERROR_REPORTING"] == "false"
    tracker.finish()
    assert {key: value for key, value in os.environ.items() if key.startswith("WANDB")} == before
    tracker.finish()  # a second time is harmless
    assert {key: value for key, value in os.environ.items() if key.startswith("WANDB")} == before


def test_failures_become_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, records: Callable[[Path], list[Any]]
) -> None:
    """A broken figure and a missing solution neither raise nor stop the rest; one line says where to look."""
    figure, _ = job.files(tmp_path)
    figure.write_bytes(b"no picture")
    tracker = WandbTracker()
    tracker.start(job.info(tmp_path))
    tracker.record(job.result(), figure, [SolutionFiles("s0l", [tmp_path / "nowhere.npy"])])
    tracker.finish(exit_code=1)
    warnings = [r.getMessage() for r in caplog.records if r.levelname == "WARNING" and "tracker" in r.name]
    assert len(warnings) == 1
    assert str(tmp_path / "wandb") in warnings[0] and "wandb sync" in warnings[0]
    (run,) = records(tmp_path)
    assert len(run.table("curves")["data"]) == 16 and "curves" in run.artifacts and "solution" not in run.artifacts
    assert run.of("exit")[0]["exit_code"] == 1


def test_solutions_can_be_left_out(tmp_path: Path, records: Callable[[Path], list[Any]]) -> None:
    job.track(WandbTracker(upload_solutions=False), tmp_path)
    (run,) = records(tmp_path)
    assert set(run.artifacts) == {"run_table", "curves"}


@pytest.mark.parametrize("tracker", [NullTracker(), WandbTracker(mode="disabled")], ids=["none", "disabled"])
def test_no_tracker_leaves_no_trace(tracker: Tracker, tmp_path: Path) -> None:
    """Neither ``tracker=none`` nor ``tracker.mode=disabled`` writes anything."""
    job.track(tracker, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["k3y", "solutions"]


def test_bad_settings_name_their_key() -> None:
    """The message says which key, which value and what else there is."""
    with pytest.raises(InputError, match=r"tracker\.mode=sometimes .*offline, online, disabled"):
        WandbTracker(mode="sometimes")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"tracker\.finish_timeout=0 "):
        WandbTracker(finish_timeout=0)
