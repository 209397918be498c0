"""A fault as one line."""

from __future__ import annotations

import errno
from pathlib import Path

from omegaconf.errors import MissingMandatoryValue

from landscape.errors import InputError


def gone(folder: Path) -> str:
    """What happened to a job or sweep whose folder is not there any more."""
    return f"{folder} was removed while this command ran, with what it held; the same command starts over"


def one_line(error: BaseException) -> str:
    """A fault as one line that names what to do where that is known."""
    if isinstance(error, InputError):
        return str(error)
    full = _full_disk(error)
    if full is not None:
        return (
            f"the disk is full ({full.filename or 'while writing'}); free some space or set outputs=... to another "
            "disk: the same command goes on from the last checkpoint"
        )
    name = error.filename if isinstance(error, FileNotFoundError) else None
    if isinstance(name, str) and name and not Path(name).parent.is_dir():
        return gone(Path(name).parent)
    if type(error).__name__ == "OutOfMemoryError":  # torch's; its own message says what was needed and what there was
        first = " ".join(str(error).split(" If reserved but unallocated")[0].split())
        return (
            f"{first} Lower training.batch_size, training.measure_batch_size or objective.batch_size; the same command "
            "goes on from the last checkpoint"
        )
    if "CUDA error" in str(error) or type(error).__name__ == "AcceleratorError":
        return (
            f"the device was lost or failed ({str(error).splitlines()[0]}); the same command goes on from the last "
            "checkpoint"
        )
    if isinstance(error, MissingMandatoryValue) and error.full_key:
        return f"{error.full_key} has no value; give it on the command line, {error.full_key}=..."
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _full_disk(error: BaseException | None) -> OSError | None:
    """The system's word for it in the history of a fault: torch.save hides it behind one of its own."""
    while error is not None:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            return error
        error = error.__cause__ or error.__context__
    return None
