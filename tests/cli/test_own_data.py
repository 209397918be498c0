"""Data, costs and outputs of one's own by the command: right, or exit status 2 before any training."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from landscape.result.saved import Result

from .conftest import ONE_JOB, QUICK, Ran

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

class Auxiliary(nn.Module):
    def __init__(self):
        super().__init__()
        self.head, self.aux = nn.Linear(64, 10), nn.Linear(64, 10)
    def forward(self, x):
        return (self.head(x), self.aux(x)) if self.training else self.head(x)
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, ...]]:
    """Arguments that choose data in which the last 30 labels of all splits are -100."""
    (tmp_path / "own_things.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    for group, text in (
        ("data", "_target_: own_things.splits\nlabel: -100\nwhere: all\n"),
        ("model", "_target_: own_things.Auxiliary\n_partial_: true\n"),
        (
            "cost",
            "_target_: torch.nn.CrossEntropyLoss\nlabel_smoothing: 0.1\n"
            f"weight: {{_target_: torch.tensor, data: {[1.0, 2.0] * 5}}}\n",
        ),
    ):
        folder = tmp_path / "my_conf" / group
        folder.mkdir(parents=True)
        if group == "data":
            lines = "".join(f"  {line}\n" for line in text.splitlines())
            text = f"# @package _global_\ndata:\n{lines}dimensions:\n  inputs: 64\n  image: null\n  classes: 10\n"
        (folder / "own.yaml").write_text(text)
    yield f"hydra.searchpath=[file://{tmp_path / 'my_conf'}]", "data=own", *QUICK, "training.batch_size=20"
    sys.modules.pop("own_things", None)


@pytest.mark.slow
def test_labels_that_are_missing_and_a_loss_of_torch_s(cli: Callable[..., Ran], own: tuple[str, ...]) -> None:
    ran = cli(*own, "cost=own", ONE_JOB)
    assert ran.status == 0, ran.out
    result = Result.load(ran.jobs[0])
    (errors,), (share,) = result.numbers["num_test_errors"], result.numbers["test_error"]  # type: ignore[misc]
    assert errors == pytest.approx(10 * share) and 0 < share <= 1  # 10 of 40 test examples have a label
    curve = result.curves["train/deterministic"].objective
    assert abs(curve[0, 0] - torch.log(torch.tensor(10.0)).item()) < 1.5 and curve[-1, 0] == curve[-1, 0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["data.label=11", "data.where=test"], ["the test split", "label 11", "classes 0 to 9", "dimensions.classes"]),
        (["data.label=-1", "data.where=train"], ["the train split", "example 90", "label -1"]),
        (["data.label=-100", "cost=squared_error"], ["label -100"]),
        (["model=own", "~model.widths"], ["tuple of 0", "none is called logits", "+cost.output=NAME"]),
        (["data._target_=own_things.Auxiliary", "~data.label", "~data.where"], ["not a landscape.data.Dataset"]),
        (["dimensions.image=[]"], ["dimensions.image=[]", "[C, H, W]"]),
    ],
)
def test_it_is_refused_before_training(
    cli: Callable[..., Ran], own: tuple[str, ...], arguments: list[str], words: list[str]
) -> None:
    if "model=own" in arguments:
        own, arguments = tuple(a for a in own if not a.startswith("model.")), arguments[:1]
    ran = cli(*own, *arguments, ONE_JOB)
    assert ran.status == 2 and "Traceback" not in ran.out, ran.out
    flat = " ".join(ran.out.split())
    assert all(word in flat for word in words), flat
    assert not list(ran.outputs.glob("solutions/*/*"))
    for job in ran.jobs:
        record = job / "job.json"
        assert not record.exists() or json.loads(record.read_text()).get("status") != "done"
