"""``forecast=auto|only|off`` in front of a command."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import landscape.command.forecast.callback as callback
import landscape.command.forecast.command as command
import landscape.command.recipe as recipe
from landscape.command.forecast import Forecast, JobForecast
from landscape.command.forecast.timing import Timing
from landscape.result.saved import Result

from .conftest import ONE_JOB, TINY, Cli

pytestmark = pytest.mark.usefixtures("blank_figures")


@pytest.fixture
def timings(monkeypatch: pytest.MonkeyPatch) -> list[Timing]:
    """Every one that a forecast makes."""
    made: list[Timing] = []

    class Kept(Timing):
        def __init__(self, device: torch.device, is_thorough: bool) -> None:
            super().__init__(device, is_thorough)
            made.append(self)

    monkeypatch.setattr(command, "Timing", Kept)
    return made


def test_only_says_and_leaves_nothing_behind(cli: Cli) -> None:
    ran = cli(*TINY, "forecast=only", "objective.num_replicates=3")
    assert ran.status == 0, ran.out
    assert not ran.outputs.exists()
    assert "forecast of quickstart (full): 1 job, 0 done before, 1 to run" in ran.out
    assert "0 of 1 trained solutions at hand" in " ".join(ran.out.split())
    assert "2 × 1,200 × 1" in ran.out  # epochs, examples, seeds
    assert "train: 50 × 10 × 1" in ran.out and "valid: 50 × 10 × 1" in ran.out and "test: 300 × 1 × 1" in ran.out
    assert "in all at most" in ran.out and "memory about" in ran.out and "disk at most" in ran.out


@pytest.mark.slow
def test_what_is_done_is_not_forecast_and_a_refresh_is(cli: Cli) -> None:
    assert "forecast: 1 job, under a minute" in cli(*TINY).out
    assert "forecast" not in cli(*TINY).out.replace("forecast=", "")
    again = cli(*TINY, "forecast=only")
    assert "1 job, 1 done before, 0 to run" in again.out and "in all" not in again.out
    other = cli(*TINY, "forecast=only", "endpoints=random_to_solution")
    assert "1 of 1 trained solutions at hand" in " ".join(other.out.split()) and "trained before" in other.out
    refreshed = cli(*TINY, "forecast=only", "refresh=true").out
    assert "0 done before, 1 to run; 0 of 1 trained" in " ".join(refreshed.split())


@pytest.mark.slow
def test_the_forecast_changes_no_bit(cli: Cli) -> None:
    arguments = (*TINY, "+model.include=[0.8,0.9,0.9]", "+model.scale=[1.0,1.1,1.1]", "training.num_seeds=2")
    without = Result.load(cli(*arguments, "forecast=off").jobs[0])
    torch.manual_seed(3)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    ran = cli(*arguments, "forecast=auto", "refresh=true")
    assert ran.status == 0 and "forecast: 1 job" in ran.out
    result = Result.load(ran.jobs[0])  # of the same folder: the key does not know about the forecast
    assert set(result.curves) == set(without.curves) and len(result.curves) == 4
    for name, curve in without.curves.items():
        np.testing.assert_array_equal(curve.objective, result.curves[name].objective)
    assert cli(*arguments, "forecast=only", "threads=2").status == 0
    assert torch.equal(torch.get_rng_state(), before) and torch.get_num_threads() == threads


def test_jobs_that_share_a_recipe_are_timed_once(cli: Cli, timings: list[Timing]) -> None:
    def updates(*arguments: str) -> int:
        assert cli(*TINY, "forecast=only", *arguments).status == 0
        assert all(seconds > 0 for seconds in timings[-1].known.values()) and not timings[-1].num_rough
        return sum(key.startswith("update") for key in timings[-1].known)

    assert updates("optimizer.lr=0.1,0.2", "training.max_epochs=2,3") == 1
    assert updates("model.widths=[8,8],[9,9]") == 2


@pytest.mark.slow
def test_what_is_surely_short_is_not_timed_ahead_of_a_run(cli: Cli, timings: list[Timing]) -> None:
    assert cli("limits=smoke", *TINY[2:]).status == 0
    assert not timings
    assert "forecast: 1 job, under a minute" in cli(*TINY).out
    assert not timings[0].known


def test_an_unknown_choice_is_wrong_input(cli: Cli) -> None:
    ran = cli(*TINY, "forecast=maybe")
    assert ran.status == 2 and "forecast=maybe is unknown; use one of auto, only, off" in ran.out
    assert not list(ran.outputs.glob("quickstart/**/*.json"))  # no job began, and no plan was made


@pytest.mark.parametrize(
    "wrong",
    [
        "optimizer.lr=-1",
        "endpoints=between_solutions",
        "training.batch_size=2000",
        "device=cuda:77",
        "training.monitor=valid/nothing",
        "objective.dtype=float16",
    ],
)
def test_wrong_input_is_told_as_the_run_tells_it(cli: Cli, wrong: str) -> None:
    arguments = [part for part in TINY if part.split("=")[0] != "alphas.num"]
    ahead = cli(*arguments, wrong, "forecast=only")
    run = cli(*arguments, wrong, "forecast=off", ONE_JOB)
    assert run.status == 2
    (message,) = {job["error"] for job in run.sweep["jobs"]}
    if wrong.startswith("training.monitor"):  # seen at the end of the first epoch only
        assert ahead.status == 0
    else:
        assert ahead.status == 2 and ahead.out.count(f": {message}\n") == 1
        assert "Traceback" not in ahead.out + run.out


def test_wrong_input_of_one_job_leaves_the_others_forecast(cli: Cli) -> None:
    ran = cli(*TINY, "optimizer.lr=-1,0.1", "forecast=only")
    assert ran.status == 2 and "optimizer.lr=-1 must be positive" in ran.out and "wrong input: job 0 [" in ran.out
    assert "2 × 1,200 × 1" in ran.out and "(1 not forecast, or not wholly)" in ran.out


@pytest.mark.slow
def test_a_fault_of_the_forecast_is_one_line_and_the_run_goes_on(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> JobForecast:
        raise RuntimeError("no clock")

    monkeypatch.setattr(command, "job_of", broken)
    ran = cli(*TINY)
    assert ran.status == 0, ran.out
    assert ran.out.count("no forecast of job 0: RuntimeError: no clock") == 1 and "Traceback" not in ran.out
    assert cli(*TINY, "refresh=true", "forecast=only").status == 1

    def more_broken(*arguments: object) -> Forecast:
        raise RuntimeError("no clock at all")

    monkeypatch.setattr(callback, "forecast", more_broken)
    ran = cli(*TINY, "refresh=true")
    assert ran.status == 0 and ran.out.count("no forecast: RuntimeError: no clock at all") == 1
    assert cli(*TINY, "refresh=true", "forecast=only").status == 1


def test_a_long_run_shows_the_table_and_a_smaller_scale(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Timing, "of_update", lambda *arguments: 10.0)
    ran = cli(*TINY, "training.max_epochs=40", "forecast=only")
    assert "more than an hour on this machine: limits=reduced" in ran.out  # whose 20 epochs are fewer
    assert "limits=smoke shows only that it runs" in ran.out
    monkeypatch.setattr(Timing, "of_update", lambda *arguments: 2.6)
    monkeypatch.setattr(Timing, "of_first", lambda *arguments: 1.0)
    ran = cli(*TINY, "training.max_epochs=2")  # auto: 2 epochs of 24 updates are two minutes
    assert ran.status == 0 and "forecast of quickstart (full): 1 job" in ran.out and "in all at most" in ran.out


@pytest.mark.slow
def test_jobs_that_were_not_looked_at_count_as_the_others(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Forecast] = []
    monkeypatch.setattr(callback, "show", lambda forecast, *rest: shown.append(forecast))
    monkeypatch.setattr(command, "SECONDS", 0.0)
    assert cli(*TINY, "model.widths=[8,8],[9,9],[7,7]", "forecast=only").status == 0
    (ahead,) = shown
    assert (len(ahead.jobs), ahead.num_unseen) == (1, 2)
    assert ahead.num_bytes == 3 * ahead.jobs[0].groups[0].num_bytes > 0
    assert ahead.seconds == pytest.approx(3 * ahead.jobs[0].seconds) and ahead.jobs[0].seconds > 0


def test_a_job_makes_nothing_again_that_its_forecast_has_made(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    make = recipe.make

    def counted(config: object, key: str) -> object:
        made.append(key)
        return make(config, key)

    monkeypatch.setattr(recipe, "make", counted)
    ran = cli(*TINY)
    assert ran.status == 0 and "forecast: 1 job" in ran.out, ran.out
    assert len(made) == len(set(made)) > 5, made
