"""A job makes each node of its config once, and looks at its module once per mode and precision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

import landscape.command.prepare as prepare
import landscape.measurement.asked as asked
from landscape.command.job import device_name
from landscape.errors import InputError
from landscape.measurement import measured_by
from landscape.objective import Objective
from landscape.objective.request import Request
from tests.cli.conftest import QUICK, Cli, cli, own

__all__ = ["cli", "own"]
pytestmark = pytest.mark.usefixtures("blank_figures")


def test_every_node_is_made_once_and_every_curve_has_one_objective(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    nodes, built, walked = Counter[str](), list[Objective](), Counter[tuple[Any, ...]]()
    derived = Counter[tuple[Any, ...]]()  # what ``Objective.on`` made: mode, dtype, engine, examples
    make, construct, derive, evaluate = prepare.instantiate, Objective.__init__, Objective.on, asked.evaluated

    def made(config: Any) -> Any:
        nodes[config["_target_"]] += 1
        return make(config)

    def constructed(self: Objective, *given: Any, **more: Any) -> None:
        built.append(self)
        construct(self, *given, **more)

    def other(self: Objective, *given: Any, **changes: Any) -> Objective:
        made = derive(self, *given, **changes)
        derived[made.mode, made.dtype, made.engine, len(made.split)] += 1
        return made

    def evaluated(requests: Sequence[Request]) -> Any:  # curves, not the few points of their rounding floors
        walked.update((id(request.objective.split.x), request.objective.mode) for request in requests)
        return evaluate(requests)

    monkeypatch.setattr(prepare, "instantiate", made)
    monkeypatch.setattr(Objective, "__init__", constructed)
    monkeypatch.setattr(Objective, "on", other)
    monkeypatch.setattr(asked, "evaluated", evaluated)
    ran = cli(*QUICK)
    assert ran.status == 0, ran.out
    assert {"landscape.training.Training", "landscape.measurement.Interpolation"} <= set(nodes)
    assert set(nodes.values()) == {1}, nodes
    # One is tried before training, and two are the monitor's: all others are made of the first by ``Objective.on``.
    assert len(built) == 3
    assert len(walked) == 2 and set(walked.values()) == {1}, walked  # training and validation; nothing is random here
    few, measured, test = 64, 50, 300  # examples of the trial, of a curve and of the test split
    assert derived == {
        **{(mode, torch.float32, "auto", few): 1 for mode in ("stochastic", "deterministic")},
        ("deterministic", torch.float32, "auto", measured): 2 + 3,  # curves; is there memory for each split
        ("deterministic", torch.float32, "plain", measured): 2,  # their rounding floor: sums in another order
        ("deterministic", torch.float64, "plain", measured): 2,  # and the other precision
        ("deterministic", torch.float32, "auto", test): 1,
    }


MINE = """
import torch
from landscape.errors import InputError
from landscape.measurement import Measured, OnPath, Trained

def nothing(): return {}

class Looks:
    stage = Trained
    def check(self, network):
        raise InputError(f"not of {type(network.module).__name__}")
    def __call__(self, subject): return Measured()

class Vague:
    stage = OnPath
    def work(self, on_path): return 3
    def __call__(self, on_path): return Measured()

class Fussy:
    def __init__(self, theta_0, theta_1): raise ValueError("the ends are too far apart")
"""


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (["measurement._target_=my_parts.nothing"], "makes a dict, which names no stage at which it is taken"),
        (["measurement._target_=my_parts.Looks"], "not of MLP"),
        (["measurement._target_=my_parts.Vague"], "Vague.work returns a int; let it return a landscape.meas"),
        (["measurement=interpolation", "path._target_=my_parts.Fussy"], "path cannot be made: the ends are too far"),
        (
            ["measurement=interpolation", "measurement.slopes=1", "path._target_=my_parts.Fussy"],
            "path cannot be made: the",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused_before_training(
    cli: Cli, own: Callable[..., str], settings: list[str], text: str
) -> None:
    own("my_parts", MINE)
    base = ["measurement=residual"] if "_target_=my_parts" in settings[0] else []
    ran = cli(*QUICK, *base, *settings)
    assert ran.status == 2 and text in ran.out and "Traceback" not in ran.out, ran.out
    assert not list(ran.outputs.glob("solutions/*/meta.json"))


def test_what_is_measured_is_a_measured() -> None:
    with pytest.raises(InputError, match=r"measurement function returns a dict; .* landscape\.measurement\.Measured"):
        measured_by(lambda subject: {"a": [1.0]}, None)


def test_a_gpu_goes_by_the_name_that_torch_has_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"the {device.type} of this machine")
    assert device_name(torch.device("cuda")) == "the cuda of this machine"
    assert " thread" in device_name(torch.device("cpu"))
