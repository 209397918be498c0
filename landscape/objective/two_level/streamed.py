"""The points of a request over examples that come in batches: each question is a pass over them, so there are few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape.data.split import Split
from landscape.data.stream import shape_of, together
from landscape.objective.sums import Evaluation, Sums
from landscape.objective.two_level.points import Points
from landscape.objective.two_level.subset import Kept, Strewn, keys
from landscape.objective.walk import Walk

SAME = 1e-4
"""Difference of the costs of one example at one point in two passes that rounding could make, in those and their
spread."""


class OtherExamples(Exception):
    """A pass shows other examples than the one before, or in another order."""


class Held:
    """Examples that were kept as they came by.

    Args:
        most: of those with the smallest keys.
    """

    def __init__(self, most: int) -> None:
        self.most, self.limit = most, 1.0
        self.wanted = np.zeros(0, dtype=np.intp)
        self.rows: dict[int, Split] = {}
        self.keys: dict[int, float] = {}

    def see(self, before: int, block: Split) -> None:
        """Keep what is wanted of a block."""
        own = keys(before, len(block))
        number = np.arange(before, before + len(block))
        for k in np.flatnonzero((own < self.limit) | np.isin(number, self.wanted)):
            x, y = block.rows(slice(int(k), int(k) + 1))
            x = x.clone()
            self.rows[before + int(k)] = replace(block, x=x, y=x if block.y is block.x else y.clone())
            self.keys[before + int(k)] = float(own[k])
        if len(self.rows) > 2 * self.most + len(self.wanted):
            self.prune()

    def prune(self) -> None:
        """Let go of all but those with the smallest keys, and the wanted ones."""
        order = sorted(self.keys, key=self.keys.__getitem__)
        if len(order) > self.most:
            self.limit = min(self.limit, self.keys[order[self.most]])
            for number in set(order[self.most :]) - set(self.wanted.tolist()):
                del self.rows[number], self.keys[number]


class StreamedPoints(Points):
    """As ``Points``; the first pass must be ``begin``.

    Args:
        request: a ``Request`` that is laid.
        most: examples to hold of the first pass.
        room: bytes that the costs of all examples at the nodes may take.

    Attributes:
        reads: passes over the stream so far.
    """

    def __init__(self, request: Any, most: int, room: float) -> None:
        super().__init__(request)
        self.most = most
        self.held, self.room, self.reads = Held(most), room, 0
        self.known: tuple[int, NDArray[Any]] | None = None  # a point, and the costs of all examples there [S, N]
        self.num = 0

    def begin(self, which: Sequence[int]) -> Evaluation:
        """Some points over all examples, of which some are held for later."""
        found = self._read(list(which))
        self.num = found.num_examples
        self.held.prune()
        self.held.limit = 0.0
        if found.costs is not None:
            # Where the examples differ most from one another, others in their place are seen at once.
            with np.errstate(invalid="ignore", over="ignore"):  # of costs that are no numbers
                k = int(np.nan_to_num(found.costs.std(axis=2).max(axis=0), posinf=0.0).argmax())
            self.known = int(which[k]), found.costs[:, k]
        return found

    def over_all(self, which: Sequence[int]) -> Evaluation:
        """Some points over all examples, with their costs where there is room."""
        if self.known is None:
            return self._read(list(which))
        point, costs = self.known
        found = self._read([point, *which])
        again = None if found.costs is None else found.costs[:, 0]
        if found.num_examples != self.num or again is None or not _is_same(again, costs):
            raise OtherExamples("a second pass over the stream shows other examples than the first")
        return replace(
            found,
            channels={name: values[1:] for name, values in found.channels.items()},
            replicates=found.replicates[:, 1:],
            costs=None if found.costs is None else found.costs[:, 1:],
        )

    def want(self, numbers: NDArray[np.intp]) -> None:
        """Keep these examples, too, when they come by next."""
        self.held.wanted = np.union1d(self.held.wanted, numbers)

    def over_some(self, numbers: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
        """All points over some examples, in rising order of their numbers: every channel [K, S, A, n]."""
        if any(int(n) not in self.held.rows for n in numbers):
            self.want(numbers)
            self._read([])
        groups: dict[Any, list[int]] = {}
        for k, n in enumerate(numbers):
            groups.setdefault(shape_of(self.held.rows[int(n)]), []).append(k)
        found: dict[str, NDArray[Any]] = {}
        of, every = self.of, range(self.num_points)
        for at in groups.values():
            block = together([self.held.rows[int(numbers[k])] for k in at])
            shape = (of.num_replicates, self.num_points, len(of.seeds))

            def make(shape: Any = shape, num: int = len(at)) -> Kept:
                return Kept(shape, num, of.device, of.dtype)

            kept = self._walked(Strewn(of.batches, numbers[at]), block, every, make)
            counts, factor = of.examples.counts(block)
            for name, values in kept.values.items():
                if name not in found:
                    found[name] = np.empty((*values.shape[:3], len(numbers)), dtype=str(of.dtype)[6:])
                found[name][..., at] = values.cpu().numpy() * (factor if name in counts else 1)
        return found

    def rows(self, numbers: NDArray[np.intp]) -> Split:
        """Some examples by number, as far as they are of one shape."""
        some = [self.held.rows[int(n)] for n in numbers]
        return together([one for one in some if shape_of(one) == shape_of(some[0])])

    def _read(self, which: list[int]) -> Evaluation:
        """One pass over the stream."""
        of, request = self.of, self.request
        shape = (of.num_replicates, len(which), len(of.seeds))
        self.reads += 1
        for engine in (of.engine, "plain"):
            parts: list[Any] = []
            sums = Sums(shape, None, of.device, True, of.passes.spare / 4, parts.append)
            at = request.path, request.alphas[which], [request.buffers[a] for a in which]
            begun, each = self.spent, 1.0 / max(1, of.num_batches)
            walk = None
            if which:
                told = lambda done, begun=begun, each=each: self._tell(begun + done * each)  # noqa: E731
                walk = Walk(of.batches, of.examples, of.passes, *at, sums, told, engine)
            for before, block in of.examples.blocks(of.batch_size):
                self.held.see(before, block)
                if walk is not None:
                    walk.add(before, block)
                if sum(part.nbytes for part in parts) > self.room:
                    parts.clear()
                    sums.take = lambda costs: None
            if walk is None:
                return Evaluation({}, np.zeros(0))
            if walk.end():
                break
        self.spent += len(which)
        found = sums.evaluation()
        self.scales = {name: found.num_examples / share for name, share in sums.shares().items()}
        costs = np.concatenate(parts, axis=2) * found.scale if parts else None
        return replace(found, costs=costs)


def _is_same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether the examples of two passes [S, N] are the same in the same order."""
    size = np.abs(other) + np.std(other[np.isfinite(other)])
    return bool(((np.abs(one - other) <= SAME * size) | (~np.isfinite(one) & ~np.isfinite(other))).all())


def most_held(of: Any, wanted: int) -> int:
    """How many examples of a stream may be held."""
    some = of.split
    each = sum(leaf.nbytes for leaf in some.leaves.values()) / len(some)
    return max(1, min(wanted, int(of.passes.spare / 4 / max(1.0, each))))
