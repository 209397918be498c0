"""The fast-gradient-sign cost."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from landscape.cost import Adversarial, CrossEntropy, Predict
from landscape.errors import InputError
from landscape.model import Masks
from landscape.parameters import ParameterLayout
from tests.twin import D, H, adversarial_cost, maxout, normal, parts, split, unpacked

EPSILON, WEIGHT, N = 0.3, 0.35, 12
DATA = split(N, seed=8)


class Case:
    """A net at a point off the origin and the masks of N examples."""

    def __init__(self) -> None:
        self.module = maxout().double().eval()
        self.layout = ParameterLayout.of(self.module)
        self.theta = 0.8 * normal(self.layout.num_parameters, seed=6)
        self.masks = Masks(self.module, DATA.x[:1], num_draws=2)
        self.drawn = self.masks.draw(N, torch.Generator().manual_seed(11))
        uniform = torch.rand(2, N, D + H, generator=torch.Generator().manual_seed(11))
        self.plain_masks = [[parts(uniform[d, n]) for d in range(2)] for n in range(N)]

    def predict(self, theta: Tensor, drawn: Tensor | None, seen: list[tuple[Tensor, int]] | None = None) -> Predict:
        """The predict that the objective and the loop hand to a cost."""

        def predict(x: Tensor, draw: int) -> Tensor:
            if seen is not None:
                seen.append((x, draw))
            with self.masks.bind(drawn, draw):
                return functional_call(self.module, self.layout.unflatten(theta), (x,))

        return predict


@pytest.fixture
def case() -> Case:
    return Case()


@pytest.mark.parametrize("use_masks", [False, True])
def test_cost_and_channels_equal_the_twin(case: Case, use_masks: bool) -> None:
    """The twin's slope comes from finite differences, and its second pass reads the second mask."""
    predict = case.predict(case.theta, case.drawn if use_masks else None)
    channels = Adversarial(EPSILON, WEIGHT).channels(predict, DATA.x, DATA.y)
    for n in range(N):
        masks = case.plain_masks[n] if use_masks else None
        clean, moved = adversarial_cost(case.theta, DATA.x[n], int(DATA.y[n]), EPSILON, WEIGHT, masks)
        assert channels["clean_objective"][n].item() == pytest.approx(clean, rel=1e-12)
        assert channels["objective"][n].item() == pytest.approx(WEIGHT * clean + (1 - WEIGHT) * moved, rel=1e-12)
    cost = Adversarial(EPSILON, WEIGHT)(predict, DATA.x, DATA.y)
    torch.testing.assert_close(cost, channels["objective"], rtol=1e-14, atol=0)


def test_the_second_pass_gets_the_sign_step_and_its_own_draw(case: Case) -> None:
    seen: list[tuple[Tensor, int]] = []
    Adversarial(EPSILON, WEIGHT)(case.predict(case.theta, case.drawn, seen), DATA.x, DATA.y)
    assert [draw for _, draw in seen] == [0, 1]
    x = DATA.x.clone().requires_grad_()
    total = CrossEntropy()(case.predict(case.theta, case.drawn), x, DATA.y).sum()
    (slope,) = torch.autograd.grad(total, x)
    torch.testing.assert_close(seen[1][0], DATA.x + EPSILON * slope.sign(), rtol=0, atol=1e-15)
    assert (slope == 0).any() and (slope != 0).any()  # a dropped input does not move
    swapped = Adversarial(EPSILON, WEIGHT)(case.predict(case.theta, case.drawn[[0, 0]]), DATA.x, DATA.y)
    own = Adversarial(EPSILON, WEIGHT)(case.predict(case.theta, case.drawn), DATA.x, DATA.y)
    assert not torch.allclose(swapped, own)


def test_errors_are_of_the_clean_and_of_the_moved_example(case: Case) -> None:
    channels = Adversarial(EPSILON, WEIGHT).channels(case.predict(case.theta, None), DATA.x, DATA.y)
    assert set(channels) == {"objective", "clean_objective", "error", "adversarial_error"}
    clean = case.predict(case.theta, None)(DATA.x, 0).argmax(dim=1) != DATA.y
    assert torch.equal(channels["error"], clean.double())
    assert channels["adversarial_error"].sum() > channels["error"].sum() > 0


def test_no_gradient_flows_through_the_perturbation(case: Case) -> None:
    seen: list[tuple[Tensor, int]] = []
    leaf = case.theta.clone().requires_grad_()
    cost = Adversarial(EPSILON, WEIGHT)(case.predict(leaf, case.drawn, seen), DATA.x, DATA.y).mean()
    (slope,) = torch.autograd.grad(cost, leaf)
    moved = seen[1][0].detach()
    leaf = case.theta.clone().requires_grad_()
    predict = case.predict(leaf, case.drawn)
    clean = torch.nn.functional.cross_entropy(predict(DATA.x, 0), DATA.y)
    perturbed = torch.nn.functional.cross_entropy(predict(moved, 1), DATA.y)
    (expected,) = torch.autograd.grad(WEIGHT * clean + (1 - WEIGHT) * perturbed, leaf)
    torch.testing.assert_close(slope, expected, rtol=1e-12, atol=1e-15)
    assert len(unpacked(slope)) == 2 and slope.abs().max() > 0.01


@pytest.mark.parametrize(("weight", "same_as"), [(1.0, "clean_objective"), (0.0, None)])
def test_ends_of_the_weight(case: Case, weight: float, same_as: str | None) -> None:
    predict = case.predict(case.theta, None)
    channels = Adversarial(EPSILON, weight).channels(predict, DATA.x, DATA.y)
    half = Adversarial(EPSILON, 0.5).channels(predict, DATA.x, DATA.y)
    other = 2 * half["objective"] - half["clean_objective"]
    expected = channels[same_as] if same_as else other
    torch.testing.assert_close(channels["objective"], expected, rtol=1e-12, atol=1e-14)


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match=r"cost\.epsilon=0"):
        Adversarial(epsilon=0.0)
    with pytest.raises(InputError, match=r"cost\.weight=1.5"):
        Adversarial(weight=1.5)
