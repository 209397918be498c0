"""What was summed so far of a stream, kept in a file: a run that is killed goes on from its last block, bit for bit.

The data are read again from the beginning, and those that were counted before are compared by a digest and not
evaluated again: only a pass that sees the same examples in the same order may go on.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from landscape.data.split import Split
from landscape.errors import InputError
from landscape.objective import record
from landscape.objective.record import bytes_of
from landscape.objective.sums import Listener, Sums

log = logging.getLogger(__name__)

SCHEMA = 1
SECONDS = 10.0
"""Between two writings: a file of a few sums takes a millisecond."""

Switches = tuple[Callable[[], list[int]], Callable[[list[int]], None]]
"""What an engine has found out of itself so far, to be read and to be set."""


class OtherData(Exception):
    """The examples that were counted before are not those that come now."""


class Interim:
    """The sums of one pass over a stream, in a file.

    Args:
        file: where they are kept until the pass is done.
        seconds: at least so long between two writings.

    Raises:
        InputError: its folder does not exist.
    """

    def __init__(self, file: str | Path, seconds: float = SECONDS) -> None:
        self.file, self.seconds = Path(file), seconds
        if not self.file.parent.is_dir() or self.file.is_dir():
            raise InputError(f"resume={file} must be the name of a file in a folder that exists")
        self._fresh()

    def _fresh(self) -> None:
        self.num_blocks, self._seen, self._written = 0, hashlib.sha256(), time.monotonic()
        self._found: tuple[dict[str, Any], dict[str, Any]] | None = None

    def begin(self, question: str, sums: Sums, noise: Listener | None, switches: Switches) -> Interim:
        """Look for what was kept of the same question.

        Args:
            question: a digest of all that decides the sums but the data.
            sums: what goes on.
            noise: of the same pass, if it is measured.
            switches: of the engine.
        """
        self._fresh()
        self.question, self.sums, self.noise, self.switches = question, sums, noise, switches
        if self.file.is_file():
            self._found = record.read(self.file, SCHEMA)
        if self._found is not None and self._found[0]["question"] != question:
            log.warning("%s was kept of another measurement; starting anew", self.file)
            self._found = None
        return self

    def skips(self, block: Split) -> bool:
        """Whether a block was counted before.

        Raises:
            OtherData: it was not this one.
        """
        self._look(block)
        if self._found is None:
            return False
        self.num_blocks += 1
        about, arrays = self._found
        if self.num_blocks < about["num_blocks"]:
            return True
        if self._seen.hexdigest() != about["seen"]:
            raise OtherData
        self.sums.restore({n[6:]: a for n, a in arrays.items() if n.startswith("total.")}, about["sums"])
        if self.noise is not None:
            self.noise.restore({n[6:]: a for n, a in arrays.items() if n.startswith("noise.")}, about["noise"])
        self.switches[1](about["switches"])
        log.info("%s: going on after %d examples", self.file, self.sums.num_examples)
        self._found = None
        return True

    def end(self) -> None:
        """The pass is done: the file goes.

        Raises:
            OtherData: it ended before what was counted before.
        """
        if self._found is not None:
            raise OtherData
        self.file.unlink(missing_ok=True)

    def forget(self) -> None:
        """Start anew, since the data are others."""
        log.warning("%s was kept of other examples, or of another order of them; starting anew", self.file)
        self.file.unlink(missing_ok=True)

    def keep(self) -> None:
        """A block is done; write down what is known if it is time."""
        self.num_blocks += 1
        if time.monotonic() - self._written < self.seconds:
            return
        totals, sums = self.sums.state()
        kept, noise = ({}, {}) if self.noise is None else self.noise.state()
        about = {
            "schema": SCHEMA,
            "question": self.question,
            "seen": self._seen.hexdigest(),
            "num_blocks": self.num_blocks,
            "sums": sums,
            "noise": noise,
            "switches": self.switches[0](),
        }
        arrays = {f"total.{n}": a for n, a in totals.items()} | {f"noise.{n}": a for n, a in kept.items()}
        record.write(self.file, about, arrays)
        self._written = time.monotonic()

    def _look(self, block: Split) -> None:
        for name, tensor in block.leaves.items():
            self._seen.update(f"|{name} {tuple(tensor.shape)} {tensor.dtype}|".encode())
            self._seen.update(bytes_of(tensor))


def question_of(words: dict[str, Any], tensors: Sequence[Tensor]) -> str:
    """A digest of words and numbers."""
    found = hashlib.sha256(json.dumps(words, sort_keys=True, default=str).encode())
    for tensor in tensors:
        found.update(bytes_of(tensor))
    return found.hexdigest()
