"""Curves and surfaces in parts have the bits of one process; what no part can do right is refused before work."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from landscape.alphas import Adaptive
from landscape.data import Dataset, Split
from landscape.data.stream import Stream
from landscape.errors import InputError
from landscape.measurement import ClosedForm, GaussLength, Interpolation, OnPath, PlaneSurface
from landscape.model import LSTM
from landscape.objective.share import Share
from landscape.objective.share import walk as walks
from landscape.path import HessianPlane, RandomPlane
from tests.measurement.conftest import ALPHAS

PLANE = partial(RandomPlane, seed=2)


def streamed(subject: OnPath) -> OnPath:
    """The training examples from a shuffled loader."""
    x, y = subject.dataset.train.pair
    data = Stream(DataLoader(TensorDataset(x, y), batch_size=2, shuffle=True), "train")
    return replace(subject, dataset=replace(subject.dataset, train=data))


def arrays(part: Any) -> dict[str, Any]:
    """All numbers of a curve or a surface."""
    found = {"objective": part.objective, **part.metrics, **{f"noise {n}": v for n, v in part.noise.items()}}
    return found | ({"replicates": part.replicates} if getattr(part, "replicates", None) is not None else {})


CASES: dict[str, tuple[Any, Any]] = {
    "curves": (lambda: Interpolation(["train", "valid"]), lambda subject: subject),
    "curves of a stream": (lambda: Interpolation(["train"]), streamed),
    "surfaces": (lambda: PlaneSurface(["train"], num=3), lambda subject: replace(subject, path=PLANE)),
    "surfaces of a stream": (
        lambda: PlaneSurface(["train"], ["stochastic", "deterministic"], num=2),
        lambda subject: replace(streamed(subject), path=PLANE),
    ),
}


@pytest.mark.parametrize("name", [n if n == "curves" else pytest.param(n, marks=pytest.mark.slow) for n in CASES])
def test_all_arrays_have_the_bits_of_one_process(
    name: str, subject: OnPath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, stage_of = CASES[name]
    take, stage = make(), stage_of(subject)
    whole = take(stage)
    for number in range(3):
        take.share(stage, Share(number, 3), tmp_path)

    def refuse(*arguments: Any) -> None:
        raise AssertionError("a batch is evaluated")

    monkeypatch.setattr(walks.PartWalk, "_add", refuse)
    added = take(replace(stage, shares=tmp_path))
    assert added.numbers.keys() == whole.numbers.keys() and (added.curves or added.surfaces)
    for kind in ("curves", "surfaces"):
        wanted, found = getattr(whole, kind), getattr(added, kind)
        assert list(wanted) == list(found)
        for key in wanted:
            one, other = arrays(wanted[key]), arrays(found[key])
            assert list(one) == list(other) and found[key].num_examples == wanted[key].num_examples
            for array in one:
                np.testing.assert_array_equal(one[array], other[array], err_msg=f"{key} {array}")


class Elsewhere(IterableDataset[Any]):
    """Examples that no seed decides."""

    def __iter__(self) -> Any:
        numbers = np.random.default_rng()
        for n in range(20):
            yield torch.from_numpy(numbers.normal(size=7)), n % 5


def sequences(subject: OnPath) -> OnPath:
    """A net that carries its state along two sequences."""
    words = torch.arange(24).reshape(6, 4) % 5
    data = Split(words, words.roll(-1, dims=1), num_streams=2)
    net = LSTM(5, width=3, num_layers=1, drop=0.0)
    return replace(subject, module=net, dataset=Dataset("text", data, data, data, 5))


REFUSED: dict[str, tuple[Any, Any, str]] = {
    "adaptive": (
        Interpolation,
        lambda s: replace(s, adaptive=Adaptive(ALPHAS)),
        r"measurement\.shards=4: the points of alphas=adaptive .* use a grid",
    ),
    "other examples each time": (
        Interpolation,
        lambda s: replace(s, dataset=replace(s.dataset, train=Stream(DataLoader(Elsewhere(), batch_size=4), "train"))),
        r"measurement\.shards=4: train gives other examples in each pass",
    ),
    "a state": (Interpolation, sequences, r"measurement\.shards=4: model=LSTM carries its state"),
    "hessian": (
        PlaneSurface,
        lambda s: replace(s, path=HessianPlane),
        r"measurement\.shards=4 with path=hessian_plane: .* measurement\.shards=null",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_part_can_do_is_refused_before_work(name: str, subject: OnPath) -> None:
    make, stage_of, words = REFUSED[name]
    with pytest.raises(InputError, match=words):
        make(["train"], shards=4).check(stage_of(subject))


def test_parts_without_work_are_told_with_the_way_out(subject: OnPath, caplog: pytest.LogCaptureFixture) -> None:
    Interpolation(["train"], shards=8).check(subject)
    assert "2 of the parts have nothing to do, since there are so few batches (train stochastic 3 of" in caplog.text
    assert "objective.batch_size=4 gives each of them some" in caplog.text
    caplog.clear()
    smaller = partial(subject.objective.func, **subject.objective.keywords | {"batch_size": 4})  # type: ignore[attr-defined]
    Interpolation(["train"], shards=8).check(replace(subject, objective=smaller))
    assert not caplog.text


def test_what_holds_an_interpolation_has_its_parts() -> None:
    for make in (ClosedForm, GaussLength, PlaneSurface, Interpolation):
        assert make(shards=3).shards == 3 and callable(make(shards=3).share)  # type: ignore[call-arg]
    with pytest.raises(InputError, match="slopes=1 is evaluated whole"):
        GaussLength(slopes=1, shards=3)
