"""J in parts: whatever their number, and whichever is lost, every value has the bits that one process gives it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from landscape.errors import InputError
from landscape.objective import Objective
from landscape.objective.request import Request, evaluated
from landscape.objective.share import Share, check_shards, evaluate_share, merged
from landscape.objective.share import walk as walks
from landscape.path import Plane
from tests.objective.in_parts import CASES, N, Numbered, Question, X, Y, loader, same
from tests.twin import normal

OTHERS = [1, 2, 3, 5, 8, 30]
"""Numbers of parts; 30 is more than there are batches."""
QUICK = {"held": [3, 30], "loader": [3], "masks": [2]}


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """What has parts evaluate nothing from then on."""

    def refuse(*arguments: Any) -> None:
        raise AssertionError("a batch is evaluated")

    return lambda: monkeypatch.setattr(walks.PartWalk, "_add", refuse)


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in CASES])
def test_the_bits_do_not_depend_on_the_parts(name: str, tmp_path: Path, idle: Callable[[], None]) -> None:
    ones = [Question(name, tmp_path / str(of)) for of in QUICK.get(name, OTHERS)]
    wanted = ones[0].whole()
    assert np.isfinite(wanted["objective"]).all() or name == "overflow"
    assert name != "overflow" or np.isnan(wanted["objective"]).any()
    for one in ones:
        of = int(one.folder.name)
        nums = [len(one.share(number, of)) for number in range(of)]
        assert of == 1 or max(nums) < sum(nums)
    idle()
    for one in ones:
        assert same(one.merged(), wanted), one.folder.name


@pytest.mark.slow
@pytest.mark.parametrize("name", ["events", "masks", "shuffled", "generated", "recalibrated", "labels in a loader"])
@pytest.mark.parametrize("lost", [[0], [1, 2], [3], [0, 1, 2, 3]])
def test_what_is_lost_is_evaluated_by_whoever_adds(name: str, lost: list[int], tmp_path: Path) -> None:
    one = Question(name, tmp_path / "parts")
    wanted = one.whole()
    for number in set(range(4)) - set(lost):
        one.share(number, 4)
    assert same(one.merged(), wanted) and same(one.merged(), wanted)


def test_a_loader_loads_what_a_part_evaluates(tmp_path: Path) -> None:
    """And a part that is there is not loaded again."""
    data = Numbered()
    one = Question("loader", tmp_path / "parts", DataLoader(data, batch_size=5, shuffle=True))
    seen = []
    for number in range(4):
        data.asked = []
        one.share(number, 4)
        seen.append(set(data.asked) - {0, 1, 2, 3, 4, 5, 6, 7})  # those are looked at, to see what examples are like
    assert max(map(len, seen)) < 40 and len(set.union(*seen)) >= N - 8
    data.asked = []
    assert one.share(2, 4) == [] and len(set(data.asked)) < 20
    assert same(one.merged(), one.whole())


def test_blocks_are_those_of_a_pass_that_is_kept_meanwhile(tmp_path: Path, idle: Callable[[], None]) -> None:
    one = Question("loader", tmp_path / "parts", interim=True)
    wanted = one.whole()
    nums = [len(one.share(number, 3)) for number in range(3)]
    idle()
    assert same(one.merged(), wanted) and sum(nums) == 19


def test_another_number_of_parts_takes_what_is_there(tmp_path: Path) -> None:
    one = Question("held", tmp_path / "parts")
    wanted = one.whole()
    one.share(0, 3)
    assert sum(len(one.share(number, 2)) for number in range(2)) == 6  # of nine batches
    assert same(one.merged(), wanted)


DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut off": (lambda b: b[:200], "is damaged"),
    "one byte": (lambda b: b[:3000] + bytes([b[3000] ^ 1]) + b[3001:], "is damaged"),
    "no zip": (lambda b: b"no zip", "is damaged"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_file_is_named_and_set_aside(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    damage, words = DAMAGES[name]
    one = Question("held", tmp_path / "parts")
    wanted = one.whole()
    for number in range(2):
        one.share(number, 2)
    file = sorted(one.folder.glob("*.1-of-2.*"))[0]
    file.write_bytes(damage(file.read_bytes()))
    assert same(one.merged(), wanted) and words in caplog.text and file.name in caplog.text
    assert file.with_name(f"{file.name}.damaged").exists()


FOREIGN: dict[str, tuple[Callable[[Path], Question], str]] = {
    "other ends": (lambda f: Question("held", f, factor=0.31), "another measurement"),
    "another cost": (lambda f: Question("weights", f), "another measurement"),
    "other labels": (lambda f: Question("held", f, (X, Y.index_fill(0, torch.tensor(80), 0))), "are others than those"),
    "other inputs": (lambda f: Question("held", f, (X.index_fill(0, torch.tensor(80), 0), Y)), "are others than those"),
    "fewer examples": (lambda f: Question("held", f, (X[:70], Y[:70])), "another measurement"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_of_anything_else_nothing_is_taken(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make, words = FOREIGN[name]
    folder = tmp_path / "parts"
    for number in range(2):
        Question("held", folder).share(number, 2)
    other = make(folder)
    assert same(other.merged(), other.whole()) and words in caplog.text


def test_another_order_is_no_part_of_the_whole(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "parts"
    first = loader(shuffle=True, generator=torch.Generator())
    Question("loader", folder, first).share(0, 2)
    other = Question("loader", folder, DataLoader(TensorDataset(X.flip(0), Y.flip(0)), batch_size=5, shuffle=True))
    other.share(1, 2)
    assert same(other.merged(), other.whole()) and "another measurement" in caplog.text


def test_the_size_of_batches_is_that_of_the_parts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Less memory somewhere must not change a bit; where it is too little, the way out is named."""
    caplog.set_level(logging.INFO)
    one = Question("held", tmp_path / "parts")
    wanted = one.whole()
    one.share(0, 2)
    one.settings["batch_size"] = 30
    one.share(1, 2)
    assert same(one.merged(), wanted) and "11 examples at a time as in the other parts, instead of 30" in caplog.text


@pytest.mark.parametrize("shards", [0, -1, 1.5, True, "a", [2]])
def test_what_is_no_number_of_parts_is_refused(shards: Any) -> None:
    with pytest.raises(InputError, match=r"measurement\.shards=.* whole number of parts, 1 or more, or null"):
        check_shards(shards)
    with pytest.raises(InputError, match=r"measurement\.slopes=0, or measurement\.shards=null"):
        check_shards(2, slopes=1)


@pytest.mark.slow
def test_a_plane_too(tmp_path: Path, idle: Callable[[], None]) -> None:
    grid = np.linspace(-0.5, 1, 4)
    one = Question("events", tmp_path / "parts")
    corner = one.ends[0] + 0.2 * normal(*one.ends[0].shape, seed=9)
    plane = Plane(*one.ends, corner, grid, grid)

    def request() -> Request:
        return Request(Objective(one.net, one.cost, one.data, **one.settings), plane, plane.points, keep_costs=True)

    one.asked = request()
    wanted = one.values(evaluated([request()])[0])
    for number in range(3):
        evaluate_share([request()], Share(number, 3), one.folder, ["curve"], lambda piece: None)
    idle()
    assert same(one.values(merged([request()], one.folder, ["curve"], lambda piece: None)[0]), wanted)
