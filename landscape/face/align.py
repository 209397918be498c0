"""A point with its hidden units in the order of another's."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from landscape.data.split import Split
from landscape.errors import InputError
from landscape.face.data import examples_of
from landscape.face.points import Reading
from landscape.face.words import translated
from landscape.ground.streams import ALIGN, stream_seed
from landscape.objective.module.watch import undisturbed
from landscape.parameters import ParameterLayout
from landscape.symmetry.align import WAYS, Aligned, Alignment, check_possible, idle
from landscape.symmetry.axes import Axes, Permutation
from landscape.symmetry.check import check_axes
from landscape.symmetry.find import axes_of
from landscape.symmetry.given import axes_from
from landscape.symmetry.net import FEW, Net
from landscape.symmetry.saved import read

log = logging.getLogger(__name__)


@undisturbed()
def align(
    net: nn.Module,
    a: Any,
    b: Any,
    *,
    by: str | os.PathLike[str] | Mapping[str, Permutation] = "weights",
    data: Any = None,
    axes: str | os.PathLike[str] | Axes | None = None,
    rescale: bool = False,
    starts: int = 1,
    seed: int = 0,
    call: Callable[[nn.Module, Any], Any] | None = None,
    entry: str | Sequence[str | None] | None = None,
    ignore: str | Sequence[str] = (),
    missing: str | None = None,
) -> Aligned:
    """Point b with its hidden units in the order of a's: the same function, nearer to a.

    What comes back is a point itself, ``ls.line(a, ls.align(net, a, b))``. Buffers such as the running statistics of
    batch norm follow their units. The outputs are compared in float64 before anything is returned.

    Args:
        net: whose parameters the points are; it is not touched.
        a: a point, see ``line``.
        b: another one, to be put in order.
        by: ``"weights"``, the order in which the weights lie nearest; ``"activations"``, in which the units do the same
            on the data; ``"random"``, the null; a file that ``save`` wrote, or permutations by name.
        data: examples: those that activations are taken over, all of them, and a few for the comparison of outputs, see
            ``measure``; of examples by name the training's. None: normal random inputs, where the first layer is a
            Linear.
        axes: which axes share a permutation: a yaml file, or ``Axes``; None: found by itself.
        rescale: also give the units of b the norms of a's, where their activation is positively homogeneous.
        starts: of weight matching, each of which ends at a local optimum; the first begins with b as it is, the others
            at random, and the nearest is kept. Ten are safer than one and cost ten times as much.
        seed: of what is random; the command's ``endpoints.align_seed`` on the same two files.
        call: (module, inputs) -> outputs, where the net is called in another way.
        entry, ignore, missing: how points are read, see ``line``.

    Returns:
        A state dict with ``permutations``, ``distance_before``, ``distance_after``, ``num_sweeps``, ``share_moved``,
        ``difference``, ``num_starts`` and ``num_nearest``; ``save`` keeps the permutations in a file.

    Raises:
        InputError: axes that are not found or wrong, points that do not fit, or a way that does not fit the net.

    Source: Ainsworth, Hayase and Srinivasa 2023 (arXiv 2209.04836).

    >>> import torch, landscape as ls
    >>> net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
    >>> a = {"0.weight": torch.eye(3)[:, :2], "0.bias": torch.ones(3)}
    >>> a |= {"2.weight": torch.eye(1, 3), "2.bias": torch.ones(1)}
    >>> b = {name: value.flip(0) if name.startswith("0") else value.flip(-1) for name, value in a.items()}
    >>> found = ls.align(net, a, b)
    >>> found.distance_before > found.distance_after
    True
    >>> found.permutations["0"].units.tolist()
    [2, 1, 0]
    """
    with translated():
        if not isinstance(net, nn.Module):
            raise InputError(f"net came as {type(net).__name__}; give the module that the points are parameters of")
        _check(by, rescale, starts, seed)
        reading = Reading.of("ls.align", 2, entry, ignore, missing)
        states = []
        layout = ParameterLayout.of(net)
        for theta, buffers in reading.points((a, b), "ab", net):
            states.append({**buffers, **layout.unflatten(theta)})
        way = _way(by)
        source = f"by={by}: " if isinstance(way, Mapping) and way is not by else ""
        if keys := idle(way if isinstance(way, str) else "given", starts=starts):
            told = "{...}" if isinstance(by, Mapping) else repr(by)
            log.warning("by=%s takes no %s; nothing changes by it", told, ", ".join(keys))
        split = _guessed(net, data, way, axes, source) if data is None else examples_of(data, None)[0].train
        device = next(net.parameters()).device
        over = Net.over(net, split, call=call, device=device)
        if isinstance(axes, Axes):
            found = axes
        else:
            found = axes_of(net, over.few, over.call) if axes is None else axes_from(axes, net)
        check_axes(net, found, over.few, over.call)
        alignment = Alignment(over, found, way, rescale, starts, source)
        alignment.check()
        one, other = states
        aligned = alignment(one, other, stream_seed(seed, ALIGN, 0))  # as the command draws for its line 0
        aligned.state = _as_state_dict(net, aligned.state)
        return aligned


def _as_state_dict(net: nn.Module, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Under the names that ``net.state_dict()`` has, tied ones too."""
    first: dict[int, str] = {}
    named = [*net.named_parameters(remove_duplicate=False), *net.named_buffers(remove_duplicate=False)]
    own = {name: first.setdefault(id(tensor), name) for name, tensor in named}
    return {name: values[own[name]] for name in net.state_dict() if name in own}


def _way(by: Any) -> str | Mapping[str, Permutation]:
    """A way of matching, or permutations that somebody kept."""
    if isinstance(by, Mapping) or by in WAYS:
        way: str | Mapping[str, Permutation] = by
        return way
    lines = read(Path(by))
    if len(lines) != 1:
        raise InputError(f"{by} holds permutations of {len(lines)} lines; give those of one, read(file)[LABEL]")
    return next(iter(lines.values()))


def _check(by: Any, rescale: Any, starts: Any, seed: Any) -> None:
    if isinstance(by, Mapping):
        for name, one in by.items():
            if not isinstance(one, Permutation):
                raise InputError(
                    f"by={{{name!r}: ...}} has a {type(one).__name__} where a Permutation belongs: "
                    "landscape.symmetry.Permutation(units), where the new unit u is the old one units[u]"
                )
    named = isinstance(by, str) and (by in WAYS or Path(by).suffix == ".npz")
    kept = isinstance(by, os.PathLike | Mapping)
    if not (named or kept):
        raise InputError(
            f"by={by!r} must be one of {', '.join(map(repr, WAYS))}, the name of an npz file that save wrote, or a "
            "dict of permutations"
        )
    if not isinstance(rescale, bool):
        raise InputError(f"rescale={rescale!r} must be True or False")
    for name, value, least in (("starts", starts, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InputError(f"{name}={value!r} must be a whole number of at least {least}")


def _guessed(net: nn.Module, data: Any, by: str | Mapping[str, Permutation], axes: Any, source: str) -> Split:
    """Normal inputs of a net that begins with a Linear."""
    first = next((part for part in net.modules() if any(True for _ in part.parameters(recurse=False))), None)
    if by == "activations" or not isinstance(first, nn.Linear):
        if isinstance(by, Mapping) and axes is None:
            check_possible(by, net, source)  # examples would not help those of another net
        what = "over which activations are taken" if by == "activations" else "on which outputs are compared"
        raise InputError(f"data={data} leaves open {what}; give examples: data=(x, y), a loader or a data set")
    x = torch.randn(FEW, first.in_features, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return Split(x, torch.zeros(FEW))
