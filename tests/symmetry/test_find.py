"""Axes that are found: as many permutations as there are, and none that changes an output."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from landscape.errors import InputError
from landscape.symmetry.axes import identity, permuted, random_permutations
from landscape.symmetry.check import check_axes
from landscape.symmetry.find import axes_of
from tests import zoo
from tests.symmetry.modules import Net
from tests.symmetry.nets import CASES, QUICK, TOKENS, X
from tests.twin import D


def scattered(net: nn.Module) -> nn.Module:
    """In float64 and evaluation mode, at random parameters and statistics."""
    net = copy.deepcopy(net).double().eval()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, value in [*net.named_parameters(), *net.named_buffers()]:
            if value.is_floating_point():
                noise = torch.randn(value.shape, generator=generator, dtype=torch.float64)
                value.copy_(noise.exp() if name.endswith("running_var") else 0.5 * noise)
    return net


@torch.no_grad()
def outputs(net: nn.Module, state: dict[str, Tensor], example: Tensor) -> Tensor:
    """What a copy with this state dict gives."""
    net = copy.deepcopy(net)
    net.load_state_dict(state)
    out = net(example.clone() if not example.is_floating_point() else example.double())
    assert isinstance(out, Tensor)
    return out


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in CASES]
)
def test_axes_are_found(name: str) -> None:
    """As many units and pieces as there are; outputs stay to 1e-12 under a random order, bitwise under none."""
    case = CASES[name]
    torch.manual_seed(0)
    net = case.make()
    if not case.sizes:
        with pytest.raises(InputError, match=r"no hidden units .* endpoints\.axes=FILE"):
            axes_of(net, case.example)
        return
    before = {key: value.clone() for key, value in net.state_dict().items()}
    axes = axes_of(net, case.example)
    found = {key: (num, axes.pieces(key)) if axes.pieces(key) > 1 else num for key, num in axes.sizes.items()}
    assert found == case.sizes
    assert set(axes.stays.values()) == case.stays
    assert check_axes(net, axes, case.example) <= 1e-12
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())

    net = scattered(net)
    state = net.state_dict()
    expected = outputs(net, state, case.example)
    assert torch.equal(outputs(net, permuted(state, axes, identity(axes)), case.example), expected)
    moved = permuted(state, axes, random_permutations(axes, torch.Generator().manual_seed(1)))
    assert any(not torch.equal(moved[key], state[key]) for key in state)
    assert (outputs(net, moved, case.example) - expected).abs().max() <= 1e-12 * expected.abs().max()


@pytest.mark.slow
def test_a_longer_sequence_than_the_example_keeps_its_outputs() -> None:
    """Axes that one step of a recurrence showed hold for all."""
    net = CASES["lstm, one step"].make()
    axes = axes_of(net, TOKENS[:, :1])
    assert check_axes(net, axes, TOKENS) <= 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("name", zoo.WORKS)
def test_modules_that_people_have_get_no_wrong_axes(name: str) -> None:
    """Some have none, or are refused."""
    torch.manual_seed(0)
    net, x = zoo.WORKS[name](), torch.randn(4, D)
    try:
        axes = axes_of(net, x)
    except InputError as error:
        assert "axes_from(file, net)" in str(error)
    else:
        assert check_axes(net, axes, x) <= 1e-12


@pytest.mark.parametrize(
    ("net", "match"),
    [
        (
            Net(
                lambda m, x: m.last(m.first(x).relu() if m.first(x).sum() > 0 else m.first(x)),
                first=nn.Linear(4, 5),
                last=nn.Linear(5, 3),
            ),
            r"operator by operator \(what it does depends on values at 'lambda m, x.*', line \d+ of test_find.py\), so "
            r"which .*axes_from\(file, net\)",
        ),
        (nn.Sequential(nn.LazyLinear(4), nn.Linear(4, 3)), "lazy layers"),
        (nn.Linear(4, 3), "no hidden units that could change places by themselves; write down"),
        (nn.Sequential(nn.Linear(4, 1), nn.Tanh(), nn.Linear(1, 3)), "no hidden units"),
        (
            Net(lambda m, x: m.last(torch.fft.fft(m.first(x)).real), first=nn.Linear(4, 5), last=nn.Linear(5, 3)),
            r"operator fft_fft, operator real kept some in place",
        ),
    ],
)
def test_what_cannot_be_found_is_refused(net: nn.Module, match: str) -> None:
    """One sentence with the reason and the way out."""
    with pytest.raises(InputError, match=match):
        axes_of(net, X)
