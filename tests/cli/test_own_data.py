"""Loaders, data sets, tensors and iterators of one's own by the command: measured, skipped when done, or refused."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from landscape.result.saved import Result

from .conftest import ONE_JOB, Cli
from .test_checkpoints import here

__all__ = ["here"]
pytestmark = pytest.mark.usefixtures("blank_figures")

SOURCE = """
import os
import torch
from torch.utils.data import DataLoader, IterableDataset, TensorDataset
from landscape.data.stream import Stream

g = torch.Generator().manual_seed(0)
X, Y = torch.randn(70, 64, generator=g), torch.randint(0, 10, (70,), generator=g)
T, passes = TensorDataset(X, Y), []

class OneByOne(IterableDataset):
    def __iter__(self):
        return iter(T)

def batches():
    passes.append(0)
    for k in range(0, 70, 9):
        passes[-1] += 1
        yield X[k:k + 9], Y[k:k + 9]

def changing():
    yield X[:9], Y[:9]
    yield {"x": X[9:]}

RETURNED = {
    "tensors": (X, Y),
    "loaders": (DataLoader(T, batch_size=9, drop_last=False, shuffle=True, sampler=None), OneByOne()),
    "one_by_one": OneByOne(),
    "function": batches,
    "named": {"train": Stream(batches, name="these"), "valid": T},
    "random_order": DataLoader(T, batch_size=8, drop_last=True, shuffle=True),
    "test_streamed": (T, T, batches),
    "changing": changing,
    "strings": ["a", "b", "c", "d"],
    "none": None,
}

def get(kind, file=None):
    if file is not None:
        return torch.load(os.path.join(file, "x.pt")), Y
    return RETURNED[kind]
"""
FILES = {
    "data/mine": "# @package _global_\ndata: {_target_: own_data.get, kind: tensors}\n"
    "dimensions: {inputs: 64, image: null, classes: 10}\n"
}
LINE = (
    *("data=mine", "endpoints=checkpoints", "endpoints.start=0.pt", "endpoints.end=1.pt", "alphas.num=10"),
    *("measurement.modes=[deterministic]", "tracker=none", "forecast=off", ONE_JOB),
)


@pytest.fixture
def there(own: Callable[..., str], here: Path) -> str:
    """What lets Hydra find the data, where three checkpoints lie."""
    return own("own_data", SOURCE, FILES)


def test_all_kinds_give_the_same_curve_in_one_sweep(cli: Cli, there: str) -> None:
    kinds = ["tensors", "loaders", "one_by_one", "function", "test_streamed"]
    ran = cli(there, *LINE[:-1], f"data.kind={','.join(kinds)}")
    assert ran.status == 0, ran.out
    curves = [Result.load(job).curves for job in ran.jobs]
    for kind, found in zip(kinds, curves, strict=True):
        for name in ("train/deterministic", "valid/deterministic"):
            assert found[name].num_examples == 70, kind
            np.testing.assert_allclose(found[name].objective, curves[0][name].objective, rtol=2e-6)


SURFACE = ("measurement=surface", "path=corners_plane", "endpoints.third=2.pt", "measurement.num=3")


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        ("measurement.slopes=2",),
        ("measurement=plane", "endpoints.third=2.pt"),
        SURFACE,
    ],
)
def test_streams_have_slopes_and_planes(cli: Cli, there: str, changes: tuple[str, ...]) -> None:
    found = []
    for kind in ("tensors", "function"):
        ran = cli(there, *LINE, *changes, f"data.kind={kind}", f"outputs={kind}")
        assert ran.status == 0, ran.out
        (file,) = Path(kind).glob("*/*/*/result.json")
        found.append(Result.load(file.parent))
    held, streamed = found
    for name, curve in held.curves.items():
        for channel, values in curve.metrics.items():
            np.testing.assert_allclose(streamed.curves[name].metrics[channel], values, rtol=1e-4, atol=1e-5)
    for name, track in held.projections.items():
        assert track.objective is not None and streamed.projections[name].objective is not None
        np.testing.assert_allclose(streamed.projections[name].objective, track.objective, rtol=2e-6)
    for name, surface in held.surfaces.items():
        np.testing.assert_allclose(streamed.surfaces[name].objective, surface.objective, rtol=2e-6)
        np.testing.assert_allclose(streamed.surfaces[name].noise["errors"], surface.noise["errors"], atol=1e-7)
    assert bool(held.surfaces) == ("measurement=surface" in changes)


def test_caps_hold_for_streams(cli: Cli, there: str) -> None:
    found = []
    for kind in ("tensors", "function"):
        ran = cli(there, *LINE, f"data.kind={kind}", "limits.examples=40", "limits.measured_examples=31")
        assert ran.status == 0, ran.out
        found.append(Result.load(next(job for job in ran.jobs if (job / "result.json").exists())))
    for result in found:
        assert result.curves["train/deterministic"].num_examples == 31
        assert any(cap.startswith("training examples") and cap.endswith("-> 40") for cap in result.caps)
        assert any(cap.startswith("measured train examples") and cap.endswith("-> 31") for cap in result.caps)
    held, streamed = (result.curves["train/deterministic"].objective for result in found)
    np.testing.assert_allclose(streamed, held, rtol=2e-6)


@pytest.mark.slow
def test_a_changed_file_behind_the_data_is_measured_anew(cli: Cli, there: str, tmp_path: Path) -> None:
    """The config does not change: what is in the folder does."""
    (tmp_path / "folder").mkdir()
    told, numbers = [], []
    for scale in (1.0, 1.0, 2.0, 2.0):
        torch.save(scale * torch.ones(70, 64), tmp_path / "folder" / "x.pt")
        ran = cli(there, *LINE[:-1], "+data.file=folder")  # planned as a sweep is
        assert ran.status == 0, ran.out
        told.append("1 done before" in ran.out)
        numbers.append(Result.load(ran.jobs[0]).curves["train/deterministic"].objective)
        assert ("measured anew" in ran.out) is (scale == 2.0 and not told[-1])
    assert told == [False, True, False, True] and len(list(tmp_path.glob("outputs/*/*/*/result.json"))) == 1
    assert np.array_equal(numbers[0], numbers[1]) and np.array_equal(numbers[2], numbers[3])
    assert not np.allclose(numbers[1], numbers[2])


@pytest.mark.parametrize(
    ("kind", "names", "is_skipped"),
    [("function", (), False), ("function", ("+data.name=these",), True), ("named", (), True)],
)
def test_a_stream_is_done_before_by_its_name_alone(
    cli: Cli, there: str, kind: str, names: tuple[str, ...], is_skipped: bool
) -> None:
    first, second = (cli(there, *LINE, f"data.kind={kind}", *names) for _ in range(2))
    assert first.status == second.status == 0, first.out + second.out
    assert ("1 done before" in second.out) is is_skipped
    assert (first.out.count("a stream without a name says nothing") == 1) is not is_skipped
    versions = Result.load(second.jobs[0]).versions
    assert ("these" in versions.get("examples", "")) is is_skipped and "streamed" in versions["data"]


def test_what_is_drawn_at_random_is_said(cli: Cli, there: str) -> None:
    ran = cli(there, *LINE, "data.kind=random_order")
    assert ran.status == 0 and "batches are drawn at random" in ran.out, ran.out
    (job,) = ran.jobs
    assert "train, valid, test streamed and shuffled" in Result.load(job).versions["data"]
    assert "train, valid and test are the same examples" in (job / "run.log").read_text()


def test_a_forecast_reads_no_more_than_a_first_batch(cli: Cli, there: str) -> None:
    ran = cli(there, *LINE, "data.kind=function", "forecast=only")
    assert ran.status == 0, ran.out
    assert " ".join(ran.out.split()).count("how many examples train and valid has is not known") == 1
    passes = sys.modules["own_data"].passes
    assert passes and set(passes) == {1}


def test_a_test_split_may_be_a_stream_where_the_others_train(cli: Cli, there: str) -> None:
    numbers = []
    train = ("training.max_epochs=1", "training.num_seeds=2", "training.batch_size=20", "endpoints=init_to_solution")
    for kind in ("tensors", "test_streamed"):
        ran = cli(there, *LINE[0:1], *LINE[4:], *train, f"data.kind={kind}", f"outputs={kind}")
        assert ran.status == 0, ran.out
        (file,) = Path(kind).glob("*/*/*/result.json")
        numbers.append(Result.load(file.parent).numbers)
    for name in ("test_objective", "test_error", "num_test_errors"):
        np.testing.assert_allclose(numbers[1][name], numbers[0][name], rtol=1e-5)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ("data.kind=none", "data._target_=own_data.get: it returns None"),
        ("data.kind=strings", "data._target_=own_data.get (train), after 0 examples: | holds no tensors"),
        ("data.kind=changing", "data._target_=own_data.get (train) yields a batch of another form after 9 examples"),
        ("data.kind=nothing", "data._target_=own_data.get: data cannot be made: 'nothing'"),
        ("data.kind=function data.name=[a]", "data.name=['a'] must be a text"),
        ("data.kind=function endpoints=init_to_solution", "train and valid | endpoints=checkpoints | endpoints=run"),
        ("data.kind=function measurement=gauss_length", "measurement=gauss_length needs all examples at once"),
        ("data.kind=function measurement=closed_form", "measurement=closed_form needs all examples at once"),
    ],
)
def test_what_cannot_be_is_status_2_before_any_training(cli: Cli, there: str, changes: str, words: str) -> None:
    line = [item for item in LINE if not (item.startswith("endpoints.") and "endpoints=init" in changes)]
    line = [item for item in line if not (item.startswith("measurement.") and "measurement=" in changes)]
    ran = cli(there, *line, *("+" * item.startswith("data.name") + item for item in changes.split()))
    assert ran.status == 2 and "Traceback" not in ran.out, ran.out
    flat = " ".join(ran.out.split())
    assert all(word in flat for word in words.split(" | ")), flat
    assert not list(ran.outputs.glob("solutions/*/*"))
