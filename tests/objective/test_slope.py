"""Slopes along a path against central differences, and exactly where J is a polynomial."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from landscape.cost import Adversarial, CrossEntropy, MultiPrediction, Output, SquaredError
from landscape.data import Split
from landscape.data.text import windows_of
from landscape.errors import InputError
from landscape.model import LSTM, MLP, MPDBM, ConvMaxout, DeepLinear, Quadratic
from landscape.model.dropout import torch_dropout_on
from landscape.objective import Objective
from landscape.objective.slope import slopes
from landscape.parameters import ParameterLayout
from landscape.path import BiasSchedule, Geometric, Linear
from tests.twin import C, D, maxout, normal, split
from tests.zoo import WORKS, Net

ALPHAS = np.array([-0.31, 0.0, 0.37, 1.0])
DATA = split(23, seed=1)
STEP = 1e-4


def attention() -> Net:
    """A transformer layer: attention, layer norm, torch's own dropout inside; an instance norm beside it."""

    def function(m: Any, x: Tensor) -> Tensor:
        h = m.embed(x[..., None])
        return m.last((m.layer(h) + m.norm(h)).mean(dim=1))

    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.2, activation="gelu", batch_first=True)
    norm = nn.InstanceNorm1d(D, affine=True)
    return Net(function, embed=nn.Linear(1, 8), last=nn.Linear(8, C), layer=layer, norm=norm)


def normed() -> nn.Module:
    return nn.Sequential(nn.Linear(D, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Dropout(0.4), nn.Linear(6, C))


def text() -> Split:
    tokens = torch.randint(C, (61,), generator=torch.Generator().manual_seed(3))
    return windows_of("train", tokens, 3, 4)  # five blocks of three streams: the state is carried four times


def images() -> Split:
    return Split(normal(5, 2, 6, 5, seed=4) + 0.2, torch.arange(5) % 3)


def machine_data() -> Split:
    return Split(torch.sigmoid(normal(7, 6, seed=1)), torch.arange(7) % 3, is_resampled=True)


def conv() -> ConvMaxout:
    return ConvMaxout(
        [2, 6, 5],
        classes=3,
        widths=[3, 2, 4],
        pieces=[2, 3, 5],
        kernels=[3, 2],
        pads=[2, 1],
        windows=[3, 2],
        strides=[2, 2],
        init_ranges=[0.5, 0.4, 0.3, 0.2],
        include=[0.8, 0.5, 0.5, 0.5],
        scale=[1.1, 2.0, 2.0, 2.0],
    )


CASES: dict[str, tuple[Any, Any, Any, dict[str, Any]]] = {
    "tanh": (lambda: MLP(D, C, [6], nn.Tanh()), CrossEntropy(), lambda: DATA, {}),
    "maxout": (maxout, CrossEntropy(), lambda: DATA, {"num_replicates": 2}),
    "attention": (attention, CrossEntropy(), lambda: DATA, {}),
    "batch norm": (normed, CrossEntropy(), lambda: DATA, {"running_statistics": "keep"}),
    "lstm": (lambda: LSTM(C, 3, drop=0.3, init_range=0.9), CrossEntropy(), text, {}),
    "fused lstm": (lambda: LSTM(C, 3, drop=0.3, init_range=0.9, fused=True), CrossEntropy(), text, {}),
    "mpdbm": (lambda: MPDBM(6, 3, widths=(5, 4), num_sweeps=2, sparse=(3, 2)), MultiPrediction(), machine_data, {}),
    "convolution": (conv, CrossEntropy(), images, {}),
}


@pytest.mark.parametrize(
    ("case", "mode"),
    [
        *((case, "deterministic") for case in CASES if case != "lstm"),
        *((case, "stochastic") for case in CASES if case not in ("tanh", "fused lstm")),
    ],
)
def test_slopes_equal_central_differences(case: str, mode: str) -> None:
    make, cost, data, numbers = CASES[case]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = make()
    num = ParameterLayout.of(module).num_parameters
    path = Linear(0.3 * normal(2, num, seed=1) + 0.05, 0.4 * normal(2, num, seed=2))
    objective = Objective(module, cost, data(), mode=mode, seeds=[4, 7], dtype="float64", batch_size=9, **numbers)
    told: list[int] = []
    found = slopes(objective, path, ALPHAS, 2, told.append)
    assert told[-1] == objective.num_batches * len(ALPHAS) and (np.diff(told) > 0).all()
    around = np.concatenate([ALPHAS - STEP, ALPHAS, ALPHAS + STEP])
    before, here, after = objective.along(path, around).channels["objective"].reshape(3, len(ALPHAS), 2)
    np.testing.assert_allclose(found["objective"], here, rtol=1e-13)
    np.testing.assert_allclose(found["slope"], (after - before) / (2 * STEP), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(found["curvature"], (after - 2 * here + before) / STEP**2, rtol=1e-5, atol=5e-6)
    assert np.abs(found["slope"]).min() > 1e-3 and np.ptp(found["slope"], axis=0).min() > 0.01
    first = slopes(objective, path, ALPHAS[:1], 1)
    assert set(first) == {"objective", "slope"}
    np.testing.assert_allclose(first["slope"], found["slope"][:1], rtol=1e-11, atol=1e-14)


LOSSES: dict[str, Any] = {
    "mse": nn.MSELoss(),  # of which torch 2.13 cannot nest its own forward derivatives: the process ended
    "mse within a function": lambda outputs, y: nn.functional.mse_loss(outputs, y, reduction="none"),
    "bce": nn.BCEWithLogitsLoss(),
    "poisson": nn.PoissonNLLLoss(),
}


@pytest.mark.parametrize("name", LOSSES)
def test_slopes_through_torch_s_losses(name: str) -> None:
    net = nn.Sequential(nn.Linear(D, 5), nn.Tanh(), nn.Linear(5, 2))
    objective = Objective(net, LOSSES[name], (DATA.x, torch.sigmoid(normal(23, 2, seed=3))), dtype="float64")
    theta = ParameterLayout.of(net).theta(net)[None].double()
    path, at = Linear(theta, theta + 0.5 * normal(*theta.shape, seed=4)), np.array([0.37 - STEP, 0.37, 0.37 + STEP])
    below, here, above = objective.along(path, at).channels["objective"][:, 0]
    found = slopes(objective, path, at[1:2], 2)
    assert found["slope"].item() == pytest.approx((above - below) / (2 * STEP), rel=1e-5)
    assert found["curvature"].item() == pytest.approx((above - 2 * here + below) / STEP**2, rel=1e-4, abs=1e-5)


class Last(nn.LSTM):
    """The last output of torch's own LSTM, a single operator of a library on a CPU in float32."""

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(x)[0][:, -1]


def test_slopes_through_torch_s_lstm() -> None:
    net = Last(D, C, batch_first=True)
    theta = ParameterLayout.of(net).theta(net)[None]
    path, at = Linear(theta, theta + 0.5 * normal(*theta.shape, seed=4).float()), np.array([0.37])
    data = normal(6, 4, D, seed=2), torch.arange(6) % C
    single, double = (
        slopes(Objective(net, CrossEntropy(), data, dtype=dtype), path, at, 2) for dtype in ("float32", "float64")
    )
    assert all(single[name].item() == pytest.approx(double[name].item(), rel=1e-3) for name in double)


def test_a_quadratic_has_the_slope_of_its_formula() -> None:
    module = Quadratic(dimension=7, seed=3)
    h, solution = module.constants["curvature"], module.constants["solution"]
    a, b = normal(2, 7, seed=1), normal(2, 7, seed=2) + 1
    objective = Objective(module, Output(), split(4, 1), seeds=[0, 1], dtype="float64")
    found = slopes(objective, Linear(a, b), ALPHAS, 2)
    for k, alpha in enumerate(ALPHAS.tolist()):
        off = (1 - alpha) * a + alpha * b - solution
        np.testing.assert_allclose(found["slope"][k], (h * off * (b - a)).sum(dim=1), rtol=1e-13)
        np.testing.assert_allclose(found["curvature"][k], (h * (b - a).square()).sum(dim=1), rtol=1e-13)


def ends(layout: ParameterLayout) -> tuple[Tensor, Tensor]:
    """Two points of one orthant per row."""
    signs = normal(2, layout.num_parameters, seed=5).sign()
    return (signs * (0.4 * normal(2, layout.num_parameters, seed=k)).exp() for k in (1, 2))  # type: ignore[return-value]


def test_a_deep_linear_net_has_the_slope_of_its_polynomial() -> None:
    """Scalar, depth 3: J = mean over examples of (w_1 w_2 w_3 x - y)^2, on the line and along constant products."""
    x, y = normal(11, 1, seed=1), normal(11, 1, seed=2)
    module = DeepLinear(1, 1, depth=3)
    theta_0, theta_1 = ends(ParameterLayout.of(module))
    objective = Objective(module, SquaredError(), Split(x, y), seeds=[0, 1], dtype="float64")
    xx, xy, yy = (float(v.mean()) for v in (x * x, x * y, y * y))
    found = slopes(objective, Linear(theta_0, theta_1), ALPHAS, 2)
    curved = slopes(objective, Geometric(theta_0, theta_1), ALPHAS, 2)
    for s in range(2):
        product = np.polynomial.Polynomial([1.0])
        for a, b in zip(theta_0[s].tolist(), theta_1[s].tolist(), strict=True):
            product = product * np.polynomial.Polynomial([a, b - a])
        cost = xx * product**2 - 2 * xy * product + yy
        np.testing.assert_allclose(found["slope"][:, s], cost.deriv()(ALPHAS), rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(found["curvature"][:, s], cost.deriv(2)(ALPHAS), rtol=1e-11, atol=1e-12)
        # p(alpha) = p_0 r^alpha: p' = p ln r, and of J = xx p^2 - 2 xy p + yy the chain rule.
        start, rate = theta_0[s].prod().item(), np.log(theta_1[s].prod().item() / theta_0[s].prod().item())
        p = start * np.exp(rate * ALPHAS)
        slope = (2 * xx * p - 2 * xy) * p * rate
        np.testing.assert_allclose(curved["slope"][:, s], slope, rtol=1e-12)
        np.testing.assert_allclose(curved["curvature"][:, s], slope * rate + 2 * xx * (p * rate) ** 2, rtol=1e-12)


@pytest.mark.parametrize("power", [None, 1.0, 2.0, 2.5, 0.5, 0.0])
@pytest.mark.parametrize("kind", ["linear", "geometric", "biases"])
def test_velocities_are_derivatives_of_the_path(kind: str, power: float | None) -> None:
    layout = ParameterLayout.of(MLP(D, C, [4, 3], nn.Tanh()))
    theta_0, theta_1 = ends(layout)
    paths = {"linear": Linear, "geometric": Geometric}
    path: Any = BiasSchedule(theta_0, theta_1, layout, power) if kind == "biases" else paths[kind](theta_0, theta_1)
    for alpha in (-0.7, 0.4, 1.0, 1.6):
        before, here, after = (path(alpha + k * STEP) for k in (-1, 0, 1))
        torch.testing.assert_close(path.velocity(alpha), (after - before) / (2 * STEP), rtol=1e-6, atol=1e-7)
        second = (after - 2 * here + before) / STEP**2
        torch.testing.assert_close(path.acceleration(alpha), second, rtol=1e-5, atol=1e-6)


def test_a_schedule_with_a_corner_at_zero_says_so() -> None:
    layout = ParameterLayout.of(MLP(D, C, [4], nn.Tanh()))
    theta_0, theta_1 = ends(layout)
    for power, order in ((0.0, 1), (0.5, 1), (0.0, 2), (1.5, 2)):
        path = BiasSchedule(theta_0, theta_1, layout, power)
        with pytest.raises(InputError, match=rf"path\.power={power:g} gives .* order {order} at alpha=0; use path"):
            path.velocity(0.0) if order == 1 else path.acceleration(0.0)
    straight = BiasSchedule(theta_0, theta_1, layout, 1.0)
    assert torch.equal(straight.velocity(0.0), theta_1 - theta_0) and not straight.acceleration(0.0).any()


class Bare:
    """A path without a velocity."""

    def __call__(self, alpha: float) -> Tensor:
        """The same point everywhere."""
        return torch.zeros(1, 5)


def test_what_has_no_slope_is_refused_in_one_sentence() -> None:
    plain = Objective(MLP(D, C, [6], nn.Tanh()), CrossEntropy(), DATA, dtype="float64")
    with pytest.raises(InputError, match=r"path=Bare has no velocity\(alpha\), .* use path=linear, or measurement"):
        slopes(plain, Bare(), ALPHAS)
    line = Linear(torch.zeros(1, 5), torch.ones(1, 5))
    with pytest.raises(InputError, match=r"measurement\.slopes=3 must be 0 \(none\), 1 \(slope\) or 2"):
        slopes(plain, line, ALPHAS, 3)
    with pytest.raises(InputError, match=r"Adversarial has no slope along a path: a perturbation jumps .*slopes=0"):
        slopes(Objective(maxout(), Adversarial(), DATA), line, ALPHAS)
    for treatment in ("interpolate", "recalibrate"):
        moving = Objective(normed(), CrossEntropy(), DATA, running_statistics=treatment, calibration=DATA)
        with pytest.raises(InputError, match=rf"objective\.running_statistics={treatment} moves .*statistics=keep"):
            slopes(moving, line, ALPHAS)
    module = WORKS["own function"]()
    num = ParameterLayout.of(module).num_parameters
    with pytest.raises(InputError, match=r"measurement\.slopes=1 .* model=Net or cost CrossEntropy lacks"):
        slopes(Objective(module, CrossEntropy(), DATA), Linear(torch.zeros(1, num), torch.ones(1, num)), ALPHAS)


def test_a_net_without_statistics_may_be_told_how_to_treat_them() -> None:
    objective = Objective(MLP(D, C, [6], nn.Tanh()), CrossEntropy(), DATA, running_statistics="interpolate")
    num = objective.layout.num_parameters
    assert np.isfinite(slopes(objective, Linear(torch.zeros(1, num), torch.ones(1, num)), ALPHAS)["slope"]).all()


def test_torch_dropout_is_on_inside_a_transformer_layer() -> None:
    """In evaluation mode the fast path of the layer would leave it out, and both modes would be one."""
    module = attention()
    theta = 0.3 * normal(1, ParameterLayout.of(module).num_parameters, seed=1)
    values = [
        Objective(module, CrossEntropy(), DATA, mode=m, dtype="float64")(theta).item()
        for m in ("stochastic", "deterministic")
    ]
    assert abs(values[0] - values[1]) > 1e-3


def test_torch_dropout_does_not_depend_on_the_layout_in_memory() -> None:
    """Contiguous inputs keep the masks that torch itself draws; others get the masks of their shape."""
    layer, x = nn.Dropout(0.4), normal(5, 6, seed=1)
    values = []
    for inputs in (x, x.T.contiguous().T):
        with torch_dropout_on([layer], 3, torch.device("cpu")):
            values.append(layer(inputs))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        expected = torch.dropout(x, 0.4, True)
    assert torch.equal(values[0], expected) and torch.equal(values[1], expected)
