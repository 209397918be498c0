"""Whether later batches of a stream fit as its first one did: what they bring that is new is tried before it counts."""

from __future__ import annotations

import re

import torch

from landscape.data.split import Split
from landscape.data.tree import leaves_of, signature
from landscape.errors import InputError
from landscape.objective.batch import Batches, Buffers
from landscape.objective.check.fitting import check_finite, part_of, showing_targets, tried

FEW = 8
"""Examples that show whether outputs and targets fit."""
NUMBERED = re.compile(r"\bexample (\d+) of the data")


class Newcomers:
    """newcomers(block, before) raises InputError for examples that fit neither module nor cost, by their numbers.

    Tried are the first of every new shape and the examples with a whole number or target beyond all earlier ones; the
    whole block is looked at for values that are not finite. So it costs little but where batches differ.

    Args:
        batches: of the first batch, which has been tried.
        buffers: of the first row.
    """

    def __init__(self, batches: Batches, buffers: Buffers) -> None:
        self.batches, self.buffers = batches, buffers
        self._start_anew()

    def _start_anew(self) -> None:
        """Know the first batch alone."""
        self.shapes = set[tuple[str, str]]()
        self.ranges: dict[str, tuple[float, float]] = {}
        self.negative: dict[str, set[int]] = {}
        self._new_in(self.batches.split)

    def __call__(self, block: Split, before: int) -> None:
        """Look at the examples that follow ``before`` others."""
        first = num = 0
        try:
            check_finite(self.batches, block, self.buffers)
            has_shape, has_number = self._new_in(block)
            if not (has_shape or has_number):
                return
            forward = showing_targets(self.batches.forward, block, goes_on=True)
            rows = [(row, 1) for row in extremes(block)] or [(0, FEW)]
            for first, num in [(0, FEW)] * has_shape + rows:
                tried(self.batches, part_of(block, slice(first, first + num)), self.buffers, block.x, forward)
        except InputError as error:
            self._start_anew()
            text = NUMBERED.sub(lambda found: f"example {int(found[1]) + before} of the data", str(error))
            where = f"example {before + first} of the data"
            where = "" if NUMBERED.search(text) else f"from {where} on: " if num > 1 else f"at {where}: "
            raise InputError(f"{where}{text}") from error.__cause__

    def _new_in(self, block: Split) -> tuple[bool, bool]:
        """Whether there is a shape, and a number beyond what came before; both are known from now on."""
        shape = signature(block.x), signature(block.y)
        has_shape, has_number = shape not in self.shapes, False
        self.shapes.add(shape)
        targets = () if block.y is block.x else leaves_of(block.y, "y")
        for name, leaf in block.leaves.items():
            if leaf.is_complex() or not leaf.numel() or (leaf.is_floating_point() and name not in targets):
                continue
            low, high = (float(v) for v in (leaf.byte() if leaf.dtype == torch.bool else leaf).aminmax())
            if low < 0 and not leaf.is_floating_point():  # each may stand for something, such as "not labelled"
                known = self.negative.setdefault(name, set())
                new = set(leaf[leaf < 0].unique().tolist()) - known
                known |= new
                has_number |= bool(new)
            least, most = self.ranges.get(name, (low, high))
            has_number |= name not in self.ranges or low < least or high > most
            self.ranges[name] = min(low, least), max(high, most)
        return has_shape, has_number


def extremes(block: Split) -> list[int]:
    """The examples with the smallest and largest of their whole numbers."""
    rows = dict[int, None]()
    for leaf in block.leaves.values():
        if not (leaf.is_floating_point() or leaf.is_complex() or leaf.dtype == torch.bool or not leaf.numel()):
            flat = leaf.reshape(len(leaf), -1)
            rows |= {int(flat.amax(dim=1).argmax()): None, int(flat.amin(dim=1).argmin()): None}
    return list(rows)
