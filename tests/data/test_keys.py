"""Keys of every data set that are of the wrong kind are refused by name and value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from landscape.data.cifar10 import cifar10
from landscape.data.digits import digits
from landscape.data.mnist import mnist
from landscape.data.penn_treebank import FILES, NUM_STREAMS, penn_treebank
from landscape.data.teacher import teacher
from landscape.errors import InputError

FILE = str(Path(__file__))
WRONG: list[tuple[Any, dict[str, Any], str]] = [
    (digits, {"seed": 10**20}, "data.seed=100000000000000000000 must"),
    *((digits, {"seed": seed}, f"data.seed={seed} must") for seed in (-1, 1.5, None, True)),
    (digits, {"resample_train": "maybe"}, "data.resample_train='maybe' must be true or false"),
    (mnist, {"resample_train": 1}, "data.resample_train=1 must be true or false"),
    (mnist, {"cache": FILE}, f"data.cache={FILE} is a file"),
    (mnist, {"folder": FILE}, f"data.folder={FILE} is a file"),
    (mnist, {"cache": 3}, "data.cache=3 must be the path"),
    (cifar10, {"folder": ["a"]}, r"data.folder=\['a'\] must be the path"),
    (cifar10, {"cache": " "}, "data.cache=' ' must be the path"),
    (penn_treebank, {"unroll": "abc"}, "data.unroll='abc' must"),
    (penn_treebank, {"num_streams": 3}, "data.num_streams names 3"),
    (penn_treebank, {"num_streams": {**NUM_STREAMS, "train": 2.5}}, "data.num_streams.train=2.5 must"),
    (penn_treebank, {"splits": "abc"}, "data.splits names 'abc'"),
    (penn_treebank, {"splits": {**FILES, "valid": None}}, "data.splits.valid=None must"),
    (penn_treebank, {"vocabulary_size": "abc"}, "data.vocabulary_size='abc' must"),
    (teacher, {"noise": "abc"}, "data.noise='abc' must"),
    (teacher, {"strengths": "abc"}, "data.strengths='abc' must"),
    (teacher, {"strengths": None}, "data.strengths=None must"),
    (teacher, {"strengths": [True]}, r"data.strengths=\[True\] must"),
    (teacher, {"whiten": "maybe"}, "data.whiten='maybe' must"),
    (teacher, {"num_train": 1.5}, "data.num_train=1.5 must"),
]


@pytest.mark.parametrize(("make", "keys", "words"), WRONG, ids=range(len(WRONG)))
def test_it_is_refused(make: Any, keys: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=f"^{words}"):
        make(**keys)
