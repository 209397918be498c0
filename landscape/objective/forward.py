"""One forward pass as a function of a point and of what a batch brings: module, cost and masks, nothing hidden."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from landscape.cost.labels import scaled
from landscape.model.dropout import Masks
from landscape.objective.module.borrowed import Borrowed
from landscape.objective.module.safe import copies
from landscape.parameters import ParameterLayout

Known = Mapping[str, Tensor]
"""What a batch brings besides theta: ``x`` [B, ...], ``y`` [B, ...], ``masks`` [draws, B, F], ``buffer NAME``."""

AXES = {"x": 0, "y": 0, "masks": 1}
"""Where the examples lie in what a batch brings besides theta."""


def known_of(x: Tensor, y: Tensor, buffers: Mapping[str, Tensor], masks: Tensor | None) -> dict[str, Tensor]:
    """All that a batch of one seed brings besides theta."""
    known = {"x": x, "y": y} if masks is None else {"x": x, "y": y, "masks": masks}
    return known | {f"buffer {name}": buffer for name, buffer in buffers.items()}


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
            theta, known = copies(self.module, theta, known, self.written)
        values: dict[str, Tensor] = dict(self.layout.unflatten(theta))
        values |= {name.removeprefix("buffer "): v for name, v in known.items() if name.startswith("buffer ")}

        def predict(inputs: Any, draw: int) -> Any:
            nonlocal state
            with self.masks.bind(known.get("masks"), draw), self.borrowed.values(values):
                if not self.is_stateful:
                    return self.module(inputs)
                before = self.module.initial_state(known["x"]) if state is None else state  # type: ignore[operator]
                outputs, state = self.module((inputs, before))
                return outputs

        return scaled(self.cost.channels(predict, known["x"], known["y"]), self.scales), state

    def on_copies(self, theta: Tensor, known: Known, state: Any) -> tuple[dict[str, Tensor], Any]:
        """The same on copies: others' code may write into what it is given at some points only, unforeseen."""
        if not self.is_safe:
            theta, known = copies(self.module, theta, known)
        return self(theta, known, state)

    @property
    def start(self) -> Tensor:
        """The module's own point [P]."""
        return self.layout.theta(self.module)

    def off_start(self, scale: float = 0.01, seed: int = 0) -> Tensor:
        """A point [P] near the module's own: behind a layer that begins at exactly zero nothing would show."""
        theta = self.start
        noise = torch.randn(theta.shape, generator=torch.Generator().manual_seed(seed))
        return (theta + scale * noise.to(theta)).to(self.device, self.dtype)
