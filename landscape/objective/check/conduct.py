"""How a module behaves beside computing: what a pass changes, and which parts draw random numbers in training mode."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from landscape.data.dataset import Split
from landscape.errors import InputError
from landscape.model.contract import is_stateful
from landscape.model.dropout import Dropout, switched_on
from landscape.model.plain import plain_attention
from landscape.objective.batch import Batches
from landscape.objective.check.fitting import check_form, fitting
from landscape.objective.forward import BatchForm, ForwardPass, masks_of, num_of
from landscape.objective.module.call import Call
from landscape.objective.module.safe import is_safe
from landscape.objective.module.template import template_of
from landscape.objective.module.watch import Watch, changes, drawn_elsewhere
from landscape.parameters import ParameterLayout, beside

FEW = 8
"""Examples that show what a module does."""


@dataclass(frozen=True)
class Conduct:
    """What a pass in training mode does.

    Args:
        changed: names of the buffers that it changes: running statistics and counters; all others are constants.
        drawing: the modules to put in training mode so that what is random is on, and nothing else.
    """

    changed: frozenset[str]
    drawing: tuple[nn.Module, ...]


@dataclass(frozen=True)
class Look:
    """What a few examples have shown of a module, in one mode and precision."""

    forward: ForwardPass
    conduct: Conduct


def look_at(
    original: nn.Module,
    cost: Any,
    split: Split,
    seeds: Sequence[int],
    device: torch.device,
    dtype: torch.dtype,
    is_stochastic: bool,
    call: Call | None = None,
) -> Look:
    """Copy a module and see how it behaves on the first examples of a split, which lies on ``device``.

    Args:
        call: (module, inputs) -> outputs, instead of the usual way.

    Raises:
        InputError: it cannot be copied, does not fit, or has no conduct in this mode.
    """
    module = template_of(original, device, dtype)
    ParameterLayout.of(module)  # refuses a module without parameters
    form = BatchForm.of(split, call)
    with fitting(module, cost, split.x):
        check_form(cost, split)
        masks = masks_of(module, cost, split, form)
    carries = split.num_streams is not None and is_stateful(module)
    is_known = is_safe(module, cost) and call is None
    forward = ForwardPass(module, cost, masks, dtype, device, carries, is_known, form=form)
    return Look(forward, conduct_of(Batches(forward, split, seeds, is_stochastic), is_stochastic))


def conduct_of(batches: Batches, is_stochastic: bool) -> Conduct:
    """Read off a pass or two in training mode, of a few examples.

    Raises:
        InputError: ``mode=stochastic`` and the module cannot be run so, or has noise that cannot be had alone.
    """
    module = batches.forward.module
    norms = frozenset(_names_of_norms(module))
    dropout = [m for m in module.modules() if isinstance(m, nn.modules.dropout._DropoutNd)]
    if not is_stochastic and beside(module).keys() <= norms:
        return Conduct(norms, tuple(dropout))
    every = list(module.modules())
    elsewhere = drawn_elsewhere()
    draws, changed, fault = _pass(batches, every)
    # What does not run in evaluation mode either does not fit, which others say better.
    if fault is not None and (not is_stochastic or _pass(batches, ())[2] is not None):
        floats = {n for n, b in module.named_buffers() if b.is_floating_point() or b.is_complex()}
        return Conduct(norms | changed | floats, tuple(dropout))
    changed |= norms
    if not is_stochastic:
        return Conduct(changed, tuple(dropout))
    name = batches.forward.name
    if fault is not None:
        raise InputError(
            f"model={name} does not run in training mode, which mode=stochastic needs to know its noise: {fault}; use "
            "the deterministic mode (measurement.modes=[deterministic])"
        ) from fault
    if drawn_elsewhere() != elsewhere:
        raise InputError(
            f"model={name} draws NumPy's or Python's own random numbers in training mode, and mode=stochastic can only "
            "fix those of torch; draw them with torch, or use the deterministic mode "
            "(measurement.modes=[deterministic])"
        )
    holders = {p for n, p in module.named_modules() if any(f"{n}.{b}".lstrip(".") in changed for b in p._buffers)}
    minimal = [*dict.fromkeys([*dropout, *draws])]
    for drawing in (minimal, [m for m in every if m not in holders]):
        if holders.isdisjoint(drawing) and (set(draws) <= set(dropout) or _pass(batches, drawing)[0] == draws):
            return Conduct(changed, tuple(drawing))
    raise InputError(
        f"model={name} draws random numbers in training mode in {type(draws[0]).__name__}, where they cannot be told "
        "from what else training changes there, such as running statistics; use landscape.model.Dropout or "
        "torch.nn.Dropout for the noise, or the deterministic mode (measurement.modes=[deterministic])"
    )


def _pass(batches: Batches, training: Iterable[nn.Module]) -> tuple[list[nn.Module], frozenset[str], Any]:
    """One pass with these parts in training mode: the modules that drew, buffers that changed, and a fault or None."""
    forward, batch = batches.forward, batches.few(FEW, {})
    if num_of(batch.known[0, 0]) == 1:  # batch norm takes a variance
        twice = torch.zeros(2, dtype=torch.int64, device=batches.split.x.device)
        batch = batches.one(*batches.split.rows(twice), {})
    watch, fault = Watch({}, forward.module), None
    with changes(forward.module) as changed, switched_on(training), plain_attention(), torch.no_grad():
        try:
            with watch.running():
                forward(forward.off_start(), batch.known[0, 0], None)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # whatever a module or a cost does not allow
            fault = error
    drew = [m for m in watch.drawing if m is not None and not isinstance(m, Dropout)]
    return drew, frozenset(changed), fault


def _names_of_norms(module: nn.Module) -> Iterator[str]:
    """Buffers of torch's own norms: statistics and their counters."""
    for name, part in module.named_modules():
        if isinstance(part, _NormBase):
            yield from (f"{name}.{key}" if name else key for key in part._buffers)
