"""What is wrong is said in one sentence, with the argument and what to do, before any work."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import landscape as ls
from tests.face.conftest import Trained, trained

T = trained(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3))
X, Y, CE = T.x, T.y, nn.CrossEntropyLoss()
PAIRS = TensorDataset(X, Y)
LINE = ls.line(T.before, T.net)
OPPOSITE = {n: -v for n, v in T.before.items()}
ENDLESS = {n: v / 0 if v.is_floating_point() else v for n, v in T.before.items()}
FLAT = torch.nn.utils.parameters_to_vector(T.net.parameters()).detach()
ZERO = torch.zeros_like(FLAT)
BEYOND = {n: 2 * v - T.before[n] for n, v in T.net.state_dict().items()}


def measure(path: Any = LINE, net: Any = T.net, data: Any = (X, Y), cost: Any = CE, **told: Any) -> Any:
    return ls.measure(net, path, data, cost, **{"running_statistics": "keep", "alphas": 3, **told})


WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "path name": (lambda: ls.line(T.net, T.before, path="curved"), "path='curved' is unknown; use one of linear"),
    "no point": (lambda: ls.line(T.net, 3), "b came as int; a point is a module, a state dict"),
    "one object": (lambda: ls.line(T.net, T.net), "a and b are one object"),
    "one point": (lambda: measure(ls.line(T.net.state_dict(), T.net)), "same parameters; a state dict follows"),
    "short directions": (lambda: measure(ls.plane(T.net, directions=(ZERO, FLAT))), "directions[0] has length zero"),
    "one direction twice": (lambda: measure(ls.plane(T.net, directions=(FLAT, 2 * FLAT))), "point along one line"),
    "three directions": (lambda: ls.plane(T.net, directions=(FLAT,) * 3), "directions must be a pair"),
    "seed of directions": (lambda: ls.plane(T.net, directions=(FLAT, FLAT), seed=1), "seed=1 is for random directions"),
    "one_axis": (lambda: ls.plane(T.net, one_axis="move"), "one_axis='move' must be one of zero, keep"),
    "axes": (lambda: ls.plane(T.net, T.before, BEYOND, axes="x"), "axes='x' must be one of orthogonal, sides"),
    "axes of one": (lambda: ls.plane(T.net, axes="sides"), "axes='sides' is for a plane through three points"),
    "a run of two": (lambda: ls.plane(ls.trajectory(T.kept[:2])), "needs three points of a trajectory, and this one"),
    "a run of one point": (lambda: measure(ls.plane(ls.trajectory([T.before] * 3))), "are the same"),
    "a run and a point": (lambda: ls.plane(ls.trajectory(T.kept), T.net, T.before), "takes no further points"),
    "seed of a run": (lambda: ls.plane(ls.trajectory(T.kept), seed=1), "seed=1 is not for a plane of a trajectory"),
    "ragged lists": (lambda: measure(ls.plane(T.net), alphas=([0, [1]], [0])), "must be a whole number of points"),
    "three lists": (lambda: measure(ls.plane(T.net), alphas=([0, 1], [0, 1], [0, 1])), "or a pair of lists, one"),
    "one list of a plane": (lambda: measure(ls.plane(T.net), alphas=([0, 1], 3)), "or a pair of lists, one for each"),
    "two of three": (lambda: ls.plane(T.net, T.before), "three points"),
    "radius of three": (lambda: ls.plane(T.net, T.before, T.net, radius=2.0), "radius=2.0 is for a plane around one"),
    "margin of one": (lambda: ls.plane(T.net, margin=1.0), "margin=1.0 is for a plane through three"),
    "radius": (lambda: ls.plane(T.net, radius=0), "radius=0 must be a finite number, above 0"),
    "radius inf": (lambda: ls.plane(T.net, radius=float("inf")), "radius=inf must be"),
    "margin": (lambda: ls.plane(T.net, T.before, T.net, margin=-1), "margin=-1 must be a finite number, 0 or more"),
    "seed": (lambda: ls.plane(T.net, seed=1.5), "seed=1.5 must be a whole number"),
    "flat plane": (lambda: measure(ls.plane(T.before, T.net, BEYOND)), "a, b and c lie on one line"),
    "plane of one point": (lambda: measure(ls.plane(T.before, T.net, copy.deepcopy(T.net))), "b and c hold the same"),
    "nothing to move": (lambda: measure(ls.plane(nn.BatchNorm1d(4)), nn.BatchNorm1d(4)), "one_axis='keep', or give"),
    "no folder": (lambda: ls.trajectory("nowhere"), "source=nowhere is no folder"),
    "empty folder": (lambda: ls.trajectory(Path(__file__).parent), "holds no checkpoint"),
    "one of a run": (lambda: ls.trajectory([T.net]), "needs two points or more"),
    "pattern of a list": (lambda: ls.trajectory([T.net, T.before], "*.pt"), "pattern='*.pt' chooses files of a folder"),
    "a run that goes on": (lambda: measure(ls.trajectory([T.net, T.before]), alphas=None, resume="x.part"),
                           "resume=x.part means nothing on a trajectory"),
    "a run of numbers": (lambda: ls.trajectory(3), "source came as int"),
    "a run that stays": (lambda: measure(ls.trajectory([T.net, T.before, T.net]), alphas=None), "the last point hold"),
    "alphas of a run": (lambda: measure(ls.trajectory([T.net, T.before])), "alphas=3 means nothing on a trajectory"),
    "slopes of a plane": (lambda: measure(ls.plane(T.net), slopes=1), "slopes=1 means nothing on a plane"),
    "net": (lambda: measure(net=T.before), "net came as OrderedDict; give the module"),
    "path": (lambda: measure("line"), "path came as str; give ls.line"),
    "path of another net": (lambda: measure(lambda a: torch.ones(1, 3)), "gives [1, 3] at its start"),
    "flat tensor": (lambda: measure(ls.line(torch.ones(7), T.net)), "flat"),
    "lacking": (lambda: measure(ls.line({"0.weight": torch.ones(6, 4)}, T.net)), "lacks"),
    "not finite": (lambda: measure(ls.line(ENDLESS, T.net)), "finite"),
    "tolerance": (lambda: measure(tolerance=1.0), "tolerance=1.0 must be a number above 0 and below 1"),
    "tolerance of a run": (lambda: measure(ls.trajectory([T.net, T.before]), alphas=None, tolerance=1e-3),
                           "tolerance=0.001 is of J along a line or on a plane"),
    "tolerance of a word": (lambda: measure(tolerance="1e-3"), "tolerance='1e-3' (a text) must be a number above 0"),
    "tolerance of slopes": (lambda: measure(tolerance=1e-3, slopes=1), "slopes=1 needs its slopes"),
    "call": (lambda: measure(call=3), "call=3 must be a function (net, inputs)"),
    "resume": (lambda: measure(resume="nowhere/kept"), "resume=nowhere/kept must be the name of a file in a folder"),
    "no file": (lambda: measure(ls.line("nowhere.pt", T.net)), "nowhere.pt"),
    "alphas word": (lambda: measure(alphas="adaptive"), "alphas='adaptive' must be a whole number of points"),
    "alphas one": (lambda: measure(alphas=1), "alphas=1 is too few; give 2 points or more"),
    "alphas broken": (lambda: measure(alphas=2.5), "alphas=2.5 must be a whole number of points"),
    "alphas nested": (lambda: measure(alphas=[[0, 1]]), "alphas=[[0, 1]] must be a whole number of points, or one"),
    "alphas of a plane": (lambda: measure(ls.plane(T.net), alphas=1), "alphas=1 is too few"),
    "alphas none": (lambda: measure(alphas=[]), "alphas=[] must be a whole number of points"),
    "alphas words": (lambda: measure(alphas=["a"]), "alphas=['a'] must be a whole number of points"),
    "alphas falling": (lambda: measure(alphas=[1, 0]), "must increase strictly"),
    "alphas truth": (lambda: measure(alphas=True), "alphas=True must be"),
    "mode": (lambda: measure(mode="random"), "mode='random' must be one of"),
    "seeds": (lambda: measure(seeds=[0, 1]), "seeds=[0, 1] must be a list of whole numbers, one for each row"),
    "seeds number": (lambda: measure(seeds=3), "seeds=3 must be a list"),
    "slopes": (lambda: measure(slopes=3), "slopes=3"),
    "noise": (lambda: measure(noise="no"), "noise='no' must be True or False"),
    "progress": (lambda: measure(progress=2), "progress=2 must be True or False"),
    "dtype": (lambda: measure(dtype="float16"), "dtype='float16' is unknown"),
    "device": (lambda: measure(device="nonsense"), "device='nonsense' cannot be used here"),
    "batch size": (lambda: measure(batch_size=0), "batch_size=0"),
    "memory": (lambda: measure(memory=100), "memory=100 is too little"),
    "statistics": (lambda: measure(running_statistics=None), "along the path: running_statistics='keep'"),
    "statistics word": (lambda: measure(running_statistics="drop"), "running_statistics='drop' is unknown"),
    "no training data": (lambda: measure(data={"valid": (X, Y)}, running_statistics="recalibrate"), "training data"),
    "beside the line": (lambda: measure(ls.plane(T.before, T.net, OPPOSITE), running_statistics="interpolate"),
                        "running_statistics='interpolate' knows the statistics at the two ends"),
    "num_examples": (lambda: measure(num_examples=0), "num_examples=0 must be a whole number of at least 1"),
    "data": (lambda: measure(data="mnist"), "data came as 'mnist'; give the examples"),
    "data class": (lambda: measure(data=DataLoader), "data came as the class DataLoader; give an object of it"),
    "class of data": (lambda: measure(data=TensorDataset), "data came as the class TensorDataset; give an object"),
    "empty list": (lambda: measure(data=[]), "data came as an empty list; give at least one example"),
    "empty loader": (lambda: measure(data=DataLoader(PAIRS, drop_last=True, batch_size=999)), "give at least one exam"),
    "empty function": (lambda: measure(data=lambda: iter([])), "yields no batch; give at least one example"),
    "split names": (lambda: measure(data={"train": PAIRS, "val": PAIRS}), "names train, val; examples by name are cal"),
    "split name": (lambda: measure(data={"foo": (X, Y)}), "data has the name foo; examples by name are called train,"),
    "loaders of names": (lambda: measure(data={"a": DataLoader(PAIRS)}), "call 'a' one of these"),
    "data for cost": (lambda: measure(data=CE, cost=(X, Y)), "data and cost are in each other's place"),
    "loader for cost": (lambda: measure(data=CE, cost=DataLoader(PAIRS)), "data and cost are in each other's place"),
    "function of data": (lambda: measure(data=F.cross_entropy, cost=PAIRS), "data and cost are in each other's place"),
    "data twice": (lambda: measure(cost=PAIRS), "cost came as TensorDataset, which holds examples"),
    "lengths": (lambda: measure(data=(X, Y[1:])), "as many labels as inputs"),
    "cost": (lambda: measure(cost=nn.CrossEntropyLoss), "cost=CrossEntropyLoss is a class"),
    "scalar": (lambda: measure(cost=lambda outputs, y: outputs.sum()), "one number for them all"),
    "cost word": (lambda: measure(cost="cross_entropy"), "is no cost"),
    "does not fit": (lambda: measure(data=(X[:, :2], Y)), "net=Sequential"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use_is_one_sentence(name: str) -> None:
    call, words = WRONG[name]
    with pytest.raises(ls.InputError) as caught:
        call()
    text = str(caught.value)
    assert words in text, text
    assert "\n" not in text and "objective." not in text and "model=" not in text, text


def test_a_description_says_what_it_is(tmp_path: Path, plain: Trained) -> None:
    assert repr(ls.line(tmp_path / "a.pt", plain.net)) == "linear line from a.pt to a Sequential"
    assert repr(ls.plane(plain.before, torch.ones(3), plain.net)) == (
        "plane through a state dict, a tensor [3], a Sequential"
    )
    assert repr(ls.trajectory(["x/1.pt", "x/2.pt"]).line) == "linear line from 1.pt to 2.pt"
