"""The rounding floor of J: the same examples at the same points, with the terms of every sum in another order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from landscape.curve.noise import floor
from landscape.data.dataset import Split
from landscape.objective import Objective

NUM_EXAMPLES, NUM_POINTS = 1000, 9
"""Of a curve, at most so many examples and points are evaluated again: rounding errors of fewer examples average out
less, so that this floor is one from above."""

aten = torch.ops.aten


class OtherOrder(TorchDispatchMode):
    """Inside the block matrix products, convolutions and sums add the same terms in another order.

    Blocks of another size would not do: most kernels add the terms of one example in one order whatever lies beside it.
    Fused kernels (attention, torch's own recurrent layers on a CPU) and transposed convolutions stay as they are.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.orders: dict[tuple[int, torch.device], Tensor] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        change = _CHANGES.get(func.overloadpacket)
        return func(*(args if change is None else change(self, list(args))), **(kwargs or {}))

    def mixed(self, axes: Sequence[int], *tensors: Tensor) -> list[Tensor]:
        """Each tensor with the entries along its own axis in an order that depends on their number alone."""
        num, device = tensors[0].shape[axes[0]], tensors[0].device
        if (num, device) not in self.orders:
            self.orders[num, device] = torch.randperm(num, generator=torch.Generator().manual_seed(0)).to(device)
        order = self.orders[num, device]
        return [tensor.index_select(axis, order) for tensor, axis in zip(tensors, axes, strict=True)]


def _product(first: int) -> Callable[[OtherOrder, list[Any]], list[Any]]:
    """Of two matrices, or stacks of them, that begin at argument ``first``."""

    def change(order: OtherOrder, args: list[Any]) -> list[Any]:
        pair = args[first], args[first + 1]
        return [*args[:first], *order.mixed((pair[0].ndim - 1, pair[1].ndim - 2), *pair), *args[first + 2 :]]

    return change


def _dot(order: OtherOrder, args: list[Any]) -> list[Any]:
    return order.mixed((0, 0), args[0], args[1])


def _matrix_vector(order: OtherOrder, args: list[Any]) -> list[Any]:
    return order.mixed((1, 0), args[0], args[1])


def _convolution(order: OtherOrder, args: list[Any]) -> list[Any]:
    x, weight, transposed, groups = args[0], args[1], args[6], args[8]
    if transposed:
        return args
    grouped = x.reshape(len(x), groups, -1, *x.shape[2:])
    mixed = order.mixed((2, 1), grouped, weight)
    return [mixed[0].reshape(x.shape), mixed[1], *args[2:]]


def _sum(order: OtherOrder, args: list[Any]) -> list[Any]:
    x = args[0]
    axes = args[1] if len(args) > 1 and args[1] else range(x.ndim)
    for axis in axes:
        [x] = order.mixed((axis % x.ndim,), x)
    return [x, *args[1:]]


_CHANGES: dict[Any, Callable[[OtherOrder, list[Any]], list[Any]]] = {
    aten.mm: _product(0), aten.bmm: _product(0), aten.addmm: _product(1), aten.baddbmm: _product(1),
    aten.mv: _matrix_vector, aten.dot: _dot, aten.convolution: _convolution, aten.sum: _sum, aten.mean: _sum,
}  # fmt: skip


def points_of(num_points: int) -> NDArray[np.int64]:
    """The indices of those that are evaluated again, both ends among them."""
    return np.unique(np.linspace(0, num_points - 1, NUM_POINTS).round().astype(np.int64))


def rounding_floor(
    make: Callable[..., Objective], split: Split, objective: Objective, path: Any, alphas: NDArray[np.float64],
    values: NDArray[np.float64],
) -> NDArray[np.float64]:  # fmt: skip
    """How far J moves, [S] in nats, when sums are taken in another order and point by point: the largest change.

    Costs one evaluation of up to ``NUM_EXAMPLES`` examples by the curve's own engine, if the split has more, and one of
    ``NUM_POINTS`` points without an engine.

    Args:
        make: (split, further keywords of ``Objective``) -> the objective of these lines.
        split: of the curve. objective: that it was measured by. path: alpha -> theta [S, P]. alphas: [A].
        values: J, [A, S].
    """
    few = split.first(NUM_EXAMPLES)
    same: dict[str, Any] = {"batch_size": objective.batch_size}
    if len(few) < len(split):
        if objective.statistics.recalibrates:
            same["calibration"] = few
        values = make(few, **same).along(path, alphas).channels["objective"]
    again = points_of(len(alphas))
    plain = make(few, **same, engine="plain", alphas_at_once=1)
    with OtherOrder():
        other = plain.along(path, alphas[again]).channels["objective"]
    return floor(values[again], other)
