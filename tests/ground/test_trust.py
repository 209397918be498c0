"""Folders from a stranger: nothing that they name is run, nothing outside them is touched, no terminal obeys them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from landscape.command.collect.outcome import main as collect_main
from landscape.command.collect.record import JobRecord
from landscape.command.collect.standing import Job, Plan
from landscape.command.launch import hold
from landscape.errors import InputError
from landscape.figure.__main__ import main as figure_main
from landscape.figure.redraw import job_folders
from landscape.report.__main__ import main as report_main
from landscape.result.saved import Result
from landscape.result.verdict import Verdict
from tests.forged import forge, forge_arrays, rename
from tests.ground.conftest import NOW
from tests.report.conftest import job

ESCAPES = "\x1b]0;owned\x07 \x9b31m [red]x[/red] [link=evil]y[/link] \u202egpj.exe\u2069\nfigure: /evil \r\u200b"


def collect(*arguments: str) -> int:
    """``landscape.collect`` as a function."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as stop:
        patch.setattr(sys, "argv", ["collect", *arguments])
        collect_main()
    return int(stop.value.code or 0)


COMMANDS: dict[str, Callable[..., int]] = {
    "figure": lambda *arguments: figure_main(arguments),
    "report": lambda *arguments: report_main(arguments),
    "collect": collect,
}
# Status where the figure is refused: collect still lists the jobs, and writes what it can without it.
REFUSED = {"figure": 2, "report": 2, "collect": 1}
NAMES = [
    "stranger",
    "stranger.call",
    ".stranger",
    "landscape.figure..stranger",
    "landscape.figure.stranger",
    "landscape.figure/../../stranger",
    "landscape.figure.",
    "landscape.figure.sweep.curves",
    "landscape.figures",
    "landscape.figure.__main__",
    "landscape.figure.module",
    "os",
    "landscape.figure.sweep\x00",
    "é" * 5000,
    "",
]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_module_that_a_result_names_is_not_run(
    command: str, name: str, sweep: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    for place in ("job0", "job1"):
        forge(sweep / place, lambda entries: entries.update(figure=name))
    before = set(sys.modules)
    assert COMMANDS[command](str(sweep)) == REFUSED[command]
    said = "".join(capfd.readouterr()) + caplog.text
    assert "figure=" in said and "Traceback" not in said
    assert not (sweep.parent / "it_ran").exists() and "stranger" not in set(sys.modules) - before
    assert not list(sweep.glob("**/figure.*")) and not list(sweep.glob("*.html"))


@pytest.mark.usefixtures("blank_figures")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_module_that_the_user_names_is(command: str, sweep: Path) -> None:
    rename(sweep / "job0", "landscape.figure.sweep", "stranger")
    rename(sweep / "job1", "landscape.figure.sweep", "stranger")
    status = COMMANDS[command](str(sweep), "--figure", "stranger")
    assert status == (1 if command == "collect" else 0)  # collect tells of the failed job
    assert (sweep.parent / "it_ran").exists()
    assert (sweep / ("report.html" if command == "report" else "figure.png")).is_file()


@pytest.mark.usefixtures("blank_figures")
def test_a_tracker_that_a_result_names_is_not_made(sweep: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for place in ("job0", "job1"):
        forge(sweep / place, lambda entries: entries["config"].update(tracker={"_target_": "stranger.call"}))
    assert collect(str(sweep)) == 1
    assert not (sweep.parent / "it_ran").exists() and (sweep / "figure.png").is_file()
    assert collect(str(sweep), "tracker=none") == 1
    assert collect(str(sweep), "model=mlp") == 2 and "is no setting of a tracker" in capfd.readouterr().err
    assert collect(str(sweep), "tracker=nobodys") == 2 and "nobodys" in capfd.readouterr().err


@pytest.mark.parametrize("way", ["../victim", "ABSOLUTE", "link", "job0/../../victim", ".."])
def test_a_plan_leads_nowhere_else(way: str, sweep: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Another sweep's interrupted job would be noted as cut, its figure drawn over, its errors shown."""
    victim = sweep.parent / "victim"
    victim.mkdir()
    JobRecord("x", NOW, 0, [], "running", pid=0).write(victim)
    before = {path.name: path.read_bytes() for path in victim.iterdir()}
    if way == "link":
        (sweep / "link").symlink_to(victim)
    name = str(victim) if way == "ABSOLUTE" else way
    Plan(NOW, False, False, [Job(0, "job0", name, []), Job(1, "job1", "job1", [])]).write(sweep)
    assert collect(str(sweep)) == 2
    assert "leads out of its folder" in capfd.readouterr().err
    assert {path.name: path.read_bytes() for path in victim.iterdir()} == before


def test_a_lock_that_is_a_link_empties_nothing(sweep: Path) -> None:
    """To ask whether a job runs is to open its lock, and to open a lock is to empty a file."""
    precious = sweep.parent / "precious"
    precious.write_text("kept")
    JobRecord("job0", NOW, 0, [], "running", pid=0).write(sweep / "job0")
    (sweep / "job0" / ".running").symlink_to(precious)
    plan = Plan.read(sweep)
    assert plan.standing(sweep)[0][1].status == "done" and precious.read_text() == "kept"
    with hold(sweep / "job0"):
        assert precious.read_text() == "kept" and not (sweep / "job0" / ".running").is_symlink()


@pytest.mark.usefixtures("blank_figures")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_link_to_a_job_elsewhere_is_no_job(command: str, sweep: Path) -> None:
    """It would be drawn into."""
    victim = sweep.parent / "victim"
    job(0.3).save(victim)
    JobRecord("job3", NOW, 3, [], "done").write(victim)
    (sweep / "job3").symlink_to(victim)
    (sweep / "plan.json").unlink()
    COMMANDS[command](str(sweep))
    assert sorted(path.name for path in victim.iterdir()) == ["job.json", "result.json", "result.npz"]


DOCUMENTS = {
    "list": "[]",
    "text": '"x"',
    "number": "3",
    "null": "null",
    "empty": "",
    "nested": "[" * 40_000,
    "nested objects": '{"jobs": ' * 3000 + "1" + "}" * 3000,
    "no end": '{"jobs": [',
    "literal": '{"jobs": [NaN]}',
    "jobs a number": '{"jobs": 3}',
    "jobs of numbers": '{"jobs": [3]}',
    "bytes": "\udcff\udcfe",
    "wrong types": json.dumps(
        {
            "key": 3,
            "command": [],
            "num": "x",
            "overrides": "abc",
            "status": 1,
            "refresh": "no",
            "jobs": [{"key": {}}],
            "strict": 3,
        }
    ),
    "unknown status": json.dumps({"key": "job0", "command": NOW, "num": 0, "overrides": [], "status": "melted"}),
    "half a surrogate": '{"jobs": [{"key": "\\ud800"}]}',
    "a number too large": '{"jobs": ' + "9" * 5000 + "}",
}


READERS: dict[str, Callable[[Path], object]] = {
    "plan.json": Plan.read,
    "sweep.json": job_folders,
    "job0/job.json": lambda sweep: JobRecord.read(sweep / "job0"),
    "job0/result.json": lambda sweep: Result.load(sweep / "job0"),
    "job0/result.npz": lambda sweep: Result.load(sweep / "job0"),
}


@pytest.mark.parametrize("content", DOCUMENTS)
@pytest.mark.parametrize("name", READERS)
def test_any_document_is_refused_by_name(name: str, content: str, sweep: Path) -> None:
    (sweep / name).write_bytes(DOCUMENTS[content].encode("utf-8", "surrogateescape"))
    # Half a letter is a name like any other, of no job that is there.
    says = "no result.json" if (name, content) == ("sweep.json", "half a surrogate") else name.rpartition("/")[2]
    with pytest.raises(InputError, match=says):
        READERS[name](sweep)


@pytest.mark.parametrize("name", READERS)
def test_a_pipe_is_not_waited_for(name: str, sweep: Path) -> None:
    (sweep / name).unlink(missing_ok=True)
    os.mkfifo(sweep / name)
    with suppress(InputError):
        READERS[name](sweep)


@pytest.mark.parametrize(
    ("command", "name"),
    [("collect", "plan.json"), ("collect", "job0/job.json"), *((command, "job0/result.json") for command in COMMANDS)],
)
def test_damage_is_one_message_of_a_command(
    command: str, name: str, sweep: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """It names the file; a damaged record costs nothing, for the result says the rest."""
    (sweep / name).write_text((sweep / name).read_text().replace("0", "1", 1))
    status = COMMANDS[command](str(sweep))
    said = "".join(capfd.readouterr()) + caplog.text
    assert "Traceback" not in said
    assert status and "digest" in said and all(part in said for part in (str(sweep), *name.split("/")))


def hostile(sweep: Path) -> None:
    """Escapes in every text of a plan, of records and of results."""
    verdict = Verdict(ESCAPES, ESCAPES, ESCAPES, ESCAPES, ESCAPES, ESCAPES, False, "full", ESCAPES, False, ESCAPES)
    for place in ("job0", "job1"):
        forge(
            sweep / place,
            lambda entries: entries.update(
                name=ESCAPES,
                device=ESCAPES,
                statements=[ESCAPES],
                caps=[ESCAPES],
                seeds=[ESCAPES],
                overrides=[f"a{ESCAPES}={ESCAPES}"],
                verdicts=[verdict.as_dict()],
                versions={ESCAPES: ESCAPES},
                numbers={ESCAPES: [0.5]},
                choices={"recipe": ESCAPES},
                training_status=[ESCAPES],
                config={ESCAPES: ESCAPES, "optimizer": {"lr": ESCAPES}},
            ),
        )
    forge(sweep / "job1", lambda entries: entries.update(status="failed", error=ESCAPES))
    entries = [Job(0, "job0", "job0", [f"k={ESCAPES}"]), Job(1, "job2", "job2", [f"l={ESCAPES}"])]
    Plan(NOW, False, False, entries).write(sweep)
    record = JobRecord("job2", NOW, 1, [ESCAPES], "failed", ESCAPES, 1, host=ESCAPES)
    record.write(sweep / "job2")
    (sweep / "sweep.json").write_text(json.dumps({"jobs": [{"key": key} for key in ("job0", "job1", ESCAPES)]}))


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("figure", ["landscape.figure.sweep", f"x{ESCAPES}"], ids=["ours", "theirs"])
def test_a_terminal_gets_letters_alone(
    command: str, figure: str, sweep: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """No control or bidirectional character, no line that a text made up, and square brackets as they are."""
    hostile(sweep)
    rename(sweep / "job0", "landscape.figure.sweep", "FIGURE")
    forge(sweep / "job0", lambda entries: entries.update(figure=figure))
    COMMANDS[command](str(sweep), *(["--publish", str(sweep.parent / "page")] if command == "figure" else []))
    said = "".join(capfd.readouterr()) + caplog.text
    assert "Traceback" not in said
    if command != "report" or figure.startswith("x"):  # a report that succeeds repeats nothing
        assert "\\x1b" in said and "[red]x" in said.replace("\n", "")
    assert not {letter for letter in said.replace("\n", "") if not letter.isprintable()}
    assert not [line for line in said.splitlines() if line.startswith("figure: /evil")]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_result_that_cannot_be_drawn_is_one_message(
    command: str, sweep: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Arrays that no line has: the document and the arrays agree, so that only the figure can find out."""
    for place in ("job0", "job1"):
        forge_arrays(sweep / place, lambda arrays: {name: values[:0] for name, values in arrays.items()})
        forge(
            sweep / place,
            lambda entries: [form.update(shape=[0, *form["shape"][1:]]) for form in entries["npz"]["arrays"].values()],
        )
    assert COMMANDS[command](str(sweep)) == 1
    said = "".join(capfd.readouterr())
    assert "Traceback" not in said and said.strip()


@pytest.mark.usefixtures("blank_figures")
def test_a_name_from_a_result_makes_no_path(sweep: Path) -> None:
    """The page asks the experiment's own yaml which keys it sweeps: not one that lies elsewhere."""
    from landscape.ground.provenance import conf_dir

    elsewhere = os.path.relpath(sweep / "their", Path(conf_dir()) / "experiment")
    (sweep / "their.yaml").write_text("hydra: {sweeper: {params: {optimizer.lr: '${oc.env:HOME}'}}}\n")
    for place in ("job0", "job1"):
        forge(sweep / place, lambda entries: entries["overrides"].append(f"+experiment={elsewhere}"))
    page = sweep.parent / "page"
    assert figure_main([str(sweep), "--publish", str(page)]) == 0
    assert str(Path.home()) not in (page / "README.md").read_text().split("```")[2]


def test_sizes_are_believed_only_where_the_file_holds_them(sweep: Path, capfd: pytest.CaptureFixture[str]) -> None:
    forge_arrays(sweep / "job0", lambda arrays: arrays, 4 * 10**7)
    assert figure_main([str(sweep)]) == 2
    said: Any = capfd.readouterr().err
    assert "unpacks to" in said and len(said.splitlines()) == 1
