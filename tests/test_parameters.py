"""A module's point and back."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from landscape.errors import InputError
from landscape.parameters import ParameterLayout, row_of
from tests.twin import maxout, normal
from tests.zoo import Net


def tied() -> Net:
    """Two names for one weight, a scalar, and a running statistic."""
    net = Net(
        lambda m, x: m.norm(m.decode(m.encode(x)) * m.gain),
        encode=nn.Linear(3, 3, bias=False),
        decode=nn.Linear(3, 3),
        gain=nn.Parameter(torch.tensor(1.5)),
        norm=nn.BatchNorm1d(3),
    )
    net.decode.weight = net.encode.weight
    return net


@pytest.mark.parametrize("lead", [(), (1,), (4,), (2, 3)])
def test_round_trip_is_bitwise(lead: tuple[int, ...]) -> None:
    layout = ParameterLayout.of(tied())
    theta = normal(*lead, layout.num_parameters)
    named = layout.unflatten(theta)
    assert [tuple(named[n].shape) for n in layout.names] == [(*lead, *s) for s in layout.shapes]
    assert torch.equal(layout.flatten(named), theta)


def test_order_is_the_modules_own() -> None:
    module = maxout()
    plain = torch.cat([p.detach().reshape(-1) for p in module.parameters()])
    layout = ParameterLayout.of(module)
    assert torch.equal(layout.theta(module), plain)
    assert layout.num_parameters == len(plain) == sum(layout.sizes) == 7 * 12 + 12 + 6 * 5 + 5


def test_unflatten_gives_views_and_flatten_a_copy() -> None:
    layout = ParameterLayout(("a", "b"), ((2, 3), ()))
    theta = normal(5, 7)
    named = layout.unflatten(theta)
    named["a"][3, 1, 2] = 42.0
    named["b"][4] = -1.0
    assert theta[3, 5] == 42.0 and theta[4, 6] == -1.0
    flat = layout.flatten(named)
    flat.zero_()
    assert theta[3, 5] == 42.0
    single = ParameterLayout(("a",), ((7,),))  # one tensor only: still a copy
    single.flatten({"a": theta}).zero_()
    assert theta[3, 5] == 42.0


def test_tied_parameters_appear_once_and_buffers_never() -> None:
    layout = ParameterLayout.of(tied())
    assert layout.names == ("gain", "encode.weight", "decode.bias", "norm.weight", "norm.bias")
    assert layout.num_parameters == 1 + 9 + 3 + 3 + 3


def test_theta_is_cut_off_from_the_module() -> None:
    module = maxout()
    layout = ParameterLayout.of(module)
    theta = layout.theta(module)
    assert not theta.requires_grad
    theta.zero_()
    assert layout.theta(module).abs().sum() > 0


def test_faults_are_named() -> None:
    with pytest.raises(InputError, match="model=ReLU has no parameters"):
        ParameterLayout.of(nn.ReLU())
    with pytest.raises(ValueError, match="theta has 6 values, the layout needs 7"):
        ParameterLayout(("a", "b"), ((2, 3), ())).unflatten(torch.zeros(2, 6))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_row_lies_in_memory_as_if_it_were_alone(dtype: torch.dtype) -> None:
    """37 numbers are no multiple of what torch aligns to."""
    theta = torch.arange(3 * 37.0, dtype=dtype).view(3, 37)
    for s in range(3):
        assert torch.equal(row_of(theta, s), theta[s])
        assert row_of(theta, s).data_ptr() % 64 == 0
    assert row_of(theta, 0).data_ptr() == theta.data_ptr()
