"""A curve from Python: what comes back, its file, its ends, and what is refused."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parameters_to_vector

import landscape as ls
from tests.face.conftest import CE, Trained, trained

FEW: dict[str, Any] = {"epochs": 4, "batch_size": 16, "progress": False, "dtype": "float64"}


def other(net: Trained) -> dict[str, torch.Tensor]:
    """Another point, in the net's own names: what it holds in the middle of its training, with units exchanged."""
    state = {name: value.clone() for name, value in net.kept[3].items()}
    return {name: value.flip(0) if name in ("0.weight", "0.bias") else value for name, value in state.items()}


@pytest.mark.parametrize("path", ["bezier", "polygon"])
def test_a_curve_is_measured_as_a_line_is(plain: Trained, path: str, tmp_path: Path) -> None:
    before = {name: value.clone() for name, value in plain.net.state_dict().items()}
    curve = ls.connect(plain.net, other(plain), plain.net, plain.loader, CE, path=path, num_bends=2, **FEW)
    found = ls.measure(plain.net, curve, (plain.x, plain.y), CE, alphas=9, dtype="float64", slopes=1)
    straight = ls.measure(plain.net, curve.line, (plain.x, plain.y), CE, alphas=9, dtype="float64")
    assert np.array_equal(found.objective[[0, -1]], straight.objective[[0, -1]])
    assert (found.objective[1:-1] < straight.objective[1:-1]).all()
    assert curve.bends.shape == (2, curve.path.theta_0.shape[1]) and curve.costs.shape == (4,)
    assert curve.length >= float((curve.path.theta_1 - curve.path.theta_0).norm())
    assert torch.equal(parameters_to_vector(curve.state_dict(1.0)[n] for n in before), curve.path.theta_1[0])
    assert all(torch.equal(value, before[name]) for name, value in plain.net.state_dict().items())
    curve.save(tmp_path / "curve.pt")
    again = ls.ConnectingCurve.load(tmp_path / "curve.pt")
    assert again == curve and repr(again) == repr(curve) and torch.equal(again.path(0.3), curve.path(0.3))
    again.path.bends[0, 0, 0] += 1e-9
    assert again != curve and curve != 3
    with pytest.raises(ls.InputError, match="alpha=nan is no position"):
        curve.state_dict(float("nan"))
    (tmp_path / "curve.pt").write_bytes((tmp_path / "curve.pt").read_bytes()[:-9])
    with pytest.raises(ls.InputError, match="no curve that was saved"):
        ls.ConnectingCurve.load(tmp_path / "curve.pt")


def test_batch_norm_is_recalibrated_and_the_spacing_moves_positions_alone() -> None:
    net = trained(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 3))
    curve = ls.connect(net.net, net.kept[2], net.net, (net.x, net.y), CE, **FEW)
    even = ls.connect(net.net, net.kept[2], net.net, (net.x, net.y), CE, spacing="arc_length", **FEW)
    assert torch.equal(curve.bends, even.bends)
    found = ls.measure(net.net, even, (net.x, net.y), CE, alphas=5, running_statistics="recalibrate")
    assert np.isfinite(found.objective).all()
    with pytest.raises(ls.InputError, match="interpolate, on a line alone"):
        ls.measure(net.net, curve, (net.x, net.y), CE, alphas=5)
    with pytest.raises(ls.InputError, match="curve with bends"):
        ls.measure(net.net, curve, (net.x, net.y), CE, alphas=5, running_statistics="interpolate")


def test_a_training_that_was_cut_goes_on(plain: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from landscape.training.connection import ConnectionRun

    file, ends = tmp_path / "curve.part", (other(plain), plain.net)
    whole = ls.connect(plain.net, *ends, (plain.x, plain.y), CE, **FEW)
    epoch = ConnectionRun.one_epoch

    def dies(self: ConnectionRun) -> None:
        self.seconds = 0.0
        if self.epoch == 2:
            raise KeyboardInterrupt
        epoch(self)

    with monkeypatch.context() as patch:
        patch.setattr(ConnectionRun, "one_epoch", dies)
        with pytest.raises(KeyboardInterrupt):
            ls.connect(plain.net, *ends, (plain.x, plain.y), CE, resume=file, **FEW)
    assert file.exists()
    again = ls.connect(plain.net, *ends, (plain.x, plain.y), CE, resume=file, **FEW)
    assert torch.equal(again.bends, whole.bends) and np.array_equal(again.costs, whole.costs) and not file.exists()


def test_a_position_that_rounding_keeps_from_a_kink_is_one(plain: Trained) -> None:
    ends, own = (other(plain), plain.net, (plain.x, plain.y), CE), (plain.net, (plain.x, plain.y))
    curve = ls.connect(plain.net, *ends, path="polygon", num_bends=2, **FEW)
    near = np.linspace(-0.5, 1.5, 13)
    assert 1 / 3 not in near
    for alphas in (near, [0, 1 / 3, 1]):
        with pytest.raises(ls.InputError, match=r"kink at alpha=0\.333333"):
            ls.measure(own[0], curve, own[1], CE, alphas=alphas, slopes=1)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_training_that_diverged_is_no_curve(plain: Trained, caplog: pytest.LogCaptureFixture) -> None:
    net, settings = trained(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)), {**FEW, "dtype": "float32"}
    with pytest.raises(ls.InputError, match=r"^the curve diverged; an lr lower than 1e\+30 may help$"):
        ls.connect(net.net, net.kept[2], net.net, (net.x, net.y), CE, lr=1e30, **settings)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    ls.connect(plain.net, other(plain), plain.net, (plain.x, plain.y), CE, lr=1e6, **settings)
    assert "times as long as the line between its ends; an lr lower than 1e+06" in caplog.text


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"num_bends": 0}, "num_bends=0 leaves a curve with no bend"),
        ({"num_bends": 1.5}, "num_bends=1.5 must be a whole number"),
        ({"path": "spline"}, "path='spline' is unknown"),
        ({"epochs": 0}, "epochs=0 must be at least 1"),
        ({"lr": float("inf")}, "lr=inf must be finite"),
        ({"batch_size": 1000}, "batch_size=1000 is larger than the 60 training examples"),
        ({"seed": -1}, "seed=-1 must be a whole number"),
        ({"spacing": "even"}, "spacing='?even'? is unknown"),
        ({"b": "a"}, "a and b hold the same parameters"),
        ({"cost": lambda outputs, y: F.cross_entropy(outputs.detach(), y, reduction="none")}, "in training mode"),
        ({"resume": "nowhere/x"}, "resume="),
    ],
)
def test_what_cannot_be_trained_is_refused(plain: Trained, more: dict[str, Any], words: str) -> None:
    settings = {"b": plain.net, "cost": CE, **FEW, **more}
    start = other(plain)
    settings["b"] = {name: value.clone() for name, value in start.items()} if settings["b"] == "a" else settings["b"]
    with pytest.raises(ls.InputError, match=words) as fault:
        ls.connect(plain.net, start, data=(plain.x, plain.y), **settings)
    assert "path." not in str(fault.value) and "\n" not in str(fault.value)
