"""The optimizer on an objective whose solution is known: how far it strays from the line to that solution."""

from __future__ import annotations

import copy
import logging
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call

from landscape.cost import Output
from landscape.cost.contract import takes_batch
from landscape.cost.labels import scales
from landscape.errors import InputError
from landscape.ground.progress import progress_of
from landscape.ground.streams import NOISE, stream
from landscape.measurement.contract import Measured, Steps, Work
from landscape.measurement.stages import Network
from landscape.model import Quadratic
from landscape.parameters import ParameterLayout
from landscape.result.curve import Projection
from landscape.training import Momentum
from landscape.training.gradient import frozen_in
from landscape.training.optimizer import checked, is_elementwise, tried
from theory import quadratic
from theory.quadratic import modes, spectra

log = logging.getLogger(__name__)

Array = NDArray[np.float64]
THEORY_POINTS = 64  # steps of a descent at which the whole spectrum is summed


@dataclass(frozen=True)
class Run:
    """One run: projection, residual and |theta| at steps 0 ... T-1, each [T]; R and the point it started from."""

    projection: Array
    residual: Array
    norm: Array
    length: float


class Descent:
    """Full-batch steps of ``optimizer`` from the module's start, in float64, on the line to the module's own solution.

    Nothing is stored but three numbers per step. Where theory knows the module and the optimizer, its closed form is
    evaluated beside the run (projections ``"theory"``, and over random starts ``"expected"``).

    Args:
        num_steps: at most so many updates.
        noise: standard deviation of N(0, noise²) added to every coordinate of the gradient.
        stop_projection, stop_residual: a run without noise ends once projection > stop_projection and residual <
            stop_residual, in units of R = |theta* - theta_0|.

    Raises:
        InputError: a module without ``constants["solution"]``, or one that diverges.

    Source: paper, figure 12.
    """

    stage = Network

    def __init__(
        self, num_steps: int = 3000, noise: float = 0.0, stop_projection: float = 0.99, stop_residual: float = 0.02
    ) -> None:
        if not isinstance(num_steps, int) or num_steps < 1 or not 0 <= noise < float("inf"):
            raise InputError(
                f"measurement.num_steps={num_steps} must be a whole number of at least 1 and measurement.noise={noise} "
                "finite and not negative"
            )
        if not stop_projection > 0 or not stop_residual > 0:
            raise InputError(
                f"measurement.stop_projection={stop_projection} and measurement.stop_residual={stop_residual} must be "
                "positive numbers; measurement.stop_projection=inf never stops early"
            )
        self.num_steps, self.noise = num_steps, noise
        self.stop_projection, self.stop_residual = stop_projection, stop_residual

    def check(self, network: Network) -> None:
        """Raise InputError for examples that come as a stream."""
        network.check_held(["train"], "descent")

    def __call__(self, network: Network) -> Measured:
        """A network -> projections ``"descent"`` and, where there is a theory, ``"theory"`` and ``"expected"``."""
        module = copy.deepcopy(network.module).to(network.device, torch.float64)
        solution = getattr(module, "constants", {}).get("solution")
        if solution is None:
            raise InputError(
                f"measurement=descent needs a model whose solution is known, but model={type(module).__name__} names "
                "none; use model=quadratic, or measurement=residual"
            )
        if frozen := frozen_in(module):
            raise InputError(
                f"measurement=descent moves every parameter, but model={type(module).__name__} freezes "
                f"{', '.join(sorted(frozen))}; leave requires_grad as it was made"
            )
        if takes_batch(network.cost):
            raise InputError(
                f"measurement=descent takes the plain mean of a cost of outputs and targets, and cost="
                f"{type(network.cost).__name__} takes the whole batch; choose another, or measurement=residual"
            )
        # Theory knows the bound on lr; ask before a run that would only diverge.
        made = self._optimizer(network, torch.zeros(1))[1]
        method = descent_method(module, made) if isinstance(network.cost, Output) else None
        seeds = self._seeds(network)
        runs = [self._run(network, module, solution, seed) for seed in seeds]
        num = max(len(run.projection) for run in runs)
        steps = np.arange(num, dtype=np.float64)

        def column(name: str) -> Array:
            parts = [np.pad(getattr(t, name), (0, num - len(t.norm)), constant_values=np.nan) for t in runs]
            return np.stack(parts, axis=1)

        length = np.array([run.length for run in runs])
        last = np.array([len(run.norm) - 1 for run in runs], dtype=np.float64)
        run = Projection(steps, steps, column("projection"), column("residual"), column("norm"), length, last)
        projections = {"descent": run}
        numbers = {"length": length.tolist(), "num_steps": last.tolist()}
        if method is not None and isinstance(module, Quadratic):
            theory = descent_theory(method, module, num - 1, self.noise)
            projections |= theory
            numbers["theory_deviation"] = [_deviation(run, theory["theory"], s) for s in range(len(seeds))]
        return Measured(projections=projections, numbers=numbers, labels=[str(seed) for seed in seeds])

    def work(self, network: Network) -> Work:
        """At most ``num_steps`` full-batch updates; a shorter descent tells how long one takes."""

        shorter = partial(
            Descent, noise=self.noise, stop_projection=self.stop_projection, stop_residual=self.stop_residual
        )
        num_examples = len(network.split("train"))
        return Work(steps=Steps(self.num_steps, len(self._seeds(network)), num_examples, shorter, not self.noise))

    def _seeds(self, network: Network) -> list[int]:
        """Without noise every seed walks the same way."""
        return network.seeds if self.noise else network.seeds[:1]

    def _optimizer(self, network: Network, theta: Tensor) -> tuple[Tensor, torch.optim.Optimizer]:
        made = checked(network.optimizer, [theta])
        if not is_elementwise(network.optimizer) and tried(network.optimizer, {"theta": theta}, {})[0]:
            raise InputError(
                f"measurement=descent gives one gradient a step, but optimizer={type(made).__name__} asks "
                "for a closure; choose another optimizer"
            )
        return theta, made

    def _run(self, network: Network, module: nn.Module, solution: Tensor, seed: int) -> Run:
        layout = ParameterLayout.of(module)
        start = layout.theta(module).detach()
        theta, optimizer = self._optimizer(network, start.clone())
        x, y = network.split("train").to(network.device, torch.float64).pair
        scale = scales(network.cost, y).get("objective", 1.0)
        target = solution.to(start) - start
        length = float(target.norm())
        if not length > 0:
            raise InputError(f"model={type(module).__name__} starts at its own solution; there is no way to look along")
        direction = target / length
        noise = stream(seed, NOISE, device=network.device)
        rows = [(0.0, 0.0, float(start.norm()))]
        with progress_of(f"descent, seed {seed}", self.num_steps) as progress:
            for step in range(self.num_steps):
                point = theta.detach().requires_grad_()

                def predict(x: Tensor, draw: int, point: Tensor = point) -> Tensor:
                    return functional_call(module, layout.unflatten(point), (x,))  # type: ignore[no-any-return]

                (theta.grad,) = torch.autograd.grad(network.cost(predict, x, y).mean() * scale, point)
                if self.noise:
                    theta.grad += self.noise * torch.randn(
                        theta.shape, generator=noise, dtype=theta.dtype, device=theta.device
                    )
                optimizer.step()
                moved = theta - start
                along = float(moved @ direction)
                aside = float((moved - along * direction).norm())
                rows.append((along, aside, float(theta.norm())))
                if not np.isfinite(rows[-1]).all() or max(abs(along), aside) > 1e6 * length:
                    raise InputError(
                        f"the descent diverged at step {step + 1} (optimizer {optimizer.defaults}); lower optimizer.lr"
                    )
                progress(step + 1)
                near = along > self.stop_projection * length and aside < self.stop_residual * length
                if near and not self.noise:
                    break
        projection, residual, norm = np.array(rows).T
        return Run(projection, residual, norm, length)


def _deviation(run: Projection, theory: Projection, s: int) -> float:
    """The largest distance between run and theory at the steps of the theory, in units of R."""
    rows = theory.steps.astype(int)
    rows = rows[rows < np.isfinite(run.projection[:, s]).sum()]
    off = np.hypot(
        run.projection[rows, s] - theory.projection[: len(rows), 0],
        run.residual_norm[rows, s] - theory.residual_norm[: len(rows), 0],
    )
    return float(off.max() / run.length[s])


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
