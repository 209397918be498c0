"""One forward pass as a function of a point and of what a batch brings: module, cost and masks, nothing hidden."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from landscape.cost.contract import WEIGHT, calls_module, takes_batch
from landscape.cost.labels import scaled
from landscape.data.split import Split, named
from landscape.data.tree import Form, Tree, Values
from landscape.model.dropout import Masks
from landscape.objective.module.borrowed import Borrowed
from landscape.objective.module.call import call_of
from landscape.objective.module.safe import copies
from landscape.parameters import ParameterLayout

Known = Mapping[str, Tensor]
"""What a batch brings besides theta: ``x`` [B, ...] or ``x.NAME``, ``y`` or ``y.NAME``, ``masks`` [draws, B, F],
``buffer NAME``."""

NOISES = 65_537
"""Random numbers that move a point off another; of more values each serves for several, far apart."""


def axis_of(name: str) -> int | None:
    """Where the examples lie in what a batch brings by this name; None: nowhere."""
    first = name.partition(".")[0]
    return 0 if first in ("x", "y") else 1 if first == "masks" else None


def num_of(known: Known) -> int:
    """The examples of a batch, B."""
    return len(next(tensor for name, tensor in known.items() if axis_of(name) == 0))


def cut(known: Known, first: int, num: int) -> dict[str, Tensor]:
    """``num`` examples of a batch from number ``first`` on."""
    axes = {name: axis_of(name) for name in known}
    return {n: v if (axis := axes[n]) is None else v.narrow(axis, first, num) for n, v in known.items()}


def known_of(x: Values, y: Values, buffers: Mapping[str, Tensor], masks: Tensor | None) -> dict[str, Tensor]:
    """All that a batch of one seed brings besides theta."""
    known = named(x, y) if masks is None else {**named(x, y), "masks": masks}
    return known | {f"buffer {name}": buffer for name, buffer in buffers.items()}


@dataclass(frozen=True, eq=False)
class BatchForm:
    """How the tensors of a batch hang together, and how a module is called with them.

    Args:
        x, y: the forms of inputs and targets; None: one tensor. ``y`` is not there where it is the inputs themselves.
        split: of the batch, ``"pair"``, ``"tuple"`` or ``"whole"``.
        call: (module, inputs) -> outputs, instead of the usual way.
    """

    x: Form | None = None
    y: Form | None = None
    split: str = "pair"
    call: Callable[[nn.Module, Any], Any] | None = None

    @classmethod
    def of(cls, split: Split, call: Callable[[nn.Module, Any], Any] | None = None) -> BatchForm:
        """That of a split's batches."""
        x, y = (part.form if isinstance(part, Tree) else None for part in (split.x, split.y))
        return cls(x, y, split.form, call)

    @property
    def signature(self) -> tuple[str, ...]:
        """Equal for batches of one form."""
        return self.split, *("" if form is None else form.signature for form in (self.x, self.y))

    def inputs(self, known: Known) -> Any:
        """What goes into the module."""
        return known["x"] if self.x is None else self.x.build(_below(known, "x."))

    def targets(self, known: Known) -> Any:
        """What the outputs are compared with."""
        if self.y is None:
            return known["y"] if "y" in known else known["x"]
        leaves = _below(known, "y.")
        return self.y.build(leaves) if leaves else self.inputs(known)

    def batch(self, known: Known) -> Any:
        """The batch as it came."""
        x = self.inputs(known)
        return (
            (x, self.targets(known))
            if self.split == "pair"
            else (*x, self.targets(known))
            if self.split == "tuple"
            else x
        )


def _below(known: Known, prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in known.items() if name.startswith(prefix)}


@dataclass(frozen=True, eq=False)
class ForwardPass:
    """forward(theta [P], known, state) -> (channels {name: [B]}, state after the batch): of its arguments alone.

    Args:
        module: a template in evaluation mode on its device.
        cost: ``channels(predict, x, y)``.
        masks: of the module's ``Dropout`` layers.
        dtype: precision of the pass.
        device: of the pass.
        is_stateful: sequences are read side by side, the state of one block carried into the next.
        is_safe: module and cost run no code but torch's and ours, which writes into nothing that it is given.
        scales: factors of the channels, see ``landscape.cost.labels.scales``.
        written: what a pass writes into, and gets a copy of: ``x``, ``y``, ``theta``, ``buffer NAME``.
        form: how the tensors of a batch hang together.
        weighs: the cost says how much each example counts.
        is_innermost: images go into the module with their channels innermost in memory.
    """

    module: nn.Module
    cost: Any
    masks: Masks
    dtype: torch.dtype
    device: torch.device
    is_stateful: bool
    is_safe: bool
    scales: Mapping[str, float] = field(default_factory=dict)
    written: frozenset[str] = frozenset()
    form: BatchForm = BatchForm()
    weighs: bool = False
    is_innermost: bool = False

    @cached_property
    def layout(self) -> ParameterLayout:
        """What the P values of theta are."""
        return ParameterLayout.of(self.module)

    @cached_property
    def borrowed(self) -> Borrowed:
        """The module with given values in place of its own."""
        return Borrowed(self.module)

    @property
    def name(self) -> str:
        """The module's class."""
        return type(self.module).__name__

    def __call__(self, theta: Tensor, known: Known, state: Any) -> tuple[dict[str, Tensor], Any]:
        """Channels and state after a batch."""
        if self.written:
            theta, known = copies(self.borrowed.buffers, theta, known, self.written)
        values: dict[str, Tensor] = dict(self.layout.unflatten(theta))
        values |= {name.removeprefix("buffer "): v for name, v in known.items() if name.startswith("buffer ")}
        with self.borrowed.values(values):  # also where the cost takes gradients of what checkpoints compute again
            return self.seated(known, state)

    def seated(self, known: Known, state: Any) -> tuple[dict[str, Tensor], Any]:
        """The same with the parameters and buffers that the module has."""
        if self.is_innermost:
            known = {**known, "x": innermost(known["x"])}

        def masked(inputs: Any, draw: int) -> Any:
            nonlocal state
            with self.masks.bind(known.get("masks"), draw):
                if not self.is_stateful:
                    return self._call(self.module, inputs)
                before = self.module.initial_state(known["x"]) if state is None else state  # type: ignore[operator]
                outputs, state = self.module((inputs, before))
                return outputs

        predict = masked if self.is_stateful or len(self.masks) else self._predict
        found = self.cost.channels(predict, *self._shown(known))
        if self.scales:
            found = scaled(found, self.scales)
        return weighed(found) if WEIGHT in found else dict(found), state

    @cached_property
    def _predict(self) -> Callable[[Any, int], Any]:
        """The module alone."""
        module, call = self.module, self._call
        return lambda inputs, draw: call(module, inputs)

    @cached_property
    def _shown(self) -> Callable[[Known], tuple[Any, Any]]:
        """What the cost is shown of a batch."""
        cost, form = self.cost, self.form
        if form.x is None and form.y is None and form.split == "pair" and not (calls_module(cost) or takes_batch(cost)):
            return lambda known: (known["x"], known.get("y", known["x"]))
        return lambda known: inputs_and_targets(cost, form, known)

    def but(self, **changes: Any) -> ForwardPass:
        """The same pass with other arguments, of this module or of a copy of it."""
        other = replace(self, **changes)
        kept = ("layout",) if "module" in changes else ("layout", "borrowed", "_named")
        other.__dict__.update({name: self.__dict__[name] for name in kept if name in self.__dict__})
        return other

    def run(self, x: Values, y: Values) -> Any:
        """What the module returns for some examples, with the parameters and buffers that it now has."""
        return self._call(self.module, inputs_and_targets(self.cost, self.form, known_of(x, y, {}, None))[0])

    @cached_property
    def _call(self) -> Callable[[nn.Module, Any], Any]:
        """How the module is called."""
        return call_of(self.module, self.cost, self.form)

    def on_copies(
        self, theta: Tensor, known: Known, state: Any, keeps_theta: bool = True
    ) -> tuple[dict[str, Tensor], Any]:
        """The same on copies: others' code may write into what it is given at some points only, unforeseen.

        Args:
            keeps_theta: the point is needed afterwards.
        """
        if not self.is_safe:
            theta, known = copies(self.borrowed.buffers, theta, known, keeps_theta=keeps_theta)
        return self(theta, known, state)

    @property
    def start(self) -> Tensor:
        """The module's own point [P]."""
        return self.layout.flatten({name: p.detach() for name, p in self._named.items()})

    @cached_property
    def _named(self) -> dict[str, Tensor]:
        """The module's parameters."""
        return dict(self.module.named_parameters())

    def off_start(self, scale: float = 0.01, seed: int = 0) -> Tensor:
        """A point [P] near the module's own: behind a layer that begins at exactly zero nothing would show."""
        theta = self.start
        noise = torch.randn(min(len(theta), NOISES), generator=torch.Generator().manual_seed(seed))
        noise = scale * noise.to(theta)
        for part in theta.split(NOISES):
            part.add_(noise[: len(part)])
        return theta.to(self.device, self.dtype)


def innermost(x: Tensor) -> Tensor:
    """Images [B, C, H, W] with their channels innermost in memory; anything else as it is."""
    if x.dim() != 4 or not x.is_floating_point():
        return x
    if x.shape[1] == 1:  # torch sees no difference and takes the strides for those of the usual order
        return x.contiguous().as_strided(x.shape, (x[0].numel(), 1, x.shape[3], 1))
    return x.contiguous(memory_format=torch.channels_last)


def inputs_and_targets(cost: Any, form: BatchForm, known: Known) -> tuple[Any, Any]:
    """What a cost is shown of a batch: inputs and targets, or the whole batch in place of either where it asks so."""
    x = form.batch(known) if calls_module(cost) else form.inputs(known)
    return x, form.batch(known) if takes_batch(cost) else form.targets(known)


def masks_of(module: nn.Module, cost: Any, split: Split, form: BatchForm) -> Masks:
    """The dropout of a module, found in a pass over the first example of a split."""
    shown = inputs_and_targets(cost, form, known_of(*split.rows(slice(1)), {}, None))[0]
    return Masks(module, shown, getattr(cost, "num_draws", 1), call_of(module, cost, form))


def weighed(channels: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Channels [B] times what each example counts, where the cost says so; that itself stays."""
    weight = channels.get(WEIGHT)
    if weight is None:
        return dict(channels)
    return {name: values if name == WEIGHT else values * weight for name, values in channels.items()}
