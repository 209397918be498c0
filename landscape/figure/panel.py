"""Panels that figures share: J along a line, and J during training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from landscape.figure import naming, style
from landscape.figure.reading import primary, twin
from landscape.result.curve import Array, Curve, picture
from landscape.result.curve.noise import LEVEL
from landscape.result.curve.stated import bound_of
from landscape.result.saved import Result

BAND_ALPHA = 0.25
MOST_RULES = 8
"""Best epochs that are marked; more would be a hatching."""
FAINT_SHADE = 0.1
"""Opacity of the band over seeds of a thin curve."""
SPREAD = "seeds"
"""What a band over seeds is known by."""
STATED_ERROR = "stated error"
"""How the entry of a legend begins that explains the hatching."""
DOTTED: Any = {"linestyle": (0, (1, 1.3)), "linewidth": 1.0}


@dataclass(frozen=True)
class Drawn:
    """What panels show, for axes, legend titles and footers: seeds and cost of each curve, and who was left out."""

    num_seeds: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    costs: tuple[str, ...] = ()

    def __add__(self, other: Drawn) -> Drawn:
        return Drawn((*self.num_seeds, *other.num_seeds), (*self.notes, *other.notes), (*self.costs, *other.costs))

    @property
    def seeds(self) -> str:
        """``3 seeds``, ``1 to 3 seeds``; empty where every curve is a single seed's."""
        least, most = min(self.num_seeds, default=0), max(self.num_seeds, default=0)
        return f"{most if least == most else f'{least} to {most}'} seeds" if most > 1 else ""

    @property
    def legend_title(self) -> str | None:
        """What line and band mean, None where every curve is a single seed's."""
        return told_of(self)


def spread_of(seeds: str, panels: Sequence[Axes] = ()) -> str:
    """``line: median of 3 seeds, band: all``: how every figure shows several; told of panels, whether there is a band
    that a reader sees."""
    bands = [axes for axes in panels if any(part.get_gid() == SPREAD for part in axes.collections)]
    band = "all lie within its width" if bands and all(picture.is_thin(axes, SPREAD) for axes in bands) else "band: all"
    return f"line: median of {seeds}, {band}"


def told_of(drawn: Drawn, panels: Sequence[Axes] = ()) -> str | None:
    """The same of what was drawn; None where every curve is a single seed's."""
    return spread_of(drawn.seeds, panels) if drawn.seeds else None


def differ(result: Result, splits: Sequence[str] = ("train", "valid")) -> bool:
    """Whether a twin is another line than its primary one; without dropout in the net it would hide it."""
    pairs = [(primary(result, split), twin(result, split)) for split in splits]
    return any(a and b and not np.array_equal(a.objective, b.objective) for a, b in pairs)


def mark_ends(axes: Axes, alphas: Array) -> None:
    """A light vertical rule at alpha = 0 and at alpha = 1, where the panel holds them."""
    for end in (0.0, 1.0):
        if alphas[0] - 1e-9 <= end <= alphas[-1] + 1e-9:
            axes.axvline(end, color=style.RULE, linewidth=0.8, zorder=0)


def band(
    axes: Axes,
    result: Result,
    x: Array,
    values: Array,
    ragged: bool = False,
    name: str = "",
    outer: tuple[float, float] | None = (0.0, 1.0),
    shade: float = 0.18,
    bound: Array | None = None,
    **look: Any,
) -> Drawn:
    """One curve: the line of a single seed, or median and band of several.

    With a stated error dots are the points that were evaluated in full, and the error is hatched.

    Args:
        x: [A].
        values: [A, S].
        ragged: columns may end early in NaN.
        name: of the curve where a seed is left out; the recipe's without one.
        outer: the quantiles that the band spans, None for no band.
        shade: its opacity.
        bound: the stated error of the values [A, S].
        look: of the line, ``label`` and ``color`` in it.
    """
    columns, note = result.usable(values, ragged)
    notes = (f"{name or naming.recipe(result)}: {note}",) if note else ()
    if not columns:
        return Drawn((), notes, (naming.cost_of(result),))
    kept = values[:, columns]
    rows = np.isfinite(kept).any(axis=1)  # beyond the last epoch of the longest seed there is nothing to draw
    x, kept = x[rows], kept[rows]
    middle = np.nanmedian(kept, axis=1)
    if bound is not None and (bound > 0).any():
        error = bound[rows][:, columns].max(axis=1)  # a median moves by no more than one of its values
        look |= {"marker": "o", "markersize": 2.4} | picture.in_full(error)
        picture.error(axes, x, middle, error, look["color"])
    axes.plot(x, middle, **look)
    if len(columns) > 1 and outer is not None:
        low, high = np.nanquantile(kept, outer, axis=1)
        axes.fill_between(x, low, high, color=look["color"], alpha=shade, linewidth=0, gid=SPREAD)
    return Drawn((len(columns),), notes, (naming.cost_of(result),))


def draw_splits(axes: Axes, result: Result, splits: Sequence[str] = ("train", "valid"), twins: bool = True) -> Drawn:
    """J(alpha) of one job, a colour and a line style per split; thin dotted twins without dropout."""
    words = style.SPLIT_WORD
    curves = [(curve, words[split]) for split in splits if (curve := primary(result, split)) is not None]
    beside = [(curve, f"{words[split]}, no dropout") for split in splits if (curve := twin(result, split)) is not None]
    return draw_curves(axes, result, curves, beside if twins else ())


def draw_curves(
    axes: Axes,
    result: Result,
    curves: Sequence[tuple[Curve, str]],
    beside: Sequence[tuple[Curve, str]] = (),
) -> Drawn:
    """Curves with their labels, a colour and a line style per split, and thin ones beside them, with fainter bands."""
    drawn, has_noise = Drawn(), False
    for curve, label in curves:
        look: dict[str, Any] = {"color": style.SPLIT_COLOR[curve.split], "linestyle": style.SPLIT_STYLE[curve.split]}
        look |= {"marker": "o", "markersize": 3.0} if len(curve.alphas) <= 45 else {}
        drawn += band(axes, result, curve.alphas, curve.objective, label=label, bound=bound_of(curve), **look)
        has_noise |= draw_noise(axes, result, curve)
        mark_ends(axes, curve.alphas)
    for curve, label in beside:
        look = {"color": style.SPLIT_COLOR[curve.split], "linestyle": style.TWIN_STYLE[curve.split], "linewidth": 1.0}
        look |= {"label": label, "shade": FAINT_SHADE}
        drawn += band(axes, result, curve.alphas, curve.objective, bound=bound_of(curve), **look)
    if has_noise:
        label = f"band: {100 * LEVEL:.0f} % over examples"  # one entry of the legend for the bands of all splits
        axes.fill_between([], [], [], label=label, facecolor=style.GREY, alpha=BAND_ALPHA, linewidth=0)
    return drawn


def draw_noise(axes: Axes, result: Result, curve: Curve) -> bool:
    """Of a single seed the band over examples of J less J(0), laid around J, where it was measured; whether it was."""
    columns, _ = result.usable(curve.objective)
    if len(columns) != 1 or "low" not in curve.noise:
        return False
    s, k = columns[0], int(np.argmin(np.abs(curve.alphas)))
    low, high = (curve.objective[k, s] + curve.noise[name][:, s] for name in ("low", "high"))
    axes.fill_between(
        curve.alphas, low, high, facecolor=style.SPLIT_COLOR[curve.split], alpha=BAND_ALPHA, linewidth=0, zorder=1
    )
    return True


def draw_jobs(
    axes: Axes, results: Sequence[Result], labels: Sequence[str], splits: Sequence[str] = ("train",)
) -> Drawn:
    """J(alpha) of several jobs, a colour per job and a line style per split."""
    drawn = Drawn()
    for k, (result, label) in enumerate(zip(results, labels, strict=True)):
        for split in splits:
            if (curve := primary(result, split)) is not None:
                look = {**job_look(k), "label": label}
                if split != splits[0]:
                    look |= DOTTED | {"label": None}
                drawn += band(axes, result, curve.alphas, curve.objective, bound=bound_of(curve), **look)
                mark_ends(axes, curve.alphas)
    for split in splits[1:]:  # said once, not once per job
        if any(primary(result, split) is not None for result in results):
            label = f"dotted: {style.SPLIT_WORD[split]}"
            axes.plot([], [], label=label, **(DOTTED | {"color": style.GREY}))
    return drawn


def job_look(k: int) -> dict[str, Any]:
    """Colour and line style of the k-th job: neighbours differ in both, and the first 28 are all different."""
    styles: list[Any] = ["-", (0, (5, 1.6)), (0, (4, 1.2, 1, 1.2)), (0, (8, 1.5, 1, 1.5, 1, 1.5))]
    # Seven colours and four styles have no common divisor, so the pairs repeat only after 28.
    return {"color": style.CYCLE[k % len(style.CYCLE)], "linestyle": styles[k % len(styles)]}


def draw_learning(
    axes: Axes, result: Result, channels: Sequence[str] = ("train/objective", "valid/objective")
) -> Drawn:
    """J against the epoch, and a rule at each seed's epoch of theta_f."""
    drawn, curve = Drawn(), result.learning_curve
    if curve is None:
        return drawn
    for channel in channels:
        if (values := curve.channels.get(channel)) is not None:
            split = channel.split("/")[0]
            look = {"color": style.SPLIT_COLOR[split], "linestyle": style.SPLIT_STYLE[split]}
            drawn += band(axes, result, curve.epochs, values, ragged=True, label=style.SPLIT_WORD[split], **look)
    if drawn.num_seeds:
        lost = result.diverged(len(curve.best_epoch))
        bests = sorted({float(epoch) for epoch, bad in zip(curve.best_epoch, lost, strict=True) if not bad})
        label = "best epoch" if len(curve.best_epoch) == 1 else "best epoch of each seed"
        for k, epoch in enumerate(bests if len(bests) <= MOST_RULES else []):
            axes.axvline(epoch, color=style.GREY, linewidth=0.8, linestyle=":", label=None if k else label)
    return drawn


def label_line(axes: Axes, title: str, drawn: Drawn, legend: bool = True) -> None:
    """Title, axis labels and legend of a J(alpha) panel."""
    axes.set(title=style.wrapped(title), xlabel="α", ylabel=f"J(θ(α)){naming.bracketed_unit(drawn.costs)}")
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    close(axes, drawn, legend)


def label_learning(axes: Axes, title: str, drawn: Drawn, legend: bool = True) -> None:
    """Title, axis labels and legend of a J(epoch) panel."""
    axes.set(title=style.wrapped(title), xlabel="epoch", ylabel=f"J(θ){naming.bracketed_unit(drawn.costs)}")
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10], integer=True))
    close(axes, drawn, legend)


def close(axes: Axes, drawn: Drawn, legend: bool = True) -> None:
    """The legend, or a sentence in an empty panel."""
    if any(part.get_gid() == picture.STATED for part in axes.collections):
        look: dict[str, Any] = {"facecolor": "none", "edgecolor": style.GREY, "hatch": "////", "linewidth": 0.5}
        thin = ",\nthinner than the line" * picture.is_thin(axes)
        axes.fill_between([], [], [], label=f"{STATED_ERROR}{thin}; dots: in full", **look)
    labelled = axes.get_legend_handles_labels()[1]
    if legend and len(labelled) > 4 and axes.get_yscale() == "linear":
        low, high = axes.get_ylim()
        axes.set_ylim(low, low + 1.4 * (high - low))  # room above the curves for a long legend
    if legend and labelled:
        axes.legend(title=told_of(drawn, [axes]), alignment="left")
    elif not labelled:
        axes.text(0.5, 0.5, "nothing to draw: no usable seed", transform=axes.transAxes, ha="center", color=style.GREY)


def draw_clean(axes: Axes, result: Result) -> None:
    """The clean part of an adversarial training cost, thin, where it was measured."""
    curve = primary(result, "train")
    if curve is not None and (values := curve.metrics.get("clean_objective")) is not None:
        look: dict[str, Any] = {"color": style.GREEN, "linestyle": (0, (8, 1.5, 1, 1.5)), "linewidth": 1.0}
        band(axes, result, curve.alphas, values, outer=None, label="training, clean examples only", **look)


def draw_histories(
    axes: Axes, results: Sequence[Result], labels: Sequence[str], channel: str = "valid/objective"
) -> Drawn:
    """One channel of several jobs' learning curves, a colour per job."""
    drawn = Drawn()
    for k, (result, label) in enumerate(zip(results, labels, strict=True)):
        history = result.learning_curve
        if history is not None and channel in history.channels:
            look = {"label": label, **job_look(k)}
            drawn += band(axes, result, history.epochs, history.channels[channel], ragged=True, **look)
    return drawn
