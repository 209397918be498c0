"""Loaders and batches of any form through the face: the same numbers as of tensors, one pass for all points."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import IterableDataset

import landscape as ls
from landscape.objective.interim import Interim
from tests.face.conftest import Trained

CE = nn.CrossEntropyLoss()


class Yields(IterableDataset[Any]):
    """Counts its passes, and the examples that it gave."""

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self.x, self.y, self.given = x, y, 0

    def __iter__(self) -> Iterator[Any]:
        for x, y in zip(self.x, self.y, strict=True):
            self.given += 1
            yield x, y


@pytest.mark.parametrize("what", ["line", "plane", "around", "run"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_stream_gives_what_tensors_give(plain: Trained, what: str, dtype: str) -> None:
    places = {
        "line": ls.line(plain.before, plain.net),
        "plane": ls.plane(plain.before, plain.net, {n: -v for n, v in plain.before.items()}),
        "around": ls.plane(plain.net),
        "run": ls.trajectory(plain.kept),
    }
    told: dict[str, Any] = {"dtype": dtype} if what == "run" else {"alphas": 5, "dtype": dtype}
    whole = ls.measure(plain.net, places[what], (plain.x, plain.y), CE, **told)
    found = ls.measure(plain.net, places[what], plain.loader, CE, **told)
    rtol = 1e-12 if dtype == "float64" else 1e-5
    assert whole.objective is not None and found.objective is not None
    np.testing.assert_allclose(found.objective, whole.objective, rtol=rtol)
    if not isinstance(whole, ls.Projection):
        assert not isinstance(found, ls.Projection) and found.num_examples == whole.num_examples == 60
        assert found.noise.keys() == whole.noise.keys()
        np.testing.assert_allclose(found.noise["errors"], whole.noise["errors"], rtol=1e-4, atol=1e-6)
        assert found.noise["floor"] == pytest.approx(whole.noise["floor"], rel=20)


def test_all_points_share_a_pass(plain: Trained) -> None:
    """With noise and checks some passes, whose number does not depend on that of the points."""
    given = []
    for num in (3, 40):
        stream = Yields(plain.x, plain.y)
        ls.measure(plain.net, ls.line(plain.before, plain.net), stream, CE, alphas=num, noise=False)
        given.append(stream.given)
    assert given[0] == given[1] <= 4 * 60


class Two(nn.Module):
    """Of two inputs, by name or by place."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(4, 3).double(), nn.Linear(4, 3, bias=False).double()

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return self.left(left) + self.right(right)


def test_batches_of_any_form(plain: Trained) -> None:
    net, x, y = Two(), plain.x, plain.y
    start = {n: torch.zeros_like(v) for n, v in net.state_dict().items()}
    line, told = ls.line(start, net), {"alphas": 3, "dtype": "float64"}
    expected = [F.cross_entropy(a * net(x, 2 * x), y).item() for a in (0, 0.5, 1)]
    by_name = {"left": x, "right": 2 * x, "labels": y}
    forms: dict[str, tuple[Any, dict[str, Any]]] = {
        "a dict": (by_name, {}),
        "a tuple": ((x, 2 * x, y), {}),
        "batches of dicts": ([{n: v[k : k + 25] for n, v in by_name.items()} for k in (0, 25, 50)], {}),
        "called otherwise": ((x, y), {"call": lambda net, x: net(x, 2 * x)}),
        "by the name of a split": ({"train": (x, 2 * x, y)}, {}),
    }
    for name, (data, how) in forms.items():
        found = ls.measure(net, line, data, CE, **told, **how)
        curve = found["train"] if isinstance(found, dict) else found
        np.testing.assert_allclose(curve.objective[:, 0], expected, rtol=1e-12, err_msg=name)


def test_a_surface_of_weighed_examples(plain: Trained) -> None:
    """Standard errors are those of the weighed mean, from a stream as from tensors."""
    cost = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 5.0], dtype=torch.float64))
    plane = ls.plane(plain.before, plain.net, {n: -v for n, v in plain.before.items()})
    whole, found = (
        ls.measure(plain.net, plane, data, cost, alphas=3, dtype="float64")
        for data in ((plain.x, plain.y), plain.loader)
    )
    np.testing.assert_allclose(found.objective, whole.objective, rtol=1e-12)
    np.testing.assert_allclose(found.noise["errors"], whole.noise["errors"], rtol=1e-5)


def test_a_surface_goes_on_where_it_was_cut(plain: Trained, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the same bits, and the file goes when it is done."""
    monkeypatch.setattr(Interim.__init__, "__defaults__", (0.0,))
    file, plane, told = tmp_path / "interim", ls.plane(plain.net), {"alphas": 3, "dtype": "float64", "batch_size": 7}
    batches = [(plain.x[k : k + 7], plain.y[k : k + 7]) for k in range(0, 60, 7)]
    whole = ls.measure(plain.net, plane, batches, CE, **told)

    class Cut:
        """Ends in an interrupt after so many batches, over all passes."""

        def __init__(self, after: int) -> None:
            self.left = after

        def __call__(self) -> Iterator[Any]:
            for batch in batches:
                self.left -= 1
                if self.left < 0:
                    raise KeyboardInterrupt
                yield batch

    for after in range(1, 100):  # until a pass was cut that had kept something
        with contextlib.suppress(KeyboardInterrupt):
            ls.measure(plain.net, plane, Cut(after), CE, resume=file, **told)
        if file.exists():
            break
    assert file.exists()
    found = ls.measure(plain.net, plane, batches, CE, resume=file, **told)
    assert not file.exists()
    np.testing.assert_array_equal(found.objective, whole.objective)
    np.testing.assert_array_equal(found.noise["errors"], whole.noise["errors"])


class Item(NamedTuple):
    """What a loader may give, as default_collate keeps it."""

    image: Tensor
    kind: Tensor


PARTLY = torch.where(torch.arange(60) < 20, -100, torch.arange(60) % 3)
ODD: dict[str, tuple[Tensor, Callable[[Tensor, Tensor], Any]]] = {
    "named tuples": (torch.arange(60) % 3, Item),
    "with file names": (torch.arange(60) % 3, lambda x, y: (x, y, ["name"] * len(x))),
    "nothing labelled in the first batch": (PARTLY, lambda x, y: (x, y)),
}


@pytest.mark.parametrize("name", ODD)
def test_batches_that_are_out_of_the_ordinary(name: str) -> None:
    y, batch = ODD[name]
    torch.manual_seed(0)
    x, one, other = torch.randn(60, 5), nn.Linear(5, 3), nn.Linear(5, 3)
    batches = [batch(x[start : start + 20], y[start : start + 20]) for start in (0, 20, 40)]
    told = {"cost": nn.CrossEntropyLoss(), "alphas": 3, "dtype": "float64"}
    curves = [ls.measure(one, ls.line(one, other), data, **told) for data in (batches, (x, y))]
    np.testing.assert_allclose(curves[0].objective, curves[1].objective, rtol=1e-13)


def test_what_is_wrapped_takes_the_state_of_what_is_not() -> None:
    one, other = nn.Linear(5, 3), nn.Linear(5, 3)
    data, told = (torch.randn(9, 5), torch.arange(9) % 3), {"cost": nn.CrossEntropyLoss(), "alphas": 3}
    line = ls.line(one.state_dict(), other.state_dict())
    assert ls.measure(nn.DataParallel(one), line, data, **told) == ls.measure(one, line, data, **told)
