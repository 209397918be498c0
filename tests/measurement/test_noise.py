"""Noise as it is measured: another order of sums changes J by rounding alone, for every layer and every engine."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from landscape.errors import InputError
from landscape.measurement import Interpolation, OnPath
from landscape.measurement import rounding as module
from landscape.measurement.rounding import OtherOrder
from tests.objective.engine.pair import served
from tests.twin import maxout

OPERATIONS = {
    "mm": lambda a: a[0] @ a[1],
    "addmm": lambda a: F.linear(a[0], a[1], a[2, 0]),
    "bmm": lambda a: torch.einsum("bij,bkj->bik", a, a),
    "baddbmm": lambda a: torch.baddbmm(a, a, a),
    "mv": lambda a: a[0] @ a[1, 0],
    "dot": lambda a: a[0, 0] @ a[1, 0],
    "conv2d": lambda a: F.conv2d(a[None], a[:, :5, :5].expand(2, 3, 5, 5), stride=2, padding=1),
    "groups": lambda a: F.conv1d(a[0].reshape(1, 12, -1), a[1].reshape(6, -1)[:, :54].reshape(6, 6, 9), groups=2),
    "sum": lambda a: a.sum(),
    "sums": lambda a: a.sum((0, -1)),
    "mean": lambda a: a.mean(dim=1),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_order_changes_rounding_alone(name: str) -> None:
    a = torch.randn(3, 72, 72, generator=torch.Generator().manual_seed(1))
    expected = OPERATIONS[name](a)
    with OtherOrder():
        found = OPERATIONS[name](a)
    assert not torch.equal(found, expected)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("engine", "dtype"), [("plain", "float32"), ("plain", "float64"), ("prefix", "float64"), ("events", "float32")]
)
def test_the_floor_is_that_of_the_precision(
    subject: OnPath, engine: str, dtype: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Relative to J, of a few nats here."""
    least, most = {"float32": (1e-10, 1e-6), "float64": (1e-18, 2e-15)}[dtype]
    exact = replace(subject, objective=partial(subject.objective, dtype=dtype, engine=engine))
    curve = Interpolation(["train"], ["stochastic"])(exact).curves["train/stochastic"]
    relative = curve.noise["floor"] / curve.objective.max(axis=0)
    assert relative.shape == (2,) and (least < relative).all() and (relative < most).all()
    assert served(caplog)


def test_few_examples_stand_for_many(subject: OnPath, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = replace(subject, objective=partial(subject.objective, dtype="float32"))
    whole = Interpolation(["train"])(subject).curves["train/stochastic"]
    monkeypatch.setattr(module, "NUM_EXAMPLES", 10)
    monkeypatch.setattr(module, "NUM_POINTS", 3)
    assert module.points_of(6).tolist() == [0, 2, 5]
    few = Interpolation(["train"])(subject).curves["train/stochastic"]
    assert np.array_equal(few.objective, whole.objective)
    assert (few.noise["floor"] > 0).all() and (few.noise["floor"] < 1e-5).all()
    assert not np.array_equal(few.noise["floor"], whole.noise["floor"])


def test_the_errors_are_those_of_the_examples(subject: OnPath) -> None:
    """A split of one example at a time is the slow twin."""
    measured = Interpolation(["valid"], ["deterministic"])(subject)
    curve, split = measured.curves["valid/deterministic"], subject.split("valid")
    each = []
    for n in range(len(split)):
        one = replace(split, x=split.x[n : n + 1], y=split.y[n : n + 1])
        alone = replace(subject, dataset=replace(subject.dataset, valid=one))
        each.append(
            Interpolation(["valid"], ["deterministic"], noise=False)(alone).curves["valid/deterministic"].objective
        )
    costs = np.stack(each, axis=2)  # [A, S, N]
    for s in range(2):
        for a, b in ((1, 4), (2, 3), (5, 0)):
            error = (costs[b, s] - costs[a, s]).std(ddof=1) / math.sqrt(len(split))
            assert curve.noise["errors"][a, b, s] == pytest.approx(error, rel=1e-5)
    assert (curve.noise["low"] <= curve.noise["high"]).all() and (curve.noise["low"][1] == 0).all()  # alpha = 0
    rises, errors = (measured.numbers[f"valid/deterministic/{name}"] for name in ("largest_rise", "rise_error"))
    assert all((rise > 0) == (error > 0) for rise, error in zip(rises, errors, strict=True)) and max(rises) > 0


def test_a_seed_alone_has_the_noise_it_has_among_others(subject: OnPath) -> None:
    together = Interpolation(["train"])(subject).curves
    ends = subject.ends
    assert ends is not None
    one = replace(
        ends,
        theta_0=ends.theta_0[1:],
        theta_1=ends.theta_1[1:],
        labels=["7"],
        seeds=[7],
        buffers=[{}],
        diverged=[False],
    )
    alone = Interpolation(["train"])(replace(subject, ends=one)).curves
    for name, curve in alone.items():
        assert curve.noise.keys() == {"floor", "errors", "low", "high"}
        for key, values in curve.noise.items():
            assert np.array_equal(values, together[name].noise[key][..., 1:])


def test_without_noise_nothing_is_kept(subject: OnPath) -> None:
    plain, noisy = (Interpolation(["train"], noise=noise)(subject) for noise in (False, True))
    assert not any(curve.noise for curve in plain.curves.values())
    assert set(noisy.numbers) - set(plain.numbers) == {
        f"train/{mode}/{name}" for mode in ("stochastic", "deterministic") for name in ("rise_error", "rounding_floor")
    }
    for name, curve in plain.curves.items():
        assert np.array_equal(curve.objective, noisy.curves[name].objective)
    still = replace(subject, module=maxout(dropout=False))
    num = len(Interpolation(["train"], noise=False).work(still).passes)
    assert len(Interpolation(["train"]).work(still).passes) == num + 1
    with pytest.raises(InputError, match=r"measurement\.noise=3 must be true or false"):
        Interpolation(noise=3)  # type: ignore[arg-type]
