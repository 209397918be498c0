"""An npz file is believed only where it holds what it claims; ``certify FILE.npz`` from the file to the proof."""

from __future__ import annotations

import io
import json
import os
import re
import tracemalloc
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from theory import deep_linear, npz
from theory.__main__ import main
from theory.certificate import file as certificate_file
from theory.certificate.certify import certificate_of

ARRAYS = {
    "c": np.arange(6.0).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "empty": np.zeros((0, 3)),
    "one": np.float32(3),
    "swapped": np.arange(3, dtype=">i2"),
    "yes": np.array([True]),
    "a/b é": np.arange(2, dtype=np.uint8),
}


def entry(name: str, content: bytes, how: int = zipfile.ZIP_DEFLATED, times: int = 1) -> bytes:
    """A zip of one entry."""
    blob = io.BytesIO()
    with zipfile.ZipFile(blob, "w", how) as archive:
        for _ in range(times):
            archive.writestr(name, content)
    return blob.getvalue()


def array(descr: Any, shape: tuple[int, ...], content: bytes = b"") -> bytes:
    """An array as npy, its header of one's own."""
    blob = io.BytesIO()
    np.lib.format.write_array_header_1_0(blob, {"descr": descr, "fortran_order": False, "shape": shape})
    return blob.getvalue() + content


HOSTILE = {
    "not a zip": (b"PK", "not a zip"),
    "no bytes": (b"", "not a zip"),
    "claims 80 GB": (entry("x.npy", array("<f8", (10**10,))), "claims the shape"),
    "claims more than numbers go": (entry("x.npy", array("<f8", (10**30,))), "claims the shape"),
    "holds more than it claims": (entry("x.npy", array("<f8", (1,), bytes(800))), "claims the shape"),
    "negative": (entry("x.npy", array("<f8", (-1, -1), bytes(8))), "claims the shape"),
    "unpacks to 300 MB": (entry("x.npy", array("<f8", (4 * 10**7,)) + bytes(32 * 10**7)), "it unpacks to 3200"),
    "header of 2 GB": (entry("x.npy", b"\x93NUMPY\x02\x00\xff\xff\xff\x7f(("), "EOF"),
    "header of brackets": (entry("x.npy", b"\x93NUMPY\x01\x00\xff\x1f" + b"(" * 0x1FFF), "."),
    "no header": (entry("x.npy", b"plain text"), "magic"),
    "objects": (entry("x.npy", array("|O", (1,), bytes(8))), "of type object"),
    "records": (entry("x.npy", array([("a", "<f8")], (1,), bytes(8))), "of type"),
    "complex": (entry("x.npy", array("<c16", (1,), bytes(16))), "of type complex128"),
    "text": (entry("x.npy", array("<U2", (1,), bytes(8))), "of type <U2"),
    "a program": (entry("../../x.py", b"raise SystemExit"), "is no array"),
    "escapes": (entry("\x1b]0;x\x07", b""), r"'\\x1b\]0;x\\x07' is no array"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_it_is_not_is_refused(name: str) -> None:
    content, says = HOSTILE[name]
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=says):
            npz.read(content)
        assert tracemalloc.get_traced_memory()[1] < 10**7
    finally:
        tracemalloc.stop()


def test_two_entries_of_one_name_are_refused() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        content = entry("x.npy", array("<f8", (1,), bytes(8)), times=2)
    with pytest.raises(ValueError, match="one name"):
        npz.read(content)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_come_back(save: Any, tmp_path: Path) -> None:
    """From a file and from its bytes, whatever their order and size, and writable."""
    save(tmp_path / "x.npz", **ARRAYS)
    for found in (npz.read(tmp_path / "x.npz"), npz.read((tmp_path / "x.npz").read_bytes())):
        assert list(found) == list(ARRAYS)
        for name, values in ARRAYS.items():
            assert found[name].dtype == np.asarray(values).dtype and np.array_equal(found[name], values)
            found[name][...] = 0


def test_a_flipped_byte_is_seen(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.arange(50.0))
    content = (tmp_path / "x.npz").read_bytes()
    with pytest.raises(ValueError, match="CRC"):
        npz.read(content[:300] + bytes([content[300] ^ 1]) + content[301:])


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.npz")
    with pytest.raises(ValueError, match="no regular file"):
        npz.read(tmp_path / "x.npz")


UNIT = {"sum_xx": np.eye(1), "sum_yx": np.eye(1), "sum_yy": 1.0, "count": 1}


def scalar(u, t, **more):
    layers = {f"weights_{end}_{k}": [[w]] for end, point in enumerate((u, t)) for k, w in enumerate(point, start=1)}
    return layers | UNIT | more


def write(folder, **arrays):
    np.savez(folder / "line.npz", **arrays)
    return str(folder / "line.npz")


def test_the_theorem_is_printed_with_enclosures(tmp_path, capsys):
    file = write(tmp_path, **scalar((2, 0.5), (0.5, 2), interval=[-0.25, 1.25]))
    assert main(["certify", file]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Proven: the critical points of J inside (-0.25, 1.25) are exactly: minimum")
    assert re.search(r"critical point 2: maximum\n    α in \[0.5, 0.5\]\n    J in \[0.31640625, ", out)
    assert "(exact integers of up to" in out and "J(-0.25) in [0.494" in out


def test_json_is_a_proof_that_can_be_checked(tmp_path, capsys):
    rng = np.random.default_rng(1)
    a, b = ([rng.standard_normal((3, 4)), rng.standard_normal((2, 3))] for _ in range(2))
    x, y = rng.standard_normal((20, 4)), rng.standard_normal((20, 2))
    layers = {f"weights_{end}_{k + 1}": w for end, ends in enumerate((a, b)) for k, w in enumerate(ends)}
    assert main(["certify", write(tmp_path, **layers, x=x, y=y), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["proven"] and found["depth"] == 2 and found["degree"] == 4
    c, q = [int(n, 16) for n in found["coefficients"]], int(found["denominator"], 16)
    curve = deep_linear.line(a, b, deep_linear.moments(x, y))
    for t in (0.2, 0.7):
        value = sum(k * Fraction(t) ** m * (1 - Fraction(t)) ** (4 - m) for m, k in enumerate(c)) / q
        assert float(value) == pytest.approx(float(curve(t)), rel=1e-12)
    assert float(found["ends"][0][0]) <= float(curve(0)) * (1 + 1e-12)
    for point, extremum in zip(found["critical_points"], (p for p in curve.extrema() if p.interior), strict=True):
        low, high = (Fraction(end) for end in point["alpha"])
        assert low <= high and float(low) == pytest.approx(extremum.alpha, abs=1e-7)
        assert float(point["objective"][0]) <= extremum.objective * (1 + 1e-9)


def test_latex_and_a_figure(tmp_path, capsys):
    file = write(tmp_path, **scalar((-6, -1), (1, 1)))
    assert main(["certify", file, "--latex", "--figure", str(tmp_path / "line.svg")]) == 0
    out = capsys.readouterr().out
    assert r"\alpha_{2} \in [0.678571428" in out and r"\text{(maximum)}" in out and "J'" in out
    assert (tmp_path / "line.svg").stat().st_size > 5_000
    assert main(["certify", write(tmp_path, **scalar((-6, 0.5), (1, 1))), "--latex"]) == 0
    assert capsys.readouterr().out == "J'(\\alpha) < 0 \\quad \\alpha \\in (0, 1)\n"


def test_the_figure_marks_what_is_proven():
    axes = Figure().add_subplot()
    curve = deep_linear.line([[[-6.0]], [[-1.0]]], [[[1.0]], [[1.0]]], deep_linear.Moments(1, np.eye(1), np.eye(1), 1))
    certificate_file.draw(axes, curve, certificate_of(curve))
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["J, degree 4", "minimum, proven", "maximum, proven"]
    assert axes.get_lines()[2].get_xdata() == pytest.approx([19 / 28])


@pytest.mark.parametrize(
    ("change", "needle"),
    [
        ({"weights_0_2": None}, "weights_0 has shapes|weights_1"),
        ({"weights_0_1": None}, "has no weights_0_1"),
        ({"weights_1_1": None, "weights_1_2": None}, "has no weights_1_1"),
        ({"sum_yx": None}, "sum_xx, sum_yy, count; give x and y"),
        ({"x": [[1.0]]}, "x, sum_xx"),
        ({"count": 1.5}, "one whole number"),
        ({"interval": [1.0, 0.0]}, "the lower first"),
        ({"interval": [1.0]}, "give two numbers"),
        ({"bias": [1.0]}, "bias: no such key"),
        ({"weights_0_1": [["a"]]}, "weights_0_1 is of type"),
        ({"weights_0_1": [[np.nan]]}, "holds NaN"),
        ({"weights_0_1": [[0.5]], "weights_0_2": [[2.0]]}, "length zero"),
    ],
)
def test_a_wrong_file_is_one_line_and_status_2(change, needle, tmp_path, capsys):
    arrays = {k: v for k, v in (scalar((2, 0.5), (0.5, 2)) | change).items() if v is not None}
    assert main(["certify", write(tmp_path, **arrays)]) == 2
    error = capsys.readouterr().err
    assert re.search(needle, error) and error.count("\n") == 1


def test_what_is_no_npz_file(tmp_path, capsys):
    (tmp_path / "a.npz").write_text("hello")
    np.save(tmp_path / "b.npy", np.eye(2))
    (tmp_path / "c.npz").write_bytes(b"")
    np.savez(tmp_path / "d.npz", weights_0_1=np.array([{}], dtype=object))
    for name in ("a.npz", "b.npy", "c.npz", "d.npz"):
        assert main(["certify", str(tmp_path / name)]) == 2
        assert "no npz file of plain arrays" in capsys.readouterr().err
    assert main(["certify", str(tmp_path / "missing.npz")]) == 2
    said = capsys.readouterr().err
    assert "missing.npz is no file; give an npz file" in said and "Errno" not in said
    assert main(["certify"]) == 2
    assert "certify takes one file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "needle"), [({"sum_xx": -np.eye(1)}, "no sum of x xᵀ"), ({"count": np.nan}, "count one whole number")]
)
def test_moments_that_no_data_can_have_are_refused(more, needle, tmp_path, capsys):
    assert main(["certify", write(tmp_path, **scalar((2, 0.5), (0.5, 2), **more))]) == 2
    assert needle in capsys.readouterr().err
