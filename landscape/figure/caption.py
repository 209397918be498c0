"""What a figure says of its results: the title with its scale, and a footer of verdicts, caps, settings and notes."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from landscape.figure import naming
from landscape.ground.settings import key_of
from landscape.result.curve import noise_of
from landscape.result.curve.stated import BOUND, STATED, num_in_full, span_of
from landscape.result.saved import Result
from landscape.result.verdict import IDENTITIES, Verdict, counts, identities

DATA_WORD = {
    "mnist": "MNIST",
    "digits": "digits",
    "cifar10": "CIFAR-10",
    "teacher": "a linear teacher",
    "penn_treebank": "Penn Treebank",
    "penn_treebank_short": "Penn Treebank",
    "penn_treebank_trial": "the small Penn Treebank texts",
}

FOOTER: Any = {"x": 0.01, "ha": "left", "fontsize": 6.5, "color": "#555555"}


def finish(
    figure: Figure,
    results: Sequence[Result],
    title: str,
    notes: Sequence[str] = (),
    verdicts: Sequence[Verdict] = (),
    shown: Sequence[str] = (),
) -> Figure:
    """Add the title with the scale, and a small footer: verdicts, caps that bit, overrides, what was left out.

    Args:
        notes: further sentences for the footer; empty ones are dropped. verdicts: on these results.
        shown: keys whose values the panels tell, so that the footer need not.
    """
    inches = figure.get_figwidth()
    heading = textwrap.fill(f"{title} ({scale_label(results)})", int(11 * inches))  # letters that fit on one line
    figure.suptitle(heading, x=0.01, ha="left", fontsize=10.5, fontweight="bold")
    caps = naming.caps(results)
    caps_line = f"{scale_label(results)}: {'; '.join(caps)}" if caps else ""
    copies = "; ".join(dict.fromkeys(f"data: {r.versions['data']}" for r in results if "data" in r.versions))
    lines = [
        judged(verdicts),
        caps_line,
        copies,
        told(results, shown),
        stated_error(results, " (dots)"),
        *dict.fromkeys(notes),
        *between_samples(results),
    ]
    lines = [line for line in lines if line]
    width = int(18.5 * inches)
    text = "\n".join(textwrap.fill(line, width, break_on_hyphens=False) for line in lines)
    if text:
        figure.supxlabel(text, **FOOTER)
    return figure


def say_lost(figure: Figure, num_drawn: int, num_lost: int) -> Figure:
    """Put ``4 of 8 jobs: the others failed or are missing`` above the footer of a sweep that is not whole."""
    if num_lost:
        line = f"{num_drawn} of {num_drawn + num_lost} jobs: the others failed or are missing"
        figure.supxlabel("\n".join(filter(None, [line, figure.get_supxlabel()])), **FOOTER)
    return figure


def judged(verdicts: Sequence[Verdict]) -> str:
    """One line: how many claims hold, and which do not."""
    failing = list(dict.fromkeys(v.check for v in verdicts if v.holds is False))
    found = counts(verdicts)
    words = [
        f"{found['hold']} hold",
        f"{found['do not hold']} do not" + (f" ({', '.join(failing)})" if failing else ""),
    ]
    if found["not judged"]:
        words.append(f"{found['not judged']} not judged")
    if found[IDENTITIES]:
        words.append(f"and {identities(found[IDENTITIES])}")
    return f"verdicts: {', '.join(words)}" if verdicts else ""


def told(results: Sequence[Result], shown: Sequence[str] = ()) -> str:
    """``set: training.max_epochs=3; optimizer.lr=0.1 | 0.2``: the overrides, the values of one key together.

    Args:
        shown: keys whose values the panels tell.
    """
    items = (item for result in results for item in naming.plain_overrides(result))
    values = naming.by_key(item for item in items if key_of(item) not in shown)
    return "set: " + "; ".join(f"{key}={_listed(found)}" for key, found in values.items()) if values else ""


def stated_error(results: Sequence[Result], mark: str = "") -> str:
    """``J to within 1.2e-03 nats, stated from a sample, not proven (objective.tolerance); 43 of 201 points in full``.

    Of several curves or planes, jobs among them, from the least to the most.

    Args:
        mark: by what the points in full are told from the others.
    """
    parts: list[Any] = [part for r in results for part in r.grids if BOUND in part.noise]
    if not parts:
        return ""
    nums = [num for part in parts for num in num_in_full(part)]
    totals = [math.prod(part.objective.shape[:-1]) for part in parts for _ in range(part.num_columns)]
    if nums == totals:
        return "J in full at all points: objective.tolerance would have saved nothing"
    if len(set(totals)) == 1:
        told, unit = [f"{num:,}" for num in (min(nums), max(nums))], f"of {totals[0]:,} points"
    else:
        shares = [num / total for num, total in zip(nums, totals, strict=True)]
        told, unit = [f"{100 * share:.0f}" for share in (min(shares), max(shares))], "% of the points"
    nats = naming.after_value(naming.unit_of(results))
    words = [f"J to within {span_of(parts)}{nats}, {STATED} (objective.tolerance)"]
    words.append(f"{' to '.join(dict.fromkeys(told))} {unit} in full{mark}")
    spent = [v for r in results for key in r.numbers if key.endswith("/passes") for v in r.values(key)]
    if spent and len(set(totals)) == 1:
        words.append(f"at most {max(spent):.1f} passes over the data in place of {totals[0]:,}")
    return "; ".join(words)


def _listed(values: Sequence[str], most: int = 12) -> str:
    """All values, or the first and the last of many and their count."""
    if len(values) <= most:
        return " | ".join(values)
    return f"{' | '.join(values[: most // 2])} | … | {values[-1]} ({len(values)} values)"


def on_data(results: Sequence[Result]) -> str:
    """`` on MNIST`` when all jobs say the same data set, else nothing."""
    sets = {result.choices.get("data", "") for result in results}
    data = sets.pop() if len(sets) == 1 else ""
    copies = {result.versions.get("data", "") for result in results}
    if any("own files" in copy for copy in copies):
        return " on texts of one's own"
    remark = " (unverified copy)" if any("unverified" in copy for copy in copies) else ""
    return f" on {DATA_WORD.get(data, data)}{remark}" if data else ""


def scale_label(results: Sequence[Result]) -> str:
    """``full scale``, ``cpu scale``, ``reduced scale``, ``smoke scale``, or several of them."""
    return " and ".join(dict.fromkeys(result.scale for result in results)) + " scale"


def between_samples(results: Sequence[Result]) -> list[str]:
    """At most two sentences: whether slopes tell of a rise between samples, and how well placed points fit the curve.

    Both are of the worst line of all curves; those that are not finite have no say.
    """
    return [note for note in (_hidden(results), _placed(results)) if note]


def _hidden(results: Sequence[Result]) -> str:
    """By how much J rises more than its samples, where neither noise nor a misfit of placed points explains it."""
    worst, name, more, num, nats = 0.0, "", "", 0, naming.after_value(naming.unit_of(results))
    for result in results:
        for key, curve in result.curves.items():
            for column, rise in enumerate(result.values(f"{key}/hidden_rise", 0)):
                num += bool(np.isfinite(rise))
                error = np.nan_to_num(result.values(f"{key}/local_error", 0) or [0.0])
                if rise > max(worst, noise_of(curve, column), float(error.max())):
                    worst, name = rise, key
                    if f"{key}/num_points" in result.numbers:  # they were placed already
                        more = "a smaller alphas.tolerance or alphas.min_width decides"
                    else:
                        more = "more points there, as by alphas=adaptive, decide"
    if name:
        return f"slopes tell of a rise between samples: up to {worst:.2g}{nats} more than they show ({name}); {more}"
    return f"slopes tell of no rise between samples above the noise, on {num} line{'s' * (num != 1)}" if num else ""


def _placed(results: Sequence[Result]) -> str:
    """Points of adaptive grids, the largest misfit of a cubic through them, and what they cannot see."""
    found = {
        name: [v for r in results for key in r.numbers if key.endswith(f"/{name}") for v in r.values(key)]
        for name in ("num_points", "local_error", "widest_gap")
    }
    if not found["num_points"]:
        return ""
    low, high = min(found["num_points"]), max(found["num_points"])
    points = f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}"
    nats = naming.after_value(naming.unit_of(results))
    finite = [v for v in found["local_error"] if np.isfinite(v)]
    misfit = f"a cubic misses the middles by at most {max(finite):.2g}{nats}; " if finite else ""
    return (
        f"{points} points placed by alphas=adaptive; {misfit}a bump narrower than {max(found['widest_gap']):.2g} "
        "that touches no point is not seen"
    )
