"""Which state dict of a point is read, what of it is passed over, and what is taken from the net."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import landscape as ls
from tests.face.conftest import Trained

CE = nn.CrossEntropyLoss()


def values(t: Trained, path: Any) -> np.ndarray:
    told = {} if isinstance(path, type(ls.trajectory(t.kept))) else {"alphas": 2}
    return np.asarray(ls.measure(t.net, path, (t.x, t.y), CE, dtype="float64", **told).objective)


def saved(folder: Path, name: str, content: Any) -> str:
    torch.save(content, folder / name)
    return str(folder / name)


def test_arrays_are_numbers(plain: Trained) -> None:
    def arrays(state: dict[str, Tensor]) -> dict[str, Any]:
        return {n: v.numpy().astype(">f8" if n.endswith("bias") else "f8") for n, v in state.items()}

    after = plain.kept[-1]
    expected = values(plain, ls.line(plain.before, after))
    np.testing.assert_array_equal(values(plain, ls.line(arrays(plain.before), {"model": arrays(after)})), expected)
    half = values(plain, ls.line({n: v.astype("f2") for n, v in arrays(plain.before).items()}, after))
    np.testing.assert_allclose(half, expected, rtol=1e-2)
    words = {n: np.array(["a"]) for n in plain.before}
    with pytest.raises(ls.InputError, match="no tensors under names"):
        values(plain, ls.line(words, after))


def test_the_entry_of_a_file(plain: Trained, tmp_path: Path) -> None:
    first, last, ema = plain.before, plain.kept[-1], plain.kept[2]
    file = saved(tmp_path, "both.pt", {"model": first, "ema": ema})
    with pytest.raises(ls.InputError, match=r"choose one: entry='ema' \(of ls.line\)"):
        values(plain, ls.line(file, last))
    for entry in ("ema", ["ema", None]):
        np.testing.assert_array_equal(
            values(plain, ls.line(file, last, entry=entry)), values(plain, ls.line(ema, last))
        )
    own = values(plain, ls.line(file, file, entry=["model", "ema"]))
    np.testing.assert_array_equal(own, values(plain, ls.line(first, ema)))
    surface = values(plain, ls.plane(file, last, plain.kept[3], entry="ema"))
    np.testing.assert_array_equal(surface, values(plain, ls.plane(ema, last, plain.kept[3])))
    run, listed = ls.trajectory([file, *plain.kept[3:]], entry="ema"), ls.trajectory([ema, *plain.kept[3:]])
    np.testing.assert_array_equal(values(plain, run), values(plain, listed))
    np.testing.assert_array_equal(values(plain, run.line), values(plain, listed.line))
    for path, where in ((ls.line(first, last, entry="emma"), "line"), (ls.plane(last, entry="emma"), "plane")):
        with pytest.raises(ls.InputError, match=rf"no entry entry='emma' .* \(of ls.{where}\)"):
            values(plain, path)


def test_what_a_point_has_or_lacks_besides(plain: Trained, caplog: pytest.LogCaptureFixture) -> None:
    more = plain.before | {"criterion.weight": torch.ones(3), "metric.total": torch.ones(())}
    expected = values(plain, ls.line(plain.before, plain.net))
    with pytest.raises(ls.InputError, match=r"pass over them: ignore=\['criterion.weight'\].* \(of ls.line\)"):
        values(plain, ls.line(more, plain.net))
    passed = ls.line(more, plain.net, ignore=["criterion.*", "metric.total"])
    np.testing.assert_array_equal(values(plain, passed), expected)
    part = {n: v for n, v in plain.before.items() if n != "2.bias"}
    with pytest.raises(ls.InputError, match=r"missing='model' to take it from the model \(of ls.plane\)"):
        values(plain, ls.plane(part))
    filled = part | {"2.bias": plain.net.state_dict()["2.bias"]}
    np.testing.assert_array_equal(
        values(plain, ls.line(part, plain.net, missing="model")), values(plain, ls.line(filled, plain.net))
    )
    assert "a lacks 2.bias; taken from the net" in caplog.text


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"entry": 3}, "entry=3 must be the name of a state dict"),
        ({"entry": ["a"]}, "or a list of 2 of them"),
        ({"entry": ""}, "entry='' must be"),
        ({"ignore": 3}, "ignore=3 must be a list of names"),
        ({"missing": "net"}, "missing='net' must be 'model'"),
    ],
)
def test_wrong_readings(told: dict[str, Any], words: str) -> None:
    with pytest.raises(ls.InputError) as caught:
        ls.line("a.pt", "b.pt", **told)
    assert words in str(caught.value)
