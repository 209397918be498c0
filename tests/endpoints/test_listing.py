"""Which files of a folder are a run, in which order, and what their names say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from landscape.endpoints import Run
from landscape.endpoints.listing import numbers_of
from landscape.errors import InputError
from landscape.ground.files.folder import saved_in


@pytest.mark.parametrize(
    ("names", "pattern", "text"),
    [
        ([], None, "holds no checkpoint, and a line needs two points; in the folder: nothing"),
        (["a.pt"], None, "holds one checkpoint, a.pt, and a line needs two points"),
        (["a.txt", "b.txt"], None, "in the folder: a.txt, b.txt; give the pattern"),
        (["a.pt", "b.pt"], "c*.pt", "and endpoints.pattern=c*.pt give no checkpoint"),
        (["a.pt", "b.pt"], "/a*", "endpoints.pattern=/a* cannot be looked for"),
        (["a.pt", "b.pt"], "../*", "leads out"),
        (["epoch_1.pt", "epoch_2.pt", "last.pt"], None, "choose one, endpoints.pattern='epoch_*.pt'"),
    ],
)
def test_folders_without_a_run_say_what_is_there(tmp_path: Path, names: list[str], pattern: Any, text: str) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (tmp_path / "c.pt").write_bytes(b"")
    for name in names:
        (folder / name).write_bytes(b"")
    with pytest.raises(InputError, match=re.escape(text)):
        Run(str(folder), pattern).check(1)
    with pytest.raises(InputError, match=r"endpoints\.folder=.* is no folder"):
        Run(str(tmp_path / "c.pt")).check(1)


@pytest.mark.parametrize(
    ("names", "epochs", "steps"),
    [
        (["epoch_0.pt", "epoch_2.pt", "epoch_10.pt"], [0, 2, 10], [0, 2, 10]),
        (["checkpoint-500", "checkpoint-1000"], [500, 1000], [500, 1000]),
        (["epoch=0-step=40.ckpt", "epoch=1-step=80.ckpt"], [0, 1], [40, 80]),
        (["epoch=0-step=40.ckpt", "epoch=0-step=80.ckpt"], [40, 80], [40, 80]),
        (["epoch=0-loss=0.9.ckpt", "epoch=3-loss=0.25.ckpt"], [0, 3], [0, 3]),
        (["run2/ep1.pt", "run2/ep4.pt"], [1, 4], [1, 4]),
        (["a.pt", "b.pt"], [0, 1], [0, 1]),
        (["a1_b9.pt", "a1_b2.pt"], [0, 1], [0, 1]),
        (["1.pt", "01.pt"], [0, 1], [0, 1]),
        (["a99999999999999999999.pt", "a999999999999999999999.pt"], [0, 1], [0, 1]),
    ],
)
def test_numbers_in_names_are_epochs_and_steps_where_they_rise(names: Any, epochs: Any, steps: Any) -> None:
    found = numbers_of(names)
    assert found[0].tolist() == epochs and found[1].tolist() == steps


def test_files_are_found_in_natural_order_and_litter_is_not(tmp_path: Path) -> None:
    for name in ("e10.pt", "e2.pt", "e1.pt.tmp", ".e3.pt", "log.txt", "checkpoint-20/model.safetensors", "runs/x.log"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = [file.name for file in saved_in(tmp_path)]
    assert found == ["checkpoint-20", "e2.pt", "e10.pt"]
    assert [file.name for file in saved_in(tmp_path, "*/model.*")] == ["model.safetensors"]
