"""What has no curvature that can be computed is refused before any work."""

from __future__ import annotations

from importlib.util import find_spec

import torch
from torch import Tensor

from landscape.cost.contract import jumps_of
from landscape.errors import InputError
from landscape.objective.module.watch import undisturbed
from landscape.objective.objective import Objective

STEP = 1e-6
"""Half the span of a difference of gradients, in float64, in units of a vector of length 1."""
SLACK, FLOOR = 1e-3, 1e-6


def require_extra(what: str) -> None:
    """Raise InputError unless curvlinops is installed."""
    if find_spec("curvlinops") is None:
        raise InputError(f"{what} needs curvlinops, which is not installed: pip install 'landscape-walk[curvature]'")


def check_held(objective: Objective) -> None:
    """Raise InputError for a J whose second derivatives are not taken."""
    name = type(objective.module).__name__
    if objective.is_streamed:
        raise InputError(
            "eigenvalues of the Hessian take hundreds of passes over the examples, and these are streamed; give "
            "tensors or a map-style data set"
        )
    if objective.split.num_streams is not None:
        raise InputError(
            f"eigenvalues of the Hessian need independent examples, and model={name} carries a state from one "
            "block of its sequences to the next; use measurement.slopes=2 for J'' along a path"
        )
    if jumps := jumps_of(objective.cost):
        raise InputError(f"cost {type(objective.cost).__name__} has no second derivatives: {jumps}; use another cost")
    if "theta" in objective.forward.written:
        raise InputError(
            f"model={name} writes into its own weights as it runs, which a derivative does not follow, so that its "
            "Hessian cannot be taken"
        )
    if objective.statistics.moves:
        raise InputError(
            f"objective.running_statistics={objective.statistics.treatment} moves the statistics with theta, which the "
            "Hessian would have to follow; use objective.running_statistics=keep"
        )
    if objective.batches.drawing:
        raise InputError(
            f"model={name} draws its dropout from torch's own random numbers anew in every pass, so that its training "
            "cost has no Hessian; measure mode deterministic, or use landscape.model.Dropout, whose masks stay"
        )


def check_curvature(objective: Objective, what: str) -> None:
    """Raise InputError unless J has second derivatives, and they are those which differences of its gradient show.

    A module may hide from differentiation what J depends on, as by ``tensor.data``. One of two points may agree by
    chance, or disagree because a kink lies within the step.

    Args:
        objective: in float64, of a few examples.
        what: wants them, for messages.
    """
    require_extra(what)
    check_held(objective)
    from landscape.objective.curvature.operator import Hessian

    def gradient_at(theta: Tensor) -> tuple[Tensor, float]:
        hessian = Hessian(objective, theta)
        return hessian.gradient, hessian.value

    name, faults, rows = type(objective.module).__name__, list[str](), len(objective.seeds)
    with undisturbed():
        for seed in (0, 1):
            theta = objective.forward.off_start(seed=seed).double()
            direction = torch.randn(len(theta), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
            direction = (direction / direction.norm()).to(theta)
            try:
                told = Hessian(objective, theta).times(direction)
                step = STEP * direction
                (ahead, above), (behind, below) = gradient_at(theta + step), gradient_at(theta - step)
            except torch.OutOfMemoryError:
                raise
            except (NotImplementedError, RuntimeError) as error:
                reason = (str(error) or type(error).__name__).splitlines()[0]
                raise InputError(
                    f"{what} needs second derivatives, which model={name} or cost {type(objective.cost).__name__} "
                    f"lacks ({reason})"
                ) from error
            middle = 0.5 * (ahead + behind)
            high, low = (float(objective(at[None].expand(rows, -1))[0]) for at in (theta + step, theta - step))
            by_values = (high - low) / (2 * STEP)
            slope = float(middle @ direction)
            if abs(slope - by_values) > SLACK * max(abs(slope), abs(by_values)) + FLOOR * max(abs(above), abs(below)):
                faults.append(f"the slope is {slope:.6g}, by differences of J {by_values:.6g}")
                continue
            seen = (ahead - behind) / (2 * STEP)
            size = max(float(told.norm()), float(seen.norm()))
            if float((told - seen).norm()) > SLACK * size + FLOOR * float(middle.norm()):
                faults.append(
                    f"|H v| is {float(told.norm()):.6g}, by differences of the gradient {float(seen.norm()):.6g}"
                )
    if len(faults) == 2:
        raise InputError(
            f"{what}: off the start {faults[0]}, so differentiation misses a part of model={name} or cost "
            f"{type(objective.cost).__name__}"
        )
