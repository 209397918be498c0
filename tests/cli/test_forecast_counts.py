"""What a forecast counts against a network that counts what goes through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import landscape.command.collect.outcome as outcome
import landscape.command.forecast.callback as callback
import landscape.command.task as program
import landscape.measurement.asked as asked
import landscape.objective.objective as objective
from landscape.command.forecast import Forecast
from landscape.model import Quadratic
from landscape.objective import Objective
from landscape.store.trajectory import TrajectoryWriter
from landscape.training import GroupRun

from .conftest import Cli, Ran

MINE = """
import torch
from torch import nn
from landscape.measurement import Measured
from landscape.model import Dropout

ROWS = {"trained": 0, "evaluated": 0, None: 0}
PHASE = [None]

class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 6), nn.ReLU(), Dropout(0.7, 1.2), nn.Linear(6, 10))
    def forward(self, x):
        ROWS[PHASE[0]] += len(x)
        return self.net(x)

class Silent:
    needs = "solutions"
    def __init__(self, **chosen):
        pass
    def __call__(self, subject):
        return Measured()
"""
# Split sizes that fill no batch: 130 train, valid and test examples, batches of 40; measured on 70 in batches of 33.
SMALL = (
    "model=counting",
    "training.batch_size=40",
    "training.max_epochs=3",
    "training.patience=null",
    "training.num_seeds=2",
    "training.vectorise=false",
    "training.measure_batch_size=50",
    "limits.examples=130",
    "limits.measured_examples=70",
    "objective.batch_size=33",
    "tracker=none",
    "figure=landscape.figure.sweep",
)


@pytest.fixture
def rows(own: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Rows that went through the net in updates and in objectives; the checks that precede both are left out."""
    for module in (program, outcome):  # drawing takes longer than all that is counted here
        monkeypatch.setattr(module, "save_figure", lambda module, results, folder, **_: folder / "figure.png")
    own("my_counting", MINE, {"model/counting": "# mine\n_target_: my_counting.Counting\n_partial_: true\n"})
    import my_counting

    @contextmanager
    def phase(name: str | None) -> Iterator[None]:
        before, my_counting.PHASE[0] = my_counting.PHASE[0], name
        yield
        my_counting.PHASE[0] = before

    def noted(owner: Any, method: str, name: str | None) -> None:
        plain = getattr(owner, method)

        def within(*args: Any, **kwargs: Any) -> Any:
            with phase(name):
                return plain(*args, **kwargs)

        monkeypatch.setattr(owner, method, within)

    noted(GroupRun, "one_epoch", "trained")
    noted(Objective, "along", "evaluated")
    noted(asked, "evaluated", "evaluated")
    noted(objective, "footprint", None)  # the few rows that it takes to know how many fit are not the measurement's
    return my_counting.ROWS  # type: ignore[no-any-return]


@pytest.fixture
def both(
    cli: Cli, rows: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Forecast, Ran]]:
    """``both(...)`` -> the forecast of a command, and that command really run; ``rows`` then holds the run's alone."""

    def run(*arguments: str, status: int = 0) -> tuple[Forecast, Ran]:
        arguments = (*SMALL, f"hydra.searchpath=[file://{tmp_path / 'my_conf'}]", *arguments)
        found: list[Forecast] = []
        show = callback.show
        monkeypatch.setattr(callback, "show", lambda forecast, *rest: found.append(forecast) or show(forecast, *rest))
        ahead = cli(*arguments, "forecast=only")
        assert ahead.status == 0, ahead.out
        monkeypatch.setattr(callback, "show", show)
        rows.update(trained=0, evaluated=0)
        ran = cli(*arguments, "forecast=off")
        assert ran.status == status, ran.out
        return found[0], ran

    return run


def counts(forecast: Forecast) -> dict[str, int]:
    """Of all jobs together."""
    return {
        "trained": sum(job.num_trained for job in forecast.jobs),
        "evaluated": sum(job.num_evaluated for job in forecast.jobs),
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ("objective.num_replicates=2", "alphas.num=7"),
        pytest.param(("measurement.modes=[deterministic]", "measurement.splits=[test]"), marks=pytest.mark.slow),
        pytest.param(("endpoints=between_solutions", "limits.alphas=5"), marks=pytest.mark.slow),
        pytest.param(
            ("endpoints=epoch_to_solution", "training.select=last", "limits.alphas=5"), marks=pytest.mark.slow
        ),
        pytest.param(("measurement=residual",), marks=pytest.mark.slow),
        pytest.param(
            ("measurement=plane", "training.snapshot_updates=1", "measurement.splits=[valid]"), marks=pytest.mark.slow
        ),
        pytest.param(
            ("measurement=plane", "measurement.modes=[deterministic]", "training.max_epochs=25"), marks=pytest.mark.slow
        ),
        pytest.param(("measurement=surface", "measurement.num=4"), marks=pytest.mark.slow),
        pytest.param(
            ("measurement=surface", "path=trajectory_plane", "measurement.first=[0,1]", "measurement.second=[0]"),
            marks=pytest.mark.slow,
        ),
    ],
    ids=["line", "test", "between", "epoch", "residual", "plane", "long_plane", "surface", "trajectory_plane"],
)
def test_as_many_examples_as_forecast_go_through_the_network(
    both: Callable[..., tuple[Forecast, Ran]], rows: dict[str, int], arguments: tuple[str, ...]
) -> None:
    forecast, ran = both(*arguments)
    assert counts(forecast) == {name: rows[name] for name in ("trained", "evaluated")}
    assert rows["trained"] == 130 * 2 * (25 if "training.max_epochs=25" in arguments else 3)
    assert not forecast.may_stop
    files = list((ran.outputs / "solutions").glob("*/trajectory.npy"))
    trajectories = [np.load(file, mmap_mode="r") for file in files]
    ends = 2 * sum(file[0].nbytes for file in trajectories)  # theta_i and theta_f of each group
    assert forecast.num_bytes == sum(file.nbytes for file in trajectories) + ends


@pytest.mark.slow
def test_what_a_sweep_shares_is_counted_once(both: Callable[..., tuple[Forecast, Ran]], rows: dict[str, int]) -> None:
    forecast, _ = both("endpoints=init_to_solution,random_to_solution", "alphas=standard", "alphas.num=4")
    assert counts(forecast) == {name: rows[name] for name in ("trained", "evaluated")}
    assert [group.standing for job in forecast.jobs for group in job.groups] == ["new", "new", "shared", "shared"]
    assert (forecast.num_solutions, forecast.num_trained) == (2, 0)
    # Half of the seeds are there from the sweep before.
    forecast, _ = both("training.num_seeds=4", "alphas=standard", "alphas.num=4")
    assert counts(forecast) == {name: rows[name] for name in ("trained", "evaluated")}
    assert (forecast.num_solutions, forecast.num_trained) == (4, 2)


@pytest.mark.slow
def test_early_stopping_makes_the_counts_upper_bounds(
    both: Callable[..., tuple[Forecast, Ran]], rows: dict[str, int]
) -> None:
    forecast, _ = both("training.patience=1", "training.max_epochs=30")
    assert forecast.may_stop
    ahead = counts(forecast)
    assert 0 < rows["trained"] < ahead["trained"] == 130 * 2 * 30
    assert 0 < rows["evaluated"] < ahead["evaluated"]


@pytest.mark.slow
def test_a_cut_run_is_forecast_from_its_checkpoint(
    both: Callable[..., tuple[Forecast, Ran]], rows: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = ("training.num_seeds=1", "training.max_epochs=8", "training.checkpoint_seconds=0")
    append, calls = TrajectoryWriter.append, []

    def fills_up(self: TrajectoryWriter, theta: Any) -> None:
        calls.append(1)
        if len(calls) == 5:
            raise OSError(28, "No space left on device", "trajectory.npy")
        append(self, theta)

    monkeypatch.setattr(TrajectoryWriter, "append", fills_up)
    both(*few, status=1)
    monkeypatch.setattr(TrajectoryWriter, "append", append)
    forecast, _ = both(*few)
    (group,) = forecast.jobs[0].groups
    assert (group.standing, group.num_epochs) == ("cut", 5)
    assert counts(forecast) == {name: rows[name] for name in ("trained", "evaluated")}


def test_a_measurement_that_says_nothing_of_itself_is_not_forecast(
    both: Callable[..., tuple[Forecast, Ran]], rows: dict[str, int]
) -> None:
    forecast, _ = both("measurement._target_=my_counting.Silent")
    assert forecast.jobs[0].unknown == "measurement Silent"
    assert counts(forecast) == {name: rows[name] for name in ("trained", "evaluated")}  # training all the same


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_steps_of_a_descent(cli: Cli, monkeypatch: pytest.MonkeyPatch, noise: float) -> None:
    found: list[Forecast] = []
    arguments = (
        "+experiment=fig12_quadratic",
        "tracker=none",
        "model.dimension=5",
        "vary={lr:0.5,momentum:0.0}",
        "measurement.num_steps=30",
        "measurement.stop_projection=2.0",
        "training.num_seeds=3",
        f"measurement.noise={noise}",
        "figure=landscape.figure.sweep",
    )
    monkeypatch.setattr(callback, "show", lambda forecast, *rest: found.append(forecast))
    assert cli(*arguments, "forecast=only").status == 0
    passed = []
    forward = Quadratic.forward

    def counted(self: Quadratic, x: Any) -> Any:
        passed.append(len(x) if self.theta.requires_grad else 0)
        return forward(self, x)

    monkeypatch.setattr(Quadratic, "forward", counted)
    ran = cli(*arguments, "forecast=off")
    assert ran.status == 0, ran.out
    (job,) = found[0].jobs
    assert job.num_evaluated == sum(passed) == 30 * (3 if noise else 1)
    assert job.may_stop is (noise == 0)
