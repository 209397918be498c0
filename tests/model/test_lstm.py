"""The LSTM: its two paths against the cell's equations one number at a time, its state, masks and published sizes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from landscape.cost import CrossEntropy
from landscape.data import Dataset
from landscape.data.text import corpus
from landscape.errors import InputError
from landscape.model import LSTM, Dropout, Masks
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from tests.model.conftest import published
from tests.twin import cross_entropy

C, H, B, T = 11, 3, 4, 5
DROP = 0.3


def lstm(seed: int = 0, **changes: Any) -> LSTM:
    """Two layers of three units, far enough from zero that every gate works."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LSTM(**{"classes": C, "width": H, "drop": DROP, "init_range": 0.9, **changes}).double()


def tokens(seed: int = 1, length: int = T) -> Tensor:
    return torch.randint(C, (B, length), generator=torch.Generator().manual_seed(seed))


def state_of(seed: int = 2) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.rand(B, H, generator=generator, dtype=torch.float64) - 0.5 for _ in range(4))


def twin(
    p: dict[str, Tensor], x: Tensor, state: tuple[Tensor, ...], masks: list[Tensor] | None
) -> tuple[Tensor, list[Tensor]]:
    """Logits [T, C] and state of one example x [T], unit by unit; masks [place] of [T, H]."""

    def dropped(place: int, t: int, values: list[Tensor]) -> list[Tensor]:
        if masks is None:
            return values
        return [v * masks[place][t, j] / (1 - DROP) for j, v in enumerate(values)]

    h = [list(state[0]), list(state[2])]
    c = [list(state[1]), list(state[3])]
    rows = []
    for t in range(len(x)):
        below = dropped(0, t, list(p["embedding.weight"][x[t]]))
        for k in range(2):
            w, u = p[f"cells.{k}.weight_ih"], p[f"cells.{k}.weight_hh"]
            b = p[f"cells.{k}.bias_ih"], p[f"cells.{k}.bias_hh"]
            each = range(4 * H)
            z = [b[0][g] + b[1][g] + sum(w[g, j] * below[j] + u[g, j] * h[k][j] for j in range(H)) for g in each]
            for j in range(H):
                i, f, o = (1 / (1 + torch.exp(-z[gate * H + j])) for gate in (0, 1, 3))
                c[k][j] = f * c[k][j] + i * torch.tanh(z[2 * H + j])
                h[k][j] = o * torch.tanh(c[k][j])
            below = dropped(k + 1, t, h[k])
        rows.append(p["decoder.weight"] @ torch.stack(below) + p["decoder.bias"])
    return torch.stack(rows), [torch.stack(v) for v in (h[0], c[0], h[1], c[1])]


def drawn_for(module: nn.Module) -> tuple[Masks, Tensor]:
    masks = Masks(module, tokens()[:1])
    return masks, masks.draw(B, torch.Generator().manual_seed(8))


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("masked", [True, False])
def test_logits_state_and_gradient_equal_the_cell_by_hand(fused: bool, masked: bool) -> None:
    module, x, state = lstm(fused=fused), tokens(), state_of()
    masks, drawn = drawn_for(module)
    module.train(masked)
    with masks.bind(drawn if masked else None):
        logits, after = module((x, state))
    p = {n: v.detach().clone().requires_grad_() for n, v in module.named_parameters()}
    parts = drawn[0].double().view(B, 3, T, H)
    found = [twin(p, x[n], tuple(s[n] for s in state), list(parts[n]) if masked else None) for n in range(B)]
    expected = torch.stack([row for row, _ in found])
    torch.testing.assert_close(logits, expected, rtol=1e-12, atol=1e-13)
    for k in range(4):
        torch.testing.assert_close(after[k], torch.stack([s[k] for _, s in found]), rtol=1e-12, atol=1e-13)
    weight = torch.randn(B, T, C, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    gradient = torch.autograd.grad((logits * weight).sum(), list(module.parameters()))
    by_hand = torch.autograd.grad((expected * weight).sum(), list(p.values()))
    for name, g, t in zip(p, gradient, by_hand, strict=True):
        torch.testing.assert_close(g, t, rtol=1e-11, atol=1e-12, msg=name)
        assert t.abs().max() > 1e-3


def test_windows_in_a_row_are_one_long_window() -> None:
    module, x = lstm().eval(), tokens(length=3 * T)
    state, parts = module.initial_state(x), []
    for k in range(3):
        logits, state = module((x[:, k * T : (k + 1) * T], state))
        parts.append(logits)
    torch.testing.assert_close(torch.cat(parts, dim=1), module(x), rtol=1e-13, atol=1e-14)
    assert not torch.allclose(parts[1], module(x[:, T : 2 * T]))  # the state matters


def test_dropout_never_touches_what_a_layer_tells_its_own_future() -> None:
    """Masks above the first layer leave its state alone; those below it do not. Steps have masks of their own."""
    module, x = lstm().train(), tokens()
    masks, drawn = drawn_for(module)
    assert masks.widths == [T * H] * 3
    assert not torch.equal(drawn[0].view(B, 3, T, H)[:, :, 0], drawn[0].view(B, 3, T, H)[:, :, 1])
    states = []
    for place in (None, 2, 1, 0):
        changed = drawn.clone()
        if place is not None:
            changed[0].view(B, 3, T, H)[:, place].logical_not_()
        with masks.bind(changed):
            states.append(module((x, module.initial_state(x)))[1])
    plain, above, between, below = states
    assert all(torch.equal(a, b) for a, b in zip(plain, above, strict=True))
    assert torch.equal(plain[0], between[0]) and torch.equal(plain[1], between[1])
    assert not torch.allclose(plain[2], between[2]) and not torch.allclose(plain[0], below[0])


@pytest.mark.parametrize("fused", [True, False, None])
def test_parameters_from_elsewhere_are_used(fused: bool | None) -> None:
    module, other = lstm(fused=fused).eval(), lstm(seed=5).eval()
    found = functional_call(module, dict(other.named_parameters()), (tokens(),))
    torch.testing.assert_close(found, other(tokens()), rtol=1e-13, atol=1e-14)


def small_text() -> Dataset:
    """A text with a rule to learn: most words follow from the one before."""
    generator = np.random.default_rng(3)

    def text(num: int) -> list[str]:
        words = [0]
        for _ in range(num - 1):
            words.append((3 * words[-1] + 1) % C if generator.random() < 0.8 else int(generator.integers(C)))
        return [f"w{k}" for k in [*range(C), *words]]

    texts = {"train": text(600), "valid": text(150), "test": text(60)}
    return corpus("rule", texts, {"train": B, "valid": B, "test": 1}, T)


def test_the_objective_is_the_mean_over_the_tokens_of_streams_read_through() -> None:
    data, module = small_text(), lstm()
    theta = ParameterLayout.of(module).theta(module)[None]
    for split in (data.valid, data.test):
        num = split.num_streams
        assert num is not None
        found = Objective(module, CrossEntropy(), split, dtype="float64").evaluate(theta)
        costs, wrong = [], 0
        p = {n: v.detach() for n, v in module.named_parameters()}
        for i in range(num):
            zeros = (torch.zeros(H, dtype=torch.float64),) * 4
            logits, _ = twin(p, split.x[i::num].flatten(), zeros, None)
            labels = split.y[i::num].flatten().tolist()
            costs += [cross_entropy(z, y).item() for z, y in zip(logits, labels, strict=True)]
            wrong += sum(int(z.argmax()) != y for z, y in zip(logits, labels, strict=True))
        assert len(costs) == split.x.numel()
        assert found["objective"][0] == pytest.approx(math.fsum(costs) / len(costs), rel=1e-13)
        assert found["error"][0] == pytest.approx(wrong / len(costs), rel=1e-13)


SIZES = [("large", 66_034_000, 0.65), ("medium", 19_780_400, 0.5), ("small", 4_653_200, 0.0), ("trial", 4_653_200, 0.2)]


@pytest.mark.parametrize(("name", "num_parameters", "drop"), SIZES)
def test_published_sizes_and_dropout(name: str, num_parameters: int, drop: float) -> None:
    module = published(f"lstm_{name}", "dimensions.classes=10000")  # of Penn Treebank
    assert ParameterLayout.of(module).num_parameters == num_parameters
    layers = [m for m in module.modules() if isinstance(m, Dropout)]
    assert len(layers) == (3 if drop else 0)
    assert all(m.include == pytest.approx(1 - drop) and m.scale == pytest.approx(1 / (1 - drop)) for m in layers)


def test_every_parameter_starts_uniform() -> None:
    module = LSTM(400, 40, 2, 0.5, 0.07)
    for name, p in module.named_parameters():
        bound = 0.07 * (1 - 12 / p.numel()), 0.07  # the largest of n falls short by 1/n on average
        assert bound[0] < p.abs().max() <= bound[1], name
        assert p.mean().abs() < 5 * 0.07 / math.sqrt(3 * p.numel()), name


def test_inputs_that_are_no_tokens_are_refused() -> None:
    with pytest.raises(InputError, match=r"reads tokens.*torch\.float64.*data=penn_treebank"):
        lstm()(tokens().double())
