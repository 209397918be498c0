"""One network with its hidden units in the order of another's: matched, permuted, and seen to compute the same."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn

from landscape.errors import InputError
from landscape.ground.streams import ALIGN, stream
from landscape.objective.module.template import unwrapped
from landscape.symmetry.activations import check_seen, match_activations
from landscape.symmetry.axes import Axes, Permutation, permuted, random_permutations
from landscape.symmetry.net import Net, State
from landscape.symmetry.saved import write
from landscape.symmetry.scale import SAME, Scales
from landscape.symmetry.weights import Matching, match_weights, real

log = logging.getLogger(__name__)

WAYS = ("weights", "activations", "random")


def idle(by: str | None, axes: object = None, rescale: bool = False, starts: int = 1, seed: int = 0) -> list[str]:
    """The keys beside a way of aligning that were set and change nothing under it; None is no way, and takes none."""
    none = {"axes": axes is not None and by is None, "rescale": rescale and by is None}
    none["starts"] = starts != 1 and by != "weights"
    none["align_seed"] = seed != 0 and by not in ("weights", "random")
    return [key for key, is_idle in none.items() if is_idle]


class Aligned(Mapping[str, Tensor]):
    """A network whose units were put in another order: its state dict, and how it came about.

    Args:
        state: parameters and buffers by name.
        permutations: of the network as it was, by name.
        distance_before, distance_after: to the other network, over all parameters.
        num_sweeps: of weight matching; 0 where there were none.
        share_moved: of the units, those that stand elsewhere now.
        difference: between the outputs before and after, relative to the largest, on a few examples in float64.
        num_starts, num_nearest: of weight matching, and those that came as near as this; 0 where there were none.
    """

    def __init__(
        self,
        state: State,
        permutations: Mapping[str, Permutation],
        distance_before: float,
        distance_after: float,
        num_sweeps: int,
        difference: float,
        num_starts: int = 0,
        num_nearest: int = 0,
    ) -> None:
        self.state, self.permutations = dict(state), dict(permutations)
        self.distance_before, self.distance_after = distance_before, distance_after
        self.num_sweeps, self.difference = num_sweeps, difference
        self.num_starts, self.num_nearest = num_starts, num_nearest

    def __getitem__(self, name: str) -> Tensor:
        return self.state[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.state)

    def __len__(self) -> int:
        return len(self.state)

    @property
    def share_moved(self) -> float:
        """Of all units."""
        moved = [by.units != torch.arange(len(by.units)) for by in self.permutations.values()]
        return torch.cat(moved).double().mean().item() if moved else 0.0

    @property
    def reached(self) -> str:
        """`` (2 of 10 starts)``: how many came as near as this; empty where nothing was started."""
        return f" ({self.num_nearest} of {self.num_starts} starts)" if self.num_starts else ""

    def save(self, file: str | Path) -> None:
        """Keep the permutations in an npz file; ``ls.align(..., by=file)`` takes them from there."""
        write(file, {"0": self.permutations})

    def __repr__(self) -> str:
        num = sum(len(by.units) for by in self.permutations.values())
        return (
            f"aligned state dict of {len(self)} tensors: distance {self.distance_before:.4g} -> "
            f"{self.distance_after:.4g}{self.reached}, {self.share_moved:.0%} of {num} units moved"
        )


@dataclass(frozen=True, eq=False)
class Alignment:
    """How networks of one module are aligned.

    Args:
        net: the module and its examples.
        axes: of it.
        by: ``"weights"``, ``"activations"`` or ``"random"``; or permutations by name, to be applied.
        rescale: also give b's units the norms of a's.
        starts: of weight matching.
        source: of given permutations, ahead of a message; empty where there is nothing to say.
    """

    net: Net
    axes: Axes
    by: str | Mapping[str, Permutation] = "weights"
    rescale: bool = False
    starts: int = 1
    source: str = ""

    def check(self) -> None:
        """Raise InputError for what cannot be aligned this way, at the point where the module is."""
        if not isinstance(self.by, str):
            _check_fitting(self.by, self.axes, self.source)
        if not self.axes.sizes:
            raise InputError(
                f"model={type(self.net.module).__name__} has no hidden units that could change places, so there is "
                "nothing to align; leave align out"
            )
        if self.rescale:
            _ = self.scales
        if self.by == "activations":
            check_seen(self.net, self.axes)

    @cached_property
    def scales(self) -> Scales:
        """Of the units; refused where there are none."""
        return Scales.of(self.net, self.axes)

    def __call__(self, a: State, b: State, seed: int = 0) -> Aligned:
        """b with its units in the order of a's.

        Args:
            a, b: parameters and buffers by name; buffers follow, and have no vote.
            seed: of what is random.

        Raises:
            InputError: the permuted network is not the same function.
        """
        near, moved = a, b
        if self.rescale:
            own = self.scales.balance(a)
            near, moved = self.scales.scaled(a, own), self.scales.scaled(b, self.scales.balance(b))
        matching = self._matching(near, moved, seed)
        found = permuted(moved, self.axes, matching.permutations)
        if self.rescale:
            found = self.scales.scaled(found, {name: 1 / factor for name, factor in own.items()})
        difference = self.net.difference(b, found)
        if not difference <= SAME:
            raise InputError(
                f"the aligned network is not the same function: its outputs differ by {difference:.2g} of the largest "
                f"in float64, where {SAME:g} is rounding; the axes are wrong: write them into a file, axes=FILE"
            )
        names = self.parameters
        before, after = (_distance(a, state, names) for state in (b, found))
        counts = matching.num_starts, matching.num_nearest
        return Aligned(found, matching.permutations, before, after, matching.num_sweeps, difference, *counts)

    @cached_property
    def parameters(self) -> list[str]:
        """Those that have a vote, and count in a distance."""
        return [n for n, p in self.net.module.named_parameters() if p.is_floating_point() or p.is_complex()]

    def _matching(self, a: State, b: State, seed: int) -> Matching:
        if not isinstance(self.by, str):
            return Matching(dict(self.by))
        if self.by == "random":
            return Matching(random_permutations(self.axes, stream(seed, ALIGN)))
        if self.by == "activations":
            return match_activations(self.net, a, b, self.axes)
        mine, other = ({name: state[name] for name in self.parameters} for state in (a, b))
        return match_weights(mine, other, self.axes, self.starts, seed)


def _distance(a: State, b: State, names: list[str]) -> float:
    return math.sqrt(math.fsum((real(a[name]) - real(b[name])).square().sum().item() for name in names))


def check_possible(by: Mapping[str, Permutation], module: nn.Module, source: str = "") -> None:
    """Raise InputError for permutations that cannot be of this module, whatever its axes are found to be.

    Args:
        by: named as ``axes_of`` names them, by a layer or a parameter.
        module: whose parameters and buffers are looked at.
        source: ahead of the message.
    """
    module = unwrapped(module)
    tensors = dict([*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)])
    for name, one in by.items():
        stem, _, last = name.rpartition(".")
        owners = [name, stem] if last.isdigit() else [name]  # layers.0 is a layer; 0.2 may be the second of layer 0
        own = [value for key, value in tensors.items() if any(f"{key}.".startswith(f"{owner}.") for owner in owners)]
        if not any(size % len(one.units) == 0 for value in own for size in value.shape):
            raise InputError(
                f"{source}the permutation {name} of {len(one.units)} units is none of model={type(module).__name__}, "
                + (f"where no parameter of {name} has so many; " if own else f"which has no {name}; ")
                + "take permutations that were saved of such a module"
            )


def _check_fitting(by: Mapping[str, Permutation], axes: Axes, source: str = "") -> None:
    """Raise InputError unless given permutations are those of a module's units."""
    sizes = {name: (num, axes.pieces(name)) for name, num in axes.sizes.items()}
    for name, one in by.items():
        num_pieces = 1 if one.pieces is None else one.pieces.shape[1]
        if name not in sizes or len(one.units) != sizes[name][0] or num_pieces not in (1, sizes[name][1]):
            known = ", ".join(f"{n} ({u} units{f' of {k} pieces' * (k > 1)})" for n, (u, k) in sizes.items())
            raise InputError(
                f"{source}the permutation {name} of {len(one.units)} units is none of this module's, which are {known}"
                "; take permutations that were saved of such a module"
            )
