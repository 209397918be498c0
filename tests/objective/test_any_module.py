"""Modules as people have them: J along a line equals a plain loop that writes each point into a net of its own."""

from __future__ import annotations

import copy
import random
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from landscape.cost import CrossEntropy
from landscape.data import Split
from landscape.errors import InputError
from landscape.objective import Objective
from landscape.objective.slope import slopes
from landscape.parameters import ParameterLayout, beside
from landscape.path import Linear
from tests.twin import C, D, split
from tests.zoo import Net
from tests.zoo_further import REFUSED_TOO, WORKS_TOO
from tests.zoo_kept import KEPT

ALPHAS = np.array([-0.4, 0.0, 0.3, 1.0, 1.7])
DATA = split(23, seed=1)
HAVE_NO_SLOPE = (
    *("own function", "writes into its weights", "writes at some points", "renormed embedding"),
    *("in NumPy", "inference mode", "with its slope", "bag"),
)
HAVE_STATISTICS = ("spectral norm", "spectral norm, parametrized", "counts its passes", "writes at some points")


def made(name: str, seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return WORKS_TOO[name]()


def loop(name: str, a: nn.Module, b: nn.Module, alphas: Any = ALPHAS) -> list[float]:
    """One net after the other in float64, each written to and run as one would by hand."""
    first, last = (dict(net.named_parameters()) for net in (a, b))
    given, values = dict(b.named_buffers()), []
    for alpha in alphas:
        net = made(name, 2).double()
        with torch.no_grad():
            for n, p in net.named_parameters():
                if p.is_floating_point() or p.is_complex():
                    wide = torch.complex128 if p.is_complex() else torch.float64
                    p.data = (1 - alpha) * first[n].to(wide) + alpha * last[n].to(wide)
            for n, buffer in net.named_buffers():
                buffer.copy_(given[n])
            with torch.compiler.set_stance("force_eager"):
                values.append(F.cross_entropy(net.eval()(DATA.x.clone()), DATA.y).item())
    return values


def everything(net: nn.Module) -> list[Any]:
    """All of a net, and of the world around it, that measuring must leave alone."""
    parts = [(part.training, len(part._forward_hooks), len(part._forward_pre_hooks)) for part in net.modules()]
    tensors = [(t.detach().clone(), t.dtype, t.stride(), t.requires_grad) for t in (*net.parameters(), *net.buffers())]
    grads = [None if p.grad is None else p.grad.clone() for p in net.parameters()]
    world = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate(), DATA.x.clone(), DATA.y.clone()
    return [parts, tensors, grads, list(world)]


def assert_same(now: Any, before: Any) -> None:
    if isinstance(now, Tensor):
        assert torch.equal(now.nan_to_num(), before.nan_to_num()) if now.is_floating_point() else (now == before).all()
    elif isinstance(now, np.ndarray):
        assert (now == before).all()
    elif isinstance(now, list | tuple) and len(now) < 1000:
        for left, right in zip(now, before, strict=True):
            assert_same(left, right)
    else:
        assert now == before


def line(a: nn.Module, b: nn.Module) -> Linear:
    layout = ParameterLayout.of(a)
    return Linear(layout.theta(a)[None], layout.theta(b)[None])


@pytest.mark.parametrize("name", WORKS_TOO)
def test_j_equals_the_plain_loop_and_nothing_is_touched(name: str) -> None:
    a, b = made(name, 1), made(name, 2)
    expected, before = loop(name, a, b), copy.deepcopy([everything(a), everything(b)])
    assert np.ptp(expected) > 1e-3
    numbers: dict[str, Any] = {"dtype": "float64", "batch_size": 9, "buffers": [beside(b)]}
    numbers |= {"running_statistics": "keep"} if name in HAVE_STATISTICS else {"buffers_0": [beside(b)]}
    for engine, num in (("plain", 1), ("plain", 3), ("prefix", 1), ("events", 1), ("auto", None)):
        objective = Objective(a, CrossEntropy(), DATA, engine=engine, alphas_at_once=num, **numbers)
        found = objective.along(line(a, b), ALPHAS).channels["objective"][:, 0]
        np.testing.assert_allclose(found, expected, rtol=1e-10, err_msg=engine)
        assert objective.along(line(a, b), ALPHAS).channels["objective"][:, 0].tolist() == found.tolist()
    assert_same([everything(a), everything(b)], before)


class Rows(Dataset[Any]):
    """Examples one by one, each a dict."""

    def __len__(self) -> int:
        return len(DATA)

    def __getitem__(self, row: int) -> dict[str, Tensor]:
        x, y = DATA.rows(row)
        return {"x": x, "labels": y}


FORMS: dict[str, Any] = {
    "dict": {"x": DATA.x, "labels": DATA.y},
    "loader": DataLoader(TensorDataset(DATA.x, DATA.y), batch_size=5),
    "loader of dicts": DataLoader(Rows(), batch_size=6),
}


@pytest.mark.parametrize("name", WORKS_TOO)
def test_j_is_the_same_from_pairs_from_dicts_and_from_loaders(name: str) -> None:
    a, b = made(name, 1), made(name, 2)
    numbers: dict[str, Any] = {
        "dtype": "float64",
        "batch_size": 9,
        "running_statistics": "keep",
        "buffers": [beside(b)],
    }
    right = Objective(a, CrossEntropy(), DATA, **numbers).along(line(a, b), ALPHAS).channels
    for form, data in FORMS.items():
        call = (lambda net, batch: net(batch["x"])) if "dict" in form and type(a).forward is not Net.forward else None
        found = Objective(a, CrossEntropy(), data, call=call, **numbers).along(line(a, b), ALPHAS).channels
        for channel, values in right.items():
            np.testing.assert_allclose(found[channel], values, rtol=1e-12, atol=1e-14, err_msg=form)


@pytest.mark.parametrize("name", [n for n in WORKS_TOO if n not in ("half", "bfloat16", "mixed")])
def test_slopes_are_those_of_the_plain_loop_or_refused(name: str) -> None:
    """Off the kinks of these nets; a derivative that cannot be had says whose it is."""
    a, b = made(name, 1), made(name, 2)
    treatment = "keep" if name in HAVE_STATISTICS else None
    objective = Objective(a, CrossEntropy(), DATA, dtype="float64", running_statistics=treatment, buffers=[beside(b)])
    at, step = 0.37, 1e-6
    try:
        found = slopes(objective, line(a, b), np.array([at]))["slope"][0, 0]
    except InputError as error:
        assert "measurement.slopes" in str(error)
        assert name in HAVE_NO_SLOPE
        return
    around = loop(name, a, b, [at - step, at + step])
    assert found == pytest.approx((around[1] - around[0]) / (2 * step), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("name", [*REFUSED_TOO, *KEPT])
@pytest.mark.parametrize("mode", ["deterministic", "stochastic"])
def test_what_has_no_j_is_refused_in_one_sentence(name: str, mode: str) -> None:
    make, text = {**REFUSED_TOO, **KEPT}[name]
    state = torch.get_rng_state()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = make()
    with pytest.raises(InputError, match=text):
        Objective(module, CrossEntropy(), Split(DATA.x.float(), DATA.y), mode=mode)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("engine", ["plain", "prefix", "events", "auto"])
def test_autocast_within_a_net_is_as_in_its_own_loop(engine: str) -> None:
    def cast(m: Any, x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return m.last(m.first(x).tanh())  # type: ignore[no-any-return]

    a, b = (Net(cast, first=nn.Linear(D, 8), last=nn.Linear(8, C)) for _ in range(2))
    data, values = Split(DATA.x.float(), DATA.y), []
    path = line(a, b)
    for alpha in ALPHAS:
        net = copy.deepcopy(a)
        for p, value in zip(net.parameters(), ParameterLayout.of(a).unflatten(path(alpha)[0]).values(), strict=True):
            p.data = value.float()
        values.append(F.cross_entropy(net(data.x).float(), data.y).item())
    found = Objective(a, CrossEntropy(), data, engine=engine).along(path, ALPHAS).channels["objective"][:, 0]
    np.testing.assert_allclose(found, values, rtol=1e-6)


@pytest.mark.parametrize("token", [6, -1])
@pytest.mark.parametrize("row", [2, 19, 150])
def test_a_token_beyond_the_vocabulary_is_named_wherever_it_is(row: int, token: int) -> None:
    net = nn.Sequential(nn.Embedding(6, 3), nn.Flatten(), nn.Linear(12, 5))
    tokens, labels = torch.arange(200 * 4).view(200, 4) % 6, torch.arange(200) % 5
    assert len(Objective(net, CrossEntropy(), Split(tokens, labels)).split) == 200
    tokens[row, 1] = token
    text = rf"whole numbers .*example {row} of the data holds {token}, and the vocabulary is .* index out of range"
    with pytest.raises(InputError, match=text):
        Objective(net, CrossEntropy(), Split(tokens, labels))


class Careless(CrossEntropy):
    """Writes into the labels that it is given."""

    def channels(self, predict: Any, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        y[y < 0] = 0
        y += 1
        y %= 5
        return super().channels(predict, x, y)


@pytest.mark.parametrize("engine", ["plain", "prefix"])
def test_a_cost_that_writes_into_the_labels(engine: str) -> None:
    net, labels = made("scalar", 1), DATA.y.clone()
    value = Objective(net, Careless(), DATA, dtype="float64", engine=engine, batch_size=9).along(
        line(net, made("scalar", 2)), ALPHAS
    )
    shifted = Split(DATA.x, (DATA.y + 1) % 5)
    plain = Objective(net, CrossEntropy(), shifted, dtype="float64").along(line(net, made("scalar", 2)), ALPHAS)
    np.testing.assert_allclose(value.channels["objective"], plain.channels["objective"], rtol=1e-12)
    assert torch.equal(DATA.y, labels)
