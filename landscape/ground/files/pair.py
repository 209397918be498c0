"""Two files that are only good together."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from landscape.ground.files import temporary


def write(first: Path, content: bytes, second: Path, text: bytes) -> None:
    """Replace both files of a folder; on any failure put the old first one back, so that the old pair stays whole.

    A process killed between the two renames leaves a pair that does not match: ``second`` must say what ``first`` is.
    """
    new_first, new_second = temporary.beside(first), temporary.beside(second)
    old_first = temporary.beside(first.with_name(f"{first.name}.old"))
    had_first, replaced = first.exists(), False
    try:
        _write_durably(new_first, content)
        _write_durably(new_second, text)
        if had_first:
            shutil.copy2(first, old_first)
        os.replace(new_first, first)
        replaced = True
        os.replace(new_second, second)
    except BaseException:  # also Ctrl-C: the pair must match whatever happened
        if replaced and had_first:
            shutil.move(old_first, first)
        elif replaced:
            first.unlink(missing_ok=True)
        raise
    finally:
        for path in (new_first, new_second, old_first):
            path.unlink(missing_ok=True)


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
