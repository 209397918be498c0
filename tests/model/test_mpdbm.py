"""The multi-prediction machine against its equations, one example and one unit at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from landscape.cost import MultiPrediction
from landscape.model import MPDBM, Masks
from landscape.model.mpdbm import Prediction
from landscape.parameters import ParameterLayout
from tests.twin import normal

D, H1, H2, C, B = 6, 5, 4, 3, 7


def machine(num_sweeps: int = 2) -> MPDBM:
    """6-5-4-3 in float64 at a random point, biases included."""
    module = MPDBM(D, C, widths=(H1, H2), num_sweeps=num_sweeps, sparse=(3, 2)).double()
    layout = ParameterLayout.of(module)
    module.load_state_dict(layout.unflatten(0.6 * normal(layout.num_parameters, seed=3) - 0.1))
    return module


def inputs() -> tuple[Tensor, Tensor]:
    """Grey pixels and labels."""
    return torch.sigmoid(normal(B, D, seed=1)), torch.arange(B) % C


def sigma(a: Any) -> Any:
    return 1 / (1 + np.exp(-a))


def softmax(a: Any) -> Any:
    e = np.exp(a - a.max())
    return e / e.sum()


def twin(module: MPDBM, v: Any, y: int, m_v: Any, m_y: float, steps: int) -> tuple[Any, Any]:
    """Section 1.7 of the reproduction notes in row vectors: logits of pixels and label after 1 + steps passes."""
    p = {n: t.detach().numpy() for n, t in module.named_parameters()}
    w1, w2, w3 = p["weight_1"].T, p["weight_2"].T, p["weight_3"].T
    label = np.eye(C)[y]
    seen = m_v * sigma(p["visible_bias"]) + (1 - m_v) * v
    h1 = sigma(2 * seen @ w1 + p["bias_1"])
    l_v, l_y = p["visible_bias"], p["label_bias"]
    guess = m_y * softmax(l_y) + (1 - m_y) * label
    h2 = sigma(h1 @ w2 + p["bias_2"] + guess @ w3.T)
    for _ in range(steps):
        h1 = sigma(seen @ w1 + p["bias_1"] + h2 @ w2.T)
        l_y = h2 @ w3 + p["label_bias"]
        guess = m_y * softmax(l_y) + (1 - m_y) * label
        l_v = h1 @ w1.T + p["visible_bias"]
        seen = m_v * sigma(l_v) + (1 - m_v) * v
        h2 = sigma(h1 @ w2 + p["bias_2"] + guess @ w3.T)
    return l_v, l_y


def masked(module: MPDBM, x: Tensor, y: Tensor) -> tuple[Masks, Tensor, Prediction]:
    """A prediction under drawn masks."""
    masks = Masks(module, x[:1])
    drawn = masks.draw(len(x), torch.Generator().manual_seed(8))
    with masks.bind(drawn):
        return masks, drawn, module((x, y))


@pytest.mark.parametrize("num_sweeps", [0, 1, 2])
def test_inference_equals_the_equations_under_masks(num_sweeps: int) -> None:
    module, (x, y) = machine(num_sweeps), inputs()
    _, drawn, found = masked(module, x, y)
    hidden = drawn[0].double()
    assert 0 < hidden[:, :D].mean() < 1 and 0 < hidden[:, D].mean() < 1
    assert torch.equal(found.hidden_pixels, hidden[:, :D]) and torch.equal(found.hidden_label, hidden[:, D:])
    for b in range(B):
        l_v, l_y = twin(module, x[b].numpy(), int(y[b]), hidden[b, :D].numpy(), float(hidden[b, D]), num_sweeps)
        np.testing.assert_allclose(found.pixels[b].detach(), l_v, rtol=1e-13)
        np.testing.assert_allclose(found.label[b].detach(), l_y, rtol=1e-13)


def test_cost_is_over_all_pixels_and_only_what_was_hidden() -> None:
    module, (x, y) = machine(), inputs()
    masks, drawn, _ = masked(module, x, y)

    def predict(given: Any, draw: int) -> Any:
        with masks.bind(drawn, draw):
            return module(given)

    found = MultiPrediction().channels(predict, x, y)
    for b in range(B):
        m_v, m_y = drawn[0, b, :D].double().numpy(), float(drawn[0, b, D])
        l_v, l_y = twin(module, x[b].numpy(), int(y[b]), m_v, m_y, 2)
        v = x[b].numpy()
        pixels = sum(m_v * (v * np.log1p(np.exp(-l_v)) + (1 - v) * np.log1p(np.exp(l_v)))) / D
        label = -m_y * math.log(softmax(l_y)[int(y[b])]) / D
        assert found["pixel_objective"][b].item() == pytest.approx(pixels, rel=1e-12)
        assert found["label_objective"][b].item() == pytest.approx(label, rel=1e-12, abs=1e-15)
        assert found["objective"][b].item() == pytest.approx(pixels + label, rel=1e-12)
    torch.testing.assert_close(MultiPrediction()(predict, x, y), found["objective"])
    assert "error" not in found  # it is a channel without masks


def test_gradient_flows_through_every_step_but_the_first_guess_of_the_pixels() -> None:
    module, (x, y) = machine(3), inputs()
    masks = Masks(module, x[:1])
    drawn = masks.draw(B, torch.Generator().manual_seed(2))
    layout = ParameterLayout.of(module)
    theta = layout.theta(module).detach()
    guess = torch.sigmoid(module.visible_bias.detach())

    def cost(point: Tensor, frozen: bool) -> Tensor:
        values = layout.unflatten(point)

        def predict(given: Any, draw: int) -> Any:
            with masks.bind(drawn, draw):
                if not frozen:
                    return functional_call(module, values, (given,))
                return with_fixed_guess(lambda: functional_call(module, values, (given,)))

        return MultiPrediction()(predict, x, y).mean()

    def with_fixed_guess(run: Callable[[], Any]) -> Any:
        """The first sigmoid of a prediction, that of the visible bias, replaced by its value at theta."""
        original, calls = torch.sigmoid, [0]

        def sigmoid(a: Tensor) -> Tensor:
            calls[0] += 1
            return guess if calls[0] == 1 else original(a)

        torch.sigmoid = sigmoid  # type: ignore[assignment]
        try:
            return run()
        finally:
            torch.sigmoid = original

    slope = torch.func.grad(lambda t: cost(t, False))(theta)
    h, worst = 1e-6, 0.0
    for k in range(layout.num_parameters):
        step = torch.zeros_like(theta)
        step[k] = h
        worst = max(worst, abs(float(cost(theta + step, True) - cost(theta - step, True)) / (2 * h) - float(slope[k])))
    assert worst < 1e-9
    assert float(slope.abs().min()) < float(slope.abs().max()) and bool((slope != 0).sum() > 0.9 * len(slope))


@pytest.mark.parametrize("multi", [False, True])
def test_classification_equals_the_equations(multi: bool) -> None:
    module, (x, _) = machine(), inputs()
    p = {n: t.detach().numpy() for n, t in module.named_parameters()}
    w1, w2, w3 = p["weight_1"].T, p["weight_2"].T, p["weight_3"].T
    found = module((x, None) if multi else x).detach().numpy()
    for b in range(B):
        v = x[b].numpy()
        seen = sigma(p["visible_bias"])
        clamp = (lambda: 0.5 * v + 0.5 * seen) if multi else (lambda: v)  # noqa: B023
        h1 = sigma(2 * clamp() @ w1 + p["bias_1"])
        seen = sigma(h1 @ w1.T + p["visible_bias"])
        h2 = sigma(2 * h1 @ w2 + p["bias_2"])
        for _ in range(2):
            h1 = sigma(clamp() @ w1 + p["bias_1"] + h2 @ w2.T)
            seen = sigma(h1 @ w1.T + p["visible_bias"])
            logits = h2 @ w3 + p["label_bias"]
            h2 = sigma(h1 @ w2 + p["bias_2"] + softmax(logits) @ w3.T)
        np.testing.assert_allclose(found[b], logits, rtol=1e-12)


def test_the_published_machine_starts_as_published() -> None:
    torch.manual_seed(0)
    module = MPDBM(784, 10)
    assert ParameterLayout.of(module).num_parameters == 8_352_689
    assert (module.weight_1 != 0).sum(dim=1).unique().tolist() == [15]
    assert (module.weight_3 != 0).sum(dim=1).unique().tolist() == [23]
    assert 3.7 < module.weight_1.norm(dim=1).mean() < 3.95 and 4.2 < module.weight_3.norm(dim=1).mean() < 5.3
    assert module.weight_2.abs().max() <= 0.00638830865761
    assert module.max_norms == {"weight_1": 1.809978, "weight_2": 2.666304, "weight_3": 5.175683}
    x = torch.rand(50, 784) * (torch.arange(784) % 2)
    module.initialise_from(x)
    torch.testing.assert_close(torch.sigmoid(module.visible_bias), x.mean(dim=0).clamp(min=1e-7), rtol=1e-4, atol=1e-9)
    assert float(module.visible_bias.min()) == pytest.approx(math.log(1e-7 / (1 - 1e-7)), rel=1e-5)
