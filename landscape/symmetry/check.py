"""Whether a permutation of hidden units leaves a module's outputs as they are: tried, not believed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.utils import _pytree as pytree

from landscape.errors import InputError
from landscape.objective.module.call import Call, called
from landscape.symmetry.axes import Axes, fault_of, permuted, random_permutations
from landscape.symmetry.outputs import AFTER, LATER, Outputs

LARGEST = 1e-12
"""Relative difference that float64 makes by adding in another order; a wrong permutation makes one near 1."""
SEEN = 1e-9
"""Relative change of outputs from which on they depend on something."""
DRAWS, EXAMPLES = 3, 4
"""Random orders, and examples on which they are tried."""
WAY_OUT = "an axis that follows it is missing or wrong, see docs/symmetry.md"
log = logging.getLogger(__name__)
Values = dict[str, Tensor]


def check_axes(module: nn.Module, axes: Axes, inputs: Any, call: Call = called) -> float:
    """Permute all units at random and compare what comes out, in float64 and at random parameters and buffers.

    At the module's own point a fault may hide: behind a last layer of zeros, in biases that are all alike, in running
    means that are still zero. The outputs must also change with something that follows each permutation: a check that
    could not fail says nothing.

    Args:
        module: any; it is not touched.
        axes: what is claimed.
        inputs: what the module is called with, a few examples; of many the first count.
        call: (module, inputs) -> outputs, where that is not module(inputs).

    Returns:
        The largest difference of an output, relative to the largest output of that tensor.

    Raises:
        InputError: the outputs differ, or do not tell.
    """
    outputs = _of_few(module, inputs, call)
    if (fault := fault_of(axes, outputs.values)) is not None:
        raise InputError(f"the axes do not fit model={outputs.name}: {fault}")
    worst = 0.0
    generator = torch.Generator().manual_seed(16)
    values, before = _random_point(outputs, generator)
    for _ in range(DRAWS):
        by = random_permutations(axes, generator)
        worst = max(worst, _difference(before, _run(outputs, permuted(values, axes, by))))
    if not worst <= LARGEST:
        raise InputError(f"{_culprits(outputs, values, before, axes)}{worst:.1e} of the largest output; {WAY_OUT}")
    for name in axes.sizes:
        if not _is_seen(outputs, values, before, axes, name):
            raise InputError(
                f"nothing of what model={outputs.name} gives for these inputs depends on what follows permutation "
                f"{name}, so that cannot be checked; give inputs that reach it, or leave it out"
            )
    return worst


def _of_few(module: nn.Module, inputs: Any, call: Call) -> Outputs:
    """The outputs for the first few examples, which tell as much as all; for all where the module takes no fewer."""
    leaves, form = pytree.tree_flatten(inputs)
    tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
    if len({len(t) if t.dim() else 0 for t in tensors}) == 1 and tensors[0].dim() and len(tensors[0]) > EXAMPLES:
        few = [leaf[:EXAMPLES] if isinstance(leaf, Tensor) else leaf for leaf in leaves]
        outputs = Outputs(module, pytree.tree_unflatten(few, form), call)
        try:
            _run(outputs, outputs.values)
            return outputs
        except Exception:  # somebody's module may refuse a batch in any way
            log.debug("model=%s does not run on %d examples", outputs.name, EXAMPLES)
    return Outputs(module, inputs, call)


def apart(outputs: Outputs, one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> float:
    """How far what comes out at two points lies apart, relative to the largest output of that tensor.

    Args:
        outputs: of a module.
        one, other: parameters and buffers by name, in float64.
    """
    return _difference(_run(outputs, one), _run(outputs, other))


WAY_OUT = "an axis that follows it is missing or wrong, see docs/symmetry.md"


def _culprits(outputs: Outputs, values: Values, before: Values, axes: Axes) -> str:
    """The first words of a message: which permutations change the outputs when they are made alone."""
    generator = torch.Generator().manual_seed(17)
    by = random_permutations(axes, generator)
    alone = {name: _difference(before, _run(outputs, permuted(values, axes, {name: by[name]}))) for name in by}
    wrong = [name for name, difference in alone.items() if not difference <= LARGEST]
    these = f"permutation {', '.join(wrong)}" if wrong else "all permutations together"
    return f"model={outputs.name} gives something else when its units change places by {these}: off by "


def _is_seen(outputs: Outputs, values: Values, before: Values, axes: Axes, name: str) -> bool:
    """Whether the outputs depend on any of the tensors that follow a permutation."""
    generator = torch.Generator().manual_seed(18)
    for own, every in axes.of.items():
        value = values[own]
        if any(axis is not None and axis.permutation == name for axis in every):
            factors = torch.randn(value.shape, generator=generator, dtype=torch.float64).mul(0.3).exp()
            if _difference(before, _run(outputs, values | {own: (value * factors).to(value.dtype)})) > SEEN:
                return True
    return False


def _run(outputs: Outputs, values: Mapping[str, Tensor]) -> Values:
    with outputs.drawing():
        found = outputs({name: value.clone() for name, value in values.items()})
    return {name: value for name, value in found.items() if name.partition(".")[0] not in (AFTER, LATER)}


def _difference(first: Values, second: Values) -> float:
    """The largest over all tensors; infinity where numbers are not finite in one alone, or shapes differ."""
    worst = 0.0
    for name, value in first.items():
        other = second.get(name)
        if other is None or other.shape != value.shape:
            return float("inf")
        a, b = (v.to(torch.complex128) if v.is_complex() else v.double() for v in (value, other))
        apart = torch.where((a == b) | (a.isnan() & b.isnan()), 0.0, (a - b).abs())
        scale = a.abs()[a.isfinite()].amax() if a.isfinite().any() else torch.tensor(1.0)
        if apart.numel():
            worst = max(worst, float((apart.amax() / scale.clamp_min(1e-300)).nan_to_num(float("inf"))))
    return worst


def _random_point(outputs: Outputs, generator: torch.Generator) -> tuple[Values, Values]:
    """Parameters and buffers off every symmetric place, and what comes out there, which is finite.

    Weights are drawn so that values keep their size through a layer of ReLU; what must be positive, as running
    variances are, stays so; where even that is not finite, what the module has is moved by a part of itself.
    """
    variances = {f"{name}.running_var".lstrip(".") for name, m in outputs.module.named_modules() if _has_statistics(m)}
    buffers = {name for name, _ in outputs.module.named_buffers()}

    def normal(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=generator, dtype=torch.float64).to(like.dtype)

    for attempt in range(3):
        values = {}
        for name, value in outputs.values.items():
            if not (value.is_floating_point() or value.is_complex()) or not value.isfinite().all():
                values[name] = value
            elif name in variances or attempt == 2 or (attempt and name in buffers):
                values[name] = value * (0.3 * normal(value)).exp()
            elif name in buffers or value.dim() < 2:
                values[name] = value + 0.3 * normal(value)
            else:
                values[name] = normal(value) * (2 * len(value) / value.numel()) ** 0.5
        before = _run(outputs, values)
        if all(v.isfinite().all() for v in before.values()) and any(v.any() for v in before.values()):
            return values, before
    raise InputError(
        f"model={outputs.name} gives no finite outputs other than zero at random parameters, so no permutation of its "
        "units can be checked"
    )


def _has_statistics(module: nn.Module) -> bool:
    return isinstance(module, _NormBase) and module.running_var is not None
