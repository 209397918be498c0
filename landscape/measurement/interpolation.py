"""The objective along a path."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

from landscape.errors import InputError
from landscape.ground.progress import progress_of
from landscape.measurement.placement import check_placement, order_of, place
from landscape.measurement.rounding import EVERY, is_evaluated_again, points_of, rounding_floor, some_of
from landscape.measurement.subject import Measured, Subject
from landscape.measurement.work import Pass, Work
from landscape.objective.objective import Objective
from landscape.objective.slope import check_order
from landscape.result.curve import Curve, argmin_alpha, drop, hidden_rise, largest_rise, num_turning_points
from landscape.result.curve.noise import noise_of_costs, steepest

MODES = ("stochastic", "deterministic")


class Interpolation:
    """J and its channels at every alpha, for each split and mode, in one pass over the data per curve.

    Args:
        splits: of ``train``, ``valid``, ``test``; the paper draws the first two.
        modes: of ``stochastic`` (skipped when the model has nothing random) and ``deterministic``.
        slopes: 1 for J'(alpha) as a channel ``slope``, 2 for J''(alpha) too, ``curvature``; 0 for neither.
        noise: also what each curve owes to rounding and to its examples, as ``Curve.noise``: keeps every example's cost
            meanwhile (4 S A N bytes) and evaluates up to 300 examples at 24 points twice more.

    Source: paper, section 3.
    """

    needs = "path"

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

    def check(self, subject: Subject) -> None:
        """Raise InputError where J has no slope and one is wanted, before anything is trained."""
        for mode in self.modes:
            check_placement(subject, mode, self.slopes)

    def __call__(self, subject: Subject) -> Measured:
        """Subject -> curves keyed ``"train/stochastic"`` and so on."""
        ends, alphas = subject.ends, subject.alphas
        assert ends is not None and alphas is not None and subject.objective is not None
        curves: dict[str, Curve] = {}
        numbers: dict[str, list[float]] = {}
        for split_name in self.splits:
            split = subject.split(split_name)
            for mode in self.modes:
                make = partial(
                    subject.objective,
                    subject.module,
                    subject.cost,
                    mode=mode,
                    seeds=ends.seeds,
                    buffers=ends.buffers,
                    buffers_0=ends.buffers_0,
                )
                objective = make(split)
                if self._is_repeated(mode, objective):
                    continue

                def lay(dtype: torch.dtype, device: torch.device = objective.device) -> Any:
                    assert ends is not None
                    return subject.lay(*ends.cast(device, dtype))

                path = lay(objective.dtype)
                placed = place(objective, path, subject, self.slopes, f"{split_name} {mode}")
                alphas = placed.alphas
                total = objective.num_batches * len(alphas)
                with progress_of(f"{split_name} {mode}", total) as progress:
                    evaluation = objective.along(path, alphas, progress, keep_costs=self.noise)
                noise = {}
                if evaluation.costs is not None:
                    values = evaluation.channels["objective"]
                    noise = noise_of_costs(evaluation.costs, values, alphas)
                    noise["floor"] = rounding_floor(make, split, objective, lay, alphas, values, evaluation.costs)
                # Classification error is a channel of the net as it is used, without dropout (paper.md 0.2).
                channels = {
                    n: v for n, v in evaluation.channels.items() if not (objective.is_random and n.endswith("error"))
                }
                curve = Curve(
                    alphas=alphas,
                    objective=channels.pop("objective"),
                    metrics=channels | placed.channels,
                    split=split_name,
                    mode=mode,
                    dtype=str(objective.dtype).removeprefix("torch."),
                    num_examples=len(split),
                    replicates=evaluation.replicates if objective.num_replicates > 1 else None,
                    noise=noise,
                )
                curves[f"{split_name}/{mode}"] = curve
                numbers |= numbers_of(f"{split_name}/{mode}", curve)
                numbers |= {f"{split_name}/{mode}/{name}": values for name, values in placed.numbers.items()}
        return Measured(curves=curves, numbers=numbers, labels=ends.labels)

    def work(self, subject: Subject) -> Work:
        """The passes over the data that a call makes."""
        ends, alphas = subject.ends, subject.alphas
        assert ends is not None and alphas is not None and subject.objective is not None
        passes, one = [], subject.split(self.splits[0]).first(1)
        of_mode = {
            mode: subject.objective(
                subject.module, subject.cost, one, mode=mode, seeds=ends.seeds, buffers=ends.buffers
            )
            for mode in self.modes
        }
        for split_name in self.splits:
            split = subject.split(split_name)
            for mode, objective in of_mode.items():
                if not self._is_repeated(mode, objective):
                    num_rows, num_replicates = len(ends.seeds), objective.num_replicates
                    num = len(alphas) if subject.adaptive is None else 2 * len(alphas) - 1  # every interval is halved
                    orders = sorted({0, order_of(subject, self.slopes)})
                    passes += [Pass(split_name, mode, len(split), num, num_rows, num_replicates, k) for k in orders]
                    if self.noise:
                        few = some_of(split)[0]
                        again = points_of(num)  # in the other precision, and some with sums in another order
                        num = num * is_evaluated_again(objective) + len(again) + len(again[::EVERY])
                        passes.append(Pass(split_name, mode, len(few), num, num_rows, num_replicates))
        return Work(tuple(passes), unknown="" if subject.adaptive is None else "the points that alphas=adaptive adds")

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
