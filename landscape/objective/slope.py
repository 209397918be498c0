"""J'(alpha) and J''(alpha) along a path, exactly, by forward-mode products: no step size, no tape."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import jvp

from landscape.cost.contract import WEIGHT, jumps_of
from landscape.cost.labels import check_counts, on_few
from landscape.data.split import Split
from landscape.errors import InputError
from landscape.model.plain import exact_formulas
from landscape.objective.batch import Batch
from landscape.objective.memory.passes import Passes
from landscape.objective.module.watch import undisturbed
from landscape.objective.objective import Objective
from landscape.parameters import row_of
from landscape.path import widened
from landscape.path.contract import derivatives_lacking

CHANNELS = ("objective", "slope", "curvature")
"""J and its derivatives by alpha, in nats per unit of alpha and of its square."""

STEPS = (1e-7, 1e-9)
"""In float64, for a difference of J and of J': rounding is near 1e-9 and 1e-7 of them, and a kink seldom so near."""

Part = Callable[..., tuple[dict[str, Tensor], Any]]


def check_order(order: int) -> None:
    """Raise InputError unless ``measurement.slopes`` is 0, 1 or 2."""
    if order not in (0, 1, 2):
        raise InputError(f"measurement.slopes={order} must be 0 (none), 1 (slope) or 2 (slope and curvature)")


def check_slopes(objective: Objective, path: Any, order: int) -> None:
    """Raise InputError unless this objective has derivatives of this order along this path.

    Args:
        path: alpha -> theta [S, P].
        order: 0, 1 or 2, the key ``measurement.slopes``.
    """
    check_order(order)
    if derivatives_lacking(path, order):
        needed = ("velocity", "acceleration")[:order]
        raise InputError(
            f"path={type(path).__name__} has no {' or '.join(needed)}(alpha), which measurement.slopes={order} needs; "
            "use path=linear, or measurement.slopes=0"
        )
    if order and (jumps := jumps_of(objective.cost)):
        raise InputError(
            f"cost {type(objective.cost).__name__} has no slope along a path: {jumps}; use another "
            "cost, or measurement.slopes=0 and a grid of alphas"
        )
    if order and "theta" in objective.forward.written:
        raise InputError(
            f"model={type(objective.module).__name__} writes into its own weights as it runs, which a derivative does "
            f"not follow, and measurement.slopes={order} needs one; use measurement.slopes=0"
        )
    if order and objective.statistics.moves:
        raise InputError(
            f"objective.running_statistics={objective.statistics.treatment} moves the statistics along the path, and "
            f"measurement.slopes={order} does not follow them; use objective.running_statistics=keep, or "
            "measurement.slopes=0"
        )


def compare_slopes(objective: Objective, path: Any, order: int) -> None:
    """Raise InputError if the derivatives are not those which differences of J show, at both of two points.

    A model may hide from forward differentiation what J depends on, as by ``tensor.data``. One of two points may agree
    by chance, or disagree because a kink lies within the step.

    Args:
        objective: in float64, of a few examples; as of ``slopes``.
    """
    faults = []
    for alpha in (0.37, 0.61):
        fault = ""
        for k, step in list(enumerate(STEPS))[:order]:
            found = _slopes(objective, path, np.array([alpha - step, alpha, alpha + step]), k + 1)
            below, name = found[CHANNELS[k]], CHANNELS[k + 1]
            told, exact = (below[2] - below[0]) / (2 * step), found[name][1]
            slack = 1e-3 * np.maximum(np.abs(told), np.abs(exact)) + 1e-5 * np.abs(below[1])
            if not fault and bool((np.abs(told - exact) > slack).any()):  # not finite: nothing that can be told
                fault = f"{name} {exact[0]:.6g}, by differences {told[0]:.6g}"
        faults.append(fault)
    if all(faults):
        raise InputError(
            f"measurement.slopes={order}: along the path the {faults[0]}, so forward differentiation misses a part of "
            f"model={type(objective.module).__name__} or cost {type(objective.cost).__name__}; use measurement.slopes=0"
        )


def slopes(
    objective: Objective,
    path: Any,
    alphas: NDArray[np.float64],
    order: int = 1,
    progress: Callable[[int], None] = lambda done: None,
    is_compared: bool = False,
) -> dict[str, NDArray[np.float64]]:
    """``{"objective": [A, S], "slope": [A, S], "curvature": [A, S]}``, the last with ``order=2`` only.

    They are the means of each example's derivatives. Where a ReLU or another kink is crossed the slope of one example
    jumps, and so J' of few examples has small steps, which J'' does not see: it is that between the kinks. In
    stochastic mode the masks are the common ones of ``Objective``.

    Args:
        path: alpha -> theta [S, P], with ``velocity(alpha)`` and, for order 2, ``acceleration(alpha)``, each [S, P].
        alphas: [A].
        order: 1 or 2.
        progress: told how many (batch, alpha) pairs are done, out of ``num_batches * A``.
        is_compared: differences of J have been looked at before, see ``compare_slopes``.

    Raises:
        InputError: a cost with jumps, statistics that move along the path, a path without a velocity, an operation
            that has no forward derivative, and derivatives that differences of J contradict.
    """
    check_slopes(objective, path, order)
    if not is_compared and order not in objective.slope_passes:
        wide = {"dtype": "float64", "batch_size": None, "num_replicates": 1, "memory": None, "engine": "auto"}

        def attempt(part: Any) -> None:
            few = objective.on(part, **wide)
            compare_slopes(few, widened(path, few.dtype), order)

        on_few(objective.split, attempt)
    return _slopes(objective, path, alphas, order, progress)


def _slopes(
    objective: Objective,
    path: Any,
    alphas: NDArray[np.float64],
    order: int,
    progress: Callable[[int], None] = lambda done: None,
) -> dict[str, NDArray[np.float64]]:
    sums = SlopeSums(objective, path, alphas, order, progress)
    with undisturbed():
        for before, block in objective.examples.blocks(sums.size):
            sums.add(before, block)
    return sums.measured()


class SlopeSums:
    """Derivatives along a path, summed block by block of the examples.

    Args:
        objective: of the path.
        path: with ends of at least the objective's precision.
        alphas: [A].
        order: 1 or 2.
        progress: told how many (batch, alpha) pairs are done, out of ``num_batches * A``.
    """

    def __init__(
        self,
        objective: Objective,
        path: Any,
        alphas: NDArray[np.float64],
        order: int,
        progress: Callable[[int], None] = lambda done: None,
    ) -> None:
        check_counts(objective.scales, len(objective.split))
        self.objective, self.path, self.alphas, self.order = objective, widened(path, objective.dtype), alphas, order
        self.progress, self.done, self.weight, self.share = progress, 0, 0.0, 0.0
        shape = (order + 1, len(alphas), len(objective.seeds))
        self.totals = torch.zeros(shape, dtype=torch.float64, device=objective.device)
        if order not in objective.slope_passes:
            with undisturbed():
                objective.slope_passes[order] = slope_passes(objective, order)
        self.size = objective.slope_passes[order].examples

    def add(self, before: int, block: Split) -> None:
        """Some examples, of a stream its next ones.

        Args:
            before: number of the first of them.
            block: on the device of the objective.
        """
        objective, starts = self.objective, range(0, len(block), self.size)
        counts, labels = objective.examples.counts(block) if objective.is_streamed else ({}, 1)
        with _exactly(objective, self.order):
            # Of sequences all batches together, since the carried state moves with theta too.
            for group in [list(starts)] if objective.forward.is_stateful else [[start] for start in starts]:
                batches = [objective.batch(start, self.size, block, before) for start in group]
                for a, alpha in enumerate(self.alphas.tolist()):
                    self.totals[:, a] += labels * _sums(objective, self.path, alpha, batches, self.order)
                    self.done += len(group)
                    self.progress(self.done * objective.num_batches // len(starts))
                self.weight += sum(_weight(batch, self.path(float(self.alphas[0]))) for batch in batches)
        self.share += labels * counts.get("objective", len(block))

    def measured(self) -> dict[str, NDArray[np.float64]]:
        """What ``slopes`` returns."""
        share = self.weight or (self.share if self.objective.is_streamed else len(self.objective.split))
        return dict(zip(CHANNELS, (self.totals / share).cpu().numpy(), strict=False))


def _weight(batch: Batch, theta: Tensor) -> float:
    """What the examples of a batch count together, where the cost weighs them; 0 where it does not."""
    if not batch.forward.weighs:
        return 0.0
    forward = batch.forward
    channels, _ = batch.channels(row_of(theta, 0).to(forward.device, forward.dtype))
    return float(channels[WEIGHT].double().sum())


def slope_passes(objective: Objective, order: int, num_examples: int | None = None) -> Passes:
    """How many examples are held at once, with derivatives of this order beside each value.

    Args:
        num_examples: N; None: those of the objective.

    Raises:
        InputError: ``objective.memory`` is too little for anything.
    """
    theta = objective.forward.start

    def evaluate(batch: Batch) -> tuple[Mapping[str, Tensor], None]:
        return {"objective": _derivatives(batch.channels, theta, theta, theta, order)}, None

    with _exactly(objective, order):
        return objective.passes_for(num_examples, evaluate)


def _sums(objective: Objective, path: Any, alpha: float, batches: Sequence[Batch], order: int) -> Tensor:
    """Value and derivatives [order + 1, S]: sums over the examples of these batches, means over replicates."""
    exact: dict[str, Any] = {"device": objective.device, "dtype": objective.dtype}
    theta, velocity = path(alpha).to(**exact), path.velocity(alpha).to(**exact)
    acceleration = path.acceleration(alpha).to(**exact) if order == 2 else velocity
    found = torch.zeros((order + 1, len(theta)), dtype=torch.float64, device=objective.device)
    for s, k in batches[0].known:

        def whole(theta: Tensor, s: int = s, k: int = k) -> tuple[dict[str, Tensor], Any]:
            total: Any = 0.0
            state = None
            for batch in batches:
                channels, state = batch.channels(theta, s, k, state)
                total = total + channels["objective"].double().sum()
            return {"objective": total}, state

        found[:, s] += _derivatives(whole, row_of(theta, s), velocity[s], acceleration[s], order)
    return found / objective.num_replicates


def _derivatives(part: Part, theta: Tensor, velocity: Tensor, acceleration: Tensor, order: int) -> Tensor:
    """J summed over what ``part`` evaluates, J' and, for order 2, J'' along theta(alpha) [P]: float64 [order + 1]."""
    zero, one = theta.new_zeros(()), theta.new_ones(())

    def total(step: Tensor) -> Tensor:
        moved = theta + step * velocity
        if order == 2:
            moved = moved + (0.5 * step * step) * acceleration
        return part(moved)[0]["objective"].double().sum()

    def slope(step: Tensor) -> tuple[Tensor, Tensor]:
        return jvp(total, (step,), (one,))  # type: ignore[return-value]

    if order == 1:
        return torch.stack(slope(zero))
    (value, first), (_, second) = jvp(slope, (zero,), (one,))  # type: ignore[misc]
    return torch.stack((value, first, second))


@contextmanager
def _exactly(objective: Objective, order: int) -> Iterator[None]:
    """Formulas that have forward derivatives, without TF32."""
    with exact_formulas(objective.module), _differentiable(objective, order):
        yield


@contextmanager
def _differentiable(objective: Objective, order: int) -> Iterator[None]:
    """Say of an operation without a forward derivative whose it is."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except (NotImplementedError, RuntimeError) as error:  # the values themselves were had before
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(
            f"measurement.slopes={order} needs a forward derivative that model={type(objective.module).__name__} or "
            f"cost {type(objective.cost).__name__} lacks ({reason}); use measurement.slopes=0"
        ) from error
