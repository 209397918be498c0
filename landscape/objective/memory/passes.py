"""How many examples and points are held at once, from what each of them takes and a budget."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace

import torch

from landscape.errors import InputError
from landscape.objective.memory.budget import QUARTER, size

log = logging.getLogger(__name__)

MOST_CPU, MOST_CUDA = 5000, 65536
"""Examples per pass where nobody says how many: more gain nothing on a CPU; a GPU likes them all."""
CACHE_BYTES, CACHE_POINTS = 32 << 20, 8
"""On a CPU the values of a pass stay within so many bytes, which its last cache may hold and ``kept`` keeps, or so many
times those of theta, all of which every pass reads: values of a convolution in fresh memory take twice the time."""
MAP_BYTES, STEP_BYTES = 16 << 20, 1 << 20
"""Less of a network of convolutions, which reads and writes large maps; and what one step of a recurrent layer takes
stays within the cache of a core, since the next step reads it again."""
LADDER = (32768, 16384, 8192, 5000, 2500, 1000, 500, 250, 100, 50, 25, 10, 5, 2, 1)
"""Smaller numbers of examples to try: few steps, so that a little more or less free memory changes nothing."""
FILL_BYTES = 256 << 20
"""Values of one pass from which on a GPU has enough to do, so that no further points need to go with it."""


class TooLittle(InputError):
    """The budget is too little for anything; ``least``: the bytes that would do."""

    def __init__(self, least: float, message: str) -> None:
        super().__init__(message)
        self.least = least


@dataclass(frozen=True)
class Footprint:
    """Bytes that evaluating one point after the other takes.

    Args:
        fixed: whatever the number of examples: the point itself, random numbers in blocks.
        held: per example, as it lies there for all points: masks, samples.
        each: per example on its way through the network at one point.
        point: per point that is evaluated at the same time as others: its parameters.
        carried: per point of the path, from one batch to the next: states, running statistics.
        flops: multiplications and additions per example at one point, those of products and convolutions.
        first: of these, those whose factors are data and parameters as they are.
        rows: of these, those of matrix products, where anything is piecewise linear.
        maps: of ``flops``, those of convolutions.
        step: bytes per example that one step of a recurrent layer reads and writes.
        pools: images are pooled on the way as is slow, see ``landscape.objective.engine.pooling``.
    """

    fixed: float
    held: float
    each: float
    point: float
    carried: float
    flops: float = 0.0
    first: float = 0.0
    rows: float = 0.0
    maps: float = 0.0
    step: float = 0.0
    pools: bool = False

    @property
    def cached(self) -> int:
        """Examples whose values stay in a CPU's caches."""
        most = MAP_BYTES if self.maps > self.flops / 2 else CACHE_BYTES
        num = coarse(max(most, CACHE_POINTS * self.point / 3) / max(1.0, self.each))
        return num if not self.step else min(num, coarse(STEP_BYTES / self.step))

    def of(self, examples: int, together: int = 1, points: int = 1) -> float:
        """Bytes with so many examples per pass, points evaluated at once, and points of the path per pass."""
        most = (together - 1) * self.point + examples * (self.held + together * self.each)
        return self.fixed + most + points * self.carried

    def with_statistics(self, num_bytes: int, recalibrates: bool) -> Footprint:
        """The same where running statistics of ``num_bytes`` move along the path.

        Args:
            recalibrates: they are means over the data; what they are taken over is there in float64 twice over.
        """
        each = self.each * 3 if recalibrates else self.each
        return replace(self, each=each, carried=self.carried + num_bytes)


@dataclass(frozen=True)
class Wants:
    """What the user asks for.

    Args:
        memory: the budget as it was given.
        budget: in bytes.
        batch_size, alphas_at_once: None to choose.
    """

    memory: str | int | None
    budget: int
    batch_size: int | None = None
    alphas_at_once: int | None = None

    @property
    def words(self) -> str:
        """The budget, and what it comes to."""
        return f"objective.memory={self.memory or QUARTER} is {size(self.budget)} here"


@dataclass(frozen=True)
class Limit:
    """What an engine may hold at once.

    Args:
        bytes: of memory, beyond what the batch itself takes.
        plain: bytes per example of the plain path.
        together: points in one forward pass.
        examples: N, of a stream as far as it is known.
        flops, first, rows: per example of the plain path, as of a ``Footprint``.
    """

    bytes: float = math.inf
    plain: float = 0.0
    together: int = 1
    examples: int = 0
    flops: float = 0.0
    first: float = 0.0
    rows: float = 0.0


class Passes:
    """How many examples and points an objective holds at once.

    Args:
        foot: of the plain path.
        num_examples: N.
        num_streams: of sequences, which are all read side by side.
        draws_by_batch: torch's own dropout is on, whose masks depend on the number of examples per pass.

    Raises:
        TooLittle: the budget is too small for anything.
    """

    def __init__(
        self,
        foot: Footprint,
        wants: Wants,
        num_examples: int,
        num_streams: int | None,
        device: torch.device,
        draws_by_batch: bool,
    ) -> None:
        self.foot, self.wants, self.device, self.num_examples = foot, wants, device, num_examples
        on_gpu = device.type == "cuda"
        most = num_streams or wants.batch_size or (MOST_CUDA if on_gpu and not draws_by_batch else MOST_CPU)
        why = ""
        if num_streams:
            why = ", one of each of its sequences,"
        elif draws_by_batch:
            why = " (their number decides torch's own dropout masks: lower objective.batch_size, or use landscape's)"
        is_free = not (on_gpu or num_streams or wants.batch_size or draws_by_batch)
        if is_free:
            most = min(most, foot.cached)
        self.examples = examples_per_pass(foot, wants, most, num_examples, why)
        if self.examples < min(most, num_examples) and not (on_gpu and wants.batch_size is None):
            log.info("%s: %d examples at a time instead of %d", wants.words, self.examples, most)
        if is_free and num_examples > self.examples:
            # As many passes of one size: a few examples left over would take a whole one.
            self.examples = -(-num_examples // -(-num_examples // self.examples))

    @property
    def whole(self) -> int:
        """Examples that really are in one pass."""
        return min(self.examples, self.num_examples)

    @property
    def spare(self) -> float:
        """Bytes beside one pass at one point."""
        return max(0.0, self.wants.budget - self.foot.of(self.whole))

    def points(self, num_points: int, held: float = 0.0) -> int:
        """Points of the path that share one pass over the data: all of them where what they carry fits.

        Args:
            held: bytes that are taken already.
        """
        if self.foot.carried <= 0:
            return num_points
        left = self.wants.budget - held - self.foot.of(self.whole, points=0)
        num = max(1, min(num_points, int(left // self.foot.carried)))
        if num < num_points:
            log.info("%s: %d of %d points per pass over the data", self.wants.words, num, num_points)
        return num

    def limit(self, num_points: int, held: float = 0.0, one_by_one: bool = False) -> Limit:
        """What is left to an engine beside the batch itself.

        Args:
            num_points: of this pass.
            held: bytes that are taken already.
            one_by_one: points cannot go together.
        """
        foot, wanted = self.foot, self.wants.alphas_at_once
        if one_by_one:
            if (wanted or 1) > 1:
                log.info(
                    "objective.alphas_at_once=%d: one point at a time, because each has a state, statistics or "
                    "random numbers of its own",
                    wanted,
                )
            wanted = 1
        elif wanted is None:
            wanted = 1 if self.device.type == "cpu" else -(-FILL_BYTES // max(1, int(self.whole * foot.each)))
        carried = num_points * foot.carried + held
        spare = max(0.0, self.wants.budget - carried - foot.of(self.whole))
        fit = 1 + int(spare // max(1.0, foot.point + self.whole * foot.each))
        left = self.wants.budget - carried - foot.fixed - self.whole * foot.held
        counted = self.num_examples, foot.flops, foot.first, foot.rows
        return Limit(left, foot.each, max(1, min(wanted, fit, num_points)), *counted)


def coarse(number: float) -> int:
    """A whole number of 1 or more, down to three binary digits, so that a little more or less changes nothing."""
    whole = max(1, int(number))
    return whole - whole % (1 << max(0, whole.bit_length() - 3))


def examples_per_pass(foot: Footprint, wants: Wants, most: int, num_examples: int, why_fixed: str = "") -> int:
    """The most examples that fit; ``most`` where they do.

    Args:
        most: examples per pass that are wanted.
        num_examples: N.
        why_fixed: not empty: only ``most`` will do.

    Raises:
        TooLittle: not even the fewest fit.
    """
    tried: list[int] = [most, *(() if why_fixed else (n for n in LADDER if n < most))]
    for examples in tried:
        if foot.of(min(examples, num_examples)) <= wants.budget:
            return examples
    num = min(tried[-1], num_examples)
    least = 1.01 * foot.of(min(max(num, 2), num_examples))  # of two, since one is not counted by itself
    what = f"the {num} examples of a pass{why_fixed}" if why_fixed else "one example"
    given = f"{wants.words}, " if str(wants.memory or QUARTER).endswith("%") else f"objective.memory={wants.memory} is "
    raise TooLittle(
        least,
        f"{given}too little for {what} at one point, which take up to {size(least)}; set objective.memory="
        f"{size(least)} or more",
    )
