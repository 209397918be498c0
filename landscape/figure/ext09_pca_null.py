"""Extension 9: the principal axes of training beside those of a random walk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figure import caption, components, naming, panel, style
from landscape.figure.checks import Claim, Evidence, judge_job
from landscape.figure.decided import within_error
from landscape.figure.reading import Reading, above, short_of
from landscape.result.curve import Components
from landscape.result.curve.components import ORIGINS
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

MORE = 0.05
"""Share of the variance by which two axes of training must exceed those of a walk; ours."""
NUM_DEVIATIONS = 4
"""Of a walk in the house's dimensions, within which a drawn one must lie."""
CONTENT = (0.9, 0.7)
"""Least shares of the squares of the first and of the second coordinate that a walk's curve must explain; ours."""
FEWEST = 10
"""Saved points: two axes of fewer hold nearly all of any path, and every short path is an arc."""
WHOLE = 1e-6
"""By how much all shares may differ from one."""


@dataclass(frozen=True)
class Run:
    """One seed's numbers."""

    found: Components
    s: int

    def number(self, name: str) -> float:
        """One of ``Components.summary``."""
        return self.found.summary()[name][self.s]

    @property
    def is_whole(self) -> bool:
        """Whether these are shares at all: numbers from 0 to 1 that sum to one, of points enough to tell."""
        shares = self.found.shares[:, self.s]
        shares = shares[np.isfinite(shares)]
        num = np.isfinite(self.found.plane_distance[:, self.s]).sum()
        return bool(num >= FEWEST and len(shares) > 2 and (shares >= 0).all() and abs(shares.sum() - 1) <= WHOLE)


def net(result: Result) -> str:
    """``SGD``, ``SGD, momentum 0.9`` or ``Adam``: what trained it."""
    optimizer = result.config.get("optimizer") or {}
    kind = str(optimizer.get("_target_", "")).rsplit(".", 1)[-1]
    momentum = float(optimizer.get("momentum") or 0.0)
    name = {"Momentum": "SGD", "SGD": "SGD"}.get(kind, kind or naming.net(result))
    return f"{name}, momentum {momentum:g}" if momentum else name


def names(results: Sequence[Result]) -> list[str]:
    """What trained each job; where that does not tell them apart, the names of the jobs."""
    found = [net(result) for result in results]
    return found if len(set(found)) == len(found) else naming.names(results)


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """What each axis explains, about both origins; what two explain; and the paths in their plane, by optimizer."""
    jobs = [(result, name) for result, name in zip(results, names(results), strict=True) if result.components]
    columns = max(3, len(jobs))
    figure, grid = style.new(2, columns, width=3.1 * columns + 2.4, height=6.8)
    drawn = panel.Drawn()
    for axes, origin in zip(grid[0], ORIGINS, strict=False):
        one = panel.Drawn()
        for k, (result, name) in enumerate(jobs):
            if (found := result.components.get(origin)) is not None:
                one += components.draw_shares(axes, result, found, look_of(k, name), has_law=k == 0)
            if (walk := result.components.get(f"walk_{origin}")) is not None and k == 0:
                one += components.draw_shares(axes, result, walk, WALK, has_law=False)
        components.label_shares(axes, f"what each axis explains, about {ORIGINS[origin]}", one, legend=False)
        drawn += one
    _draw_two(grid[0][2], jobs)
    for k, (axes, (result, name)) in enumerate(zip(grid[1], jobs, strict=False)):
        _draw_paths(axes, result, look_of(k, name), name)
    for axes in [*grid[0][3:], *grid[1][len(jobs) :]]:
        axes.remove()
    style.legend_outside(figure, drawn.legend_title)
    notes = [
        *drawn.notes,
        "walk: N(0, I) steps in as many dimensions, drawn; dashes: its law; dots: that of a walk at the run's own pace",
        "paths: about their mean, each in the plane of its own axes, in units of its root mean square distance from "
        "there; a dot marks the start",
    ]
    title = f"Ext. 9: principal axes of training and of a random walk{caption.on_data(results)}"
    return caption.finish(figure, results, title, notes, verdicts=judge(results))


WALK: dict[str, Any] = {"color": style.FAINT, "linestyle": "-", "label": "a random walk, drawn"}


def look_of(k: int, name: str) -> dict[str, Any]:
    """Of the k-th optimizer."""
    return {**panel.job_look(k), "label": name}


def _draw_paths(axes: Axes, result: Result, look: dict[str, Any], name: str) -> None:
    """The runs of one job, drawn walks, and the curve of the law."""
    walk, found = result.components.get("walk_mean"), result.components.get("mean")
    if walk is not None:
        components.draw_paths(axes, result, walk, {**WALK, "zorder": 1}, has_law=False)
    drawn = panel.Drawn()
    if found is not None:
        drawn = components.draw_paths(axes, result, found, look)
    components.label_paths(axes, f"in their plane: {name}", drawn, legend=False)


def _draw_two(axes: Axes, jobs: Sequence[tuple[Result, str]]) -> None:
    """What two axes explain of every seed: a column per job, filled about the mean, hollow from the end."""
    for k, (result, _) in enumerate(jobs):
        for origin, middle, look in (("mean", k - 0.2, {"marker": "o"}), ("end", k + 0.2, style.HOLLOW)):
            for key, place in ((origin, middle - 0.06), (f"walk_{origin}", middle + 0.1)):
                if (found := result.components.get(key)) is None:
                    continue
                runs = [run for run in _usable(result, found)[0] if run.is_whole]
                colour = style.FAINT if key.startswith("walk") else panel.job_look(k)["color"]
                values = [100 * run.number("two_axes") for run in runs]
                shown: dict[str, Any] = {**look, "color": colour, "linestyle": "none", "markersize": 4}
                axes.plot([place] * len(values), values, **shown)
                for name, law in (("two_axes_walk", components.NULL), ("two_axes_paced", components.PACED)):
                    for value in {round(100 * run.number(name), 2) for run in runs} if key == origin else ():
                        axes.plot([middle - 0.16, middle + 0.16], [value] * 2, **law)
    axes.set_xticks(range(len(jobs)), [style.wrapped(name, 12) for _, name in jobs])
    axes.set(ylabel="two axes explain [% of the variance]", ylim=(None, 101), xlim=(-0.5, max(len(jobs), 1) - 0.5))
    axes.set_title("filled: about the mean, hollow: the solution")


def _usable(result: Result, found: Components) -> tuple[list[Run], str]:
    columns, note = result.usable(found.shares, ragged=True)
    return [Run(found, s) for s in columns], note


def _look(prefix: str) -> Any:
    """Every usable seed of a job's components, about each origin."""

    def look(result: Result, name: str) -> Iterator[Evidence[Run]]:
        for origin, words in ORIGINS.items():
            if (found := result.components.get(f"{prefix}{origin}")) is not None:
                runs, note = _usable(result, found)
                about = {"mean": "its mean", "end": "its end"}[origin]
                yield Evidence(result, f"a walk, about {about}" if prefix else f"{name}, about {words}", runs, note)

    return look


def _no_shares() -> Reading:
    return Reading("no shares that sum to one", None, note=f"{FEWEST} points of three parameters or more have them")


def read_law(run: Run) -> Reading:
    """How far one axis and two of a drawn walk are from their mean, in standard deviations."""
    first, law, spread = (array[:, run.s] for array in (run.found.shares, run.found.walk, run.found.walk_spread))
    if not run.is_whole or not (np.isfinite(law[:2]).all() and (spread[:2] > 0).all()):
        return _no_shares()
    z = np.cumsum(first[:2] - law[:2]) / spread[:2]
    worst = float(np.abs(z).max())
    two, mean = 100 * first[:2].sum(), 100 * law[:2].sum()
    text = f"two axes {two:.2f} %, law {mean:.2f} ± {100 * spread[1]:.2f} %, |z| <= {worst:.2f}"
    return Reading(text, worst <= NUM_DEVIATIONS, worst, miss=above(worst, NUM_DEVIATIONS))


def read_more(name: str) -> Any:
    """By how much two axes of a run explain more than two of such a walk."""

    def read(run: Run) -> Reading:
        two, null = run.number("two_axes"), run.number(name)
        if not run.is_whole or not 0 < null <= 1:
            return _no_shares()
        text = f"{100 * two:.1f} % against {100 * null:.1f} %"
        return Reading(text, two - null >= MORE, null - two, miss=short_of(two - null, MORE))

    return read


def read_curve(run: Run) -> Reading:
    """The share of the squares of both coordinates that the walk's curve explains."""
    found = [run.number(name) for name in ("cosine_content", "second_cosine_content")]
    paced = [run.number(f"{name}_paced") for name in ("cosine_content", "second_cosine_content")]
    if not run.is_whole or not np.isfinite([found, paced]).all():
        return _no_shares()
    text = f"{found[0]:.3f} of axis 1, {found[1]:.3f} of axis 2; at its own pace {paced[0]:.3f}, {paced[1]:.3f}"
    short, relaxed = (max(least - v for least, v in zip(CONTENT, values, strict=True)) for values in (found, paced))
    miss = max(short_of(v, least) for least, v in zip(CONTENT, found, strict=True))
    return Reading(text, short <= 0, short, relaxed <= 0, miss=miss)


SOURCE = "Antognini 2018"
CHECKS = (
    Claim(
        "ext09-law",
        "Two axes of a drawn walk explain what theory says",
        "theory pca_null",
        f"|z| <= {NUM_DEVIATIONS} of one axis and of two",
        identity=True,
    ).by(read_law, _look("walk_")),
    Claim(
        "ext09a",
        "Two axes explain more of training than of a random walk of as many steps",
        SOURCE,
        f"by {100 * MORE:g} points of the variance or more",
        needs_training=True,
    ).by(read_more("two_axes_walk"), _look("")),
    Claim(
        "ext09b",
        "Two axes explain more of training than of a random walk at its own pace",
        SOURCE,
        f"by {100 * MORE:g} points of the variance or more",
        needs_training=True,
    ).by(read_more("two_axes_paced"), _look("")),
    Claim(
        "ext09c",
        "In the plane of its axes training draws the curve of a random walk",
        SOURCE,
        f"its squares explained by that curve: >= {CONTENT[0]:g} along axis 1, >= {CONTENT[1]:g} along axis 2",
        calibrated="the same of a walk at its own pace",
        needs_training=True,
    ).by(read_curve, _look("")),
)


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """The law of the drawn walks, which is an identity; and what training has that walks have not."""
    found, known = list[Verdict](), list[dict[str, Components]]()
    for result, name in zip(results, names(results), strict=True):
        walks = {key: part for key, part in result.components.items() if key.startswith("walk_")}
        own = {key: part for key, part in result.components.items() if key not in walks}
        is_new = walks not in known  # jobs of the same seeds, steps and dimensions have drawn the same
        known.append(walks)
        found += judge_job(CHECKS, replace(result, components=own | (walks if is_new else {})), name)
    return found
