"""What every command owes its terminal: readers that leave, full disks, poor encodings, signals, odd widths."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.text import Text

from landscape.ground import progress
from landscape.ground.columns import hanging

PROGRAM = """
from theory.terminal import ready, stop_status
ready()
print("J at α: θ² ≤ ½", flush=True)
import sys, time
for line in range(2000):
    print("a line", line, flush=True)
print("the end", file=sys.stderr)
open(sys.argv[1], "w").write("all was done")
{then}
"""
SMOKE = ("limits=smoke", "tracker=none", "forecast=off", "training.num_seeds=1", "alphas.num=5")


def shell(
    line: str, tmp_path: Path, then: str = "", ours: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a program of ours as ``$PROGRAM`` in a line of the shell."""
    file = tmp_path / "program.py"
    file.write_text(PROGRAM.format(then=then))
    ours = f"{sys.executable} {ours or f'{file} '}{tmp_path / 'done'}"
    path = str(Path(__file__).parents[2])
    return subprocess.run(
        ["bash", "-c", line.replace("$PROGRAM", ours)],
        capture_output=True,
        text=True,
        timeout=100,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": path, **environment},
    )


@pytest.mark.parametrize(
    "line",
    [
        "$PROGRAM | head -1; exit ${PIPESTATUS[0]}",
        "$PROGRAM | true; exit ${PIPESTATUS[0]}",
        "$PROGRAM > /dev/full",
        "$PROGRAM > /dev/full 2> /dev/full",
        "$PROGRAM >&-",
        "$PROGRAM >&- 2>&- <&-",
    ],
)
def test_work_outlasts_whoever_reads_of_it(line: str, tmp_path: Path) -> None:
    done = shell(line, tmp_path)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert (tmp_path / "done").read_text() == "all was done"


@pytest.mark.parametrize(
    ("environment", "first"),
    [
        ({"PYTHONIOENCODING": "utf-8"}, "J at α: θ² ≤ ½"),
        ({"PYTHONIOENCODING": "ascii"}, "J at alpha: theta^2 <= 1/2"),
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "J at alpha: theta^2 <= 1/2"),
    ],
)
def test_what_an_encoding_lacks_is_spelled(environment: dict[str, str], first: str, tmp_path: Path) -> None:
    done = shell("$PROGRAM", tmp_path, **environment)
    assert done.returncode == 0 and done.stdout.splitlines()[0] == first


def test_a_code_page_keeps_what_it_has(tmp_path: Path) -> None:
    done = shell("$PROGRAM | iconv -f cp1252 -t utf-8", tmp_path, PYTHONIOENCODING="cp1252")
    assert done.stdout.splitlines()[0] == "J at alpha: theta² <= ½"


@pytest.mark.parametrize(("name", "status"), [("INT", 130), ("TERM", 143), ("HUP", 129)])
def test_a_signal_ends_in_one_line(name: str, status: int, tmp_path: Path) -> None:
    done = shell(
        "$PROGRAM > /dev/null",
        tmp_path,
        then=f"import os; os.kill(os.getpid(), {getattr(signal, f'SIG{name}')}); time.sleep(9)",
    )
    assert done.returncode == status
    assert done.stderr.splitlines() == ["the end", "interrupted; give the same command again"]


def test_what_nohup_ignores_stays_ignored(tmp_path: Path) -> None:
    done = shell("trap '' HUP; $PROGRAM", tmp_path, then="import os; os.kill(os.getpid(), 1); time.sleep(0.1)")
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("columns", "width", "table"), [("0", 60, 60), ("5", 60, 60), ("80", 80, 80), ("500", 500, 100)]
)
def test_a_table_fits_any_terminal(columns: str, width: int, table: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A width of nothing, as some containers report it, must not swallow the table; a wide one does not stretch it."""
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("LINES", "30")
    assert (progress.terminal().width, progress.console().width) == (width, table)
    assert progress.console().is_terminal


@pytest.mark.parametrize(("columns", "width"), [(None, 100), ("80", 80), ("500", 100), ("x", 100), ("0", 60)])
def test_a_table_in_a_file_ends_its_lines_where_its_words_end(
    columns: str | None, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = io.StringIO()
    monkeypatch.setattr(sys, "stdout", file)
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    screen = progress.console()
    screen.print("[red]a word[/]   ", "and" * 10, soft_wrap=True)
    screen.print(hanging([("a", Text("short")), ("b", Text("much longer than that"))]))
    lines = file.getvalue().splitlines()
    assert screen.width == width and lines == [line.rstrip() for line in lines] and "\x1b" not in file.getvalue()
    assert "a  short" in lines


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_training_says_so_and_goes_on_later(number: int, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "landscape", *SMOKE[1:], "training.max_epochs=5000", "training.patience=null"]
    command += ["training.checkpoint_seconds=0.1", f"outputs={tmp_path}"]  # there long before the last epoch
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not any(tmp_path.glob("solutions/*/checkpoint.pt")) and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(number)
    said, complaint = process.communicate(timeout=100)
    assert process.returncode == 128 + number
    assert complaint.splitlines() == ["interrupted; the same command skips what is done and goes on with each training"]
    assert "Traceback" not in said and "cut after" in said
    assert '"status": "cut"' in next(tmp_path.glob("*/*/*/job.json")).read_text()


@pytest.mark.slow
def test_a_whole_command_into_head_leaves_everything(tmp_path: Path) -> None:
    ours = " ".join(["-m landscape", *SMOKE, "outputs="])
    done = shell("$PROGRAM | head -1; exit ${PIPESTATUS[0]}", tmp_path, ours=ours, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert {file.name for file in tmp_path.glob("done/quickstart/smoke/*")} >= {"figure.png", "sweep.csv", "sweep.json"}
