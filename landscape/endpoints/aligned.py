"""Lines of which the second end is brought near the first."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from landscape.endpoints.ends import Ends
from landscape.ground.streams import ALIGN, stream_seed
from landscape.parameters import ParameterLayout
from landscape.symmetry.align import Aligned, Alignment

log = logging.getLogger(__name__)

ROOM = "align"
"""Before the numbers of a line: ``align/distance_after``."""
NUMBERS = ("distance_before", "distance_after", "num_sweeps", "share_moved", "difference")
"""Of every line; ``num_nearest`` besides where several starts were tried."""


def align_ends(ends: Ends, alignment: Alignment, seed: int = 0) -> tuple[Ends, dict[str, Aligned]]:
    """The same lines, each with the hidden units of its second end in the order of the first's.

    Args:
        ends: of S lines.
        alignment: how.
        seed: of what is random, mixed with that of each line.

    Returns:
        The ends, with numbers on each line, and what was found by its label. A line whose ends are not finite stays as
        it is.

    Raises:
        InputError: a permuted end is not the same function.
    """
    layout = ParameterLayout.of(alignment.net.module)
    thetas, buffers, found = [], [], dict[str, Aligned | None]()
    for s, label in enumerate(ends.labels):
        a, b = _state(layout, ends.theta_0[s]), _state(layout, ends.theta_1[s], ends.buffers[s])
        own = {**b, **a, **(ends.buffers_0[s] if ends.buffers_0 else {})}
        one = None
        if all(theta[s].isfinite().all() for theta in (ends.theta_0, ends.theta_1)):
            one = alignment(own, b, stream_seed(seed, ALIGN, ends.seeds[s]))
            _tell(label, alignment, one)
        else:
            log.warning("line %s: an end is not finite, so it is not aligned", label)
        found[label] = one
        state: Mapping[str, Tensor] = b if one is None else one
        thetas.append(layout.flatten({name: state[name] for name in layout.names}))
        buffers.append({name: state[name] for name in ends.buffers[s]})
    numbers = {
        f"{ROOM}/{name}": [float("nan") if one is None else float(getattr(one, name)) for one in found.values()]
        for name in NUMBERS + ("num_nearest",) * (alignment.by == "weights" and alignment.starts > 1)
    }
    wide = max((theta.dtype for theta in thetas), key=lambda dtype: dtype.itemsize)
    theta_1 = torch.stack([theta.to(wide) for theta in thetas])
    changed = replace(ends, theta_1=theta_1, buffers=buffers, numbers={**ends.numbers, **numbers})
    return changed, {label: one for label, one in found.items() if one is not None}


def _state(layout: ParameterLayout, theta: Tensor, buffers: Mapping[str, Tensor] | None = None) -> dict[str, Any]:
    return {**layout.unflatten(theta), **(buffers or {})}


def _tell(label: str, alignment: Alignment, one: Aligned) -> None:
    sweeps = f" in {one.num_sweeps} sweeps" if one.num_sweeps else ""
    log.info(
        "line %s: its second end aligned by %s%s: distance %.4g -> %.4g%s, %.0f %% of the units moved; the outputs are "
        "the same to %.1g",
        label,
        alignment.by if isinstance(alignment.by, str) else "given permutations",
        sweeps,
        one.distance_before,
        one.distance_after,
        one.reached,
        100 * one.share_moved,
        one.difference,
    )
    if one.distance_after == 0:
        log.warning("line %s: both ends are one network but for the order of its units; the line is a point", label)
