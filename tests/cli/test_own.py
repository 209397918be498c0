"""Modules, data and costs of one's own by the command: right, or exit status 2 before any training."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from landscape.result.saved import Result

from .conftest import ONE_JOB, OWN_MODEL, QUICK, Cli

pytestmark = pytest.mark.usefixtures("blank_figures")

OWN = """
import torch
from torch import nn
from landscape.data import Dataset, Split

def splits(label, where):
    g = torch.Generator().manual_seed(0)
    made = {}
    for name, num in (("train", 120), ("valid", 40), ("test", 40)):
        x, y = torch.randn(num, 64, generator=g), torch.randint(0, 10, (num,), generator=g)
        if where in (name, "all"):
            y[-30:] = label
        made[name] = Split(x, y)
    return Dataset("own", made["train"], made["valid"], made["test"], 10)

class Net(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.net = nn.Sequential(*layers)
    def forward(self, x):
        return self.net(x)

class NoParameters(Net):
    def forward(self, x):
        return x[:, :10]

class WithStatistics(Net):
    def __init__(self):
        super().__init__(nn.Linear(64, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 10))

class WrongShape(Net):
    def __init__(self):
        super().__init__(nn.Linear(64, 10))
    def forward(self, x):
        return self.net(x).sum()

class Good(Net):
    def __init__(self, hidden=8):
        super().__init__(nn.Linear(64, hidden), nn.Tanh(), nn.Linear(hidden, 10))

class Auxiliary(Net):
    def __init__(self):
        super().__init__(nn.Linear(64, 10))
        self.aux = nn.Linear(64, 10)
    def forward(self, x):
        return (self.net(x), self.aux(x)) if self.training else self.net(x)

class Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.sign()

    @staticmethod
    def backward(ctx, gradient):
        return gradient

class Straight(Good):
    def forward(self, x):
        return super().forward(Sign.apply(x))

def lazy():
    return nn.LazyLinear(10)

def not_a_module():
    return 3
"""
NETS = "NoParameters WithStatistics WrongShape Good Auxiliary Straight lazy not_a_module"
FILES = {f"model/{name}": f"# mine\n_target_: own_things.{name}\n_partial_: true\n" for name in NETS.split()} | {
    "data/own": "# @package _global_\ndata: {_target_: own_things.splits, label: -100, where: all}\n"
    "dimensions: {inputs: 64, image: null, classes: 10}\n",
    "cost/own": "_target_: torch.nn.CrossEntropyLoss\nlabel_smoothing: 0.1\n"
    f"weight: {{_target_: torch.tensor, data: {[1.0, 2.0] * 5}}}\n",
}


@pytest.fixture
def there(own: Callable[..., str]) -> str:
    """What lets Hydra find a model of each kind, a weighted cost, and data whose last 30 labels are -100."""
    return own("own_things", OWN, FILES)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("model=NoParameters", ["model=NoParameters", "no parameters"]),
        (
            "model=WithStatistics",
            ["running statistics", "net.1.running_mean", "objective.running_statistics=keep"],
        ),
        ("model=WrongShape", ["model=WrongShape", "[B, C]"]),
        ("model=not_a_module", ["model._target_=own_things.not_a_module", "torch.nn.Module"]),
        ("model=lazy", ["model=LazyLinear has lazy layers (weight, bias)", "nn.Linear"]),
        (
            "model=Straight measurement.slopes=1",
            ["measurement.slopes=1 needs a forward derivative that model=Straight"],
        ),
        (
            "data=own data.label=11 data.where=test",
            ["the test split", "label 11", "classes 0 to 9", "dimensions.classes"],
        ),
        ("data=own data.label=-1 data.where=train", ["the train split", "example 90", "label -1"]),
        ("data=own data.label=-100 cost=squared_error", ["label -100"]),
        ("data=own model=Auxiliary", ["tuple of 0", "none is called logits", "+cost.output=NAME"]),
        (
            "data=own data._target_=own_things.Good ~data.label ~data.where",
            ["data._target_=own_things.Good", "came as a Good"],
        ),
        ("data=own dimensions.image=[]", ["dimensions.image=[]", "[C, H, W]"]),
    ],
)
def test_it_is_refused_before_training(arguments: str, words: list[str], cli: Cli, there: str) -> None:
    ran = cli(*OWN_MODEL, there, *arguments.split(), ONE_JOB)
    assert ran.status == 2 and "Traceback" not in ran.out, ran.out
    flat = " ".join(ran.out.split())
    assert all(word in flat for word in words), flat
    assert not list(ran.outputs.glob("solutions/*/*"))
    for job in ran.jobs:
        record = job / "job.json"
        assert not record.exists() or json.loads(record.read_text()).get("status") != "done"


def test_a_user_module_that_is_fine(cli: Cli, there: str) -> None:
    ran = cli(*OWN_MODEL, there, "model=Good", "+model.hidden=6", ONE_JOB)
    assert ran.status == 0, ran.out


@pytest.mark.slow
def test_running_statistics_are_treated_as_told(cli: Cli, there: str) -> None:
    """Two treatments of the same networks."""
    treatments = "objective.running_statistics=interpolate,recalibrate"
    ran = cli(*OWN_MODEL, there, "model=WithStatistics", treatments, "training.num_seeds=2")
    assert ran.status == 0, ran.out
    interpolate, recalibrate = (Result.load(job).curves["train/deterministic"].objective for job in ran.jobs)
    assert len(list(ran.outputs.glob("solutions/*/meta.json"))) == 1  # trained once, both seeds together
    assert np.isfinite(recalibrate).all() and (interpolate[4] != recalibrate[4]).all()


@pytest.mark.slow
def test_labels_that_are_missing_and_a_loss_of_torch_s(cli: Cli, there: str) -> None:
    ran = cli(there, "data=own", *QUICK, "training.batch_size=20", "cost=own", ONE_JOB)
    assert ran.status == 0, ran.out
    result = Result.load(ran.jobs[0])
    (errors,), (share,) = result.numbers["num_test_errors"], result.numbers["test_error"]  # type: ignore[misc]
    assert errors == pytest.approx(10 * share) and 0 < share <= 1  # 10 of 40 test examples have a label
    curve = result.curves["train/deterministic"].objective
    assert abs(curve[0, 0] - np.log(10.0)) < 1.5 and curve[-1, 0] == curve[-1, 0]
