"""What ``endpoints.align`` and the keys beside it say, and two ends of which the second is brought near the first."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from landscape.errors import InputError
from landscape.ground.streams import ALIGN, stream_seed
from landscape.parameters import ParameterLayout
from landscape.symmetry.align import WAYS, Aligned, Alignment

if TYPE_CHECKING:
    from landscape.endpoints.ends import Ends

log = logging.getLogger(__name__)

ROOM = "align"
"""Before the numbers of a line: ``align/distance_after``."""


@dataclass(frozen=True)
class Align:
    """How the second end of a line is brought near the first; without ``by`` it stays where it is.

    Args:
        by: ``"weights"``, ``"activations"``, ``"random"`` or None.
        axes: a yaml file that says which axes share a permutation; None: they are looked for.
        rescale: also give its units the norms of the first end's.
        starts: of weight matching.
        seed: of what is random.
    """

    by: str | None = None
    axes: str | None = None
    rescale: bool = False
    starts: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.by is not None and self.by not in WAYS:
            raise InputError(f"endpoints.align={self.by} must be one of {', '.join(WAYS)}, or null")
        if self.axes is not None and (not isinstance(self.axes, str) or not self.axes):
            raise InputError(f"endpoints.axes={self.axes} must be the name of a yaml file, or null")
        for key, value, least in (("starts", self.starts, 1), ("align_seed", self.seed, 0)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise InputError(f"endpoints.{key}={value} must be a whole number of at least {least}")
        if not isinstance(self.rescale, bool):
            raise InputError(f"endpoints.rescale={self.rescale} must be true or false")


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
        for name in ("distance_before", "distance_after", "num_sweeps", "share_moved", "difference")
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
        "line %s: its second end aligned by %s%s: distance %.4g -> %.4g, %.0f %% of the units moved; the outputs are "
        "the same to %.1g",
        label,
        alignment.by if isinstance(alignment.by, str) else "given permutations",
        sweeps,
        one.distance_before,
        one.distance_after,
        100 * one.share_moved,
        one.difference,
    )
    if one.distance_after == 0:
        log.warning("line %s: both ends are one network but for the order of its units; the line is a point", label)
