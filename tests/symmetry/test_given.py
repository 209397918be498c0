"""Axes that somebody wrote down: what fits is what is found, what does not is one message."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from landscape.errors import InputError
from landscape.symmetry.axes import Axes, Axis
from landscape.symmetry.check import check_axes
from landscape.symmetry.find import axes_of
from landscape.symmetry.given import axes_from
from tests.symmetry.modules import Net
from tests.symmetry.nets import CASES

GOOD = """
layers.0.weight: [first, null]
layers.0.bias: [first]
layers.1.weight: [second, first]
layers.1.bias: [second]
layers.2.weight: [null, second]
"""


def written(tmp_path: Path, text: str) -> Path:
    """A file that says so."""
    file = tmp_path / "axes.yaml"
    file.write_text(text)
    return file


def test_what_is_written_is_what_is_found(tmp_path: Path) -> None:
    """Names, sizes, pieces and positions."""
    net = CASES["relu"].make()
    axes = axes_from(written(tmp_path, GOOD), net)
    assert axes.sizes == {"first": 5, "second": 6}
    assert check_axes(net, axes, CASES["relu"].example) <= 1e-12
    names = {"layers.0": "first", "layers.1": "second"}
    found = axes_of(net, CASES["relu"].example).of
    assert axes.of == {k: tuple(e and Axis(names[e.permutation]) for e in v) for k, v in found.items()}

    net = CASES["conv maxout"].make()
    text = """
    layers.0.weight: [{permutation: maps, inner: 2, has_pieces: true}, null, null, null]
    layers.0.bias: [{permutation: maps, inner: 2, has_pieces: true}]
    layers.1.weight: [null, {permutation: maps, inner: 9}]
    """
    axes = axes_from(written(tmp_path, text), net)
    assert axes.sizes == {"maps": 4} and axes.pieces("maps") == 2
    assert check_axes(net, axes, CASES["conv maxout"].example) <= 1e-12


def test_tied_parameters_go_by_any_of_their_names(tmp_path: Path) -> None:
    """They have one set of axes."""
    text = "0.weight: [h, null]\n0.bias: [h]\n2.weight: [h, h]\n2.bias: [h]\n4.bias: [h]\n6.weight: [null, h]\n"
    net = CASES["tied"].make()
    axes = axes_from(written(tmp_path, text.replace("2.weight", "4.weight")), net)
    assert axes == axes_from(written(tmp_path, text), net)
    assert axes.tied == {"4.weight": "2.weight"}
    with pytest.raises(InputError, match=r"gives 2\.weight and 4\.weight, which are one tied tensor, different axes"):
        axes_from(written(tmp_path, text + "4.weight: [h, null]\n"), net)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "no table of parameter"),
        ("- layers.0.weight", "no table of parameter"),
        ("layers.0.weight: [a, null", "is no yaml"),
        ("layers.0.weight: !!python/object/apply:os.getcwd []", "is no yaml"),
        ("layers.0.wieght: [a, null]", r"names 'layers\.0\.wieght', which .* lacks; did you mean layers\.0\.weight\?"),
        ("layers.0.weight: a", r"layers\.0\.weight is 'a'; give \[NAME, null\]"),
        ("layers.0.weight: [a]", r"has 1 entries for a shape of \[5, 4\]"),
        ("layers.0.weight: [a, null, null]", r"has 3 entries for a shape of \[5, 4\]"),
        ("layers.0.weight: [3, null]", "axis 0 is 3; give the name of a permutation"),
        ("layers.0.weight: [{permutation: a, inner: 2}, null]", "axis 0 has length 5, which is no multiple of inner 2"),
        ("layers.0.weight: [{permutation: a, inner: 0}, null]", "inner=0; give a count of at least 1"),
        ("layers.0.weight: [{permutation: a, inner: true}, null]", "inner=True; give a count"),
        ("layers.0.weight: [{permutation: a, pieces: 2}, null]", "has 'pieces'; an axis has permutation, inner"),
        ("layers.0.weight: [{inner: 5}, null]", "names no permutation"),
        ("layers.0.weight: [{permutation: a, has_pieces: true}, null]", "has pieces, with inner 1 and outer 1"),
        ("layers.0.weight: [a, null]\nlayers.0.weight: [b, null]", r"has 'layers\.0\.weight' twice"),
        ("layers.0.weight: [{permutation: a, permutation: b}, null]", "has 'permutation' twice"),
        (
            "layers.0.weight: [a, null]\nlayers.1.weight: [a, null]",
            r"a has 5 units in layers\.0\.weight, axis 0, and 6 in",
        ),
        ("layers.0.weight: [null, null]", "names no permutation of two units"),
        ("layers.0.weight: [{permutation: a, inner: 5}, null]", "names no permutation of two units"),
    ],
)
def test_what_does_not_fit_is_one_message(tmp_path: Path, text: str, match: str) -> None:
    """Before anything is computed."""
    with pytest.raises(InputError, match=match):
        axes_from(written(tmp_path, text), CASES["relu"].make())


def test_pieces_have_one_number(tmp_path: Path) -> None:
    """A unit has as many on every axis."""
    net = nn.Sequential(nn.Linear(4, 12), nn.Linear(6, 8))
    text = (
        "0.weight: [{permutation: a, inner: 3, has_pieces: true}, null]\n"
        "1.weight: [{permutation: a, inner: 2, has_pieces: true}, null]\n"
    )
    with pytest.raises(InputError, match="permutation a has 2 and 3 pieces in a unit"):
        axes_from(written(tmp_path, text), net)


def test_no_file_and_no_text_are_refused(tmp_path: Path) -> None:
    """By name."""
    net = CASES["relu"].make()
    with pytest.raises(InputError, match=r"nowhere\.yaml is no file"):
        axes_from(tmp_path / "nowhere.yaml", net)
    with pytest.raises(InputError, match="is no file"):
        axes_from(tmp_path, net)
    (tmp_path / "axes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        axes_from(tmp_path / "axes.yaml", net)


def test_a_yaml_may_say_what_nobody_finds(tmp_path: Path) -> None:
    """Units in front of a concatenation, which axes found by themselves leave in place; a false one is caught."""
    net = Net(lambda m, x: m.last(torch.fft.fft(m.first(x), dim=0).real), first=nn.Linear(4, 5), last=nn.Linear(5, 3))
    x = torch.randn(2, 4)
    text = "first.weight: [h, null]\nfirst.bias: [h]\nlast.weight: [null, h]\n"
    axes = axes_from(written(tmp_path, text), net)
    assert isinstance(axes, Axes) and check_axes(net, axes, x) <= 1e-12
    with pytest.raises(InputError, match="by permutation h: off by"):
        check_axes(net, axes_from(written(tmp_path, text.replace("first.bias: [h]", "first.bias: [null]")), net), x)
