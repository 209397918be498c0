"""What Objective does with a module: leaves it alone, refuses it, or says what it lacks."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landscape.cost import CrossEntropy, MultiPrediction
from landscape.data import Split
from landscape.errors import InputError
from landscape.model import MLP, MPDBM
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from tests.twin import C, D, maxout, normal, split
from tests.zoo import Net

DATA = split(23, seed=1)


def objective(module: nn.Module, mode: str = "deterministic", **numbers: Any) -> Objective:
    numbers = {"cost": CrossEntropy(), "dtype": "float64", "batch_size": 9, **numbers}
    return Objective(module, split=DATA, mode=mode, **numbers)


def theta_of(module: nn.Module) -> Tensor:
    """The module's point [1, P] in float64."""
    return ParameterLayout.of(module).theta(module).double()[None]


class Failing(CrossEntropy):
    """Raises what it is given, once it is given."""

    fault: BaseException | None = None

    def channels(self, predict: Any, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Fails after the forward pass."""
        values = super().channels(predict, x, y)
        if self.fault is not None:
            raise self.fault
        return values


def normed() -> Net:
    """Batch norm, torch's own dropout, ours, and a whole-number buffer."""
    body = nn.Sequential(nn.Linear(D, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.4), nn.Linear(6, C))
    return Net(lambda m, x: m.body(x), body=body, count=torch.tensor(3))


@pytest.mark.parametrize("fault", [None, KeyError("on purpose"), KeyboardInterrupt("on purpose")])
@pytest.mark.parametrize("training", [False, True])
def test_the_callers_module_is_untouched(fault: BaseException | None, training: bool) -> None:
    module = normed()
    module(normal(4, D).float()).sum().backward()  # gradients and statistics that must survive
    module.body[0].bias.requires_grad_(False)
    module.train(training)
    module.body[1].eval()
    state, gradients = copy.deepcopy(module.state_dict()), [copy.deepcopy(p.grad) for p in module.parameters()]
    flags = [m.training for m in module.modules()], [p.requires_grad for p in module.parameters()]
    dtypes, generator = [p.dtype for p in module.parameters()], torch.get_rng_state()
    cost = Failing()
    part = objective(module, "stochastic", cost=cost, running_statistics="keep")
    cost.fault = fault
    if fault is not None:
        with pytest.raises(type(fault), match="on purpose"):
            part(theta_of(module))
        assert not any(m.training for m in part.module.modules())
    else:
        part(theta_of(module))
    assert all(torch.equal(v, state[n]) for n, v in module.state_dict().items())
    for p, g in zip(module.parameters(), gradients, strict=True):
        assert (p.grad is None) == (g is None) and (g is None or torch.equal(p.grad, g))
    assert flags == ([m.training for m in module.modules()], [p.requires_grad for p in module.parameters()])
    assert dtypes == [p.dtype for p in module.parameters()] and torch.equal(torch.get_rng_state(), generator)


@pytest.mark.parametrize("buffer_dtype", [torch.float32, torch.float64])
def test_keep_uses_the_buffers_of_each_row(buffer_dtype: torch.dtype) -> None:
    """Buffers of a float32 training serve a float64 objective."""
    module = normed().double().eval()
    theta = 0.5 * normal(2, ParameterLayout.of(module).num_parameters, seed=3)
    buffers = []
    for s in range(2):
        named = {n: b.clone() for n, b in module.named_buffers()}
        named["body.1.running_mean"] = normal(6, seed=s).to(buffer_dtype)
        named["body.1.running_var"] = (1 + normal(6, seed=10 + s).abs()).to(buffer_dtype)
        buffers.append(named)
    values = objective(module, running_statistics="keep", buffers=buffers, seeds=[0, 1])(theta)
    own = objective(module, running_statistics="keep", seeds=[0, 1])(theta)
    for s in range(2):
        named = ParameterLayout.of(module).unflatten(theta[s])
        h = DATA.x @ named["body.0.weight"].T + named["body.0.bias"]
        mean, var = (buffers[s][f"body.1.running_{k}"].double() for k in ("mean", "var"))
        h = (h - mean) / (var + 1e-5).sqrt() * named["body.1.weight"] + named["body.1.bias"]
        z = h.relu() @ named["body.4.weight"].T + named["body.4.bias"]
        expected = (z.logsumexp(dim=1) - z[torch.arange(23), DATA.y]).mean()
        assert values[s].item() == pytest.approx(expected.item(), rel=1e-12)
        assert own[s] != values[s]


def test_torch_dropout_repeats_under_its_seed() -> None:
    module = nn.Sequential(nn.Linear(D, 6), nn.ReLU(), nn.Dropout(0.4), nn.Linear(6, C))
    theta = theta_of(module).expand(2, -1)
    values = objective(module, "stochastic", seeds=[4, 5])(theta)
    torch.rand(3)  # the global generator has moved on
    assert torch.equal(values, objective(module, "stochastic", seeds=[4, 5])(theta))
    plain = objective(module, seeds=[4, 5])(theta)
    assert values[0] != values[1] and plain[0] == plain[1] and (values != plain).all()
    both = objective(module, "stochastic", seeds=[4, 5], num_replicates=2).along(lambda alpha: theta, np.zeros(1))
    assert (both.replicates[0, 0] == values.numpy()).all() and (both.replicates[1, 0] != values.numpy()).all()


def noisy(zero_last: bool) -> Net:
    """Randomness that evaluation mode leaves on, in front of a last layer that may start at zero."""
    last = nn.Linear(6, C)
    if zero_last:
        nn.init.zeros_(last.weight)
    return Net(lambda m, x: m.last(F.dropout(m.first(x), 0.5, training=True)), first=nn.Linear(D, 6), last=last)


class Mean(CrossEntropy):
    """Averages where it should not."""

    def channels(self, predict: Any, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """One value."""
        return {"objective": super().channels(predict, x, y)["objective"].mean()}


@pytest.mark.parametrize("mode", ["deterministic", "stochastic"])
@pytest.mark.parametrize(
    ("module", "numbers", "text"),
    [
        (noisy(False), {}, "model=Net gives two different costs at one theta"),
        (noisy(True), {}, "model=Net gives two different costs at one theta"),
        (nn.Linear(D + 1, C), {}, "model=Linear does not fit data"),
        (nn.Linear(D, C - 2), {}, "model=Linear does not fit data"),
        (nn.Sequential(nn.Linear(D, C), nn.Unflatten(1, (C, 1))), {}, "model=Sequential"),
        (nn.Sequential(nn.Linear(D, C), nn.Flatten(0)), {}, "model=Sequential"),
        (nn.Identity(), {}, "model=Identity has no parameters"),
        (maxout(), {"cost": Mean()}, r"model=MaxoutMLP with cost Mean gives a cost of shape \(\)"),
        (maxout(), {"mode": "random"}, "mode=random is unknown; use deterministic or stochastic"),
        (maxout(), {"dtype": "float16"}, r"objective\.dtype=float16 is unknown"),
        (maxout(), {"batch_size": 0}, r"objective\.batch_size=0"),
        (maxout(), {"num_replicates": 0}, r"objective\.num_replicates=0"),
        (normed(), {}, r"running statistics \(body.1.running_mean.*objective\.running_statistics=keep"),
        (normed(), {"running_statistics": "forget"}, r"objective\.running_statistics=forget is unknown"),
    ],
)
def test_what_has_no_j_is_refused(module: nn.Module, numbers: dict[str, Any], text: str, mode: str) -> None:
    with pytest.raises(InputError, match=text):
        objective(module, **{"mode": mode, **numbers})


TOKENS = Split(torch.arange(24).reshape(6, 4) % C, torch.zeros(6, 4, dtype=torch.int64), num_streams=2)


@pytest.mark.parametrize(
    ("module", "numbers", "text"),
    [
        (MLP(4, C, [3], nn.ReLU()), {"split": TOKENS}, r"model=MLP .* \[B, 4\], which are whole numbers .*int64"),
        (MLP(4, C, [3], nn.ReLU(), include=[0.5, 0.5], scale=[2.0, 2.0]), {"split": TOKENS}, "model=MLP does not fit"),
        (
            MLP(D, C, [3], nn.ReLU()),
            {"cost": MultiPrediction()},
            r"cost MultiPrediction: .*model=mpdbm.*cost=cross_entropy",
        ),
        (
            MLP(D, C, [3], nn.ReLU(), include=[0.5, 0.5], scale=[2.0, 2.0]),
            {"cost": MultiPrediction()},
            r"must take \(x, y\)",
        ),
        (MPDBM(D + 1, C, (4, 3)), {"cost": MultiPrediction()}, "model=MPDBM does not fit"),
        (MPDBM(D, C, (4, 3)), {}, r"CrossEntropy leaves 2 of the 2 mask layers of model=MPDBM unused"),
    ],
    ids=["tokens", "tokens, masks", "one input", "one input, masks", "width", "masks unused"],
)
@pytest.mark.parametrize("mode", ["deterministic", "stochastic"])
def test_model_cost_and_data_that_do_not_fit_are_one_sentence(
    module: nn.Module, numbers: dict[str, Any], text: str, mode: str
) -> None:
    with pytest.raises(InputError, match=text):
        Objective(module, **{"cost": CrossEntropy(), "split": DATA, "mode": mode, "dtype": "float64", **numbers})


def test_a_device_without_memory_is_not_called_a_wrong_model() -> None:
    full = Failing()
    full.fault = torch.OutOfMemoryError("CUDA out of memory")
    with pytest.raises(torch.OutOfMemoryError):
        objective(maxout(), cost=full)


def test_resampled_inputs_are_probabilities() -> None:
    x, y = torch.rand(30, D), torch.zeros(30, dtype=torch.int64)
    x[20, 1] = 1.0
    assert Objective(nn.Linear(D, C), CrossEntropy(), Split(x, y, is_resampled=True)).split.is_resampled
    for value in (1.5, -0.1):
        x[20, 1] = value
        with pytest.raises(InputError, match=r"outside \[0, 1\]"):
            Objective(nn.Linear(D, C), CrossEntropy(), Split(x, y, is_resampled=True))
