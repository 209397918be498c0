"""Lucas et al. 2021: how often J rises on the way to the solution, by optimizer, learning rate and architecture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from landscape.figure import caption, naming, panel, style
from landscape.figure.checks import Claim, along
from landscape.figure.checks import judge as judge_checks
from landscape.figure.decided import within_error
from landscape.figure.monotone_runs import LOSS, RISE, Rate, Run, halves, once, rate, runs_of
from landscape.figure.reading import Column, Reading, above
from landscape.result.curve import largest_rise
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

PAPER = "Lucas et al. 2021"
NORM_WORD = {
    "": "no batch norm",
    "recalibrate": "batch norm, recalibrated",
    "keep": "batch norm, kept",
    "interpolate": "batch norm, interpolated",
}
MARKER = {"": "o", "recalibrate": "^", "keep": "x", "interpolate": "+"}
PLAIN = ("SGD", "Momentum")
COLOR = {"SGD": style.BLUE, "Momentum": style.BLUE, "Adam": style.ORANGE}


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """The rate of each level of each factor, and the rise against the distance and the Gauss length; one job: J."""
    if len(results) == 1:
        figure, axes = style.alone(height=3.4)
        drawn = panel.draw_splits(axes, results[0])
        panel.label_line(axes, naming.recipe(results[0]), drawn)
        return caption.finish(figure, results, PAPER, drawn.notes, verdicts=judge(results))
    runs = runs_of(results)
    figure, (rates, distance, gauss) = style.panels(3, 3, width=12.8, height=4.6)
    _draw_rates(rates, runs)
    words = r"distance $\|\theta_f-\theta_i\|\,/\,\|\theta_i\|$"
    _draw_rises(distance, runs, lambda run: run.distance, words, "by the distance travelled")
    words = "mean Gauss length of the outputs [rad]"
    _draw_rises(gauss, runs, lambda run: run.gauss, words, "by how much the outputs turn")
    style.legend_outside(figure)
    lost = sum(not run.is_counted for run in runs)
    notes = [
        f"not counted: {lost} of {len(runs)} lines, which end above J = {LOSS:g} or diverged",
        "recalibrated, interpolated, kept: the running statistics along the line; the rates of the other factors "
        "count each network once, recalibrated where that was measured",
    ]
    title = f"{PAPER}: where J rises by more than {RISE:g} nats{caption.on_data(results)}"
    return caption.finish(figure, results, title, notes, verdicts=judge(results))


def factors(runs: Sequence[Run]) -> list[tuple[str, list[Rate]]]:
    """Each factor with the rate of each of its levels; batch norm with each treatment of its statistics."""
    single = once(runs)

    def levels(runs: Sequence[Run], key: Callable[[Run], Any], word: Callable[[Any], str]) -> list[Rate]:
        return [rate(word(level), [r for r in runs if key(r) == level]) for level in sorted({key(r) for r in runs})]

    return [
        ("optimizer", levels(single, lambda r: r.optimizer, str)),
        ("learning rate", levels(single, lambda r: r.lr, lambda lr: f"lr {lr:g}")),
        ("norm", levels(runs, lambda r: r.treatment, lambda t: NORM_WORD.get(t, t))),
        ("depth", levels(single, lambda r: r.depth, lambda n: f"{n} hidden layers")),
        ("activation", levels(single, lambda r: r.activation, str)),
    ]


def _draw_rates(axes: Axes, runs: Sequence[Run]) -> None:
    """One row per level, the factors apart."""
    at, ticks, words = 0.0, [], []
    for k, (_, rates) in enumerate(factors(runs)):
        for item in rates:
            low, high = (100 * end for end in item.interval)
            color = style.CYCLE[k]
            if item.counted:
                share = 100 * item.rising / item.counted
                axes.plot([low, high], [at, at], color=color, linewidth=1.6)
                axes.plot([share], [at], "o", color=color, markersize=5)
            place: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center"}
            axes.text(1.0, at, f" {item.rising}/{item.counted}", fontsize=7, color=style.GREY, **place)
            ticks.append(at)
            words.append(item.name)
            at += 1.0
        at += 0.6
    axes.set_yticks(ticks, words)
    axes.set_ylim(at - 0.8, -0.6)
    axes.set(title="how often J rises, 95 % intervals", xlabel="runs in which J rises [%]")
    axes.set_xlim(left=-1)


def _draw_rises(axes: Axes, runs: Sequence[Run], value: Callable[[Run], float], label: str, title: str) -> None:
    """The rise of every counted line, zero at the bottom."""
    groups = dict.fromkeys((run.optimizer, run.treatment) for run in runs)
    for optimizer, treatment in sorted(groups, key=lambda g: (g[0] == "Adam", list(NORM_WORD).index(g[1]))):
        chosen = [r for r in runs if (r.optimizer, r.treatment) == (optimizer, treatment) and r.is_counted]
        name = f"{optimizer}, {NORM_WORD[treatment]}"
        look: dict[str, Any] = {"color": COLOR.get(optimizer, style.GREEN), "label": name, "linestyle": "none"}
        look |= {"markersize": 4.2, "alpha": 0.75}
        if MARKER[treatment] not in "x+":
            look["markerfacecolor"] = "none"
        axes.plot([value(r) for r in chosen], [r.rise for r in chosen], MARKER[treatment], **look)
    axes.axhline(RISE, color=style.GREY, linewidth=0.8, linestyle=":", label=f"{RISE:g} nats")
    axes.set_yscale("symlog", linthresh=1e-4, linscale=0.5)
    axes.set_ylim(-2e-5, 2 * max([run.rise for run in runs if run.is_counted], default=1.0) + RISE)
    if any(value(run) > 0 for run in runs if run.is_counted):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set(title=title, xlabel=label, ylabel="largest rise of J [nats]")


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """One job: whether J falls in each seed. A sweep: the paper's claims, as rates whose intervals lie apart."""
    if len(results) == 1:
        return judge_checks([ALONE], results)
    runs = runs_of(results)
    if not runs:
        return []
    first, single = results[0], once(runs)
    plain = rate("J rises", [r for r in runs if r.optimizer in PLAIN and r.treatment == ""])
    adam, sgd = [r for r in single if r.optimizer == "Adam"], [r for r in single if r.optimizer in PLAIN]
    low, high = (end(run.lr for run in single) for end in (min, max))
    large, small = ([r for r in single if r.lr == lr] for lr in (high, low))
    short, long, way = halves(single, lambda run: run.distance)
    straight, turning, angle = halves(single, lambda run: run.gauss)
    found = [
        SGD.said(first, "SGD, no batch norm", [_mostly_monotone(plain)]),
        compare(ADAM, first, "optimizer", rate("Adam", adam), rate("SGD", sgd)),
        compare(LR, first, "learning rate", rate(f"lr {high:g}", large), rate(f"lr {low:g}", small)),
    ]
    for treatment in dict.fromkeys(run.treatment for run in runs if run.treatment):
        with_norm, without = ([r for r in runs if r.treatment == t] for t in (treatment, ""))
        about = f"running statistics: {treatment}"
        found.append(compare(NORM, first, about, rate("with", with_norm), rate("without", without)))
    far, turned = rate(f"from {way:.2g} on", long), rate(f"from {angle:.2g} rad on", turning)
    found.append(compare(DISTANCE, first, "distance in units of |θ_i|", far, rate("below", short)))
    found.append(compare(GAUSS, first, "mean Gauss length", turned, rate("below", straight)))
    return found


def _falls(seed: Column) -> Reading:
    rise, end = largest_rise(*seed.line), seed.at(1.0)
    if not end <= LOSS:
        return Reading(f"J(1) = {end:.3g} nats", None, end, note=f"runs that end above {LOSS:g} nats are not counted")
    if (failed := seed.no_way_down()) is not None:
        return failed
    return seed.weighed_rise(Reading(f"rise {rise:.2g} nats", rise <= RISE, rise, miss=above(rise, RISE)))


def _mostly_monotone(plain: Rate) -> Reading:
    low, high = plain.interval
    if not plain.counted:
        return Reading(str(plain), None, note=f"not judged: no run ends at J <= {LOSS:g}")
    holds = True if high < 0.5 else False if low > 0.5 else None
    return Reading(str(plain), holds, note="" if holds is not None else "not decided: one half lies in the interval")


def compare(check: Claim, first: Result, about: str, more: Rate, less: Rate) -> Verdict:
    """Whether the rate of one group lies above that of the other: not decided where the intervals overlap."""
    holds: bool | None = None
    note = "not decided: the intervals overlap"
    if not (more.counted and less.counted):
        note = f"not judged: a group has no run that ends at J <= {LOSS:g}"
    elif more.interval[0] > less.interval[1]:
        holds, note = True, ""
    elif more.interval[1] < less.interval[0]:
        holds, note = False, "decided the other way round"
    return check.said(first, about, [Reading(f"{more}; {less}", holds, note=note)])


ALONE = Claim(
    "ext01-run", "J falls from the start to the solution", PAPER, f"rise <= {RISE:g} nats, J(1) <= {LOSS:g}"
).by(_falls, along("train", 0, 1, "deterministic"))
SGD = Claim("ext01-sgd", "With SGD and without batch norm J usually falls all the way", PAPER, "rises in < 50 %")
ADAM, LR, NORM, DISTANCE, GAUSS = (
    Claim(f"ext01-{factor}", sentence, PAPER, "first rate above second")
    for factor, sentence in (
        ("adam", "Adam makes J rise more often than SGD with momentum does"),
        ("lr", "A large learning rate makes J rise more often than a small one"),
        ("batch-norm", "Batch norm makes J rise more often"),
        ("distance", "Where the weights travel far, J rises more often"),
        ("gauss", "Where the outputs turn little, J rises less often"),
    )
)
