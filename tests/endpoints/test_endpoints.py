"""The two ends of a path."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from landscape.endpoints import BetweenSolutions, Checkpoints, InitToSolution, Points, RandomToSolution
from landscape.errors import InputError
from landscape.model import DeepLinear
from landscape.parameters import ParameterLayout
from landscape.result.curve import LearningCurve
from landscape.store.solutions import Solutions
from tests.twin import ENDPOINT, maxout, normal, stream

P = 2000


def solutions(num_seeds: int, dtype: torch.dtype = torch.float64) -> Solutions:
    """S made-up runs; the third diverged."""
    curve = LearningCurve(np.zeros(1), {"valid/error": np.zeros((1, num_seeds))}, np.zeros(num_seeds))
    return Solutions(
        layout=ParameterLayout(("w",), ((P,),)),
        seeds=[10 + s for s in range(num_seeds)],
        theta_i=normal(num_seeds, P, seed=1).to(dtype),
        theta_f=normal(num_seeds, P, seed=2).to(dtype),
        learning_curve=curve,
        trajectories=[],
        status=["diverged" if s == 2 else "stopped" for s in range(num_seeds)],
        num_epochs=[1] * num_seeds,
        buffers=[{"count": torch.tensor(s)} for s in range(num_seeds)],
        buffers_i=[{"count": torch.tensor(100 + s)} for s in range(num_seeds)],
    )


def counts(buffers: list[dict[str, Tensor]]) -> list[int]:
    """Whose buffers they are."""
    return [int(b["count"]) for b in buffers]


def test_init_to_solution() -> None:
    runs = solutions(3)
    ends = InitToSolution()(runs)
    assert torch.equal(ends.theta_0, runs.theta_i) and torch.equal(ends.theta_1, runs.theta_f)
    assert ends.labels == ["10", "11", "12"] and ends.seeds == [10, 11, 12]
    assert ends.diverged == [False, False, True] and counts(ends.buffers) == [0, 1, 2]
    assert counts(ends.buffers_0) == [100, 101, 102]
    assert RandomToSolution()(runs).buffers_0 == []  # no running statistics belong to a random point


def test_between_solutions_pairs_neighbours() -> None:
    runs = solutions(4)
    ends = BetweenSolutions()(runs)
    assert torch.equal(ends.theta_0, runs.theta_f[[0, 2]]) and torch.equal(ends.theta_1, runs.theta_f[[1, 3]])
    assert ends.labels == ["10-11", "12-13"] and ends.seeds == [10, 12]
    assert counts(ends.buffers) == [1, 3] and counts(ends.buffers_0) == [0, 2]  # of theta_1, of theta_0
    assert ends.diverged == [False, True]  # one bad end is enough


def test_of_three_solutions_all_pairs_are_joined() -> None:
    runs = solutions(3)
    ends = BetweenSolutions()(runs)
    assert torch.equal(ends.theta_0, runs.theta_f[[0, 0, 1]]) and torch.equal(ends.theta_1, runs.theta_f[[1, 2, 2]])
    assert ends.labels == ["10-11", "10-12", "11-12"] and ends.seeds == [10, 10, 11]
    assert counts(ends.buffers) == [1, 2, 2] and counts(ends.buffers_0) == [0, 0, 1]
    assert ends.diverged == [False, True, True]


@pytest.mark.parametrize("num_seeds", [1, 5, 7])
def test_between_solutions_needs_pairs(num_seeds: int) -> None:
    text = (
        f"endpoints=between_solutions needs seeds in pairs but training.num_seeds={num_seeds}; "
        f"run with training.num_seeds={num_seeds + 1}"
    )
    with pytest.raises(InputError, match=re.escape(text)):
        BetweenSolutions().check(num_seeds)
    with pytest.raises(InputError, match=re.escape(text)):
        BetweenSolutions()(solutions(num_seeds))
    BetweenSolutions().check(num_seeds + 1)
    InitToSolution().check(num_seeds)
    RandomToSolution().check(num_seeds)


def test_random_is_standard_normal_and_each_seeds_own() -> None:
    runs = solutions(3)
    ends = RandomToSolution()(runs)
    assert ends.theta_0.shape == (3, P) and ends.theta_0.dtype == torch.float64
    assert torch.equal(ends.theta_1, runs.theta_f)
    for s, seed in enumerate(runs.seeds):
        assert torch.equal(ends.theta_0[s], torch.randn(P, generator=stream(seed, ENDPOINT)).double())
    assert ends.theta_0.mean(dim=1).abs().max() < 4 / math.sqrt(P)
    assert (ends.theta_0.var(dim=1) - 1).abs().max() < 4 * math.sqrt(2 / P)
    correlation = torch.corrcoef(ends.theta_0) - torch.eye(3, dtype=torch.float64)
    assert correlation.abs().max() < 4 / math.sqrt(P)
    assert torch.equal(ends.theta_0, RandomToSolution()(runs).theta_0)
    assert torch.equal(3 * ends.theta_0, RandomToSolution(scale=3.0)(runs).theta_0)
    alone = RandomToSolution()(solutions(1))
    assert torch.equal(alone.theta_0[0], ends.theta_0[0])  # seed 10 does not care who is beside it
    assert RandomToSolution()(solutions(2, torch.float32)).theta_0.dtype == torch.float32
    with pytest.raises(InputError, match=r"endpoints\.scale=0"):
        RandomToSolution(scale=0.0)


class Wrapped(nn.Module):
    """A net whose own child is called ``module``, with batch norm."""

    def __init__(self) -> None:
        super().__init__()
        self.module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))

    def forward(self, x: Tensor) -> Tensor:
        """x [B, 3] -> [B, 4]."""
        return self.module(x)


def save(file: Path, state: Any) -> str:
    torch.save(state, file)
    return str(file)


@pytest.mark.parametrize("form", ["plain", "state_dict", "module.", "both"])
def test_checkpoints_are_read_in_their_usual_forms(tmp_path: Path, form: str) -> None:
    files, modules = [], [maxout(), maxout()]
    for name, module in zip(("a.pt", "b.pt"), modules, strict=True):
        state: dict[str, Any] = dict(module.state_dict())
        if form in ("module.", "both"):
            state = {f"module.{k}": v for k, v in state.items()}
        if form in ("state_dict", "both"):
            state = {"epoch": 3, "state_dict": state}
        files.append(save(tmp_path / name, state))
    ends = Checkpoints(*files).load(maxout())
    layout = ParameterLayout.of(maxout())
    assert torch.equal(ends.theta_0[0], layout.theta(modules[0])) and torch.equal(
        ends.theta_1[0], layout.theta(modules[1])
    )
    assert ends.theta_0.shape == (1, layout.num_parameters) and ends.seeds == [0] and ends.diverged == [False]
    assert not Checkpoints.needs_solutions and InitToSolution.needs_solutions


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_child_called_module_keeps_its_name(tmp_path: Path, prefix: str) -> None:
    """Only DistributedDataParallel's own prefix goes; the buffers are those of each end."""
    files, modules = [], [Wrapped(), Wrapped()]
    for k, module in enumerate(modules):
        module(normal(8, 3, seed=k).float())
        files.append(save(tmp_path / f"{k}.pt", {f"{prefix}{n}": v for n, v in module.state_dict().items()}))
    ends = Checkpoints(*files).load(Wrapped())
    assert torch.equal(ends.theta_0[0], ParameterLayout.of(modules[0]).theta(modules[0]))
    assert torch.equal(ends.buffers[0]["module.1.running_mean"], modules[1].module[1].running_mean)
    assert set(ends.buffers[0]) == {n for n, _ in modules[1].named_buffers()}
    assert torch.equal(ends.buffers_0[0]["module.1.running_mean"], modules[0].module[1].running_mean)


def test_missing_files_are_named(tmp_path: Path) -> None:
    good = save(tmp_path / "a.pt", maxout().state_dict())
    for key, ends in {"start": Checkpoints("no.pt", good), "end": Checkpoints(good, "no.pt")}.items():
        for act in (lambda ends=ends: ends.check(1), lambda ends=ends: ends.load(maxout())):
            with pytest.raises(InputError, match=rf"endpoints\.{key}=no\.pt is no file"):
                act()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (lambda: maxout(), "save module.state_dict(), not the module"),
        (lambda: b"not a checkpoint at all", "is no state dict"),
        (lambda: b"", "is no state dict"),
        (lambda: [1, 2], "holds a list, not a state dict"),
        (lambda: torch.zeros(3), "holds a Tensor, not a state dict"),
        (lambda: maxout(widths=[5]).state_dict(), "has shape (10, 7) for parameter layers.0.weight"),
        (lambda: {"other": torch.zeros(1)}, "has nothing for parameter layers.0.weight"),
        (lambda: {**maxout().state_dict(), "layers.0.bias": 3.0}, "has nothing for parameter layers.0.bias"),
    ],
    ids=["pickled module", "text", "empty", "list", "tensor", "wrong shape", "other names", "no tensor"],
)
def test_files_that_do_not_fit_are_refused(tmp_path: Path, content: Any, text: str) -> None:
    value, file = content(), tmp_path / "b.pt"
    if isinstance(value, bytes):
        file.write_bytes(value)
    else:
        torch.save(value, file)
    good = save(tmp_path / "a.pt", maxout().state_dict())
    with pytest.raises(InputError, match=re.escape(text)) as caught:
        Checkpoints(good, str(file)).load(maxout())
    assert f"endpoints.end={file}" in str(caught.value)


def test_points_are_one_line_in_the_order_of_the_parameters() -> None:
    module = DeepLinear(2, 1, depth=2, width=1)
    points = Points([1, -2.5, 1e-300], [0.1, 0.2, 0.3])
    points.check(64)
    ends = points.load(module)
    assert ends.theta_0.tolist() == [[1.0, -2.5, 1e-300]] and ends.theta_1.tolist() == [[0.1, 0.2, 0.3]]
    assert ends.theta_0.dtype == torch.float64  # 0.1 is not rounded to float32
    named = ParameterLayout.of(module).unflatten(ends.theta_0[0])
    assert named["layers.0.weight"].tolist() == [[1.0, -2.5]] and named["layers.1.weight"].tolist() == [[1e-300]]
    assert (ends.labels, ends.seeds, ends.diverged, ends.buffers) == (["0"], [0], [False], [{}])
    assert not Points.needs_solutions
    assert set(Points([0.0] * 24, [1.0] * 24).load(Wrapped()).buffers[0]) == {n for n, _ in Wrapped().named_buffers()}


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        ([1, math.nan], [1, 2], "endpoints.start=[1.0, nan] must hold finite numbers"),
        ([1, 2], [math.inf, 2], "endpoints.end=[inf, 2.0] must hold finite numbers"),
        ([1, 2], [1.0, 2.0], "endpoints.start and endpoints.end are the same point [1.0, 2.0]"),
        ([], [], "are the same point []"),
        ("abc", [1, 2], "endpoints.start=abc and endpoints.end=[1, 2] must be lists of numbers"),
        ([1, None], [1, 2], "endpoints.start=[1, None] and endpoints.end=[1, 2] must be lists"),
        (3, [1, 2], "endpoints.start=3 and endpoints.end=[1, 2] must be lists"),
        ([1, 2, 3], [1, 2], "endpoints.start has 3 numbers but model=DeepLinear has 2 parameters"),
        ([1, 2], [1], "endpoints.end has 1 numbers but model=DeepLinear has 2 parameters"),
    ],
)
def test_points_that_are_no_line_are_refused(start: Any, end: Any, text: str) -> None:
    with pytest.raises(InputError, match=re.escape(text)):
        points = Points(start, end)
        points.check(1)
        points.load(DeepLinear(1, 1))
