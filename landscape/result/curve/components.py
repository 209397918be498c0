"""A path through parameter space along its own principal axes, beside what a random walk would show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from landscape.result.curve import picture, shown
from landscape.result.curve.types import Array, Columns

ORIGINS = {"mean": "their mean", "end": "the solution"}
"""What the axes go through, in words."""
MOST_AXES = 8
"""That a table shows."""


@dataclass(frozen=True, eq=False)
class Components(Columns, shown.Shown):
    """The saved points of S runs along the two leading principal axes of each, and the shares of all its axes.

    The share of an axis is the part that it explains of the sum of squared distances from the origin. A random walk in
    many dimensions has fixed shares, whatever it walks through, so that they are told beside those of the run: its
    ``walk`` takes as many steps between saved points as the run, its ``paced`` walk has as long ways between them.

    Args:
        steps: updates made before each saved point [T]; epochs: the same in passes over the data [T].
        first, second: coordinates in parameter units [T, S]; the run starts on the negative side of both. NaN after a
            run's own last point, and where a point is not finite.
        plane_distance: distance from the plane of both axes [T, S].
        shares: of axis 1, 2, ... [T, S]; NaN after a run's last axis.
        walk: mean shares of a random walk in as many dimensions [T, S]; paced: of one with the run's own pace.
        walk_spread, paced_spread: standard deviation of the sum of the first 1, 2, ... shares of such a walk [T, S].
        walk_first, walk_second: where that walk would be in many dimensions [T, S], scaled to the size of the run;
            paced_first, paced_second: where the paced one would be.
        dimension: P [S].
        origin: what the axes go through, ``"mean"`` of the points or ``"end"``, theta_f.
    """

    ROWS: ClassVar[tuple[str, ...]] = ("steps", "epochs")

    steps: Array
    epochs: Array
    first: Array
    second: Array
    plane_distance: Array
    shares: Array
    walk: Array
    walk_spread: Array
    paced: Array
    paced_spread: Array
    walk_first: Array
    walk_second: Array
    paced_first: Array
    paced_second: Array
    dimension: Array
    origin: str = "mean"

    def summary(self) -> dict[str, list[float]]:
        """The numbers of every run.

        Returns:
            ``one_axis`` and ``two_axes``, what they explain; ``two_axes_walk`` and ``two_axes_paced``, what they
            explain of either walk, and ``walk_spread`` and ``paced_spread``, the standard deviations of that;
            ``cosine_content`` and ``second_cosine_content``, the share of the squared coordinates that the walk's own
            curve explains, near 1 for a walk; ``cosine_content_paced`` and ``second_cosine_content_paced``, that of
            the paced walk; ``largest_plane_distance``.
        """
        found = {
            "one_axis": _row(self.shares, 0),
            "two_axes": self.shares[:2].sum(axis=0),
            "two_axes_walk": self.walk[:2].sum(axis=0),
            "walk_spread": _row(self.walk_spread, 1),
            "two_axes_paced": self.paced[:2].sum(axis=0),
            "paced_spread": _row(self.paced_spread, 1),
            "cosine_content": _content(self.first, self.walk_first),
            "second_cosine_content": _content(self.second, self.walk_second),
            "cosine_content_paced": _content(self.first, self.paced_first),
            "second_cosine_content_paced": _content(self.second, self.paced_second),
            "largest_plane_distance": np.fmax.reduce(self.plane_distance, axis=0, initial=np.nan),
        }
        return {name: [float(value) for value in values] for name, values in found.items()}

    def plot(self, ax: Any = None, **look: Any) -> Any:
        """Draw each run in the plane of its own first two axes, beside the curve that a random walk draws there.

        Args:
            ax: matplotlib ``Axes``; None makes a new figure.
            look: of the lines.

        Returns:
            The ``Axes``.
        """
        axes = shown.axes_for(ax)
        parts = [100 * np.asarray(self.summary()[name]) for name in ("two_axes", "two_axes_walk")]
        for s in range(self.num_columns):
            many = f"run {s}: " if self.num_columns > 1 else ""
            label = f"{many}two axes explain {parts[0][s]:.1f} % (a walk: {parts[1][s]:.1f} %)"
            [line] = axes.plot(self.first[:, s], self.second[:, s], **{"marker": ".", "label": label, **look})
            axes.plot(self.walk_first[:, s], self.walk_second[:, s], "--", color=line.get_color(), linewidth=0.9)
        axes.plot([], [], "--", color="#767676", linewidth=0.9, label="a random walk of that size")
        axes.axhline(0.0, color=picture.RULE, linewidth=0.8, zorder=0)
        axes.axvline(0.0, color=picture.RULE, linewidth=0.8, zorder=0)
        axes.set(xlabel="along axis 1 [parameter units]", ylabel="along axis 2 [parameter units]")
        picture.legend(axes)
        return axes

    def table(self) -> shown.Table:
        """What is printed: the shares of the first axes beside those of both walks, then the numbers."""
        num = min(MOST_AXES, len(self.shares))
        columns = {"share": self.shares, "walk": self.walk, "paced walk": self.paced}
        cells = [
            [str(k + 1), *(shown.each([shown.number(x) for x in v[k]]) for v in columns.values())] for k in range(num)
        ]
        points = shown.count(len(self.steps), "point")
        title = f"Principal axes of a run about {ORIGINS.get(self.origin, self.origin)}: {points}"
        units = {"largest_plane_distance": " parameter units"}
        said = [
            (name.replace("_", " "), shown.each([shown.number(value) + units.get(name, "") for value in values]))
            for name, values in self.summary().items()
        ]
        return shown.Table(title, ["axis", *columns], cells, said)

    def check(self) -> None:
        """Raise ValueError unless every array has the shape that its name asks for."""
        rows, num = len(self.steps), len(self.dimension)
        if self.epochs.shape != (rows,):
            raise ValueError(f"epochs has the shape {self.epochs.shape}, not {(rows,)}")
        for name in self._in_columns():
            wanted = (num,) if name == "dimension" else (rows, num)
            if (found := getattr(self, name).shape) != wanted:
                raise ValueError(f"{name} has the shape {found}, not {wanted}")

    def _frame(self) -> dict[str, Any]:
        num = self.num_columns
        columns = {"point": np.repeat(self.steps, num), "epoch": np.repeat(self.epochs, num)}
        columns["line"] = np.tile(np.arange(num), len(self.steps))
        return columns | {name: getattr(self, name).ravel() for name in ("first", "second", "plane_distance")}


def _row(values: Array, k: int) -> Array:
    """Number ``k`` of [T, S], NaN where there are fewer."""
    return np.asarray(values[k] if k < len(values) else np.full(values.shape[-1], np.nan))


def _content(path: Array, wave: Array) -> Array:
    """The share of the squares of coordinates [T, S] that a walk's explain [S]."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.nansum(path * wave, axis=0) ** 2 / np.nansum(path**2, axis=0) / np.nansum(wave**2, axis=0))
