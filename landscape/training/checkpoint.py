"""All that a killed training run needs to go on to the same bits."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path
from typing import Any

import torch

from landscape.errors import InputError

log = logging.getLogger(__name__)


def save_atomically(state: dict[str, Any], file: Path) -> None:
    """torch.save by temporary file and rename; an old checkpoint stays whole if this one cannot be written."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            torch.save(state, stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def load(file: Path) -> dict[str, Any] | None:
    """The state, or None if there is no usable checkpoint; only plain tensors and numbers are ever unpickled."""
    try:
        state: dict[str, Any] = torch.load(file, weights_only=True, map_location="cpu")
    except FileNotFoundError:
        return None
    except Exception as error:  # torch raises many types for a broken file
        broken = file.with_suffix(".broken")
        file.replace(broken)
        log.warning("checkpoint %s is unreadable (%s); moved to %s, starting over", file, error, broken)
        return None
    return state


def generators_fit(state: dict[str, Any], device: str, is_drawing: bool) -> bool:
    """Whether the generators of a checkpoint can go on on this type of device; a GPU's state says nothing to a CPU.

    Args:
        device: ``"cpu"``, ``"cuda"``, ... is_drawing: whether training draws random numbers on its device.

    Raises:
        InputError: another type of device, and training draws.
    """
    stored = state.get("device") or ("cpu" if state["global_cuda"] is None else "cuda")
    if stored == device:
        return True
    if is_drawing:
        raise InputError(
            f"device={device} cannot go on with a training that was cut on {stored} (epoch {state['epoch']}): what it "
            f"would draw next is known to that kind of device alone; run with device={stored}, or start over with "
            "refresh=true"
        )
    log.warning("the checkpoint was written on %s; going on on %s, where numbers are rounded otherwise", stored, device)
    return False
