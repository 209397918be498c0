"""A claim about axes that is wrong in any one place is caught, also where the module's own point would hide it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import nn

from landscape.errors import InputError
from landscape.model import MLP
from landscape.symmetry.axes import Axes, Axis
from landscape.symmetry.check import check_axes
from landscape.symmetry.find import axes_of
from tests.symmetry.nets import CASES, WORDS, X


def wrong(axes: Axes) -> Iterator[tuple[str, Axes]]:
    """Every one of these mistakes: an axis forgotten, given a permutation of its own, its pieces denied or made up."""
    for name, entries in axes.of.items():
        for k, axis in enumerate(entries):
            if axis is None:
                continue

            def with_axis(other: Axis | None, name: str = name, k: int = k) -> dict[str, tuple[Axis | None, ...]]:
                own = axes.of[name]
                return axes.of | {name: (*own[:k], other, *own[k + 1 :])}

            yield f"{name} {k} forgotten", replace(axes, of=with_axis(None))
            if sum(a.permutation == axis.permutation for a in axes.all()) > 1:
                sizes = axes.sizes | {"other": axes.sizes[axis.permutation]}
                yield f"{name} {k} by itself", Axes(sizes, with_axis(replace(axis, permutation="other")))
            if axis.has_pieces:
                yield f"{name} {k} without pieces", replace(axes, of=with_axis(replace(axis, has_pieces=False)))
            elif axis.inner > 1 or axis.outer > 1:
                yield f"{name} {k} with pieces", replace(axes, of=with_axis(replace(axis, has_pieces=True)))
            if axis.inner != axis.outer:
                swapped = replace(axis, inner=axis.outer, outer=axis.inner, has_pieces=False)
                yield f"{name} {k} turned", replace(axes, of=with_axis(swapped))


# A norm takes off again what the bias in front of it adds; of weights that meet zeros any order will do; of a committee
# one axis moves, and there is nothing that it could be out of step with.
OTHERS = ("maxout", "instance norm", "unrolled, one step", "committee")


@pytest.mark.parametrize(
    "name",
    [
        "maxout",
        *(pytest.param(name, marks=pytest.mark.slow) for name in CASES if CASES[name].sizes and name not in OTHERS),
    ],
)
def test_every_single_mistake_is_caught(name: str) -> None:
    """One by one, at the start that the model itself has."""
    torch.manual_seed(0)
    case = CASES[name]
    net = case.make()
    axes = axes_of(net, case.example)
    mistakes = list(wrong(axes))
    assert len(mistakes) >= 2 * len(axes.of)
    for told, claim in mistakes:
        with pytest.raises(InputError, match=r"gives something else|depends on what follows|pieces in a unit"):
            check_axes(net, claim, case.example)
            pytest.fail(told)


def test_outputs_and_inputs_may_not_move() -> None:
    """Not even where the start is zero and every output is the same."""
    net = MLP(4, 3, [5], nn.ReLU())
    claim = Axes({"out": 3, "layers.0": 5}, axes_of(net, X).of | {"layers.1.bias": (Axis("out"),)})
    with pytest.raises(InputError, match="gives something else when its units change places by permutation out: off"):
        check_axes(net, claim, X)
    with pytest.raises(InputError, match="permutation in"):
        check_axes(net, Axes({"in": 4}, {"layers.0.weight": (None, Axis("in"))}), X)


def test_a_check_that_cannot_fail_is_refused() -> None:
    """Weights that meet zeros alone may stand in any order, for these inputs."""
    net = CASES["unrolled"].make()
    claim = Axes({"state": 5}, {"onward.weight": (None, Axis("state"))})
    with pytest.raises(InputError, match=r"nothing of what .* depends on what follows permutation state"):
        check_axes(net, claim, WORDS[:, :1])
    with pytest.raises(InputError, match="gives something else"):
        check_axes(net, claim, WORDS)


@pytest.mark.parametrize(
    ("axes", "match"),
    [
        (Axes({"a": 5}, {"layer.0.weight": (Axis("a"), None)}), "is no parameter or buffer"),
        (Axes({"a": 5}, {"layers.0.weight": (Axis("a"),)}), "has 1 entries"),
        (Axes({"a": 4}, {"layers.0.weight": (Axis("a"), None)}), "axis 0 has length 5, not the 1 x 4 x 1 of"),
        (Axes({}, {"layers.0.weight": (Axis("a"), None)}), "axis 0 has length 5, not the 1 x 0 x 1 of"),
    ],
)
def test_axes_that_do_not_fit_are_refused(axes: Axes, match: str) -> None:
    """Names, numbers of axes, sizes."""
    with pytest.raises(InputError, match=f"the axes do not fit model=MLP: .*{match}"):
        check_axes(MLP(4, 3, [5], nn.ReLU()), axes, X)


@pytest.mark.parametrize("function", ["nan", "zero"])
def test_outputs_that_say_nothing_are_refused(function: str) -> None:
    """No number, or nothing but zero."""

    class Useless(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x) * (torch.nan if function == "nan" else 0.0)

    with pytest.raises(InputError, match="no finite outputs other than zero"):
        check_axes(Useless(4, 3), Axes({"a": 3}, {"weight": (Axis("a"), None)}), X)


def test_the_module_and_the_random_numbers_are_not_touched() -> None:
    """Neither its values, nor its mode, nor the numbers that are drawn next."""
    net = CASES["batch norm"].make().train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    assert check_axes(net, axes_of(net, X), X) <= 1e-12
    assert torch.equal(torch.rand(1), expected)
    assert net.training and all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
