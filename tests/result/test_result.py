"""Result on disk: bit for bit, whole or not there, and one clear error for everything else."""

import dataclasses
import itertools
import json
import math
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from landscape.result.curve import Components, Curve, LearningCurve, Projection, Surface
from landscape.result.saved import JSON_NAME, NPZ_NAME, Result, ResultError
from landscape.result.verdict import Verdict
from tests.forged import forge

ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True, width=64)
NAME = st.text(min_size=1, max_size=8)


def floats(*shape):
    return hnp.arrays(np.float64, shape, elements=ANY_FLOAT)


@st.composite
def curves(draw):
    a, s = draw(st.integers(0, 4)), draw(st.integers(0, 3))
    return Curve(
        alphas=draw(floats(a)),
        objective=draw(floats(a, s)),
        metrics=draw(st.dictionaries(NAME, floats(a, s), max_size=3)),
        replicates=draw(st.none() | floats(2, a, s)),
        split=draw(NAME),
        num_examples=draw(st.integers(0, 10**9)),
    )


@st.composite
def projections(draw):
    t, s = draw(st.integers(0, 3)), draw(st.integers(1, 2))
    along, seen = floats(t), floats(t, s)
    return Projection(draw(along), draw(along), draw(seen), draw(seen), draw(seen), draw(floats(s)), draw(floats(s)))


def same(a, b):
    """Equal with every float bit alike, whatever the nesting."""
    assert type(a) is type(b)
    if isinstance(a, np.ndarray):
        assert (a.shape, a.dtype, a.tobytes()) == (b.shape, b.dtype, b.tobytes())
    elif dataclasses.is_dataclass(a):
        for f in dataclasses.fields(a):
            same(getattr(a, f.name), getattr(b, f.name))
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            same(a[key], b[key])
    elif isinstance(a, list):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            same(x, y)
    else:
        assert a == b or (isinstance(a, float) and math.isnan(a) and math.isnan(b))


def surface(rng):
    """Two planes with everything that one may have."""
    return Surface(
        np.arange(3.0),
        np.arange(4.0),
        rng.normal(size=(3, 4, 2)),
        {"error": rng.random((3, 4, 2))},
        corners=rng.normal(size=(1, 2, 2)),
        names=["a"],
        frame={name: rng.random(2) for name in ("length", "along", "beside")},
        path={name: rng.normal(size=(5, 2)) for name in ("first", "second", "objective", "beside")},
    )


def example(**changes):
    """A result with something in every field."""
    rng = np.random.default_rng(0)
    curve = Curve(np.arange(3.0), rng.normal(size=(3, 2)), {"error": rng.random((3, 2))})
    noisy = dataclasses.replace(curve, noise={"floor": rng.random(2), "errors": rng.random((3, 3, 2))})
    parts = {
        "name": "fig01_maxout",
        "figure": "landscape.figure.fig01_maxout",
        "scale": "reduced",
        "choices": {"recipe": "maxout"},
        "config": {"training": {"max_epochs": 3, "lr": 0.1, "clip": None}, "alphas": [0.0, 1.0], "ok": True},
        "overrides": ["recipe=maxout"],
        "caps": ["training.max_epochs 1000 -> 6"],
        "curves": {"train/stochastic": noisy},
        "projections": {"trajectory": Projection(*(rng.normal(size=n) for n in (4, 4, (4, 2), (4, 2), (4, 2), 2, 2)))},
        "surfaces": {"train/deterministic": surface(rng)},
        "components": {"mean": Components(*(rng.normal(size=n) for n in (4, 4, *[(4, 2)] * 12, 2)))},
        "learning_curve": LearningCurve(np.arange(4.0), {"train/objective": rng.normal(size=(4, 2))}, np.ones(2)),
        "numbers": {"test_error": [0.011, math.nan], "seconds_per_epoch": 7.5, "num_rises": 2},
        "verdicts": [Verdict("1b", "Monotone.", "fig. 1", "maxout", "0.004", "<= 0.005", True, "reduced")],
        "statements": ["train, line 0: J decreases on [0, 1].", "train, line 1: …"],
        "seeds": ["0", "1"],
        "training_status": ["stopped", "diverged"],
        "versions": {"torch": "2.13"},
        "device": "cuda",
        "seconds": 12.25,
    }
    return Result(**{**parts, **changes})


@pytest.mark.parametrize(
    "result",
    [example(), Result("fig06", "m", "full", {}, {}, status="failed", error="Traceback …\nCUDA out of memory")],
    ids=["done", "failed"],
)
def test_everything_comes_back(tmp_path, result):
    result.save(tmp_path / "job" / "0")
    same(Result.load(tmp_path / "job" / "0"), result)
    assert (tmp_path / "job" / "0" / "result.npz").exists() == (result.status == "done")


def test_only_a_failed_job_has_no_arrays(tmp_path):
    Result("fig06", "m", "full", {}, {}, status="failed").save(tmp_path)
    forge(tmp_path, lambda entries: entries.update(status="done"))
    with pytest.raises(ResultError, match=r"no sha256 of result\.npz"):
        Result.load(tmp_path)


def test_results_of_earlier_versions_lack_fields(tmp_path):
    """Written before there were statements, surfaces, components, second projections, or noise: all load."""
    example().save(tmp_path)

    def older(entries):
        del (
            entries["statements"],
            entries["surfaces"],
            entries["components"],
            entries["curves"]["train/stochastic"]["noise"],
        )
        for name in ("second_projection", "objective"):
            del entries["projections"]["trajectory"][name]

    forge(tmp_path, older)
    curves = {key: dataclasses.replace(curve, noise={}) for key, curve in example().curves.items()}
    same(Result.load(tmp_path), example(statements=[], surfaces={}, components={}, curves=curves))
    forge(tmp_path, lambda entries: entries.update(statements="J decreases."))
    with pytest.raises(ResultError, match="statements is a str"):
        Result.load(tmp_path)


@given(
    st.dictionaries(NAME, curves(), max_size=3),
    st.dictionaries(NAME, projections(), max_size=2),
    st.none() | st.builds(LearningCurve, floats(3), st.dictionaries(NAME, floats(3, 2), max_size=3), floats(2)),
    st.dictionaries(NAME, st.floats(allow_infinity=False) | st.lists(st.floats(allow_infinity=False))),
)
@settings(max_examples=60, deadline=None)
def test_any_arrays_come_back_bit_for_bit(tmp_path_factory, found, seen, learned, numbers):
    folder = tmp_path_factory.mktemp("result")
    result = example(curves=found, projections=seen, learning_curve=learned, numbers=numbers)
    result.save(folder)
    same(Result.load(folder), result)


def test_names_with_slashes_and_dots_do_not_collide(tmp_path):
    names = ["a/b", "a.b", "a%2Eb", "a", "a.npy", "../x", "array", "é"]
    metrics = {name: np.full((1, 1), float(k)) for k, name in enumerate(names)}
    result = example(curves={name: Curve(np.zeros(1), np.full((1, 1), 9.0), metrics) for name in names})
    result.save(tmp_path)
    same(Result.load(tmp_path), result)


def test_arrays_lie_in_the_npz_under_readable_names(tmp_path):
    example().save(tmp_path)
    archive = np.load(tmp_path / NPZ_NAME)
    assert {
        "curve/train.stochastic/objective",
        "curve/train.stochastic/metrics/error",
        "projection/trajectory/residual_norm",
        "learning_curve/channels/train.objective",
    } <= set(archive.files)
    document = json.loads((tmp_path / JSON_NAME).read_text())
    assert document["npz"]["arrays"]["curve/train.stochastic/objective"] == {"shape": [3, 2], "dtype": "float64"}
    assert set(document["npz"]["arrays"]) == set(archive.files)


def test_json_is_strict_and_numpy_values_become_plain(tmp_path):
    example(
        numbers={"a": np.array([1.5, np.nan, np.inf]), "b": np.float32(0.5), "c": -math.inf, "d": np.int64(3)},
        config={"max_norm": math.inf, "seeds": np.arange(2), "pair": (1, 2), "flag": np.bool_(True), "gap": math.nan},
        verdicts=[Verdict("1a", "c", "s", "x", "nan", "<= 1", np.bool_(False), "full")],
        seconds=np.float64(2.5),
    ).save(tmp_path)
    document = json.loads((tmp_path / JSON_NAME).read_text(), parse_constant=pytest.fail)
    assert document["numbers"] == {"a": [1.5, None, None], "b": 0.5, "c": None, "d": 3}
    assert document["config"] == {"max_norm": "inf", "seeds": [0, 1], "pair": [1, 2], "flag": True, "gap": "nan"}
    loaded = Result.load(tmp_path)
    assert loaded.numbers["a"][0] == 1.5 and all(math.isnan(x) for x in loaded.numbers["a"][1:])
    assert math.isnan(loaded.numbers["c"]) and loaded.numbers["d"] == 3
    assert loaded.verdicts[0].holds is False and loaded.seconds == 2.5


def test_what_json_cannot_hold_is_named(tmp_path):
    with pytest.raises(TypeError, match=r"result\.config\.model\.layers\[1\] is a object"):
        example(config={"model": {"layers": [1, object()]}}).save(tmp_path)
    with pytest.raises(TypeError, match="curves/x/objective: dtype object"):
        example(curves={"x": Curve(np.zeros(1), np.array([[None]]))}).save(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_lsr_two_saves_are_byte_equal(tmp_path):
    for folder in ("a", "b"):
        example().save(tmp_path / folder)
    for name in (JSON_NAME, NPZ_NAME):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


# Function, at which call it breaks, and with what.
BREAKS = [
    (np, "savez", 1, KeyboardInterrupt()),
    (os, "fsync", 1, OSError(28, "No space left on device")),
    (os, "replace", 1, KeyboardInterrupt()),
    (os, "replace", 2, KeyboardInterrupt()),
]


@pytest.mark.parametrize(("module", "name", "call", "error"), BREAKS)
@pytest.mark.parametrize("had_one", [True, False])
def test_an_interrupted_save_changes_nothing_and_leaves_nothing(
    tmp_path, monkeypatch, module, name, call, error, had_one
):
    before = {}
    if had_one:
        example().save(tmp_path)
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    original, calls = getattr(module, name), itertools.count(1)

    def fail(*args, **kwargs):
        if next(calls) >= call:
            raise error
        return original(*args, **kwargs)

    monkeypatch.setattr(module, name, fail)
    with pytest.raises((OSError, KeyboardInterrupt)):
        example(name="other", seeds=["7"], curves={}).save(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    if had_one:
        same(Result.load(tmp_path), example())


def test_a_save_replaces_the_one_before_and_the_npz_goes_first(tmp_path, monkeypatch):
    example().save(tmp_path)
    original, order = os.replace, []
    monkeypatch.setattr(os, "replace", lambda a, b: (order.append(os.path.basename(b)), original(a, b)))
    example(seeds=["7"], curves={}).save(tmp_path)
    assert order == [NPZ_NAME, JSON_NAME]
    assert Result.load(tmp_path).seeds == ["7"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [JSON_NAME, NPZ_NAME]


def test_the_error_survives_a_worker_process():
    error = ResultError.about(Path("job") / JSON_NAME, "is missing")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_surfaces_are_cut_and_joined_with_the_columns():
    """The planes of two seeds one by one are those of both; two grids are not one."""
    both = example()
    one, other = both.columns([0]), both.columns([1])
    joined = one.beside(other)
    same(joined.surfaces, both.surfaces)
    same(joined.components, both.components)
    assert one.surfaces["train/deterministic"].corners.shape == (1, 2, 1)
    moved = dataclasses.replace(other.surfaces["train/deterministic"], first=np.arange(3.0) + 0.5)
    assert not one.beside(dataclasses.replace(other, surfaces={"train/deterministic": moved})).surfaces
