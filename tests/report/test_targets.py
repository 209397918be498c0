"""What a report, a figure and a page are made of and where they may go: what cannot be is refused at once."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from landscape.figure.__main__ import main as figure_main
from landscape.report.__main__ import main as report_main
from tests.forged import rename

from .conftest import job

Command = Callable[[Sequence[str]], int]


def refused(command: Command, arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What it says; status 2, nothing on standard output."""
    try:
        status = command(arguments)
    except SystemExit as stop:  # argparse's own
        status = int(stop.code or 0)
    said = capsys.readouterr()
    assert status == 2 and said.out == "" and "Traceback" not in said.err
    return said.err


def cut(job: Path) -> None:
    path = job / "result.json"
    path.write_text(path.read_text()[:500])


def no_arrays(job: Path) -> None:
    (job / "result.npz").write_bytes(b"PK")


def all_damaged(folder: Path) -> None:
    cut(folder / "job0")
    no_arrays(folder / "job1")


def all_failed(folder: Path) -> None:
    for k in (0, 1):
        replace(job(0.1), status="failed", error="boom").save(folder / f"job{k}")


def named(figure: str, *jobs: str) -> Callable[[Path], object]:
    """Jobs that say they belong to this figure."""
    return lambda folder: [rename(folder / job, "landscape.figure.sweep", figure) for job in jobs]


@pytest.mark.parametrize("command", [figure_main, report_main])
@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (all_damaged, "truncated or damaged"),
        (lambda folder: (folder / "sweep.json").write_text('{"jobs": [{}]}'), "sweep.json cannot be read"),
        (all_failed, "boom"),
        (named("landscape.figure.fig99_nothing", "job0", "job1"), "fig99_nothing"),
        (named("landscape.figure.table", "job0", "job1"), "without draw(results) and judge(results)"),
        (named("landscape.figure.fig01_maxout", "job1"), "different figures"),
    ],
)
def test_bad_input_is_one_message(
    command: Command, spoil: Callable[[Path], object], says: str, sweep: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(sweep)
    before = sorted(sweep.rglob("*"))
    said = refused(command, [str(sweep)], capsys)
    assert says in said and said.startswith("error: ") and len(said.splitlines()) == 1
    assert sorted(sweep.rglob("*")) == before


@pytest.mark.usefixtures("blank_figures")
@pytest.mark.parametrize(("spoil", "says"), [(cut, "truncated or damaged"), (no_arrays, "truncated, damaged")])
def test_a_report_leaves_a_damaged_result_out(
    spoil: Callable[[Path], object], says: str, sweep: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is named here and in the page; of the folder alone a figure would pass for that of all jobs."""
    shutil.copytree(sweep, other := sweep.parent.parent / "other/full")
    spoil(sweep / "job1")
    assert report_main([str(sweep.parent.parent)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"not drawn: {sweep}: job job1 cannot be read: result.") and says in line
    page = (sweep.parent.parent / "report.html").read_text()
    assert "Left out: job job1 cannot be read: result." in page and str(sweep) not in page
    rows = list(csv.DictReader((sweep.parent.parent / "sweep.csv").open()))
    assert [row["job"] for row in rows] == ["job0"] * 3 + ["job0"] * 3 + ["job1"] * 3 and (other / "job1").is_dir()
    assert says in refused(figure_main, [str(sweep)], capsys)


@pytest.mark.slow
@pytest.mark.parametrize("room", ["landscape.figure", "landscape.report"])
def test_no_torch_and_no_network_library(room: str, sweep: Path) -> None:
    """The command as a user types it; what only trains or tracks is not loaded."""
    program = (
        f"import sys; from {room}.__main__ import main; status = main(sys.argv[1:])\n"
        "unwanted = {'torch', 'hydra', 'omegaconf', 'wandb', 'requests'}\n"
        "sys.exit(status or ' '.join(unwanted & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(sweep)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert str(sweep / ("report.html" if room.endswith("report") else "figure.png")) in done.stdout.replace("\n", "")
    assert not [path for path in sweep.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("command", "arguments", "says"),
    [
        (report_main, ["DIR", "--output", ""], "argument --output: it is empty"),
        (report_main, ["DIR", "--csv", ""], "argument --csv: it is empty"),
        (report_main, [""], "it is empty"),
        (figure_main, [""], "it is empty"),
        (figure_main, ["DIR", "--publish", ""], "argument --publish: it is empty"),
        (report_main, ["DIR", "--output", "TMP/same", "--csv", "TMP/same"], "would be one file"),
        (report_main, ["DIR", "--output", "TMP/same", "--csv", "TMP/x/../same"], "would be one file"),
        (report_main, ["DIR", "--output", "TMP/a_summary.csv", "--csv", "TMP/a.csv"], "would be one file"),
        (report_main, ["DIR", "--output", "TMP/p.html", "--csv", "TMP/wandb_report.json"], "would be one file"),
        (report_main, ["DIR", "--output", "DIR/job0/result.json"], "name of a run's own file"),
        (report_main, ["DIR", "--output", "."], "is a folder"),
        (report_main, ["DIR", "--csv", ".."], "is a folder"),
        (report_main, ["DIR", "--output", "DIR"], "is a folder"),
        (report_main, ["DIR", "--output", "DIR/job0/result.npz/x/y.html"], "cannot be written"),
        (report_main, ["DIR/job0/result.json"], "is no folder"),
        (report_main, ["TMP"], "no result.json"),
        (figure_main, ["TMP"], "no result.json"),
        (figure_main, ["DIR/.."], "did you mean DIR/../full?"),
        (report_main, ["DIR/nowhere"], "is no folder"),
        (figure_main, ["DIR/nowhere"], "is no folder"),
        (figure_main, ["DIR/job0/result.json"], "is no folder"),
        (figure_main, ["DIR", "--publish", "DIR"], "is the folder of the run itself"),
        (figure_main, ["DIR", "--publish", "DIR/job0/../job1"], "is the folder of the run itself"),
        (figure_main, ["DIR/job0", "--publish", "DIR/job0"], "is the folder of the run itself"),
    ],
)
def test_is_refused(
    command: Command, arguments: list[str], says: str, sweep: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    before = {path: path.read_bytes() for path in sweep.rglob("result.*")}
    named = [item.replace("DIR", str(sweep)).replace("TMP", str(tmp_path / "empty")) for item in arguments]
    assert says.replace("DIR", str(sweep)) in refused(command, named, capsys)
    assert {path: path.read_bytes() for path in sweep.rglob("*") if path.is_file()} == before
    assert not list((tmp_path / "empty").rglob("*"))


@pytest.mark.parametrize("target", ["DIR/job0/result.json", "DIR/job0/result.json/page", "PAGE"])
def test_a_page_that_cannot_be_made_is_one_message(
    target: str, sweep: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file where a folder should be; a page of another run, with more jobs."""
    stale = tmp_path / "page" / "job7" / "result.json"
    stale.parent.mkdir(parents=True)
    stale.write_text("{}")
    where = target.replace("DIR", str(sweep)).replace("PAGE", str(tmp_path / "page"))
    assert figure_main([str(sweep), "--publish", where]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: --publish {where}") and "Errno" not in said and len(said.splitlines()) == 1
    assert not list(sweep.rglob("figure.png")), "nothing was drawn yet"
    assert sorted(path.name for path in stale.parent.parent.rglob("*")) == ["job7", "result.json"]
