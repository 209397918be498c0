"""What theory knows of an optimizer on a quadratic."""

from __future__ import annotations

import logging

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from landscape.errors import InputError
from landscape.model import Quadratic
from landscape.result.curve import Projection
from landscape.training import Momentum
from theory import quadratic
from theory.quadratic import modes, spectra

log = logging.getLogger(__name__)

Array = NDArray[np.float64]
THEORY_POINTS = 64  # steps of a descent at which the whole spectrum is summed


def descent_method(module: nn.Module, optimizer: torch.optim.Optimizer) -> modes.Method | None:
    """The optimizer as theory knows it on a quadratic; None where theory knows one of the two not.

    Raises:
        InputError: a learning rate that is not stable on this quadratic, with the bound.
    """
    group = optimizer.param_groups[0]
    plain = type(optimizer) is torch.optim.SGD and not group["weight_decay"] and not group["maximize"]
    if not isinstance(module, Quadratic) or not (plain or isinstance(optimizer, Momentum)):
        log.info("no closed form for %s on %s: the run is drawn alone", type(optimizer).__name__, type(module).__name__)
        return None
    try:
        if isinstance(optimizer, Momentum):
            method = modes.heavy_ball(group["lr"], group["momentum"])
        else:
            method = modes.torch_sgd(group["lr"], group["momentum"], group["dampening"], nesterov=group["nesterov"])
        method.require_stable(module.constants["curvature"].numpy())
    except ValueError as error:
        raise InputError(f"optimizer.lr={group['lr']} optimizer.momentum={group['momentum']}: {error}") from error
    return method


def descent_theory(method: modes.Method, module: Quadratic, num_steps: int, noise: float) -> dict[str, Projection]:
    """Projection and residual of a method on a quadratic in closed form.

    ``"theory"``: this very problem, at up to 64 steps, the whole spectrum summed; of a noisy run the mean projection
    and the root mean square residual. ``"expected"``, ``"expected_low"``, ``"expected_high"``: mean and two standard
    deviations of the projection over solutions N(0, I), spectrum in 400 bins.
    """
    curvature, solution = (module.constants[n].numpy() for n in ("curvature", "solution"))
    spectrum = spectra.from_start(curvature, -solution)
    length = float(np.linalg.norm(solution))
    first, spread_out = np.arange(min(num_steps, 8) + 1.0), np.geomspace(1, num_steps, THEORY_POINTS - 8).round()
    chosen = np.unique(np.concatenate([first, spread_out, [num_steps]]))
    every = np.arange(num_steps + 1.0)
    if noise:
        law = quadratic.noisy(method, spectrum, chosen, variance=noise**2, distance=length)
        found = (law.projection, law.residual)
    else:
        track = quadratic.track(method, spectrum, chosen)
        found = (track.projection, track.residual)
    expected = quadratic.random_start(method, spectrum.binned(400), every)

    def projected(steps: Array, along: Array, aside: Array) -> Projection:
        x, r = (np.asarray(v, dtype=np.float64)[:, None] * length for v in (along, aside))
        return Projection(steps, steps, x, r, np.full_like(x, np.nan), np.array([length]), np.array([float(num_steps)]))

    spread = 2 * expected.projection_std
    return {
        "theory": projected(chosen, *found),
        "expected": projected(every, expected.projection, expected.residual),
        "expected_low": projected(every, expected.projection - spread, expected.residual),
        "expected_high": projected(every, expected.projection + spread, expected.residual),
    }
