"""J of a cost over batches of unequal size, by plain sums of w v and of w, and by an objective."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from landscape.cost import from_torch
from landscape.cost.contract import WEIGHT
from landscape.objective import Objective
from landscape.parameters import ParameterLayout


def over(loss: Any, net: Any, batches: Iterable[tuple[Any, Any, Any]]) -> dict[str, float]:
    """{channel: sum w v / sum w} over batches of (inputs, targets, the batch as it came)."""
    cost, sums, weight = from_torch(loss), dict[str, float](), 0.0

    def predict(inputs: Any, draw: int) -> Any:
        return cost.call(net, inputs) if getattr(cost, "calls_module", False) else net(inputs)

    for x, y, batch in batches:
        with torch.no_grad():
            found = cost.channels(predict, x, batch if getattr(cost, "takes_batch", False) else y)
        size = len(found["objective"])
        assert all(values.shape == (size,) for values in found.values())
        w: Tensor = found.pop(WEIGHT, found["objective"].new_ones(size)).double()
        for name, values in found.items():
            sums[name] = sums.get(name, 0.0) + float((w * values.double()).sum())
        weight += float(w.sum())
    return {name: total / weight for name, total in sums.items()}


def measured(loss: Any, data: Any, net: nn.Module) -> dict[str, float]:
    """{channel: J} of an objective at the net's own point."""
    found = Objective(net, loss, data, dtype="float64", batch_size=5).evaluate(ParameterLayout.of(net).theta(net)[None])
    return {name: values[0] for name, values in found.items()}


def cut(*tensors: Tensor, sizes: tuple[int, ...] = (3, 1, 8)) -> list[tuple[Tensor, ...]]:
    """Tensors [N, ...] in pieces of these sizes in turn."""
    pieces, start = [], 0
    while start < len(tensors[0]):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(tuple(t[start : start + size] for t in tensors))
        start += size
    return pieces
