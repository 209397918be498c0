"""J in parts: whatever their number, and whichever is lost, every value has the bits that one process gives it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, TensorDataset

from landscape.cost import CrossEntropy
from landscape.data.stream import Stream
from landscape.errors import InputError
from landscape.objective import Objective
from landscape.objective.interim import Interim
from landscape.objective.request import Request, evaluated
from landscape.objective.share import Share, check_shards, evaluate_share, merged
from landscape.objective.share import walk as walks
from landscape.parameters import ParameterLayout
from landscape.path import Linear, Plane
from landscape.result.curve.noise import NoiseOfCosts
from tests.objective.loaded import Augmented
from tests.twin import C, D, maxout, normal

N, SIZE = 93, 11
ALPHAS = np.linspace(-0.3, 1.4, 9)
X = normal(N, D, seed=1) + 0.2
Y = (X @ normal(D, C, seed=99)).argmax(dim=1)
PARTLY = torch.where(torch.arange(N) % 3 == 0, -100, Y)
OTHERS = [1, 2, 3, 5, 8, 30]
"""Numbers of parts; 30 is more than there are batches."""


class Numbered(Dataset[Any]):
    """Examples that count how often they are asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __len__(self) -> int:
        return N

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        self.asked.append(index)
        return X[index], Y[index]


def weighted(outputs: Tensor, batch: Any) -> tuple[Tensor, Tensor]:
    return F.cross_entropy(outputs, batch[1], reduction="none"), batch[0][:, 0].abs()


def whole(outputs: Tensor, y: Tensor) -> tuple[Tensor, int]:
    """One value for a batch."""
    return F.cross_entropy(outputs, y) + outputs.std(), len(y)


def relu(*widths: int) -> nn.Module:
    parts = [part for a, b in zip((D, *widths), widths, strict=False) for part in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*parts, nn.Linear(widths[-1], C))


def normed() -> nn.Module:
    return nn.Sequential(nn.Linear(D, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, C))


def loader(y: Tensor = Y, x: Tensor = X, **settings: Any) -> DataLoader[Any]:
    return DataLoader(TensorDataset(x, y), **{"batch_size": 5, **settings})


def generated() -> Iterator[tuple[Tensor, Tensor]]:
    yield from zip(X.split(4), Y.split(4), strict=True)


def ragged() -> Iterator[tuple[Tensor, Tensor]]:
    for num in (7, 7, 3, 9, 9, 9, 6, 8):
        words = torch.randint(0, C, (6, num), generator=torch.Generator().manual_seed(num))
        yield words, words.flip(1)


class Words(Dataset[Any]):
    """Sentences of several lengths."""

    def __len__(self) -> int:
        return 40

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        words = torch.arange(4 + 3 * (index in (11, 12, 13, 30))) * (index + 1) % C
        return words, words.flip(0)


def same_length(batch: list[Any]) -> Any:
    num = max(len(words) for words, _ in batch)
    columns = zip(*batch, strict=True)
    return tuple(torch.stack([F.pad(part, (0, num - len(part))) for part in column]) for column in columns)


HUGE = X.clone()
HUGE[40] = 1.7e308  # one example that overflows at some of the points
RANDOM = {"mode": "stochastic", "num_replicates": 2, "seeds": [3, 4]}
AS_BUFFERS: dict[str, Any] = {
    "buffers": [{n: b + 0.5 if b.is_floating_point() else b for n, b in normed().named_buffers()}],
    "buffers_0": [{n: b + 1.5 if b.is_floating_point() else b for n, b in normed().named_buffers()}],
}

CASES: dict[str, tuple[Callable[[], nn.Module], Any, Callable[[], Any], dict[str, Any]]] = {
    "held": (lambda: nn.Linear(D, C), CrossEntropy(), lambda: (X, Y), {}),
    "loader": (lambda: nn.Linear(D, C), CrossEntropy(), loader, {}),
    "events": (lambda: relu(9, 6), CrossEntropy(), lambda: (X, Y), {"engine": "events"}),
    "masks": (maxout, CrossEntropy(), lambda: (X, Y), RANDOM),
    "recalibrated": (normed, CrossEntropy(), lambda: (X, Y), {"running_statistics": "recalibrate"}),
    "float32": (lambda: relu(9), CrossEntropy(), lambda: (X, Y), {"dtype": "float32", "engine": "prefix"}),
    "plain": (lambda: relu(9), CrossEntropy(), lambda: (X, Y), {"engine": "plain", "dtype": "float32"}),
    "auto": (lambda: relu(9, 6), CrossEntropy(), lambda: (X, Y), {"dtype": "float32", "seeds": [0, 1]}),
    "points together": (lambda: relu(9), CrossEntropy(), lambda: (X, Y), {"engine": "plain", "alphas_at_once": 4}),
    "overflow": (lambda: relu(9), CrossEntropy(), lambda: (HUGE, Y), {"engine": "prefix"}),
    "weights": (lambda: nn.Linear(D, C), weighted, lambda: (X, Y), {}),
    "labels": (lambda: nn.Linear(D, C), CrossEntropy(), lambda: (X, PARTLY), {}),
    "of a batch": (lambda: nn.Linear(D, C), whole, lambda: (X, Y), {}),
    "torch's dropout": (
        lambda: nn.Sequential(nn.Linear(D, 8), nn.Dropout(0.4), nn.Linear(8, C)),
        CrossEntropy(),
        lambda: (X, Y),
        RANDOM,
    ),
    "kept": (normed, CrossEntropy(), lambda: (X, Y), {"running_statistics": "keep", **AS_BUFFERS}),
    "interpolated": (normed, CrossEntropy(), lambda: (X, Y), {"running_statistics": "interpolate", **AS_BUFFERS}),
    "generated": (lambda: nn.Linear(D, C), CrossEntropy(), lambda: generated, {}),
    "ragged": (lambda: nn.Sequential(nn.Embedding(C, 4), nn.Linear(4, C)), CrossEntropy(), lambda: ragged, {}),
    "collated": (
        lambda: nn.Sequential(nn.Embedding(C, 4), nn.Linear(4, C)),
        CrossEntropy(),
        lambda: DataLoader(Words(), batch_size=3, collate_fn=same_length),
        {},
    ),
    "shuffled": (lambda: relu(9), CrossEntropy(), lambda: loader(shuffle=True, drop_last=True), {"engine": "events"}),
    "own order": (
        lambda: nn.Linear(D, C),
        CrossEntropy(),
        lambda: DataLoader(TensorDataset(X, Y), batch_sampler=BatchSampler(range(N), 4, False)),
        {},
    ),
    "with replacement": (
        lambda: nn.Linear(D, C),
        CrossEntropy(),
        lambda: loader(sampler=RandomSampler(range(N), True, 50, generator=torch.Generator().manual_seed(3))),  # type: ignore[arg-type]
        {},
    ),
    "limited": (lambda: nn.Linear(D, C), CrossEntropy(), lambda: Stream(loader(), num_examples=47), {}),
    "workers": (lambda: nn.Linear(D, C), CrossEntropy(), lambda: loader(num_workers=2, shuffle=True), {}),
    "augmented": (
        lambda: nn.Linear(4, 3),
        CrossEntropy(),
        lambda: DataLoader(Augmented(), batch_size=4, shuffle=True),
        {},
    ),
    "labels in a loader": (lambda: nn.Linear(D, C), CrossEntropy(), lambda: loader(PARTLY), {"dtype": "float32"}),
    "weights in a loader": (lambda: nn.Linear(D, C), weighted, loader, {}),
    "masks in a loader": (maxout, CrossEntropy(), loader, RANDOM),
    "recalibrated in a loader": (normed, CrossEntropy(), loader, {"running_statistics": "recalibrate"}),
}
QUICK = {"held": [3, 30], "loader": [3], "masks": [2]}


class Question:
    """One request of a case, as often as it is asked."""

    def __init__(self, name: str, folder: Path, data: Any = None, factor: float = 0.3, interim: bool = False) -> None:
        module, cost, make, settings = CASES[name]
        self.folder, self.net, self.cost, self.data = folder, module(), cost, make() if data is None else data
        self.settings = {"dtype": "float64", "batch_size": SIZE, **settings}
        if settings.get("running_statistics") == "recalibrate":
            from landscape.data import Split

            self.settings["calibration"] = Split(X, Y)
        torch.manual_seed(5)
        for part in self.net.parameters():
            nn.init.normal_(part, std=0.4)
        start = ParameterLayout.of(self.net).theta(self.net).detach().double()
        start = start.expand(len(settings.get("seeds", [0])), -1).clone()
        self.ends, self.interim = (start, start + factor * normal(*start.shape, seed=5)), interim

    def request(self) -> Request:
        objective = Objective(self.net, self.cost, self.data, **self.settings)
        noise = NoiseOfCosts(ALPHAS) if objective.is_streamed else None
        interim = Interim(self.folder.parent / "interim.npz") if self.interim else None
        keeps = self.cost is not whole
        self.asked = Request(
            objective, Linear(*self.ends), ALPHAS, keep_costs=keeps, noise=noise if keeps else None, interim=interim
        )
        return self.asked

    def whole(self) -> dict[str, Any]:
        return self.values(evaluated([self.request()])[0])

    def share(self, number: int, of: int) -> list[Any]:
        pieces: list[Any] = []
        evaluate_share([self.request()], Share(number, of), self.folder, ["curve"], pieces.append)
        return pieces

    def merged(self) -> dict[str, Any]:
        return self.values(merged([self.request()], self.folder, ["curve"], lambda piece: None)[0])

    def values(self, found: Any) -> dict[str, Any]:
        values = {**found.channels, "replicates": found.replicates, "scale": found.scale, "num": found.num_examples}
        if found.costs is not None:
            values["costs"] = found.costs
        if isinstance(self.asked.noise, NoiseOfCosts):
            values |= {f"noise {n}": v for n, v in self.asked.noise.measured(found.scale).items()}
        return values


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return list(one) == list(other) and all(np.array_equal(one[n], other[n], equal_nan=True) for n in one)


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
