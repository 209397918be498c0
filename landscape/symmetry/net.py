"""A module as a function of its parameters and buffers, with the examples that it is looked at with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from landscape.data.split import Split
from landscape.data.stream import Stream
from landscape.objective.forward import BatchForm, inputs_and_targets, known_of
from landscape.objective.module.borrowed import Borrowed
from landscape.objective.module.call import Call, call_of, called
from landscape.objective.module.template import template_of
from landscape.objective.module.watch import undisturbed
from landscape.symmetry.check import apart
from landscape.symmetry.outputs import Outputs

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
    _outputs: list[Outputs] = field(default_factory=list, init=False)

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
            The largest difference relative to the largest output.
        """
        if not self._outputs:
            self._outputs.append(Outputs(self.module, self.few, self.call))
        return apart(self._outputs[0], *(_cast(state, CPU, torch.float64) for state in (one, other)))

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
