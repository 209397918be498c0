"""Every run of a sweep by its settings, whether J rises on its line, and how often it does in a group of runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from landscape.figure.reading import Column, covers
from landscape.result.curve import largest_rise, value_at
from landscape.result.curve.noise import steepest, wilson
from landscape.result.saved import Result

RISE, LOSS = 1e-3, 0.1
"""A run whose J climbs by more than RISE nats is not monotone; one that ends above LOSS nats is not counted.

Source: Lucas et al. 2021 (arXiv 2104.11044), their tables of fully connected classifiers (section 4.1 of the notes on
the follow-up papers).
"""

TREATMENTS = ("recalibrate", "interpolate", "keep")
"""Of running statistics, the preferred one first: to recalibrate is nearest to what the original does, a pass over the
data in training mode before each evaluation."""


@dataclass(frozen=True)
class Run:
    """One seed of one job.

    Args:
        treatment: of its running statistics; empty without batch norm. lr: learning rate. depth: hidden layers.
        rise: min Delta of J on the training split, in nats; end: J(1); NaN where the training diverged.
        distance: |theta_f - theta_i| / |theta_i|. gauss: mean Gauss length in radians, NaN where it was not measured.
        stands_out: whether the rise is larger than the noise of its curve; None where that was not measured.
        falls: whether J(1) lies below J(0), beyond the noise, with a sample between.
    """

    optimizer: str
    lr: float
    treatment: str
    depth: int
    activation: str
    rise: float
    end: float
    distance: float
    gauss: float
    stands_out: bool | None = None
    falls: bool = True

    @property
    def is_counted(self) -> bool:
        """Whether its training came far enough, which a NaN did not, from a start that lies higher."""
        return self.end <= LOSS and math.isfinite(self.rise) and self.falls

    @property
    def rises(self) -> bool:
        """Whether it violates monotonicity."""
        return self.rise > RISE


@dataclass(frozen=True)
class Rate:
    """In how many of the counted runs J rises, with Wilson's 95 % interval; one without runs is all of [0, 1].

    Args:
        within: how many of the rises are within the noise; None where that is not known of each.
    """

    name: str
    rising: int
    counted: int
    within: int | None = None

    @property
    def interval(self) -> tuple[float, float]:
        """(lowest, highest)."""
        return wilson(self.rising, self.counted) if self.counted else (0.0, 1.0)

    def __str__(self) -> str:
        if not self.counted:
            return f"{self.name}: no run counted"
        low, high = (100 * end for end in self.interval)
        share = 100 * self.rising / self.counted
        within = f", {self.within} of them within the noise" if self.within else ""
        return f"{self.name}: {self.rising} of {self.counted}, {share:.0f} % [{low:.0f}, {high:.0f}]{within}"


def rate(name: str, runs: Sequence[Run]) -> Rate:
    """That of these runs."""
    counted = [run for run in runs if run.is_counted]
    rising = [run.stands_out for run in counted if run.rises]
    within = rising.count(False) if rising and None not in rising else None
    return Rate(name, len(rising), len(counted), within)


def runs_of(results: Sequence[Result]) -> list[Run]:
    """Every seed of every job that measured J from start to solution on the training split."""
    found = []
    for result in results:
        curve = result.curves.get("train/deterministic")
        if curve is None or not covers(curve, 0, 1):
            continue
        config, num = result.config, curve.objective.shape[1]
        model, optimizer = config["model"], config["optimizer"]
        lost = result.diverged(num)
        length, start = (_column(result, key, num) for key in ("length", "norm_theta_i"))
        gauss = _column(result, "train/gauss_length", num)
        for s in range(num):
            steep = steepest(curve, s)
            values = np.full_like(curve.objective[:, s], np.nan) if lost[s] else curve.objective[:, s]
            found.append(
                Run(
                    optimizer["_target_"].rsplit(".", 1)[-1],
                    float(optimizer["lr"]),
                    str(config["objective"]["running_statistics"]) if model.get("batch_norm") else "",
                    len(model["widths"]),
                    model["activation"]["_target_"].rsplit(".", 1)[-1],
                    largest_rise(curve.alphas, values),
                    value_at(curve.alphas, values, 1.0),
                    length[s] / start[s] if start[s] > 0 else math.nan,
                    gauss[s],
                    None if steep is None else steep.is_larger,
                    bool(np.isfinite(values).all()) and Column(result, curve, s).no_way_down() is None,
                )
            )
    return found


def _column(result: Result, key: str, num: int) -> list[float]:
    values = result.numbers.get(key)
    return values if isinstance(values, list) and len(values) == num else [math.nan] * num


def once(runs: Sequence[Run]) -> list[Run]:
    """Each trained network once: with batch norm under the preferred one of the treatments that were measured."""
    seen = {run.treatment for run in runs}
    chosen = next((treatment for treatment in TREATMENTS if treatment in seen), "")
    return [run for run in runs if run.treatment in ("", chosen)]


def halves(runs: Sequence[Run], value: Callable[[Run], float]) -> tuple[list[Run], list[Run], float]:
    """The counted runs below and not below the median of a value, and the median."""
    known = [run for run in runs if run.is_counted and math.isfinite(value(run))]
    middle = float(np.median([value(run) for run in known])) if known else math.nan
    return [r for r in known if value(r) < middle], [r for r in known if value(r) >= middle], middle
