"""Trained bends in the store: kept once, and set aside where they are not what was written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from landscape.store.bends import Bends
from landscape.store.store import CURVES, Store
from tests.twin import normal

ABOUT: dict[str, Any] = {"path": {"num_bends": 2}, "ends": "abc", "seeds": [0, 3]}


def train(folder: Path) -> Bends:
    return Bends(normal(2, 2, 5), np.array([[1.0, 2.0], [0.5, np.nan]]))


def never(folder: Path) -> Bends:
    raise AssertionError("it was trained before")


def same(one: Bends, other: Bends) -> bool:
    return torch.equal(one.theta, other.theta) and np.array_equal(one.costs, other.costs, equal_nan=True)


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))


def relabel(file: Path) -> None:
    meta = json.loads(file.read_text())
    meta["description"]["seeds"] = [3, 0]
    file.write_text(json.dumps(meta))


def test_bends_are_trained_once(tmp_path: Path) -> None:
    first, entry = Store(tmp_path, kind=CURVES).get(ABOUT, train)
    assert same(first, train(entry)) and sorted(file.name for file in entry.iterdir()) == ["bends.npz", "meta.json"]
    assert same(Store(tmp_path, kind=CURVES).get(ABOUT, never)[0], first)
    with pytest.raises(AssertionError):
        Store(tmp_path, kind=CURVES).get(ABOUT | {"ends": "abd"}, never)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("bends.npz", flip),
        ("bends.npz", Path.unlink),
        ("bends.npz", lambda file: file.write_bytes(b"")),
        ("meta.json", flip),
        ("meta.json", relabel),
        ("meta.json", lambda file: file.write_text("[]")),
    ],
)
def test_what_is_damaged_is_set_aside_and_trained_again(
    name: str, damage: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, entry = Store(tmp_path, kind=CURVES).get(ABOUT, train)
    damage(entry / name)
    again, _ = Store(tmp_path, kind=CURVES).get(ABOUT, train)
    assert same(again, first) and (tmp_path / f"{entry.name}.corrupt-1").is_dir()
    assert "curves" in caplog.text and "are corrupt" in caplog.text
