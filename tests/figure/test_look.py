"""What all figures share: title, footer, files; and the table of verdicts."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from rich.console import Console

from landscape.figure import fig01_maxout, naming, panel, style, sweep
from landscape.figure.module import drawn
from landscape.figure.publish import page
from landscape.figure.table import MAX_ROWS, verdict_table
from landscape.ground.columns import Columns
from landscape.result.verdict import Verdict

from . import conftest as make
from .conftest import labels, nothing_is_cut_off

CHOICES = "recipe=maxout endpoints=init_to_solution +alphas=x +experiment=fig01_maxout"


def test_title_and_footer_say_scale_caps_and_overrides() -> None:
    job = make.result(
        "maxout",
        scale="reduced",
        caps=["training.max_epochs 1000 -> 6"],
        overrides=f"{CHOICES} tracker.mode=offline optimizer.lr=0.2".split(),
    )
    figure = fig01_maxout.draw([job])
    assert figure._suptitle.get_text() == "Fig. 1: maxout on MNIST (reduced scale)"
    verdicts, footer = figure._supxlabel.get_text().split("\n", 1)
    assert verdicts.startswith("verdicts: ") and " hold" in verdicts
    assert footer == "reduced scale: training.max_epochs 1000 -> 6\nset: optimizer.lr=0.2"
    plain = fig01_maxout.draw([make.result("maxout")])
    assert plain._suptitle.get_text().endswith("(full scale)")
    assert "\n" not in plain._supxlabel.get_text()  # the verdicts alone


def test_data_that_are_not_shown_to_be_official_are_named() -> None:
    for version, title, words in (
        ("cifar10 (unverified copy, pixels and labels sha256 1a2b)", " on CIFAR-10 (unverified copy) (", "sha256 1a2b"),
        ("cifar10 (official archive, pixels and labels sha256 1a2b)", " on CIFAR-10 (", "official archive"),
        ("text (own files, sha256 1a2b)", " on texts of one's own (", "own files"),
    ):
        job = make.result("maxout")
        job.choices["data"] = "cifar10"
        job.versions["data"] = version
        figure = fig01_maxout.draw([job])
        assert title in figure._suptitle.get_text()
        assert f"data: {version}" in figure._supxlabel.get_text().split("\n") and words in page([job], [])


def test_drawing_leaves_the_settings_alone() -> None:
    before = dict(matplotlib.rcParams)
    fig01_maxout.draw([make.result("maxout")])
    assert dict(matplotlib.rcParams) == before
    program = (
        "import sys; from landscape.figure import fig01_maxout, sweep; assert 'matplotlib.pyplot' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, cwd=Path(__file__).parents[2]).returncode == 0


def test_nothing_is_cut_off_and_titles_do_not_collide() -> None:
    long = make.result("maxout", overrides=["recipe=maxout", f"model.kind={'x' * 30}", f"data.folder={'y' * 60}"])
    other = replace(long, overrides=["recipe=maxout", "optimizer.lr=0.1", "training.batch_size=1000"])
    nothing_is_cut_off(fig01_maxout.draw([long, other]))


def test_save_writes_two_whole_files_or_leaves_the_old_ones(tmp_path: Path, monkeypatch: Any) -> None:
    figure = fig01_maxout.draw([make.result("maxout", learning_curve=None)])
    path = style.save(figure, tmp_path / "new", "drawing")
    assert path == tmp_path / "new" / "drawing.png"
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    old = path.read_bytes()

    def fails(target: Any, *_: Any, **__: Any) -> None:
        if isinstance(target, Path):
            with target.open("wb") as half:
                half.write(b"half")
        raise OSError("disk full")

    for owner, name in ((figure, "savefig"), (Path, "write_bytes")):  # while it is drawn, and while it is written
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, fails)
            with pytest.raises(OSError, match="disk full"):
                style.save(figure, tmp_path / "new", "drawing")
        assert path.read_bytes() == old
        assert sorted(file.name for file in path.parent.iterdir()) == ["drawing.pdf", "drawing.png"]


def test_jobs_differ_in_colour_or_dashes() -> None:
    looks = {(look["color"], str(look["linestyle"])) for look in map(panel.job_look, range(28))}
    assert len(looks) == 28
    assert all(panel.job_look(k)["linestyle"] != panel.job_look(k + 1)["linestyle"] for k in range(27))


def shown(verdicts: list[Verdict], width: int = 100) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(verdict_table(verdicts))
    return console.export_text()


ROW = Verdict(
    *(
        "1b",
        "[0, 1]",
        "Fig. 1",
        "digits, maxout_adversarial, train, stochastic",
        "rise 0.1 of the drop (worst; in 0 of 3",
    ),
    *("rise <= tau", False, "full", "rise <= 0.02", True, "seed 1 left out"),
    miss=8.8,
)
"""A claim that does not hold, with all that can be said of one."""


@pytest.mark.parametrize("width", [60, 80, 100])
def test_verdicts_say_first_what_misses_most_and_keep_every_word(width: int) -> None:
    rows = [
        replace(ROW, check="2", holds=True, calibrated="", subject="digits, x"),
        replace(ROW, subject="digits, x", holds=None, note=""),
        replace(ROW, check="3", miss=1.1),
        ROW,
        replace(ROW, check="4", holds=True, identity=True),
    ]
    text = shown(rows, width)
    assert max(map(len, text.splitlines())) <= width
    words = " ".join(text.split())
    order = (
        "verdicts on digits: 1 hold, 2 do not hold, 1 not judged; apart from these 1 identity holds|DO NOT HOLD (2)|"
    )
    order += "1b [0, 1]; expected rise <= tau|8.8;|3 [0, 1]|1.1;|NOT JUDGED (1)|1b|x|HOLD (1)|2 [0, 1]|IDENTITIES (1)"
    at = 0
    for told in [*order.split("|"), "(1) seed 1 left out"]:
        assert (at := words.find(told, at) + 1), (told, text)
    assert "…" not in text and "calibrated rise" in words and words.count("factor") == 2


def test_of_many_verdicts_those_that_hold_are_counted() -> None:
    rows = [replace(ROW, subject=f"net {k}", holds=k < 1, note="", calibrated="") for k in range(3)]
    rows += [
        replace(ROW, check="2", subject=f"net {k}", holds=True, note="known", calibrated="") for k in range(MAX_ROWS)
    ]
    text = shown(rows)
    assert f"2  [0, 1]; {MAX_ROWS} times" in text and "1b  [0, 1]; once" in text
    assert "net 1 " in text and "net 0" not in text and "known" not in text


def test_a_table_that_is_too_wide_goes_on_below() -> None:
    """Keys come again in each part, no cell is wrapped, and a key's head is cut at its dots."""
    heads = ["optimizer.lr", *(f"number {k} of a net" for k in range(9))]
    console = Console(width=60, record=True, file=io.StringIO())
    console.print(Columns(heads, [[rate, *(f"{k} ± 0.01" for k in range(9))] for rate in ("0.1", "0.2")]))
    lines = [line.rstrip() for line in console.export_text().splitlines()]
    assert max(map(len, lines)) <= 60 and sum(line.startswith("0.1 ") for line in lines) == 3
    assert all(f"{k} ± 0.01" in "\n".join(lines) for k in range(9)) and any(
        line.startswith("optimizer.") for line in lines
    )


@pytest.mark.parametrize("lost", [0, 3])
def test_a_sweep_that_is_not_whole_says_so_first_in_the_footer(lost: int) -> None:
    jobs = [make.result("digits", overrides=[f"optimizer.lr={rate}"]) for rate in (0.1, 0.2)]
    whole, figure = (drawn(sweep, jobs, num_lost=num).get_supxlabel() for num in (0, lost))
    assert figure == "2 of 5 jobs: the others failed or are missing\n" * bool(lost) + whole


def test_a_cap_is_told_with_its_jobs_and_only_where_it_was_in_force() -> None:
    """Of a line between checkpoints nothing was trained, so no cap on a training is told."""
    both, one = "alphas 20 -> 12", "training.num_seeds 3 -> 2"
    jobs = [make.result(caps=[both, "training.max_epochs 60 -> 2"], training_status=[]), make.result(caps=[both, one])]
    assert naming.caps(jobs) == [both, f"{one} (1 of 2 jobs)"]


def test_two_curves_that_are_one_are_drawn_once() -> None:
    job = make.result("maxout")
    same = {key: job.curves["train/stochastic"] for key in job.curves}
    for key in ("train/stochastic", "valid/stochastic"):
        job.curves[key] = replace(job.curves[key], objective=job.curves[key].objective + 1)
    several, once = (set(labels(sweep.draw([one]))) for one in (job, replace(job, curves=same)))
    assert several - once == {"training, no dropout", "validation, no dropout"}


@pytest.mark.parametrize(("low", "high"), [(56.0, 85.0), (3.0, 12.0), (1e-9, 1e6)])
def test_a_logarithmic_axis_has_a_few_round_ticks(low: float, high: float) -> None:
    _, axes = style.alone()
    axes.plot([0, 1], [low, high])
    axes.set_yscale("log")
    style.round_ticks(axes.yaxis)
    assert 3 <= len(axes.get_yticks()) <= 9 and not len(axes.get_yticks(minor=True))


@pytest.mark.parametrize(("low", "high"), [(-0.3, 2.0), (-2e-3, 1e6), (-1e4, -1e-3), (-5.0, 5.0)])
def test_ticks_of_both_signs_stand_apart(low: float, high: float) -> None:
    _, axes = style.alone()
    axes.plot([0, 1], [low, high])
    axes.set_yscale("symlog", linthresh=0.01)
    style.signed_ticks(axes.yaxis)
    places = axes.yaxis.get_transform().transform(axes.get_yticks())
    assert len(places) >= 3 and np.diff(places).min() >= 0.09 * np.ptp(places)
    assert all(bool(text.get_text()) for text in axes.get_yticklabels())
