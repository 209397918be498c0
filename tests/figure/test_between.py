"""What a footer says of J between its samples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from landscape.figure import caption
from landscape.figure.fig01_maxout import draw
from landscape.result.curve import Curve, hidden_rise
from landscape.result.saved import Result

from .conftest import CROSS_ENTROPY


def line(bump: float, num: int = 9) -> Result:
    """A falling line with a bump of this height between two of its samples, and its slopes."""
    alphas = np.linspace(0, 1, num)
    off = (alphas - 0.4375) / 0.05
    values = 1 - alphas + bump * np.exp(-(off**2))
    slopes = -1 - 2 * bump * off / 0.05 * np.exp(-(off**2))
    curve = Curve(alphas, values[:, None], {"slope": slopes[:, None]})
    hidden = {"train/deterministic/hidden_rise": [hidden_rise(alphas, values, slopes)]}
    told = {"cost": CROSS_ENTROPY}
    return Result("toy", "fig01_maxout", "full", {}, told, curves={"train/deterministic": curve}, numbers=hidden)


def test_slopes_decide_whether_a_bump_hides() -> None:
    assert caption.between_samples([line(0.0)]) == ["slopes tell of no rise between samples above the noise, on 1 line"]
    hides = line(0.5)
    assert (np.diff(hides.curves["train/deterministic"].objective[:, 0]) < 0).all()
    rise = hides.numbers["train/deterministic/hidden_rise"][0]
    assert caption.between_samples([line(0.0), hides]) == [
        f"slopes tell of a rise between samples: up to {rise:.2g} nats more than they show (train/deterministic); "
        "more points there, as by alphas=adaptive, decide"
    ]
    placed = hides.numbers | {"train/deterministic/num_points": [9.0], "train/deterministic/widest_gap": [0.1]}
    assert caption.between_samples([replace(hides, numbers=placed)])[0].endswith(
        "alphas.tolerance or alphas.min_width decides"
    )
    assert rise > 0.05
    misfit = hides.numbers | {"train/deterministic/local_error": [2 * rise]}
    assert "no rise between samples" in caption.between_samples([replace(hides, numbers=misfit)])[0]


def test_placed_points_say_what_they_miss() -> None:
    placed = {"num_points": [39.0], "local_error": [3.4e-4], "widest_gap": [0.0556]}
    numbers = {f"train/deterministic/{name}": values for name, values in placed.items()}
    lost = {f"valid/deterministic/{name}": values for name, values in (placed | {"local_error": [np.nan]}).items()}
    assert caption.between_samples([replace(line(0.0), numbers=numbers | lost)]) == [
        "39 points placed by alphas=adaptive; a cubic misses the middles by at most 0.00034 nats; a bump narrower than "
        "0.056 that touches no point is not seen"
    ]
    assert caption.between_samples([replace(line(0.0), numbers={})]) == []


@pytest.mark.parametrize("bump", [0.0, 0.5])
def test_the_footer_has_the_note(bump: float) -> None:
    result = line(bump)
    label = draw([result]).get_supxlabel()
    assert caption.between_samples([result])[0].split(":")[0] in " ".join(label.split())
