"""The objective along a path."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import numpy as np

from landscape.cost.contract import is_of_batch
from landscape.errors import InputError
from landscape.ground.progress import progress_of
from landscape.measurement.contract import Measured, Pass, Work
from landscape.measurement.placement import check_placement, order_of, place
from landscape.measurement.rounding import EVERY, is_evaluated_again, points_of, rounding_floor, some_of
from landscape.measurement.stages import OnPath
from landscape.objective.interim import Interim
from landscape.objective.objective import Objective
from landscape.objective.slope import check_order
from landscape.result.curve import Curve, argmin_alpha, drop, hidden_rise, largest_rise, num_turning_points
from landscape.result.curve.noise import NoiseOfCosts, noise_of_costs, steepest

MODES = ("stochastic", "deterministic")


class Interpolation:
    """J and its channels at every alpha, for each split and mode, in one pass over the data per curve.

    Args:
        splits: of ``train``, ``valid``, ``test``; the paper draws the first two.
        modes: of ``deterministic`` and ``stochastic``, which is left out where it equals a deterministic curve that is
            measured too.
        slopes: 1 for J'(alpha) as a channel ``slope``, 2 for J''(alpha) too, ``curvature``; 0 for neither.
        noise: also what each curve owes to rounding and to its examples, as ``Curve.noise``: keeps every example's cost
            meanwhile (4 S A N bytes) and evaluates up to 300 examples at 24 points twice more.

    Source: paper, section 3.
    """

    stage = OnPath

    def __init__(
        self,
        splits: Sequence[str] = ("train", "valid"),
        modes: Sequence[str] = MODES,
        slopes: int = 0,
        noise: bool = True,
    ) -> None:
        for key, values, known in (("splits", splits, ("train", "valid", "test")), ("modes", modes, MODES)):
            if not values or not set(values) <= set(known):
                raise InputError(f"measurement.{key}={list(values)} must be one or more of {', '.join(known)}")
        check_order(slopes)
        if not isinstance(noise, bool):
            raise InputError(f"measurement.noise={noise} must be true or false")
        self.splits, self.modes, self.slopes, self.noise = list(splits), list(modes), slopes, noise

    def check(self, on_path: OnPath) -> None:
        """Raise InputError where J has no slope and one is wanted, before anything is trained."""
        for mode in self.modes:
            check_placement(on_path, mode, self.slopes)

    def __call__(self, on_path: OnPath) -> Measured:
        """On a path -> curves keyed ``"train/stochastic"`` and so on."""
        curves: dict[str, Curve] = {}
        numbers: dict[str, list[float]] = {}
        for split, mode in product(self.splits, self.modes):
            if not self._is_repeated(mode, on_path.trial_in(mode)):
                objective = on_path.objective_along(on_path.split(split), mode)
                name = f"{split}/{mode}"
                curves[name], placed = self._curve(on_path, objective, split)
                numbers |= numbers_of(name, curves[name])
                numbers |= {f"{name}/{key}": values for key, values in placed.items()}
        return Measured(curves=curves, numbers=numbers, labels=on_path.ends.labels)

    def _curve(self, on_path: OnPath, objective: Objective, split: str) -> tuple[Curve, dict[str, list[float]]]:
        """One objective along the path, and the numbers of an adaptive grid."""
        path = on_path.laid(objective.device, objective.dtype)
        what = f"{split} {objective.mode}"
        placed = place(objective, path, on_path, self.slopes, what)
        alphas = placed.alphas
        has_noise = self.noise and not is_of_batch(objective.cost)
        noise_of = NoiseOfCosts(alphas) if has_noise and objective.is_streamed else None
        file = on_path.interim(f"{split}-{objective.mode}") if objective.is_streamed else None
        interim = None if file is None else Interim(file)
        with progress_of(what, objective.num_batches * len(alphas)) as progress:
            evaluation = objective.along(path, alphas, progress, keep_costs=has_noise, noise=noise_of, interim=interim)
        # Classification error is a channel of the net as it is used, without dropout (paper.md 0.2).
        channels = {n: v for n, v in evaluation.channels.items() if not (objective.is_random and n.endswith("error"))}
        values = channels.pop("objective")
        noise = {}
        if noise_of is not None:
            noise = noise_of.measured(evaluation.scale)
        elif evaluation.costs is not None:
            noise = noise_of_costs(evaluation.costs, values, alphas)
        if noise:
            noise["floor"] = rounding_floor(on_path, objective, alphas, values, evaluation)
        curve = Curve(
            alphas=alphas,
            objective=values,
            metrics=channels | placed.channels,
            split=split,
            mode=objective.mode,
            dtype=str(objective.dtype).removeprefix("torch."),
            num_examples=evaluation.num_examples,
            replicates=evaluation.replicates if objective.num_replicates > 1 else None,
            noise=noise,
        )
        return curve, placed.numbers

    def work(self, on_path: OnPath) -> Work:
        """The passes over the data that a call makes."""
        passes, num_rows = list[Pass](), len(on_path.ends.seeds)
        num = len(on_path.alphas) if on_path.adaptive is None else 2 * len(on_path.alphas) - 1  # all intervals halved
        for name, mode in product(self.splits, self.modes):
            split, trial = on_path.split(name), on_path.trial_in(mode)
            if self._is_repeated(mode, trial):
                continue
            orders = sorted({0, order_of(on_path, self.slopes)})
            passes += [Pass(name, mode, len(split), num, num_rows, trial.num_replicates, k) for k in orders]
            if self.noise:
                again = points_of(num)  # in the other precision, and some with sums in another order
                num_again = num * (is_evaluated_again(trial) or split.is_resampled) + len(again) + len(again[::EVERY])
                few = some_of(split)[0]
                passes.append(Pass(name, mode, len(few), num_again, num_rows, trial.num_replicates))
        return Work(tuple(passes), unknown="" if on_path.adaptive is None else "the points that alphas=adaptive adds")

    def _is_repeated(self, mode: str, objective: Objective) -> bool:
        """Whether this curve would be the deterministic one once more."""
        return mode == "stochastic" and not objective.is_random and "deterministic" in self.modes


def numbers_of(name: str, curve: Curve) -> dict[str, list[float]]:
    """The headline numbers of each line of a curve, keyed ``"train/stochastic/largest_rise"``."""
    columns = range(curve.objective.shape[1])
    numbers = {f"{name}/argmin_alpha": [argmin_alpha(curve.alphas, curve.objective[:, s]) for s in columns]}
    if np.isin([0.0, 1.0], curve.alphas).all():
        numbers[f"{name}/drop"] = [drop(curve.alphas, curve.objective[:, s]) for s in columns]
        numbers[f"{name}/largest_rise"] = [largest_rise(curve.alphas, curve.objective[:, s]) for s in columns]
        if "slope" in curve.metrics:
            lines = [(curve.alphas, curve.objective[:, s], curve.metrics["slope"][:, s]) for s in columns]
            numbers[f"{name}/hidden_rise"] = [hidden_rise(*line) for line in lines]
            numbers[f"{name}/turning_points"] = [num_turning_points(curve, s) for s in columns]
        rises = [steepest(curve, s) for s in columns]
        if "floor" in curve.noise:
            numbers[f"{name}/rise_error"] = [math.nan if rise is None else rise.error for rise in rises]
    if "floor" in curve.noise:
        numbers[f"{name}/rounding_floor"] = curve.noise["floor"].tolist()
    return numbers
