"""A forecast in words, from numbers made by hand."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from omegaconf import OmegaConf
from rich.console import Console

from landscape.command.forecast import Forecast, JobForecast
from landscape.command.forecast.command import workers_of
from landscape.command.forecast.group import GroupForecast
from landscape.command.forecast.several import Ahead, show_all
from landscape.command.forecast.table import duration, show, size, suggestion, summary
from landscape.ground.progress import WIDTH
from landscape.measurement import Pass
from tests.command.test_limits import NO_CAP

CONFIG = OmegaConf.create(
    {
        "name": "mine",
        "reduced": {**NO_CAP, "epochs": 20},
        "cpu": NO_CAP,
        "training": {"max_epochs": 100, "num_seeds": 1},
    }
)


def job(num: int, seconds: float, may_stop: bool = False) -> JobForecast:
    """One group of two seeds and one curve."""
    monitor, curve = Pass("valid", "deterministic", 200, 1, 2), Pass("train", "stochastic", 1000, 11, 2, 4)
    counts = {"num_epochs": 30, "num_updates": 5, "num_examples": 1000, "num_monitorings": 31, "num_bytes": 4_000_000}
    group = GroupForecast([0, 1], f"key{num}", "new", monitor=(monitor,), may_stop=may_stop, **counts)  # type: ignore[arg-type]
    return JobForecast(num, [f"lr={num}", "tracker=none"], [group], passes=(curve,), seconds=seconds, is_timed=True)


def forecast(*jobs: JobForecast, workers: int = 1, unseen: int = 0, done: int = 0) -> Forecast:
    """On a disk with 10 MB free."""
    return Forecast(
        len(jobs) + unseen + done, workers, "cpu, 1 thread", "full", done, list(jobs), 500_000_000, 10_000_000, 0.4
    )


def shown(found: Forecast) -> str:
    """What ``show`` prints on a wide screen."""
    screen = Console(file=io.StringIO(), width=200, no_color=True)
    show(found, CONFIG, screen)
    return screen.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.02, "1 s"),
        (89.4, "89 s"),
        (90, "2 min"),
        (5400, "1 h 30 min"),
        (3600, "60 min"),
        (4 * 3600 + 600, "4 h 10 min"),
        (20.4 * 3600, "20 h"),
        (53 * 3600, "2 days 5 h"),
        (72 * 3600, "3 days"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_sizes() -> None:
    assert (size(10), size(3.2e8), size(1.44e9)) == ("1 MB", "320 MB", "1.4 GB")


def test_counts_of_a_job() -> None:
    one = job(0, 5.0)
    assert one.num_trained == 30 * 1000 * 2
    assert one.num_evaluated == 1000 * 11 * 2 * 4 + 31 * 200 * 2


def test_the_table_says_what_each_job_does() -> None:
    text = shown(forecast(job(0, 200.0, may_stop=True), job(1, 5.0), done=3))
    assert "forecast of mine (full): 5 jobs, 3 done before, 2 to run; 0 of 2 trained solutions at hand" in text
    assert "30 × 1,000 × 2" in text and "train: 1,000 × 11 × 2 × 4 masks" in text
    assert "at most 3 min" in text and "about 5 s" in text
    assert "lr=0" in text and "tracker" not in text
    assert "in all at most 3 min; memory about 500 MB; disk at most 8 MB of 10 MB free" in text
    assert "more than an hour" not in text and "disk will be full" not in text


def test_a_tolerance_makes_the_time_an_upper_bound() -> None:
    text = shown(forecast(replace(job(0, 200.0), has_tolerance=True)))
    assert "at most 3 min" in text and "objective.tolerance may need" in text


def test_a_full_disk_is_foreseen() -> None:
    assert "the disk will be full before the end: set outputs=..." in shown(forecast(*(job(k, 1.0) for k in range(3))))


def test_a_long_table_keeps_the_longest_jobs_and_the_sum() -> None:
    found = forecast(*(job(k, 10.0 * (k + 1)) for k in range(40)), unseen=10)
    text = shown(found)
    assert "lr=39" in text and "lr=28" in text and "lr=27" not in text and "28 shorter jobs" in text
    assert found.seconds == pytest.approx(10 * 820 * 50 / 40)
    assert "10 jobs not looked at, counted as the mean of these" in text
    assert "more than an hour on this machine: limits=reduced" in text


def test_parallel_jobs_take_the_sum_over_the_workers_but_no_less_than_the_longest() -> None:
    found = forecast(job(0, 600.0), job(1, 100.0), job(2, 100.0), workers=2)
    assert (found.seconds, found.seconds_passing) == (800.0, 600.0)
    assert "about 13 min of computing, 10 min with 2 at a time" in summary(found)
    assert forecast(job(0, 300.0), job(1, 300.0), job(2, 300.0), workers=2).seconds_passing == 450.0


def test_parts_share_the_measuring_but_neither_the_training_nor_a_batch() -> None:
    def in_parts(num: int, of_part: float) -> JobForecast:
        return replace(job(num, 100.0), num_parts=4, seconds_measuring=80.0, seconds_of_part=of_part)

    assert forecast(in_parts(0, 20.0)).seconds_passing == 100.0
    assert forecast(in_parts(0, 20.0), workers=2).seconds_passing == 20.0 + 40.0
    assert forecast(in_parts(0, 20.0), workers=16).seconds_passing == 20.0 + 20.0
    assert forecast(in_parts(0, 80.0), workers=16).seconds_passing == 100.0  # one batch is not cut
    assert forecast(in_parts(0, 20.0), in_parts(1, 20.0), workers=4).seconds_passing == 20.0 + 40.0
    assert "in 4 parts" in shown(forecast(in_parts(0, 20.0), workers=2))
    assert "in 4 parts" not in shown(forecast(in_parts(0, 20.0)))


@pytest.mark.parametrize(
    ("launcher", "workers"),
    [
        ({}, 1),
        ({"n_jobs": 3}, 3),
        ({"n_jobs": None}, 1),
        ({"array_parallelism": 256}, 256),
        ({"n_jobs": -1}, 4),
        ({"n_jobs": -2}, 3),
        ({"ray": {"init": {"address": None}, "remote": {"num_cpus": 2, "num_gpus": 0}}}, 2),
        ({"ray": {"init": {"address": "auto"}, "remote": {"num_cpus": 2}}}, 1),
    ],
)
def test_workers_of_a_launcher(monkeypatch: pytest.MonkeyPatch, launcher: dict[str, Any], workers: int) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert workers_of(OmegaConf.create({"hydra": {"launcher": launcher}})) == workers


def test_a_smaller_scale_is_one_that_is_smaller() -> None:
    assert suggestion("full", CONFIG).startswith("limits=reduced")
    no_fewer = OmegaConf.merge(CONFIG, {"training": {"max_epochs": 20}})
    assert suggestion("full", no_fewer).startswith("limits=smoke")
    assert suggestion("full", OmegaConf.merge(no_fewer, {"reduced": {"alphas": 12}})).startswith("limits=reduced")
    in_hours = OmegaConf.merge(CONFIG, {"cpu": {"epochs": 60}})
    assert suggestion("full", in_hours).startswith("limits=cpu cuts it to what a CPU does in hours, limits=reduced")
    assert suggestion("cpu", in_hours).startswith("limits=reduced")
    assert suggestion("reduced", CONFIG).startswith("limits=smoke") and suggestion("smoke", CONFIG) == ""


def test_one_table_of_all_experiments_is_no_wider_than_a_page() -> None:
    """Each with its scale, jobs and hours; below it what is cut, and what nobody can say."""
    cut = replace(job(0, 7200.0, True), scale="cpu", caps=("training.max_epochs 500 -> 60",), seconds_measuring=1500.0)
    whole, broken = replace(job(1, 3 * 3600.0, True), scale="full"), replace(job(2, 0.0), fault="no such folder")
    ahead = [
        Ahead("fig01_maxout", forecast(cut, whole, done=1)),
        Ahead("fig10_deep_linear_barriers", forecast(done=3)),
        Ahead("fig06_conv_maxout", forecast(broken)),
        Ahead("fig08_lstm", None, "mnist cannot be downloaded", True),
    ]
    screen = Console(file=io.StringIO(), width=WIDTH, no_color=True)
    show_all(ahead, 10_000_000, screen)
    text = screen.file.getvalue()  # type: ignore[attr-defined]
    assert max(map(len, text.splitlines())) <= WIDTH
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in text.splitlines() if line[:3] in ("fig", "all")}
    assert rows["fig01_maxout"] == "cpu, full 2 of 3 at most 4 h 35 min about 25 min at most 5 h"
    assert (
        rows["fig10_deep_linear_barriers"] == "full 0 of 3 done"
        and rows["fig06_conv_maxout"] == "full 1 of 1 not forecast"
    )
    assert rows["all"].startswith("together at most 5 h;")
    said = " ".join(text.split())
    assert "cut: fig01_maxout lr=0: training.max_epochs 500 -> 60" in said and "of 10 MB free" in said
    assert "no forecast: fig06_conv_maxout lr=2: no such folder" in said and "fig08_lstm: mnist cannot be" in said
