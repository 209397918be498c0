"""What comes back prints, shows itself, draws, goes to pandas, and comes back from its file bit for bit."""

from __future__ import annotations

import builtins
import copy
import json
import sys
from dataclasses import fields, replace
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import landscape as ls
from landscape.face.measure import measure
from landscape.face.settings import Settings
from landscape.result.curve import Array

RNG = np.random.default_rng(0)
A = 21


def curve(seeds: int = 1, slopes: bool = True, noise: bool = True, **more: Any) -> ls.Curve:
    """J falls, rises by 0.3 between alpha 0.5 and 0.7, and falls again; noisy data of every kind."""
    alphas = np.linspace(0, 1, A)
    knots = np.interp(alphas, [0, 0.5, 0.7, 1.0], [2.0, 1.0, 1.3, 0.5])
    values = knots[:, None] + 0.1 * np.arange(seeds)
    extra = {"slope": np.gradient(values, alphas, axis=0)} if slopes else {}
    found = {"low": values - values[0] - 0.05, "high": values - values[0] + 0.05, "floor": np.full(seeds, 1e-7)}
    found |= {"errors": np.full((A, A, seeds), 0.02, dtype=np.float32)}
    told = {"split": "valid", "num_examples": 1797} | more
    return ls.Curve(alphas, values, {"error/top <5>": values / 4, **extra}, noise=found if noise else {}, **told)


def surface(planes: int = 1, **more: Any) -> ls.Surface:
    first, second = np.linspace(-1, 2, 7), np.linspace(-1, 1, 5)
    a, b = np.meshgrid(first, second, indexing="ij")
    values = ((a - 1) ** 2 + b**2 + 0.25)[:, :, None] + 0.1 * np.arange(planes)
    noise = {"errors": 0.1 * np.ones((7, 5, planes)), "floor": np.full(planes, 1e-6)}
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    frame = {name: np.full(planes, v) for name, v in (("length", 4.0), ("along", 1.0), ("beside", 2.0))}
    told: dict[str, Any] = {"corners": corners, "names": ["a", "b", "c"], "frame": frame, "noise": noise} | more
    return ls.Surface(first, second, values, {"error": values / 9}, num_examples=300, **told)


def run(seeds: int = 1) -> ls.Projection:
    count, tall = np.arange(5.0), np.outer(np.arange(5.0), np.ones(seeds))
    return ls.Projection(count, count, tall, tall * (4 - tall) / 8, tall + 7, np.full(seeds, 4.0), np.full(seeds, 4.0),
                         objective=2.0 - 0.3 * tall)  # fmt: skip


ALL: dict[str, Any] = {
    "curve": curve(), "curves": curve(3), "many": curve(9, slopes=False, noise=False),
    "stochastic": curve(2, replicates=RNG.random((3, A, 2)), mode="stochastic"),
    "lost": replace(curve(), objective=np.full((A, 1), np.nan)),
    "beyond": ls.Curve(np.array([1.0, 2.0]), np.array([[1.0], [np.inf]])),
    "surface": surface(), "surfaces": surface(2), "around": surface(corners=np.zeros((1, 2)), names=["a"], frame={}),
    "holes": surface(noise={}), "run": run(), "runs": run(2), "blind": replace(run(), objective=None),
}  # fmt: skip
ALL["holes"].objective[2:4, 1] = [[np.nan], [np.inf]]


def arrays_of(item: Any) -> dict[str, Array]:
    found = {}
    for f in fields(item):
        value = getattr(item, f.name)
        found |= {f"{f.name}/{k}": v for k, v in value.items()} if isinstance(value, dict) else {f.name: value}
    return found


@pytest.mark.parametrize("name", ALL)
def test_it_comes_back_bit_for_bit(name: str, tmp_path: Path) -> None:
    item, file = ALL[name], tmp_path / "any name"
    item.save(file)
    item.save(str(file))
    again = type(item).load(file)
    before, after = arrays_of(item), arrays_of(again)
    assert before.keys() == after.keys() and [p.name for p in tmp_path.iterdir()] == ["any name"]
    for key, value in before.items():
        np.testing.assert_array_equal(after[key], value)
        assert type(after[key]) is type(value) and getattr(after[key], "dtype", None) == getattr(value, "dtype", None)
    assert str(again) == str(item)


@pytest.mark.parametrize("name", ALL)
def test_it_is_printed_and_shown(name: str) -> None:
    lines = str(ALL[name]).splitlines()
    assert lines[0].startswith(("J along the path: ", "J on a plane: ", "A run beside the line "))
    table = lines[1 : lines.index("") if "" in lines else None]
    assert 2 <= len(table) <= 16 and len({len(line) for line in table}) == 1  # flush right
    html = ALL[name]._repr_html_()
    assert html.count("<table>") == 2 and html.count("<tr>") == html.count("</tr>") and "<5>" not in html


def test_a_curve_says_its_numbers() -> None:
    text = str(curve())
    for words in (
        "valid, deterministic, float32, 1,797 examples, 21 points, 15 shown",
        "lowest J      0.5 at alpha = 1",
        "largest rise  0.3 from alpha = 0.5 to 0.7, larger than the noise, 0.06",
        "barrier       0.35 over the chord, 0.75 over the mean of the ends, 0 over the higher end",
        "plateau       a tenth of the drop is reached at alpha = 0.075",
        "more between the points; turning points: 2",
    ):
        assert words in text, text
    numbers = curve(2).summary()
    assert numbers["largest_rise"] == pytest.approx([0.3, 0.3]) and numbers["lowest"] == pytest.approx([0.5, 0.6])
    assert numbers["rise_noise"] == pytest.approx([0.06, 0.06]) and len(numbers["hidden_rise"]) == 2
    assert "beside a noise that was not measured" in str(curve(noise=False))
    assert list(ALL["beyond"].summary()) == ["lowest", "argmin_alpha"]
    assert np.isnan(ALL["lost"].summary()["largest_rise"]).all()


def test_a_surface_says_its_numbers() -> None:
    numbers = surface().summary()
    assert [
        numbers[k][0] for k in ("lowest", "lowest_a", "lowest_b", "at_a", "at_b", "at_c", "below_a", "below_error")
    ] == (pytest.approx([0.25, 1, 0, 1.25, 0.25, 2.25, 1.0, 0.1]))
    assert "lowest J   0.25 at a = 1, b = 0" in str(surface())
    assert "\nfrom a     1 down to the lowest, with a standard error over examples of 0.1" in str(surface())
    assert np.isfinite(ALL["holes"].summary()["highest"][0])
    assert "the first of 2 planes" in str(surface(2))


@pytest.mark.parametrize("name", ALL)
def test_equal_are_those_of_equal_fields(name: str) -> None:
    item = ALL[name]
    again = copy.deepcopy(item)
    assert item == again and item == item and item in [again]
    assert item not in [other for key, other in ALL.items() if key != name] and item != "text"
    for f in fields(item):  # each counts
        value = getattr(again, f.name)
        arrays = [value] if isinstance(value, np.ndarray) else [*value.values()] if isinstance(value, dict) else []
        for array in arrays:
            before = array.flat[0]
            array.flat[0] = 123.0
            assert item != again
            array.flat[0] = before
    told = replace(item, **({"split": "other"} if hasattr(item, "split") else {"second_projection": item.projection}))
    assert item != told and told != item
    with pytest.raises(TypeError, match="cannot be hashed, since its arrays may be written to"):
        hash(item)


def test_a_terminal_and_a_browser_get_letters_alone() -> None:
    """A file may be somebody else's."""
    bad = curve(split="\x1b]0;<script>x", mode="deterministic")
    assert "\x1b" not in str(bad) and "<script" not in bad._repr_html_() and "\x1b" not in bad._repr_html_()


def test_curves_are_drawn() -> None:
    axes = curve().plot()
    assert axes.get_legend() is None and "α" in axes.get_xlabel() and "cost per example" in axes.get_ylabel()
    [band] = axes.collections
    assert band.get_paths()[0].get_extents().height == pytest.approx(1.6)  # 2.05 down to 0.45
    assert "95 %" in axes.get_title(loc="left")
    assert curve(2).plot(axes, label="other", color="red") is axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["valid", "other, line 0", "other, line 1"]
    assert sum(line.get_gid() == "ends" for line in axes.lines) == 2
    [line] = [line for line in axes.lines if line.get_label() == "valid"]
    np.testing.assert_array_equal(line.get_ydata(), curve().objective[:, 0])


def test_surfaces_are_drawn() -> None:
    axes = surface().plot()
    names = {text.get_text(): text.xy for text in axes.texts}
    assert names == {"a": (0, 0), "b": (4, 0), "c": (1, 2)} and axes.get_aspect() == 1
    (cross,) = [line for line in axes.lines if line.get_marker() == "x"]
    np.testing.assert_allclose(cross.get_xydata(), [[4.0, 0.0]])
    assert "cost per example" in axes.child_axes[0].get_ylabel()
    assert "first direction" in ALL["around"].plot().get_xlabel()
    tall = surface(frame={})
    tall = replace(tall, objective=np.exp(8 * tall.objective))
    bars = [tall.plot(log=log).child_axes[0] for log in (None, False)]
    assert [bar.get_yscale() for bar in bars] == ["log", "linear"]
    assert [bar.get_ylabel().endswith("log scale") for bar in bars] == [True, False]
    for name in ("holes", "surfaces"):
        assert ALL[name].plot().child_axes[0].get_ylabel()
    flat = replace(surface(), objective=np.full((7, 5, 1), np.nan)).plot()
    assert any("not finite" in text.get_text() for text in flat.texts)


def test_runs_are_drawn() -> None:
    axes = run(2).plot()
    assert len(axes.child_axes) == 1 and len(axes.lines) == 3 and "in its lengths" in axes.get_xlabel()
    np.testing.assert_allclose(axes.lines[1].get_xdata(), np.arange(5) / 4)
    assert not replace(run(), objective=None).plot().child_axes


def test_to_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    frame = curve(2).to_pandas()
    assert isinstance(frame, pandas.DataFrame) and len(frame) == 2 * A
    assert list(frame) == ["alpha", "line", "objective", "error/top <5>", "slope", "low", "high"]
    np.testing.assert_array_equal(frame[frame.line == 1].objective, curve(2).objective[:, 1])
    plane = surface(2).to_pandas()
    one = plane[(plane.a == 0) & (plane.b == 1) & (plane.plane == 1)]
    assert one.objective.item() == surface(2).objective[2, 4, 1] and len(plane) == 70
    assert run(2).to_pandas().groupby("line").objective.min().tolist() == pytest.approx([0.8, 0.8])


def test_names_of_metrics_hide_nothing() -> None:
    metrics = {name: np.full((A, 1), 9.0) for name in ("J", "alpha", "line", "objective")}
    bad = replace(curve(), metrics=metrics)
    assert bad._frame()["alpha"].tolist() == curve().alphas.tolist() and len(bad._frame()) == 9
    assert "J (metric)" in str(bad) and str(bad).splitlines()[2].split()[1] == "2"


def test_columns_are_cut_and_joined() -> None:
    both = surface(2)
    parts = [both.columns([k]) for k in (0, 1)]
    assert parts[1].summary()["lowest"] == pytest.approx([0.35]) and str(parts[0].beside(parts[1])) == str(both)


def test_without_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ls.InputError, match="pip install pandas"):
        curve().to_pandas()


def damaged(folder: Path, change: Any) -> Path:
    """A saved curve of which one array, or the text, is another."""
    curve().save(folder / "whole.npz")
    with np.load(folder / "whole.npz") as held:
        arrays = dict(held)
    arrays["about"] = json.loads(arrays["about"].tobytes())
    change(arrays)
    if isinstance(arrays.get("about"), dict):
        arrays["about"] = np.frombuffer(json.dumps(arrays["about"]).encode(), np.uint8)
    np.savez(folder / "bad.npz", **arrays)
    return folder / "bad.npz"


BAD: dict[str, Any] = {
    "objects": lambda a: a.update(objective=np.array([{}], dtype=object)),
    "words": lambda a: a.update(objective=np.array(["x"])),
    "whole numbers": lambda a: a.update(objective=np.ones((A, 1), np.uint8)),
    "another shape": lambda a: a.update(objective=np.ones((A + 1, 1))),
    "a flat one": lambda a: a.update(objective=np.ones(A)),
    "a metric of another shape": lambda a: a.update({"metrics/slope": np.ones((3, 1))}),
    "noise of another shape": lambda a: a.update({"noise/errors": np.ones((A, 1))}),
    "falling": lambda a: a.update(alphas=a["alphas"][::-1]),
    "nan": lambda a: a.update(alphas=a["alphas"] * np.nan),
    "lacking": lambda a: a.pop("objective"),
    "more": lambda a: a.update(more=np.ones(1)),
    "no text": lambda a: a.pop("about"),
    "text of numbers": lambda a: a.update(about=np.ones(3)),
    "no object": lambda a: a.update(about=np.frombuffer(b"[1]", np.uint8)),
    "no json": lambda a: a.update(about=np.frombuffer(b"\xff{", np.uint8)),
    "deep": lambda a: a.update(about=np.frombuffer(b"[" * 100_000, np.uint8)),
    "schema": lambda a: a["about"].update(schema=2),
    "kind": lambda a: a["about"].update(kind="Surface"),
    "type": lambda a: a["about"].update(split=3),
    "unknown": lambda a: a["about"].update(other=3),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_one_message(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = damaged(tmp_path, BAD[name])
    monkeypatch.setattr("pickle.load", lambda *_: builtins.exit("a pickle was read"))
    with pytest.raises(ls.InputError, match=r"bad\.npz holds no Curve that was saved here") as caught:
        ls.Curve.load(file)
    assert "\n" not in str(caught.value)


def test_bad_places_are_one_message(tmp_path: Path) -> None:
    curve().save(tmp_path / "curve.npz")
    whole = (tmp_path / "curve.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    flipped = bytearray(whole)
    flipped[whole.index(b"objective") + 200] ^= 1
    (tmp_path / "flipped.npz").write_bytes(flipped)
    for kind, file in [
        (ls.Curve, "cut.npz"),
        (ls.Curve, "flipped.npz"),
        (ls.Surface, "curve.npz"),
        (ls.Curve, "nowhere"),
        (ls.Curve, ""),
    ]:
        with pytest.raises(ls.InputError, match="file="):
            kind.load(tmp_path / file if file else file)
    for bad in (tmp_path / "no" / "curve.npz", tmp_path, "", 3):
        with pytest.raises(ls.InputError, match="file="):
            curve().save(bad)  # type: ignore[arg-type]


def test_what_a_type_checker_knows_by_name_is_what_measure_takes() -> None:
    """mypy holds the types to one another; a key that is missing in one of the two it would not see."""
    parameters = signature(measure).parameters.values()
    assert set(Settings.__annotations__) == {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
