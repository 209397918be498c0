"""Checkpoint files are data: nothing in them runs, and what cannot be read says why in one line."""

from __future__ import annotations

import argparse
import json
import os
import pickle
import re
import zipfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from landscape.endpoints.file import content_of
from landscape.errors import InputError

STATE = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.ones(2)}


class Runs:
    """An object whose pickle calls a function."""

    def __init__(self, call: Callable[..., Any], *arguments: Any) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> Any:
        return self.call, self.arguments


class Own:
    """A class of the training script."""


def is_state(content: Any) -> bool:
    return all(torch.equal(content[name], value) for name, value in STATE.items())


def test_plain_objects_beside_the_tensors_are_passed_over(tmp_path: Path) -> None:
    beside = {
        "args": argparse.Namespace(lr=0.1),
        "best": np.float64(0.9),
        "losses": np.ones(3),
        "path": tmp_path,
        "seen": {1, 2},
        "counts": defaultdict(list, {"a": [1]}),
        "device": torch.device("cpu"),
    }
    torch.save({"state_dict": STATE, **beside}, tmp_path / "a.pt")
    content = content_of(str(tmp_path / "a.pt"), "endpoints.start")
    assert is_state(content["state_dict"]) and content["counts"] == {"a": [1]}
    assert not isinstance(content["args"], argparse.Namespace)


@pytest.mark.parametrize("zipped", [True, False])
def test_no_pickle_is_executed(tmp_path: Path, zipped: bool) -> None:
    mark = tmp_path / "ran"
    for k, (evil, named) in enumerate(
        [
            (Runs(os.system, f"touch {mark}"), "posix.system"),
            (Runs(eval, f"open({str(mark)!r}, 'w')"), "eval"),
            (Runs(os.mkdir, str(mark)), "posix.mkdir"),
            (Own(), "Own"),
        ]
    ):
        file = tmp_path / f"{k}.pt"
        torch.save({"state_dict": STATE, "x": evil}, file, _use_new_zipfile_serialization=zipped)
        with pytest.raises(InputError, match=rf"holds objects of \S*{named}.* no pickle is executed") as caught:
            content_of(str(file), "endpoints.end")
        assert not mark.exists()
        assert str(caught.value).startswith(f"endpoints.end={file}") and str(caught.value).isprintable()


def bytes_of(value: Any, folder: Path) -> bytes:
    torch.save(value, folder / "whole.pt")
    return (folder / "whole.pt").read_bytes()


NO_CHECKPOINTS: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "empty": (lambda folder: b"", "it is empty"),
    "text": (lambda folder: b"a checkpoint\n" * 9, "it does not begin as a file of torch.save does"),
    "zeros": (lambda folder: bytes(99), "it does not begin as"),
    "cut off": (lambda folder: bytes_of(STATE, folder)[:-50], "it is cut off"),
    "plain pickle": (lambda folder: pickle.dumps({"a": 1}), "is no state dict"),
    "a module": (lambda folder: bytes_of(nn.Linear(2, 2), folder), "torch.nn.modules.linear.Linear"),
}


@pytest.mark.parametrize("case", NO_CHECKPOINTS)
def test_other_files_are_refused_in_one_line(tmp_path: Path, case: str) -> None:
    make, text = NO_CHECKPOINTS[case]
    file = tmp_path / "b.pt"
    file.write_bytes(make(tmp_path))
    with pytest.raises(InputError, match=re.escape(text)) as caught:
        content_of(str(file), "endpoints.end")
    way = "wait until it is written" if case in ("empty", "cut off") else "save module.state_dict(), not the module"
    assert way in str(caught.value) and str(caught.value).isprintable()


@pytest.mark.parametrize("path", ["no.pt", "/dev/null", ".", "x" * 5000, "a\0b"])
def test_what_is_no_file_is_refused(path: str) -> None:
    with pytest.raises(InputError, match=r"is no file; give a saved state dict"):
        content_of(path, "endpoints.end")


def test_only_what_holds_objects_is_advised_to_be_trusted(tmp_path: Path) -> None:
    file = tmp_path / "a.pt"
    for content, is_advised in ((nn.Linear(2, 2), True), (STATE | {"x": Runs(bytearray, 10**10)}, False)):
        torch.save(content, file)
        with pytest.raises(InputError) as caught:
            content_of(str(file), "endpoints.end")
        assert (".state_dict() in place of" in str(caught.value)) == is_advised
    for content in (b"", b"some text"):
        file.write_bytes(content)
        with pytest.raises(InputError) as caught:
            content_of(str(file), "endpoints.end")
        assert "weights_only=False" not in str(caught.value)


def test_a_folder_says_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"this folder has none of model\.safetensors, pytorch_model\.bin"):
        content_of(str(tmp_path), "endpoints.end")


@pytest.mark.parametrize("name", ["pipe.bin", "..", ".", "gone.bin", "a\0b", ""])
def test_a_shard_that_is_no_file_is_refused_unopened(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe.bin")
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": {"weight": name}}))
    with pytest.raises(InputError, match=r"names the shard .*which is no file") as caught:
        content_of(str(tmp_path), "endpoints.start")
    assert str(caught.value).isprintable()


def test_a_file_that_unpacks_to_far_more_than_it_is_is_refused_unread(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "a.pt")
    with (
        zipfile.ZipFile(tmp_path / "a.pt") as small,
        zipfile.ZipFile(tmp_path / "b.pt", "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for info in small.infolist():
            bomb.writestr(info.filename, bytes(50_000_000) if "data/0" in info.filename else small.read(info))
    with pytest.raises(InputError, match="would unpack to 48 MiB"):
        content_of(str(tmp_path / "b.pt"), "endpoints.start")


@pytest.mark.parametrize("name", ["a.safetensors", "renamed.bin"])
def test_safetensors_are_known_by_name_or_content(tmp_path: Path, name: str) -> None:
    save_file(STATE, tmp_path / name)
    assert is_state(content_of(str(tmp_path / name), "endpoints.start"))
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / name).read_bytes()[:-9])
    with pytest.raises(InputError, match="cannot be read as safetensors"):
        content_of(str(tmp_path / "cut.safetensors"), "endpoints.start")


def test_without_the_package_safetensors_say_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "safetensors.torch", None)
    (tmp_path / "a.safetensors").write_bytes(b"")
    with pytest.raises(InputError, match="needs the package safetensors; pip install safetensors"):
        content_of(str(tmp_path / "a.safetensors"), "endpoints.start")


def test_a_folder_of_hugging_face_is_read_whole_or_by_its_shards(tmp_path: Path) -> None:
    index = tmp_path / "pytorch_model.bin.index.json"
    for name, value in STATE.items():
        torch.save({name: value}, tmp_path / f"{name}.bin")
    index.write_text(json.dumps({"weight_map": {name: f"{name}.bin" for name in STATE}}))
    assert is_state(content_of(str(tmp_path), "endpoints.start"))
    for wrong in ({"weight": "../weight.bin"}, {"weight": 3}, {}, []):
        index.write_text(json.dumps({"weight_map": wrong}))
        with pytest.raises(InputError, match="names no shards in its own folder"):
            content_of(str(tmp_path), "endpoints.start")
    torch.save(STATE, tmp_path / "pytorch_model.bin")
    assert is_state(content_of(str(tmp_path), "endpoints.start"))
