"""The rounding floor of J: a few examples at a few points in the other precision, and with sums in another order."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from landscape.cost.labels import NothingCounts
from landscape.data.split import Split
from landscape.data.stream import Stream
from landscape.errors import InputError
from landscape.measurement.stages import OnPath
from landscape.objective.objective import Objective
from landscape.objective.sums import Evaluation
from landscape.result.curve.noise import mean_error

log = logging.getLogger(__name__)

NUM_EXAMPLES, NUM_POINTS = 300, 24
"""Of a curve, at most so many examples and points are evaluated again."""
SURE, BETWEEN = 1.01, 2.0
"""The bound is a little larger than what is seen, whose own sums round too; and errors at the points that are not
evaluated again may be so many times as large as the largest that is seen."""
ALONE, EVERY = 8.0, 4
"""True errors were up to 6.6 times the change by another order of sums, which is taken at every fourth point."""
SINGLE_TO_DOUBLE = float(np.finfo(np.float64).eps / np.finfo(np.float32).eps)

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
    aten.mm: _product(0),
    aten.bmm: _product(0),
    aten.addmm: _product(1),
    aten.baddbmm: _product(1),
    aten.mv: lambda order, args: order.mixed((1, 0), *args),
    aten.dot: lambda order, args: order.mixed((0, 0), *args),
    aten.convolution: _convolution,
    aten.sum: _sum,
    aten.mean: _sum,
}


def points_of(num_points: int) -> NDArray[np.int64]:
    """The indices of those that are evaluated again, both ends among them."""
    return np.unique(np.linspace(0, num_points - 1, NUM_POINTS).round().astype(np.int64))


def some_of(split: Split) -> tuple[Split, NDArray[np.int64]]:
    """At most ``NUM_EXAMPLES`` examples from all over the split, and which; of sequences whole blocks, the first."""
    num = len(split)
    if split.num_streams is not None or num <= NUM_EXAMPLES:
        few = split.first(NUM_EXAMPLES)
        return few, np.arange(len(few))
    at = np.linspace(0, num - 1, NUM_EXAMPLES).round().astype(np.int64)
    x, y = split.rows(torch.from_numpy(at).to(split.x.device))
    return replace(split, x=x, y=y), at


def is_evaluated_again(objective: Objective) -> bool:
    """Whether the costs of some examples need another evaluation by the curve's own engine.

    Of a float64 curve they were kept in float32; and random numbers, states and statistics over the examples belong to
    an example's place among the others; and what costs are scaled by, where not all count alike, to who is among them.
    """
    placed = objective.is_streamed or bool(objective.scales) or objective.forward.weighs
    placed |= objective.is_random or objective.forward.is_stateful or objective.split.is_resampled
    return objective.dtype == torch.float64 or placed or objective.statistics.recalibrates


def rounding_floor(
    on_path: OnPath,
    objective: Objective,
    alphas: NDArray[np.float64],
    values: NDArray[np.float64],
    evaluation: Evaluation,
) -> NDArray[np.float64]:
    """How far J may be off by rounding [S], in nats, at any of the points.

    Some examples are evaluated at some points in float64, from ends that are mixed in float64: their differences from
    the same examples on the curve are errors whatever two float32 evaluations share. Of a float64 curve the errors of a
    float32 evaluation are taken instead, smaller by the ratio of the two spacings: rounding errors are proportional to
    it. Beside them stands another order of sums in the curve's own precision, for modules that compute in a precision
    of their own inside, and alone where a module cannot be evaluated in the other precision.

    Args:
        on_path: whose ends the points lie between.
        objective: that the curve was measured by.
        alphas: [A].
        values: J, [A, S].
        evaluation: with each example's cost, [S, A, N], unless they came as a stream; or with those of a sample, of
            which the examples are then.
    """
    data, kept, num = objective.examples.data, evaluation.costs, evaluation.num_examples
    sample = evaluation.sample
    few, at = some_of(sample.split if sample else data.first_batch if isinstance(data, Stream) else data)
    kept = sample.costs if sample else kept
    again = points_of(len(alphas))
    same: dict[str, Any] = {"batch_size": objective.batch_size}
    if objective.statistics.recalibrates and len(few) < num:
        same["calibration"] = few

    def costs(at: NDArray[np.float64], dtype: torch.dtype = objective.dtype, **words: Any) -> NDArray[np.float64]:
        name = str(dtype).removeprefix("torch.")
        other = on_path.objective_along(few, objective.mode, **same, dtype=name, **words)
        found = other.along(on_path.laid(objective.device, dtype), at, keep_costs=torch.float64)
        assert found.costs is not None
        return found.costs

    plain: dict[str, Any] = {"engine": "plain", "alphas_at_once": 1}
    values = values[again].T  # [S, points]
    try:
        with OtherOrder():
            other = costs(alphas[again[::EVERY]], **plain)
    except NothingCounts:
        log.warning(
            "the rounding floor of %s is not known: %d examples, none of which counts", objective.mode, len(few)
        )
        return np.full(len(values), np.nan)
    if kept is None or is_evaluated_again(objective):
        # With a tolerance not even all points are taken once more: that would be as much work as J itself.
        own, off = costs(alphas[again]) if sample else costs(alphas)[:, again], np.zeros(values.shape)
    elif sample:
        own, off = kept[:, again[:, None], at].astype(np.float64), np.zeros(values.shape)
    else:
        own = kept[:, again[:, None], at].astype(np.float64)
        # The engine may have summed without the costs that it kept.
        off = np.abs(np.stack([kept[:, k].mean(axis=1, dtype=np.float64) for k in again], axis=1) - values)
    single = objective.dtype == torch.float32
    try:
        if single:
            errors = own - costs(alphas[again], torch.float64, **plain)
        else:
            errors = (costs(alphas[again], torch.float32, **plain) - own) * SINGLE_TO_DOUBLE
    except (InputError, RuntimeError, TypeError) as error:
        log.warning(
            "the rounding floor of %s comes from another order of sums alone, times %g: the module cannot be evaluated "
            "in the other precision (%s)",
            objective.mode,
            ALONE,
            str(error).split("\n")[0],
        )
        errors = ALONE * np.repeat(own[:, ::EVERY] - other, EVERY, axis=1)[:, : len(again)]
    with np.errstate(invalid="ignore"):
        mixed = mean_error(own[:, ::EVERY] - other, num)
        mixed = np.where(np.isfinite(mixed), mixed, 0.0).max(axis=1)
        bound = np.maximum(mean_error(errors, num), mixed[:, None]) + off
        bound *= SURE if len(again) == len(alphas) else BETWEEN
        # The sum and its division round too; and two evaluations may agree within the spacing of numbers at J.
        bound += 2 * np.spacing(np.abs(values))
    finite = np.where(np.isfinite(bound), bound, -np.inf).max(axis=1)
    return np.where(np.isfinite(finite), finite, np.nan)
