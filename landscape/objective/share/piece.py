"""What some examples come to at some points of a path: the sums of each of their batches, kept apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from landscape.data.portion import Cut
from landscape.objective.record import Record
from landscape.objective.sums import Sums


@dataclass(frozen=True)
class Switches:
    """What the engines of a walk have found out so far.

    Args:
        together: points in one forward pass.
        serves: an engine takes its batches, as far as it can.
        is_checked: it has been compared with a forward pass.
    """

    together: int
    serves: bool = False
    is_checked: bool = False

    @classmethod
    def of(cls, values: list[int]) -> Switches:
        """From what a walk says."""
        return cls(values[0], *(bool(value) for value in values[1:]))


@dataclass(frozen=True)
class Piece:
    """Some examples at some points.

    Args:
        cut: the examples.
        first, num_points: the points.
        start, end: the switches before and after.
        is_plain: every batch was evaluated by forward passes alone.
        totals: of each batch, channel -> [K, points, S].
        costs: each example's objective [S, points, n], or what reads it, if it is kept.
        counts, factor: of ``Sums.block``, of a stream.
        digest: of the examples.
        parts: into how many parts an engine cut batches, by their shape.
        is_lost: on a GPU a value that is not finite came up in some batch, and all are evaluated by forward passes.
    """

    cut: Cut
    first: int
    num_points: int
    start: Switches
    end: Switches
    is_plain: bool
    totals: list[dict[str, Tensor]]
    costs: Tensor | Callable[[], Tensor] | None = None
    counts: Mapping[str, float] = field(default_factory=dict)
    factor: float = 1.0
    digest: str = ""
    parts: Mapping[str, int] = field(default_factory=dict)
    is_lost: bool = False

    @property
    def key(self) -> tuple[int, int, int, int]:
        """Which examples and points."""
        return *self.cut, self.first, self.num_points

    @property
    def nbytes(self) -> int:
        """Of its arrays."""
        held = sum(total.nbytes for batch in self.totals for total in batch.values())
        return held + (self.costs.nbytes if isinstance(self.costs, Tensor) else 0)

    def fits(self, shape: tuple[int, int, int]) -> bool:
        """Whether it may be some of sums of this shape (K, A, S)."""
        num_replicates, num_points, num_rows = shape
        wanted = num_replicates, self.num_points, num_rows
        costs = () if self.costs is None or callable(self.costs) else self.costs.shape
        return (
            0 <= self.first < self.first + self.num_points <= num_points
            and 0 <= self.cut.before < sum(self.cut)
            and all(total.shape == wanted for batch in self.totals for total in batch.values())
            and (not costs or costs == (num_rows, self.num_points, self.cut.num))
        )

    def add_to(self, sums: Sums) -> None:
        """Add it as its own walk would have, batch by batch."""
        here = slice(self.first, self.first + self.num_points)
        for batch in self.totals:
            for name, total in batch.items():
                if name not in sums.totals:
                    sums.totals[name] = torch.zeros(sums.shape, dtype=torch.float64, device=sums.device)
                sums.totals[name][:, here] += total.to(sums.device)
        if sums.costs is not None and self.costs is not None:
            start = self.cut.before - sums.before
            costs = self.costs if isinstance(self.costs, Tensor) else self.costs()
            sums.costs[:, here, start : start + self.cut.num] = costs.to(sums.costs.device)


def record_of(pieces: list[Piece]) -> Record:
    """As numbers and arrays: what has one name and shape in one array, in the order of the pieces."""
    about, found = [], dict[str, list[Tensor]]()
    names = sorted({name for piece in pieces for batch in piece.totals for name in batch})
    for piece in pieces:
        for batch in piece.totals:
            for name, total in batch.items():
                found.setdefault(f"total.{names.index(name)}.{piece.num_points}", []).append(total[None])
        if isinstance(piece.costs, Tensor):
            found.setdefault(f"costs.{piece.num_points}", []).append(piece.costs.movedim(2, 0))
        about.append(
            {
                "key": list(piece.key),
                "switches": [[s.together, s.serves, s.is_checked] for s in (piece.start, piece.end)],
                "is_plain": piece.is_plain,
                "names": [[names.index(name) for name in batch] for batch in piece.totals],
                "has_costs": isinstance(piece.costs, Tensor),
                "counts": dict(piece.counts),
                "factor": piece.factor,
                "digest": piece.digest,
                "parts": dict(piece.parts),
                "is_lost": piece.is_lost,
            }
        )
    return {"pieces": about, "names": names}, {name: torch.cat(parts).cpu().numpy() for name, parts in found.items()}


def pieces_of(record: Record) -> list[Piece]:
    """What was written."""
    about, arrays = record
    read = dict.fromkeys(arrays, 0)

    def take(name: str, num: int) -> Tensor:
        read[name] += num
        return torch.from_numpy(arrays[name][read[name] - num : read[name]])

    return [
        Piece(
            Cut(*one["key"][:2]),
            one["key"][2],
            one["key"][3],
            Switches.of(one["switches"][0]),
            Switches.of(one["switches"][1]),
            one["is_plain"],
            [{about["names"][c]: take(f"total.{c}.{one['key'][3]}", 1)[0] for c in batch} for batch in one["names"]],
            take(f"costs.{one['key'][3]}", one["key"][1]).movedim(0, 2) if one["has_costs"] else None,
            one["counts"],
            one["factor"],
            one["digest"],
            one["parts"],
            one["is_lost"],
        )
        for one in about["pieces"]
    ]
