"""What a module gives, as a function of its parameters and buffers, in float64 and with nothing of it touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from landscape.model.contract import has_example, is_stateful
from landscape.model.plain import plain_attention
from landscape.objective.module.borrowed import Borrowed
from landscape.objective.module.call import Call, called
from landscape.objective.module.template import template_of
from landscape.objective.module.watch import undisturbed

AFTER, LATER = "after", "later"
"""Of a module with a state: what it is after one block of a sequence, and after two."""


class Outputs:
    """A copy of a module in evaluation mode, on the CPU and in float64, at any parameters and buffers.

    Args:
        module: whose outputs; it is not touched.
        example: what it is called with, of a few examples.
        call: (module, inputs) -> outputs, where that is not module(inputs).

    Raises:
        InputError: a module that cannot be copied.
    """

    def __init__(self, module: nn.Module, example: Any, call: Call = called) -> None:
        self.name = type(module).__name__
        self.module = template_of(module, torch.device("cpu"), torch.float64)
        self.call = call
        self.leaves, self.form = pytree.tree_flatten(pytree.tree_map(_wide, example))
        self.values: dict[str, Tensor] = {}
        """Parameters and buffers, tied ones by the first of their names."""
        self.tied: dict[str, str] = {}
        """Each further name of a tied one: the first."""
        first: dict[int, str] = {}
        for named in (self.module.named_parameters, self.module.named_buffers):
            for name, tensor in named(remove_duplicate=False):
                own = first.setdefault(id(tensor), name)
                if own == name:
                    self.values[name] = tensor.detach()
                else:
                    self.tied[name] = own
        self._borrowed = Borrowed(self.module)

    @property
    def inputs(self) -> dict[str, Tensor]:
        """The tensors of the example by their places."""
        return {str(k): leaf for k, leaf in enumerate(self.leaves) if isinstance(leaf, Tensor)}

    def __call__(self, values: Mapping[str, Tensor], inputs: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """The tensors that come out, by place; of a module with a state those of two blocks, and the states.

        Args:
            values: by the names of ``self.values``.
            inputs: in place of those of the example; a pass may write into them.
        """
        own = self.inputs if inputs is None else inputs
        leaves = [own[str(k)].clone() if str(k) in own else leaf for k, leaf in enumerate(self.leaves)]
        example = pytree.tree_unflatten(leaves, self.form)
        with plain_attention(), self._borrowed.values(dict(values)):
            return dict(self._tensors(example))

    def _tensors(self, example: Any) -> Iterator[tuple[str, Tensor]]:
        if not is_stateful(self.module):
            yield from _named("output", self.call(self.module, example))
            if has_example(self.module):  # a training pass, which takes more
                yield from _named("training", self.module(self.module.example(example)))  # type: ignore[operator]
            return
        first, state = self.module((example, self.module.initial_state(example)))  # type: ignore[operator]
        second, later = self.module((example, state))
        yield from _named("output", (first, second))
        yield from _named(AFTER, state)
        yield from _named(LATER, later)

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Passes that draw numbers draw the same ones at the start of every block like this."""
        with undisturbed(), torch.no_grad():
            torch.manual_seed(0)
            yield


def _named(word: str, tree: Any) -> Iterator[tuple[str, Tensor]]:
    for k, leaf in enumerate(pytree.tree_leaves(tree)):
        if isinstance(leaf, Tensor):
            yield f"{word}.{k}", leaf


def _wide(leaf: Any) -> Any:
    """On the CPU and in float64, where it is a tensor of real numbers."""
    if not isinstance(leaf, Tensor):
        return leaf
    leaf = leaf.detach().cpu()
    if leaf.is_complex():
        return leaf.to(torch.complex128)
    return leaf.double() if leaf.is_floating_point() else leaf
