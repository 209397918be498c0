"""A module as a function of its parameters and buffers, with the examples that it is looked at with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_map

from landscape.data.split import Split
from landscape.data.stream import Stream
from landscape.errors import InputError
from landscape.objective.forward import BatchForm, inputs_and_targets, known_of
from landscape.objective.module.borrowed import Borrowed
from landscape.objective.module.call import Call, call_of, called
from landscape.objective.module.template import template_of
from landscape.objective.module.watch import undisturbed

State = Mapping[str, Tensor]
"""Parameters and buffers by name."""
CPU = torch.device("cpu")
FEW, BLOCK = 64, 1000
"""Examples on which outputs are compared, and those that go through the module at once."""


@dataclass(frozen=True, eq=False)
class Net:
    """What is asked of a module: its outputs at any state, in evaluation mode.

    Args:
        module: a template, which is not touched.
        few: inputs of a few examples.
        blocks: (device, precision) -> inputs of all examples, some at a time; None: there are no others.
        call: (module, inputs) -> outputs.
        device: where all the examples are passed over; what is compared is computed on the CPU.
    """

    module: nn.Module
    few: Any
    blocks: Callable[[torch.device, torch.dtype], Iterator[Any]] | None = None
    call: Call = called
    device: torch.device = CPU
    _templates: dict[Any, Borrowed] = field(default_factory=dict, init=False)

    @classmethod
    def over(
        cls,
        module: nn.Module,
        data: Split | Stream,
        cost: Any = None,
        call: Call | None = None,
        device: torch.device | str = "cpu",
    ) -> Net:
        """Of examples as the objective has them.

        Args:
            data: a split or a stream.
            cost: it may be what calls the module.
            call: instead of the usual way.
        """
        first = data.first(FEW)
        form = BatchForm.of(first, call)
        own = call_of(module, cost, form)

        def inputs(split: Split, device: torch.device, dtype: torch.dtype) -> Any:
            return inputs_and_targets(cost, form, known_of(*split.to(device, dtype).rows(slice(None)), {}, None))[0]

        def blocks(device: torch.device, dtype: torch.dtype) -> Iterator[Any]:
            for block in data.blocks(BLOCK) if isinstance(data, Stream) else _cut(data):
                yield inputs(block, device, dtype)

        return cls(module, inputs(first, CPU, torch.float64), blocks, _stateless(module, own), torch.device(device))

    def difference(self, one: State, other: State) -> float:
        """How far the outputs at two states lie apart for the few examples, in float64.

        Returns:
            The largest difference relative to the largest output; infinite where an output is not finite.
        """
        pairs = zip(
            *(_numbers(self.outputs(state, self.few, CPU, torch.float64)) for state in (one, other)), strict=True
        )
        return max((_apart(first, second) for first, second in pairs), default=0.0)

    def outputs(self, state: State, inputs: Any, device: torch.device, dtype: torch.dtype) -> Any:
        """What the module returns at a state, in a precision."""
        with undisturbed(), torch.no_grad(), self.template(device, dtype).values(_cast(state, device, dtype)) as module:
            return self.call(module, tree_map(lambda part: part.clone() if isinstance(part, Tensor) else part, inputs))

    def template(self, device: torch.device, dtype: torch.dtype) -> Borrowed:
        """A copy of the module that takes any state."""
        if (device, dtype) not in self._templates:
            self._templates[device, dtype] = Borrowed(template_of(self.module, device, dtype))
        return self._templates[device, dtype]


def _cut(split: Split) -> Iterator[Split]:
    """A split in blocks, of sequences in whole ones."""
    step = BLOCK if split.num_streams is None else max(1, BLOCK // split.num_streams) * split.num_streams
    for start in range(0, len(split), step):
        x, y = split.rows(slice(start, start + step))
        yield Split(x, y, split.num_streams, split.is_resampled, split.form)


def _stateless(module: nn.Module, call: Call) -> Call:
    """Of sequences each block from the first state on."""
    if not hasattr(module, "initial_state"):
        return call
    return lambda net, inputs: net((inputs, net.initial_state(inputs)))[0]  # type: ignore[operator]


def _cast(state: State, device: torch.device, dtype: torch.dtype) -> dict[str, Tensor]:
    kinds = {True: dtype.to_complex(), False: dtype}
    return {
        name: value.to(
            device, kinds[value.is_complex()] if value.is_complex() or value.is_floating_point() else None, copy=True
        )
        for name, value in state.items()
    }


def _numbers(outputs: Any) -> list[Tensor]:
    found = [part for part in tree_flatten(outputs)[0] if isinstance(part, Tensor)]
    if not found:
        raise InputError(f"the module returns a {type(outputs).__name__}, in which there is no tensor to compare")
    return found


def _apart(first: Tensor, second: Tensor) -> float:
    if not (first.is_floating_point() or first.is_complex()):
        return 0.0 if torch.equal(first, second) else float("inf")
    scale = first.abs().max().item() if first.numel() else 0.0
    apart = (first - second).abs().max().item() if first.numel() else 0.0
    found = apart / scale if scale else apart
    return found if found < float("inf") else float("inf")  # NaN too
