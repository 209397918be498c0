"""Models that return more than one tensor: the logits are found, named, or asked for."""

from __future__ import annotations

from collections import namedtuple
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from landscape.cost import Adversarial, CrossEntropy, SquaredError
from landscape.cost.contract import tensor_of
from landscape.errors import InputError

Z, OTHER = torch.arange(6.0).view(2, 3), torch.zeros(2, 3)
Named, Plain = namedtuple("Named", "hidden logits"), namedtuple("Plain", "a b")
FOUND = [
    Z,
    {"logits": Z},
    {"hidden": OTHER, "logits": Z},
    Named(OTHER, Z),
    (Z,),
    [Z],
    (Z, None),
    (Z, (OTHER, OTHER)),
    {"out": Z, "depth": 3},
    Plain(Z, None),
    SimpleNamespace(logits=Z, hidden=OTHER),
]


@pytest.mark.parametrize("outputs", FOUND, ids=range(len(FOUND)))
def test_the_logits_are_found(outputs: Any) -> None:
    assert tensor_of(outputs) is Z


@pytest.mark.parametrize(
    ("outputs", "name"), [((OTHER, Z), 1), (Plain(OTHER, Z), "b"), ({"a": OTHER, "b": Z}, "b"), (Z, 1)]
)
def test_the_logits_are_named(outputs: Any, name: str | int) -> None:
    assert tensor_of(outputs, name) is Z
    for cost in (CrossEntropy(output=name), Adversarial(output=name).entropy, SquaredError(output=name)):
        y = torch.tensor([2, 2])
        assert torch.equal(cost(lambda x, draw: outputs, Z, y), type(cost)()(lambda x, draw: Z, Z, y))


@pytest.mark.parametrize(
    ("outputs", "name", "words"),
    [
        ((OTHER, Z), None, r"tuple of 0 \(\[2, 3\]\), 1 \(\[2, 3\]\), and none is called logits"),
        ({"a": OTHER, "b": Z}, None, r"dict of a \(\[2, 3\]\), b"),
        ({"a": OTHER, "b": Z}, "c", "none is cost.output=c"),
        ({"a": {"b": OTHER, "c": Z}}, "a", "whose cost.output=a is itself a dict of b, c"),
        (None, None, "returns a NoneType"),
        ((), None, "returns a tuple"),
    ],
)
def test_what_cannot_be_told_is_refused(outputs: Any, name: str | None, words: str) -> None:
    with pytest.raises(InputError, match=words):
        tensor_of(outputs, name)


@pytest.mark.parametrize("name", [[1], True, 1.5])
def test_a_name_is_a_key_or_a_position(name: Any) -> None:
    with pytest.raises(InputError, match=r"cost\.output="):
        CrossEntropy(output=name)
