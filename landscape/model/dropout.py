"""Dropout on the inputs of a layer, with masks that somebody else may draw.

The paper's nets were trained by pylearn2, whose dropout keeps each input with one probability and multiplies
it by an unrelated scale (the first layer of the maxout net keeps 0.8 and scales by 1.0), and rescales nothing
at test time. ``torch.nn.Dropout`` ties the two numbers together and cannot express that.

Masks are drawn outside the module so that they can depend on the seed and the example alone: a seed then sees
the same masks whether it is trained alone or beside others, and a line is evaluated under common random numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from landscape.errors import InputError
from landscape.model.contract import has_example
from landscape.model.plain import PlainDropout, plain_attention


class Dropout(nn.Module):
    """x -> scale * m * x with m ~ Bernoulli(include) per example and element; the identity in evaluation mode.

    Args:
        include: probability of keeping an element, in (0, 1].
        scale: factor on the kept elements; 1/include keeps the mean.

    Raises:
        InputError: include out of range.

    Source: pylearn2 ``dropout_fprop`` (``input_include_probs``, ``input_scales``).
    """

    def __init__(self, include: float, scale: float) -> None:
        super().__init__()
        if not 0 < include <= 1:
            raise InputError(f"model.include holds {include}, which is no probability in (0, 1]; 1 keeps every element")
        self.include, self.scale = include, scale
        self.mask: Tensor | None = None  # set for the length of one forward pass by Masks.bind

    def forward(self, x: Tensor) -> Tensor:
        """x [B, ...] -> [B, ...]."""
        mask = self.mask
        if mask is None:
            if not self.training:
                return x
            mask = torch.rand_like(x) < self.include
        return x * (mask.view(x.shape).to(x.dtype) * self.scale)  # bool * float would round the scale to float32

    def extra_repr(self) -> str:
        """The two numbers."""
        return f"include={self.include}, scale={self.scale}"


def dropout_layers(include: Sequence[float] | None, scale: Sequence[float] | None, wanted: bool) -> nn.ModuleList:
    """One ``Dropout`` per layer input; an empty list when none is wanted or no numbers are given.

    Raises:
        InputError: only one of the two is given.
    """
    if (include is None) != (scale is None):
        raise InputError(f"model.include={include} and model.scale={scale} go together; give both, or null for both")
    if include is None or scale is None or not wanted:
        return nn.ModuleList()
    return nn.ModuleList(Dropout(p, s) for p, s in zip(include, scale, strict=True))


class Masks:
    """All dropout masks of one module as one array [num_draws, B, F], F the values that one example needs.

    Args:
        module: any module; its ``Dropout`` layers are found, in the order in which they run.
        example: a batch of inputs to run once, [1, ...], so that the widths are known; a module whose training pass
            takes more than x makes it from x by its own ``example``.
        num_draws: how many independent passes the cost makes per example.
        call: (module, inputs) -> outputs, where that is not module(inputs).

    Raises:
        InputError: one ``Dropout`` layer runs twice in a pass, which has no place for two masks.
    """

    def __init__(
        self,
        module: nn.Module,
        example: Any,
        num_draws: int = 1,
        call: Callable[[nn.Module, Any], Any] | None = None,
    ) -> None:
        self.num_draws = num_draws
        self.layers: list[Dropout] = []
        self.widths: list[int] = []

        def note(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            assert isinstance(layer, Dropout)
            if layer in self.layers:
                raise InputError(
                    f"model={type(module).__name__} runs one Dropout layer twice in a pass; "
                    "give each place a landscape.model.Dropout of its own"
                )
            self.layers.append(layer)
            self.widths.append(inputs[0][0].numel())

        hooks = [m.register_forward_pre_hook(note) for m in module.modules() if isinstance(m, Dropout)]
        if hooks:
            training = module.training
            module.eval()
            try:
                with torch.no_grad():
                    x = tree_map(lambda v: v.clone() if isinstance(v, Tensor) else v, example)  # some write into it
                    if has_example(module):
                        x = module.example(x)  # type: ignore[operator]
                    module(x) if call is None else call(module, x)
            finally:
                module.train(training)
                for hook in hooks:
                    hook.remove()

    def __len__(self) -> int:
        return len(self.layers)

    def draw(self, num_examples: int, generator: torch.Generator) -> Tensor:
        """New masks, bool [num_draws, B, F], on the generator's device."""
        device = generator.device
        shape = (self.num_draws, num_examples, sum(self.widths))
        include = torch.cat([torch.full((w,), m.include) for m, w in zip(self.layers, self.widths, strict=True)])
        return torch.rand(shape, generator=generator, device=device) < include.to(device)

    @contextmanager
    def bind(self, masks: Tensor | None, draw: int = 0) -> Iterator[None]:
        """Make the layers use ``masks[draw]`` [B, F] inside the block; None means no dropout."""
        parts: Sequence[Tensor | None] = (
            [None] * len(self.layers) if masks is None else masks[draw].split(self.widths, dim=-1)
        )
        for layer, part in zip(self.layers, parts, strict=True):
            layer.mask = part
        try:
            yield
        finally:
            for layer in self.layers:
                layer.mask = None

    @contextmanager
    def watched(self) -> Iterator[list[Dropout]]:
        """The layers that no pass inside the block ran; filled in as the block ends."""
        ran: list[Dropout] = []
        idle: list[Dropout] = []
        hooks = [layer.register_forward_pre_hook(lambda layer, _: ran.append(layer)) for layer in self.layers]
        try:
            yield idle
        finally:
            for hook in hooks:
                hook.remove()
        idle.extend(layer for layer in self.layers if layer not in ran)


@contextmanager
def torch_dropout_on(layers: Sequence[nn.Module], seed: int, device: torch.device) -> Iterator[None]:
    """Switch on what draws by itself, as ``torch.nn.Dropout`` does, under a fixed seed.

    Its masks then depend on the batch size too.
    """
    if not layers:
        yield
        return
    generators = [device] if device.type == "cuda" else []
    with plain_attention(), PlainDropout(), torch.random.fork_rng(devices=generators), switched_on(layers):
        torch.manual_seed(seed)
        yield


@contextmanager
def switched_on(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Each of these modules in training mode, but not what lies within it, and without its own ``train``."""
    before = [(module, module.training) for module in modules]
    try:
        for module, _ in before:
            module.training = True
        yield
    finally:
        for module, training in before:
            module.training = training
