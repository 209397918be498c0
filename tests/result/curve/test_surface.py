"""Surfaces as pictures and as a page: what is drawn where, in which colour, on which scale, and what is said of it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

from landscape.errors import InputError
from landscape.result.curve import Array, Surface

AXIS = np.linspace(-1, 1, 9)
A, B = np.meshgrid(AXIS, AXIS, indexing="ij")
UNITS = {"length": np.ones(2), "along": np.zeros(2), "beside": np.full(2, 0.5)}


def columns(*values: Any) -> Array:
    """The same twice, the second ten times as high."""
    return np.stack([np.array(values[0]), 10.0 * np.array(values[0])], axis=-1)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Figures that a test opened."""
    yield
    plt.close("all")


def surface(**changes: Any) -> Surface:
    """A bowl from 0.5 to 2.5 and a path beside it whose own J is none of the bowl's; two planes."""
    path = {name: columns(v) / [1, 10] for name, v in (("first", [0.8, 0.4, 0.0]), ("second", [0.9, -0.5, 0.0]))}
    path |= {"objective": columns([4.0, 1.0, 0.5]), "beside": columns([0.3, 0.1, 0.0]) / [1, 10]}
    told: dict[str, Any] = {"corners": np.zeros((1, 2)), "names": ["solution"], "path": path, "frame": UNITS}
    return Surface(AXIS, AXIS, columns(A**2 + B**2 + 0.5), {"error": columns(A / 2 + 0.5)}, **told | changes)


def scattered(axes: Any) -> Any:
    """The points of the path."""
    (points,) = [part for part in axes.collections if part.get_array() is not None and len(part.get_offsets()) == 3]
    return points


def test_a_path_has_the_colours_of_its_own_j_on_the_scale_of_the_bar() -> None:
    """Not those of the surface below it (TG's issue 1), and above its highest too."""
    for column, scale in ((0, 1.0), (1, 10.0)):
        axes = surface().plot(column=column)
        points = scattered(axes)
        np.testing.assert_array_equal(points.get_array(), scale * np.array([4.0, 1.0, 0.5]))
        np.testing.assert_allclose(points.get_offsets(), [[0.8, 0.45], [0.4, -0.25], [0.0, 0.0]])
        assert (points.norm.vmin, points.norm.vmax) == (0.5 * scale, 4.0 * scale)
        low, high = axes.child_axes[0].get_ylim()
        assert low <= 0.5 * scale and high >= 4.0 * scale
        assert "up to 0.3 parameter units off the plane" in axes.get_title(loc="left").replace("\n", " ")
    plain = [part for part in surface().plot(channel="error").collections if len(part.get_offsets()) == 3]
    assert plain[0].get_array() is None and plain[0].get_facecolor().tolist() == [[1, 1, 1, 1]]  # J's, and not drawn
    with pytest.raises(InputError, match="channel='nothing' is not on this surface, which has objective, error"):
        surface().plot(channel="nothing")
    with pytest.raises(InputError, match="column=2 is none of the 2 planes"):
        surface().plot(column=2)


@pytest.mark.parametrize(("highest", "is_log"), [(99.0, False), (101.0, True)])
def test_the_scale_is_logarithmic_from_two_decades_on_and_says_so(highest: float, is_log: bool) -> None:
    values = np.geomspace(1.0, highest, 81).reshape(9, 9)
    plain = Surface(AXIS, AXIS, values[:, :, None])
    for axes in (plain.plot(), plain.plot3d()):
        label = axes.get_zlabel() if hasattr(axes, "get_zlabel") else axes.child_axes[0].get_ylabel()
        assert label.replace("\n", " ").endswith("log scale") is is_log
    below = replace(plain, objective=plain.objective - 2.0)
    assert not below.plot().child_axes[0].get_ylabel().endswith("log scale")  # it has values below zero
    assert "hatched: not positive" in below.plot(log=True).get_title(loc="left")


def test_what_is_not_finite_is_hatched_and_said() -> None:
    holes = surface(path={})
    holes.objective[1:3, 2, 0] = [np.nan, np.inf]
    axes = holes.plot()
    (patch,) = [part for part in axes.patches if part.get_label() == "not finite"]
    said = axes.get_title(loc="left").replace("\n", " ")
    assert patch.get_hatch() and "hatched: not finite" in said and "cross: lowest, 0.5 at a = 0, b = 0" in said
    np.testing.assert_allclose(patch.get_xy()[:4], [[-1, -0.5], [-1, 0.5], [1, 0.5], [1, -0.5]])
    assert not surface(path={}).plot().patches


def test_lengths_are_as_they_are_unless_the_plane_is_thin() -> None:
    assert surface().plot().get_aspect() == 1
    thin = surface(frame=UNITS | {"beside": np.full(2, 0.1)})
    axes = thin.plot()
    assert axes.get_aspect() == "auto" and "scales of their own" in axes.get_title(loc="left")
    assert surface(frame={}).plot().get_aspect() == "auto"
    named = surface(first_name="first principal axis, 61 % of the variance").plot()
    assert "61 %" in named.get_xlabel().replace("\n", " ") and "parameter\N{NO-BREAK SPACE}units" in named.get_xlabel()


def test_in_space_the_path_has_its_own_heights() -> None:
    axes = surface().plot3d()
    way = next(line for line in axes.lines if len(line.get_data_3d()[0]) == 3)
    np.testing.assert_allclose(way.get_data_3d(), [[0.8, 0.4, 0.0], [0.45, -0.25, 0.0], [4.0, 1.0, 0.5]])
    assert [text.get_text() for text in axes.texts] == ["solution"]
    for bad in (np.full((9, 9, 1), np.nan), np.ones((9, 9, 1))):
        flat = Surface(AXIS, AXIS, bad)
        assert "same" in flat.plot3d().texts[0].get_text() and "same" in flat.plot().texts[0].get_text()
    line = Surface(AXIS[:1], AXIS, np.arange(9.0)[None, :, None])
    assert "one row" in line.plot().texts[0].get_text()


def test_numbers_of_paths_and_minima() -> None:
    two = replace(surface(), objective=columns((A**2 - 0.5) ** 2 + B**2 + 0.1 * A))
    assert two.summary()["num_minima"] == [2.0, 2.0] and two.summary()["path_beside"] == [0.3, 0.3]
    assert replace(two, noise={"floor": np.array([1.0, 0.0])}).summary()["num_minima"] == [1.0, 2.0]
    assert [len(found) for found in two.minima(height=0.5)] == [1, 2]
    ends = replace(two, corners=np.array([[-0.75, 0.0], [0.75, 0.0]]), names=["a", "b"])
    assert ends.pass_between("a", "b") == pytest.approx([0.25, 2.5])
    one_off = np.stack([np.array([[-0.7, -0.75], [0.0, 0.0]]), np.array([[0.75, 0.75], [0.0, 0.0]])])
    assert np.isnan(replace(ends, corners=one_off).pass_between("a", "b")).tolist() == [True, False]


WRONG: dict[str, tuple[Callable[[Surface], Any], str]] = {
    "no such point": (lambda s: s.pass_between("solution", "b"), "'b' is no point of this surface, .* are solution"),
    "places for points": (lambda s: s.pass_between((0, 0), (1, 1)), r"\(0, 0\) is no point"),
    "a point off the grid": (
        lambda s: replace(s, corners=np.array([[0.7, 0.0]])).pass_between("solution", "solution"),
        "'solution' lies at a = 0.7, b = 0, which is no point of the grid; put these among the positions",
    ),
    "level": (lambda s: s.share_below("a"), "level='a' must be a finite number"),
    "level that is none": (lambda s: s.share_below(np.nan), "level=nan must be a finite number"),
    "height": (lambda s: s.minima(height=-1), "height=-1 must be a finite number, 0 or more"),
    "log": (lambda s: s.plot(log="yes"), "log='yes' must be True, False, or None"),
    "log in space": (lambda s: s.plot3d(log=1), "log=1 must be"),
    "log of a page": (lambda s: s.page("x.html", log="yes"), "log='yes' must be"),
    "column": (lambda s: s.plot(column=0.5), "column=0.5 must be the number of a plane"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_means_nothing_is_refused(name: str) -> None:
    call, words = WRONG[name]
    with pytest.raises(InputError, match=words):
        call(surface())
    assert not plt.get_fignums()  # and no empty figure is left behind


def test_a_page_holds_all_it_needs(tmp_path: Path) -> None:
    one = surface()
    text = one.page(tmp_path / "x.html").read_text()
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=", text)  # nothing is fetched
    (call,) = re.findall(r'Plotly\.newPlot\(\s*"x",\s*(\[.*?\]),\s*\{', text, re.S)
    traces = json.loads(call)
    assert [trace["type"] for trace in traces] == ["surface", "scatter3d", "scatter3d"]
    assert "beside the plane" in text and "solution" in text
    assert one.page(tmp_path / "x.html").read_text() == text
    with pytest.raises(InputError, match="no folder"):
        one.page(tmp_path / "nowhere" / "x.html")


def test_without_plotly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(InputError, match=r"pip install 'landscape-walk\[interactive\]'"):
        surface().page(tmp_path / "x.html")
    assert list(tmp_path.iterdir()) == []
