"""A curve as people use it: its samples, and every number that is read off them in words, as a table and drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from textwrap import fill
from typing import Any

import numpy as np

from landscape.result.curve import between, curvature, noise, numbers, picture, shown, stated
from landscape.result.curve.column import SAME_ALPHA, column_of
from landscape.result.curve.types import Array, Samples, check_shapes


@dataclass(frozen=True, eq=False)
class Curve(Samples, shown.Shown):
    """The objective J along a path, one column per line.

    Args:
        alphas: positions on the path [A], strictly increasing, may leave [0, 1].
        objective: mean cost per example in nats [A, S]; a value that could not be computed is NaN.
        metrics: further channels of the same shape, for example ``{"error": [A, S]}``, a fraction in [0, 1].
        split: ``"train"``, ``"valid"`` or ``"test"``; ``"data"`` where nobody said of what.
        mode: ``"deterministic"`` (no dropout) or ``"stochastic"`` (the training cost, common random numbers).
        dtype: the precision of the forward pass, ``"float32"`` or ``"float64"``; sums are always float64.
        source: ``"measured"`` or ``"theory"``.
        num_examples: examples the objective averages over.
        replicates: the objective of each mask replicate [K, A, S] when K > 1, else None.
        noise: what J owes to rounding and to its examples, in nats, where it was measured: ``"floor"`` [S], a bound
            on the rounding error of J; ``"errors"`` [A, A, S], the standard error over examples
            of J(b) - J(a); ``"low"`` and ``"high"`` [A, S], a 95 % bootstrap band over examples, less J at the sample
            nearest to alpha = 0. With ``objective.tolerance`` also ``"bound"`` [A, S], the stated error of J, 0 where
            it was evaluated in full, ``"bound/NAME"`` of other channels, and ``"passes"`` [S], what was spent, in
            passes over all examples at one point; all else is then that of a part of the examples, scaled to all.
        spectrum: ``"eigenvalue"`` and their ``"density"``, each [G, A, S], where curvature was measured with it.
    """

    def summary(self) -> dict[str, list[float]]:
        """The numbers of every line, NaN where one is not known.

        Returns:
            ``lowest`` and ``argmin_alpha``, where; and, if both ends are among the points, over [0, 1]: ``drop``,
            ``largest_rise``, which is 0 where J never rises, with ``rise_noise``, what it must exceed to be larger than
            the noise; ``chord_barrier``, ``mean_barrier`` and ``end_barrier``, by how much J exceeds the chord, the
            mean of the ends, the higher end; ``plateau_length``, where a tenth of the drop is reached. With slopes
            ``hidden_rise``, by how much J rises more between the points, and ``turning_points``, how many extrema stand
            out of the noise. With a stated error ``bound``, the largest, and ``num_in_full``, points without one.

        >>> curve = Curve(np.array([0.0, 0.5, 1.0]), np.array([[2.0], [2.5], [1.0]]))
        >>> curve.summary()["largest_rise"], curve.summary()["end_barrier"]
        ([0.5], [0.5])
        """
        lines = [self._numbers(s) for s in range(self.objective.shape[1])]
        return {name: [line[name] for line in lines] for name in (lines[0] if lines else {})}

    def _numbers(self, s: int) -> dict[str, float]:
        at, values = self.alphas, self.objective[:, s]
        lowest = numbers.argmin_alpha(at, values)
        found = {"lowest": float(np.min(values)), "argmin_alpha": lowest}
        if stated.BOUND in self.noise:
            found |= {"bound": stated.largest(self)[s], "num_in_full": float(stated.num_in_full(self)[s])}
        if not self._has_ends:
            return found
        rise = noise.steepest(self, s)
        found |= {
            "drop": numbers.drop(at, values),
            "largest_rise": numbers.largest_rise(at, values),
            "rise_noise": math.nan if rise is None else rise.noise,
            "chord_barrier": numbers.chord_barrier(at, values),
            "mean_barrier": numbers.mean_barrier(at, values),
            "end_barrier": numbers.end_barrier(at, values),
            "plateau_length": numbers.plateau_length(at, values),
        }
        if "slope" in self.metrics:
            found["hidden_rise"] = between.hidden_rise(at, values, self.metrics["slope"][:, s])
            found["turning_points"] = between.num_turning_points(self, s)
        return found

    @property
    def _has_ends(self) -> bool:
        return bool(np.isin([0.0, 1.0], self.alphas).all())

    def plot(self, ax: Any = None, metric: str | None = None, **look: Any) -> Any:
        """Draw J along the path, with a 95 % band over the examples where it was measured.

        Where J has a stated error, dots are the points that were evaluated in full, and a hatched band is the error.

        Args:
            ax: matplotlib ``Axes``; None makes a new figure. Several curves on one get a legend.
            metric: name of one of ``metrics``, to draw instead of J.
            look: of the line, as ``Axes.plot`` takes it: ``label``, ``color``, ``linestyle``.

        Returns:
            The ``Axes``.

        Raises:
            InputError: there is no such metric.
        """
        values = self.objective if metric is None else shown.metric_of(self.metrics, metric)
        axes, band = shown.axes_for(ax), None
        if metric is None and {"low", "high"} <= self.noise.keys():
            k = int(np.argmin(np.abs(self.alphas)))
            band = tuple(self.objective[k] + self.noise[name] for name in ("low", "high"))
        name = metric or "objective"
        bound = stated.bound_of(self, name) if stated.bound_name(name) in self.noise else None
        name = look.pop("label", self.split)
        labels = [name] if self.num_columns == 1 else [f"{name}, line {s}" for s in range(self.num_columns)]
        picture.along(axes, self.alphas, values, labels, band, bound, **look)
        if ax is None:
            said = [self.mode] + [f"band: {100 * noise.LEVEL:.0f} % over examples"] * (band is not None)
            if bound is not None:
                hatched = "thinner than the line" if picture.is_thin(axes) else "hatched"
                said += [f"{stated.sentence(self)} (dots)", *[f"the error is {hatched}"] * bool((bound > 0).any())]
            axes.set_title(fill("; ".join(said), 66), fontsize="small", loc="left")
        told = "J(θ(α)), mean cost per example" if metric is None else curvature.label_of(metric)
        axes.set(xlabel="α, position on the path", ylabel=told)
        return axes

    def table(self) -> shown.Table:
        """What is printed: about fifteen of the points, then the numbers."""
        rows = shown.some_rows(len(self.alphas))
        if self.num_columns == 1:
            columns = {"J": self.objective[:, 0]}
            columns |= {name: v[:, 0] for name, v in shown.apart(curvature.in_table(self.metrics), ["J"]).items()}
        elif self.num_columns <= shown.MOST_LINES:
            columns = {f"J, line {s}": self.objective[:, s] for s in range(self.num_columns)}
        else:
            named = (("lowest", np.min), ("median", np.median), ("highest", np.max))
            columns = {f"{name} J": pick(self.objective, axis=1) for name, pick in named}
        cells = [
            [shown.number(float(self.alphas[k])), *(shown.number(float(v[k])) for v in columns.values())] for k in rows
        ]
        points = shown.count(len(self.alphas), "point")
        points += f", {len(rows)} shown" if len(rows) < len(self.alphas) else ""
        if self.alphas.tolist() == [0.0]:  # as of ls.curvature at one point
            title = f"J at one point: {', '.join(self._words())}"
            return shown.Table(title, list(columns), [row[1:] for row in cells], self._said())
        title = f"J along the path: {', '.join([*self._words(), points])}"
        return shown.Table(title, ["alpha", *columns], cells, self._said())

    def _words(self) -> list[str]:
        known = [shown.count(self.num_examples, "example")] if self.num_examples else []
        theory = [self.source] if self.source != "measured" else []
        return [self.split, self.mode, *theory, self.dtype, *known]

    def _said(self) -> list[tuple[str, str]]:
        """The numbers in words."""
        lines, given = range(self.num_columns), self.summary()

        def say(text: str, *names: str) -> str:
            values = ([shown.number(given[name][s]) for name in names] for s in lines)
            return shown.each([text.format(*line) for line in values])

        places = zip(given["lowest"], given["argmin_alpha"], stated.lowest_of(self), strict=True)
        low = shown.each([f"{shown.number(v)} at alpha = {shown.number(a)}{other}" for v, a, other in places])
        said = [("lowest J", low)] if len(self.alphas) > 1 else []
        if stated.BOUND in self.noise:
            said.insert(0, ("stated error", stated.sentence(self)))
        if self._has_ends:
            late = [self._plateau(s, value) for s, value in enumerate(given["plateau_length"])]
            over = "{} over the chord, {} over the mean of the ends, {} over the higher end"
            said += [
                ("largest rise", shown.each([self._rise(s) for s in lines])),
                ("barrier", say(over, "chord_barrier", "mean_barrier", "end_barrier") + self._within()),
                ("plateau", shown.each(late)),
            ]
        said += curvature.said(self.metrics)
        if "hidden_rise" in given:
            over = "{} more between the points; turning points: {}"
            said.append(("by slopes", say(over, "hidden_rise", "turning_points")))
        return said

    def _within(self) -> str:
        """How far a difference of two values may be off."""
        most = max((numbers.stated_rise(self, s) for s in range(self.num_columns)), default=0.0)
        return f"; each to within {most:.1e}" if most > 0 else ""

    def _plateau(self, s: int, length: float) -> str:
        if math.isnan(length):
            return "not known: J(1) is not below J(0), or J is lost on the way"
        text, error = f"a tenth of the drop is reached at alpha = {shown.number(length)}", stated.bound_of(self)[:, s]
        values = (self.objective[:, s] - error, self.objective[:, s] + error)
        low, high = (numbers.plateau_length(self.alphas, moved) for moved in values)
        return f"{text}, from {low:.3g} to {high:.3g} by the stated error" if high > low else text

    def _rise(self, s: int) -> str:
        height = numbers.largest_rise(self.alphas, self.objective[:, s])
        if height == 0:
            least = numbers.stated_rise(self, s)
            is_wider = self.alphas[0] < -SAME_ALPHA or self.alphas[-1] > 1 + SAME_ALPHA
            where = " in [0, 1]" * bool(is_wider)
            return f"none: J never rises from point to point{where}" + (
                f" by more than {least:.1e}" if least > 0 else ""
            )
        rise = noise.steepest(self, s)
        if rise is None or not math.isfinite(rise.noise):
            return f"{shown.number(height)}, beside a noise that was not measured"
        place = f"from alpha = {shown.number(rise.first)} to {shown.number(rise.last)}"
        verdict = "larger than" if rise.is_larger else "within"
        what = "the stated error" if 0 < rise.noise == rise.bound else "the noise"
        return f"{shown.number(rise.height)} {place}, {verdict} {what}, {shown.number(rise.noise)}"

    def _frame(self) -> dict[str, Any]:
        num = self.num_columns
        own = ["low", "high", *(name for name in self.noise if stated.is_bound(name))]
        tall = {"objective": self.objective, **shown.apart(self.metrics, ["alpha", "line", "objective", *own])}
        tall |= {name: self.noise[name] for name in own if name in self.noise}
        line = np.tile(np.arange(num), len(self.alphas))
        columns: dict[str, Any] = {"alpha": np.repeat(self.alphas, num), "line": line}
        return columns | {name: values.ravel() for name, values in tall.items()}

    def check(self) -> None:
        """Raise ValueError unless every array has the shape that its name asks for."""
        column_of(self.alphas, self.alphas)
        num, wide = self.objective.shape
        shapes: dict[str, tuple[int, ...]] = {"floor": (wide,), "passes": (wide,), "errors": (num, num, wide)}
        wanted: list[tuple[str, Array, tuple[int, ...]]]
        check_shapes(self, (num, wide))
        wanted = [(f"noise/{name}", array, shapes.get(name, (num, wide))) for name, array in self.noise.items()]
        if self.replicates is not None:
            wanted.append(("replicates", self.replicates, (len(self.replicates), num, wide)))
        for name, array, shape in wanted:
            if array.shape != shape:
                raise ValueError(f"{name} has the shape {array.shape}, not {shape}")

    def __repr__(self) -> str:
        ends = (
            f"alpha {shown.number(self.alphas[0])} to {shown.number(self.alphas[-1])}" if len(self.alphas) else "empty"
        )
        points = shown.count(len(self.alphas), "point")
        return f"Curve({', '.join([*self._words(), points, ends, shown.count(self.num_columns, 'line')])})"
