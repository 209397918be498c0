"""The objective along a path."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from landscape.cost.contract import is_of_batch
from landscape.data.stream import num_of, shown_of
from landscape.errors import InputError
from landscape.measurement.asked import Group, check_parts, evaluate_part, evaluations_of, groups_of
from landscape.measurement.bounds import bounds_of, noise_of_sample
from landscape.measurement.contract import Measured, Pass, Work
from landscape.measurement.placement import Placed, check_placement, order_of, place
from landscape.measurement.rounding import EVERY, is_evaluated_again, points_of, rounding_floor, some_of
from landscape.measurement.stages import OnPath
from landscape.objective.interim import Interim
from landscape.objective.objective import Objective
from landscape.objective.request import Request
from landscape.objective.share import Share, check_shards
from landscape.objective.slope import check_order
from landscape.objective.sums import Evaluation
from landscape.objective.two_level.evaluate import num_first
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
        shards: evaluate the examples in so many parts, each by a process of its own, to the same bits; None: in one.

    Source: paper, section 3.
    """

    stage = OnPath

    def __init__(
        self,
        splits: Sequence[str] = ("train", "valid"),
        modes: Sequence[str] = MODES,
        slopes: int = 0,
        noise: bool = True,
        shards: int | None = None,
    ) -> None:
        for key, values, known in (("splits", splits, ("train", "valid", "test")), ("modes", modes, MODES)):
            if not values or not set(values) <= set(known):
                raise InputError(f"measurement.{key}={list(values)} must be one or more of {', '.join(known)}")
        check_order(slopes)
        if not isinstance(noise, bool):
            raise InputError(f"measurement.noise={noise} must be true or false")
        self.splits, self.modes, self.slopes, self.noise = list(splits), list(modes), slopes, noise
        self.shards = check_shards(shards, slopes)

    def check(self, on_path: OnPath) -> None:
        """Raise InputError where J has no slope and one is wanted, before anything is trained."""
        if self.shards is not None:
            check_parts(on_path, self.shards, self.splits, self.modes_on(on_path))
        for mode in self.modes:
            check_placement(on_path, mode, self.slopes)
            if order_of(on_path, self.slopes):
                self._check_tolerance(on_path, on_path.trial_in(mode))

    def _check_tolerance(self, on_path: OnPath, objective: Objective) -> None:
        """Raise InputError for a tolerance where slopes are wanted, which no interpolation gives."""
        if objective.tolerance is None or not order_of(on_path, self.slopes):
            return
        what = f"measurement.slopes={self.slopes}" if self.slopes else "alphas=adaptive"
        raise InputError(
            f"objective.tolerance={objective.tolerance:g} interpolates J between points, and {what} needs its slopes, "
            f"which that does not give; use objective.tolerance=null, or leave {what} out"
        )

    def __call__(self, on_path: OnPath) -> Measured:
        """On a path -> curves keyed ``"train/stochastic"`` and so on."""
        curves: dict[str, Curve] = {}
        numbers: dict[str, list[float]] = {}
        for group in groups_of(on_path, self.splits, self.modes_on(on_path)):
            for curve, placed in self._curves(on_path, group):
                name = f"{group.split}/{curve.mode}"
                curves[name] = curve
                numbers |= numbers_of(name, curve)
                numbers |= {f"{name}/{key}": values for key, values in placed.items()}
        return Measured(curves=curves, numbers=numbers, labels=on_path.ends.labels)

    def share(self, on_path: OnPath, share: Share, folder: Path) -> None:
        """Evaluate a part of the examples, and keep what it comes to in files.

        Args:
            on_path: as of a call.
            share: which part.
            folder: of the files; a call on a path whose ``shares`` it is takes them from there.

        Raises:
            InputError: as of a call.
        """
        for group in groups_of(on_path, self.splits, self.modes_on(on_path)):
            if group.has_of(share):
                evaluate_part(self._requests(on_path, group)[1], group, share, folder)

    def modes_on(self, on_path: OnPath) -> list[str]:
        """The modes that are measured."""
        return [mode for mode in self.modes if not self.is_repeated(mode, on_path.trial_in(mode))]

    def _requests(self, on_path: OnPath, group: Group) -> tuple[list[Placed], list[Request]]:
        """The positions for each of some curves over the same examples, and what is asked of J there."""
        placed, requests, split = list[Placed](), list[Request](), group.split
        for mode in group.modes:
            objective = on_path.objective_along(on_path.split(split), mode)
            self._check_tolerance(on_path, objective)
            path = on_path.laid(objective.device, objective.dtype)
            placed.append(place(objective, path, on_path, self.slopes, f"{split} {objective.mode}"))
            requests.append(self._request(on_path, objective, path, placed[-1], split))
        return placed, requests

    def _curves(self, on_path: OnPath, group: Group) -> list[tuple[Curve, dict[str, list[float]]]]:
        """J over the same examples along the path, and the numbers of an adaptive grid of each curve."""
        placed, requests = self._requests(on_path, group)
        evaluations = evaluations_of(requests, group.split, on_path.shares)
        return [
            (self._curve(on_path, request, part, evaluation, group.split), part.numbers)
            for request, part, evaluation in zip(requests, placed, evaluations, strict=True)
        ]

    def _request(self, on_path: OnPath, objective: Objective, path: Any, placed: Placed, split: str) -> Request:
        """One objective along the path, with what its noise needs."""
        has_noise = self.noise and not is_of_batch(objective.cost)
        alphas = placed.alphas
        noise = NoiseOfCosts(alphas) if has_noise and objective.is_streamed else None
        file = on_path.interim(f"{split}-{objective.mode}") if objective.is_streamed else None
        interim = None if file is None else Interim(file)
        own: dict[str, Any] = {"noise": noise, "interim": interim, "beside": placed.sums}
        found = Request(objective, path, alphas, keep_costs=has_noise, **own)
        return found if self.slopes or on_path.adaptive is not None else replace(found, axes=(alphas,))

    def _curve(self, on_path: OnPath, request: Request, placed: Placed, evaluation: Evaluation, split: str) -> Curve:
        """What was evaluated, with its noise."""
        objective, alphas, noise_of = request.objective, request.alphas, request.noise
        # Classification error is a channel of the net as it is used, without dropout (paper.md 0.2).
        channels = {n: v for n, v in evaluation.channels.items() if not (objective.is_random and n.endswith("error"))}
        values = channels.pop("objective")
        noise = {}
        if evaluation.sample is not None:
            noise = noise_of_sample(evaluation.sample, values, alphas) if request.keep_costs else {}
        elif isinstance(noise_of, NoiseOfCosts):
            noise = noise_of.measured(evaluation.scale)
        elif evaluation.costs is not None:
            noise = noise_of_costs(evaluation.costs, values, alphas)
        if noise:
            noise["floor"] = rounding_floor(on_path, objective, alphas, values, evaluation)
        noise |= bounds_of(evaluation, channels)
        return Curve(
            alphas=alphas,
            objective=values,
            metrics=channels | placed.measured,
            split=split,
            mode=objective.mode,
            dtype=str(objective.dtype).removeprefix("torch."),
            num_examples=evaluation.num_examples,
            replicates=evaluation.replicates if objective.num_replicates > 1 else None,
            noise=noise,
        )

    def work(self, on_path: OnPath) -> Work:
        """The passes over the data that a call makes."""
        passes, num_rows = list[Pass](), len(on_path.ends.seeds)
        num = len(on_path.alphas) if on_path.adaptive is None else 2 * len(on_path.alphas) - 1  # all intervals halved
        for name, mode in product(self.splits, self.modes):
            split, trial = on_path.split(name), on_path.trial_in(mode)
            if self.is_repeated(mode, trial):
                continue
            orders = sorted({0, order_of(on_path, self.slopes)})
            passes += [Pass(name, mode, num_of(split), num, num_rows, trial.num_replicates, k) for k in orders]
            if trial.tolerance is not None and (num_all := num_of(split)) is not None:
                num_few = min(2 * num_first(num_all), num_all)  # in vain, where all is in full after all
                passes.append(Pass(name, mode, num_few, num, num_rows, trial.num_replicates))
            if self.noise:
                again = points_of(num)  # in the other precision, and some with sums in another order
                num_again = num * (is_evaluated_again(trial) or split.is_resampled) + len(again) + len(again[::EVERY])
                few = some_of(shown_of(split))[0]
                passes.append(Pass(name, mode, len(few), num_again, num_rows, trial.num_replicates))
        unknown = "" if on_path.adaptive is None else "the points that alphas=adaptive adds"
        if on_path.trial.tolerance is not None:
            unknown = "what objective.tolerance saves of it"
        return Work(tuple(passes), unknown=unknown)

    def is_repeated(self, mode: str, objective: Objective) -> bool:
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
    if "bound" in curve.noise:
        numbers[f"{name}/bound"] = np.max(curve.noise["bound"], axis=0).tolist()
        numbers[f"{name}/passes"] = curve.noise["passes"].tolist()
    if "floor" in curve.noise:
        numbers[f"{name}/rounding_floor"] = curve.noise["floor"].tolist()
    return numbers
