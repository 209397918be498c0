"""Plain text as streams: the layout against loops by hand, vocabularies, places, and what is wrong with a text."""

from __future__ import annotations

import hashlib
import inspect
import logging
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from landscape.command.config import conf_dir
from landscape.data import Dataset, Split
from landscape.data.penn_treebank import OFFICIAL, penn_treebank
from landscape.data.text import corpus, tokens_of, windows_of
from landscape.errors import InputError

if TYPE_CHECKING:  # fixtures come from conftest whatever way pytest imports it
    from tests.data.conftest import Mirrors, TinyMnist

WORDS = ["the", "cat", "sat", "on", "a", "mat", "and", "saw", "another", "cat", "near", "<unk>", "door"]
STREAMS = {"train": 3, "valid": 2, "test": 1}


def text(num_lines: int, shift: int = 0) -> str:
    """Lines of different lengths, with the blanks at both ends that the Penn Treebank files have."""
    lines = [[WORDS[(3 * k + j + shift) % len(WORDS)] for j in range(1 + k % 5)] for k in range(num_lines)]
    return "".join(f" {' '.join(line)} \n" for line in lines)


def write(folder: Path, **texts: str) -> Path:
    """One file per text, ``train="..."`` as ``train.txt``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in texts.items():
        (folder / f"{name}.txt").write_bytes(content.encode())
    return folder


def load(folder: Path | None, **changes: Any) -> Dataset:
    """``penn_treebank`` on three files of our own."""
    own = {split: f"{split}.txt" for split in STREAMS}
    numbers = {"splits": own, "num_streams": STREAMS, "unroll": 4, **changes}
    return penn_treebank(None if folder is None else str(folder), **numbers)


def fault(folder: Path | None, **changes: Any) -> str:
    with pytest.raises(InputError) as caught:
        load(folder, **changes)
    message = str(caught.value)
    assert "\n" not in message
    return message


def by_hand(numbers: list[int], num_streams: int, unroll: int) -> tuple[list[list[int]], list[list[int]]]:
    """x and y, one window and one token at a time."""
    length = len(numbers) // num_streams
    x: list[list[int]] = []
    y: list[list[int]] = []
    position = 0
    while position + unroll < length:
        for i in range(num_streams):
            start = int(i * len(numbers) / num_streams + 0.5)
            x.append([numbers[start + position + t] for t in range(unroll)])
            y.append([numbers[start + position + t + 1] for t in range(unroll)])
        position += unroll
    return x, y


@given(num=st.integers(12, 400), num_streams=st.integers(1, 6), unroll=st.integers(1, 9))
def test_windows_equal_the_loops_by_hand(num: int, num_streams: int, unroll: int) -> None:
    numbers = [(7 * k + 3) % 1009 for k in range(num)]
    x, y = by_hand(numbers, num_streams, unroll)
    if not x:
        with pytest.raises(InputError, match=r"longer than a stream"):
            windows_of("train", torch.tensor(numbers), num_streams, unroll)
        return
    found = windows_of("train", torch.tensor(numbers), num_streams, unroll)
    assert found.x.tolist() == x and found.y.tolist() == y and found.num_streams == num_streams
    assert found.x.dtype == found.y.dtype == torch.int64


def test_the_official_training_file_makes_1327_blocks_of_46479_positions() -> None:
    found = windows_of("train", torch.arange(929_589), 20, 35)
    assert len(found) == 1327 * 20
    # (i - 1) 929,589 / 20 for i = 1 ... 20 of the released code; the eleventh is 464,794.5 and goes up.
    starts = [0, 46479, 92959, 139438, 185918, 232397, 278877, 325356, 371836, 418315, 464795]
    assert found.x[:11, 0].tolist() == starts
    assert found.x[20 * 1326 + 19, -1] == found.x[19, 0] + 1327 * 35 - 1
    assert torch.equal(found.y[:, :-1], found.x[:, 1:]) and torch.equal(found.y[:-20, -1], found.x[20:, 0])


def test_each_block_of_rows_continues_the_one_before() -> None:
    found = windows_of("train", torch.arange(230), 3, 5)
    for i in range(3):
        stream = found.x[i::3].flatten()
        assert torch.equal(stream, torch.arange(len(stream)) + stream[0])
    few = found.first(11)
    assert len(few) == 9 and torch.equal(few.x, found.x[:9])


def test_a_file_becomes_numbers_in_order_of_appearance(tmp_path: Path) -> None:
    write(tmp_path, train=text(40), valid=text(20, 5), test=text(9, 2))
    data = load(tmp_path)
    words = [word for line in text(40).split("\n")[:-1] for word in [*line.split(), "<eos>"]]
    vocabulary = list(dict.fromkeys(words))
    x, y = by_hand([vocabulary.index(word) for word in words], 3, 4)
    assert data.train.x.tolist() == x and data.train.y.tolist() == y
    assert (data.name, data.num_classes) == ("text", len(vocabulary)) == ("text", len(set(WORDS)) + 1)
    assert data.copy == f"own files, sha256 {data.fingerprint}" and data.limited(1).copy == data.copy
    others = [word for line in text(20, 5).split("\n")[:-1] for word in [*line.split(), "<eos>"]]
    assert data.valid.x.tolist() == by_hand([vocabulary.index(word) for word in others], 2, 4)[0]
    assert [s.num_streams for s in (data.train, data.valid, data.test)] == [3, 2, 1]


@pytest.mark.parametrize(
    ("content", "tokens"),
    [
        (b" a b \n c\n", "a b <eos> c <eos>"),
        (b"a\r\nb", "a <eos> b"),
        (b"a\n\nb\n", "a <eos> <eos> b <eos>"),
        ("na\u00efve\tx\n".encode(), "na\u00efve x <eos>"),
    ],
)
def test_newlines_are_tokens(content: bytes, tokens: str) -> None:
    assert tokens_of(content) == tokens.split()


def test_strange_words_become_unk_and_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path, train=text(40), valid="the dog sat\n" * 10, test="cat\n" * 10)
    with caplog.at_level(logging.INFO):
        data = load(tmp_path)
    assert "valid text: 10 of 40 tokens are not in the vocabulary and become <unk>" in caplog.text
    assert "test text" not in caplog.text
    words = list(dict.fromkeys(tokens_of(text(40).encode())))
    assert [words[k] for k in data.valid.x[0]] == ["the", "<unk>", "sat", "<eos>"]


def test_without_unk_a_strange_word_is_refused(tmp_path: Path) -> None:
    write(tmp_path, train="the cat sat\n" * 20, valid="the cat sat\n" * 20, test="the cat\nthe dog ate\n" * 9)
    message = fault(tmp_path)
    assert message.startswith("vocabulary mismatch: data.splits.test=test.txt has the word 'dog', which ")
    assert "data.splits.train=train.txt has not" in message and "<unk>" in message


def test_the_model_must_know_the_size_of_the_vocabulary(tmp_path: Path) -> None:
    write(tmp_path, train=text(40), valid=text(20), test=text(20))
    size = len(set(WORDS)) + 1
    assert load(tmp_path, vocabulary_size=size).num_classes == size
    message = fault(tmp_path, vocabulary_size=10_000)
    assert f"dimensions.classes=10000 but the vocabulary of data.splits.train=train.txt has {size} tokens" in message
    assert message.endswith(f"set dimensions.classes={size}")


@pytest.mark.parametrize("content", ["", "  \n \n", "\n\n\n"])
def test_a_text_without_words_is_refused(tmp_path: Path, content: str) -> None:
    write(tmp_path, train=text(40), valid=content, test=text(20))
    message = fault(tmp_path)
    assert message.startswith(f"data.folder={tmp_path}: {tmp_path / 'valid.txt'} holds no words; ")


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    write(tmp_path, train=text(40), valid=text(20), test=text(5))
    num = len(tokens_of(text(20).encode()))
    message = fault(tmp_path, unroll=53)
    assert "data.unroll=53 is longer than a stream" in message and "the train text" in message
    message = fault(tmp_path, num_streams={**STREAMS, "valid": 17})
    assert f"the {num} tokens of the valid text make 17 streams of {num // 17}, and a window needs 5" in message
    assert "lower data.unroll or data.num_streams.valid" in message
    assert "data.unroll=0 must be a whole number of at least 1" in fault(tmp_path, unroll=0)
    assert "data.unroll=4.5 must be a whole number" in fault(tmp_path, unroll=4.5)
    assert "data.num_streams.test=0 must be at least 1" in fault(tmp_path, num_streams={**STREAMS, "test": 0})
    assert "data.num_streams names train; it needs train, valid and test" in fault(tmp_path, num_streams={"train": 2})
    assert "data.splits names train, valid;" in fault(tmp_path, splits={"train": "train.txt", "valid": "valid.txt"})
    (tmp_path / "test.txt").write_bytes(b"caf\xe9 a\n")
    assert f"{tmp_path / 'test.txt'} is not UTF-8 text (byte 3: " in fault(tmp_path)


def test_places_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """data.folder before LANDSCAPE_DATA/ptb before LANDSCAPE_DATA; a file may serve two splits."""
    twice = {"train": "train.txt", "valid": "valid.txt", "test": "valid.txt"}
    named = write(tmp_path / "named", train=text(40), valid=text(21))
    base = write(tmp_path / "base", train=text(40), valid=text(22))
    write(base / "ptb", train=text(40), valid=text(23))
    size = [len(windows(text(n))) for n in (21, 22, 23)]
    assert len(set(size)) == 3
    monkeypatch.setenv("LANDSCAPE_DATA", str(base))
    assert len(load(named, splits=twice).test) == size[0]
    assert len(load(None, splits=twice).test) == size[2]
    (base / "ptb" / "train.txt").unlink()
    (base / "ptb" / "valid.txt").unlink()
    assert len(load(None, splits=twice).test) == size[1]
    (base / "train.txt").unlink()
    message = fault(None, splits=twice)
    assert message.startswith(f"LANDSCAPE_DATA={base}: ") and "lacks train.txt" in message


def windows(content: str) -> Split:
    """One stream of a text in windows of four."""
    return windows_of("test", torch.arange(len(tokens_of(content.encode()))), 1, 4)


def test_a_text_of_ones_own_is_not_looked_for_in_the_net(tmp_path: Path) -> None:
    message = fault(None, cache=str(tmp_path / "cache"))
    assert "data.splits names train.txt, valid.txt, test.txt, which is nowhere to download" in message
    assert "set data.folder or LANDSCAPE_DATA" in message and not (tmp_path / "cache").exists()


def test_an_official_name_needs_the_official_content(tmp_path: Path) -> None:
    write(tmp_path, **{name.removesuffix(".txt"): text(40) for name in OFFICIAL})
    with pytest.raises(InputError, match=re.escape(f"needed {OFFICIAL['ptb.train.txt']}")) as caught:
        penn_treebank(str(tmp_path))
    assert str(tmp_path / "ptb.train.txt") in str(caught.value) and "data.splits" in str(caught.value)
    sums = {name: hashlib.md5(text(40).encode()).hexdigest() for name in OFFICIAL}
    data = penn_treebank(str(tmp_path), official=sums, num_streams=STREAMS, unroll=4)
    assert data.name == "penn_treebank"


def test_missing_official_files_are_downloaded_once_and_verified(
    mirrors: Mirrors, tiny: TinyMnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("landscape.data.penn_treebank.MIRRORS", mirrors("good"))
    tiny.packed["own.txt"] = text(40).encode()  # what the mirrors serve
    same = dict.fromkeys(STREAMS, "own.txt")
    sums = {"own.txt": hashlib.md5(text(40).encode()).hexdigest()}
    for _ in range(2):
        assert load(None, cache=str(tmp_path), splits=same, official=sums).name == "penn_treebank"
    assert mirrors.asked == ["good/own.txt"]
    other = str(tmp_path / "other")
    with pytest.raises(InputError, match="wrong hash"):
        load(None, cache=other, splits=same, official={"own.txt": "0" * 32})


def test_the_yaml_repeats_the_defaults_and_the_variants_differ_as_they_say() -> None:
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        found: dict[str, Any] = {
            name: OmegaConf.to_container(compose(overrides=[f"+data={name}"]), resolve=True)
            for name in ("penn_treebank", "penn_treebank_short", "penn_treebank_trial")
        }
    whole, short, trial = (config["data"] for config in found.values())
    defaults = {key: p.default for key, p in inspect.signature(penn_treebank).parameters.items() if key != "official"}
    assert {key: value for key, value in whole.items() if key != "_target_"} == {**defaults, "vocabulary_size": 10_000}
    assert short == {**whole, "unroll": 20}
    texts = {"train": "ptb.test.txt", "valid": "ptb.valid.txt", "test": "ptb.valid.txt"}
    assert trial == {**short, "splits": texts, "vocabulary_size": 6049}
    assert [config["dimensions"]["inputs"] for config in found.values()] == [35, 20, 20]


def test_vocabulary_is_that_of_the_training_text_alone() -> None:
    texts = {"train": ["b", "a", "<unk>", "b", "a"] * 4, "valid": ["a", "c", "b", "a"] * 3, "test": ["b"] * 3}
    data = corpus("x", texts, dict.fromkeys(texts, 1), 2)
    assert data.num_classes == 3
    assert data.valid.x.tolist() == [[1, 2], [0, 1], [1, 2], [0, 1], [1, 2]] and data.valid.y[0].tolist() == [2, 0]


@pytest.mark.real_data
@pytest.mark.skipif(not os.environ.get("LANDSCAPE_DATA"), reason="LANDSCAPE_DATA is not set")
def test_the_trial_on_the_real_texts(caplog: pytest.LogCaptureFixture) -> None:
    trial = {"train": "ptb.test.txt", "valid": "ptb.valid.txt", "test": "ptb.valid.txt"}
    with caplog.at_level(logging.INFO):
        data = penn_treebank(cache=os.devnull, splits=trial, unroll=20, vocabulary_size=6049)
    assert "3304 of 73760 tokens" in caplog.text
    assert [len(s) for s in (data.train, data.valid, data.test)] == [206 * 20, 184 * 20, 3687]
