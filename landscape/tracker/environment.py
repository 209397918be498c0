"""Environment variables for as long as a run lasts, and what W&B is to find in them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


class Environment:
    """Sets variables of this process on ``enter`` and puts back on ``leave`` what was there before."""

    def __init__(self) -> None:
        self._before: dict[str, str | None] = {}

    def enter(self, wanted: Mapping[str, str | None]) -> None:
        """Set each variable, or remove it where the value is None; an earlier ``enter`` is undone first."""
        self.leave()
        self._before = {name: os.environ.get(name) for name in wanted}
        _set(wanted)

    def leave(self) -> None:
        """Put everything back; harmless when there is nothing to put back."""
        _set(self._before)
        self._before = {}


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def home(folder: Path) -> Path:
    """Where the ``wandb/`` folder of a sweep in ``folder`` lies: there, or where WANDB_DIR says."""
    return Path(os.environ.get("WANDB_DIR") or folder).expanduser()


def variables(folder: Path) -> dict[str, str | None]:
    """What W&B must find in the environment, for the sweep that lies in ``folder``."""
    top = home(folder).resolve() / "wandb"
    # without these wandb stages artifacts in the home directory, and a moved sweep would lose them
    places = {"WANDB_DATA_DIR": "data", "WANDB_CACHE_DIR": "cache", "WANDB_ARTIFACT_DIR": "artifacts"}
    return {
        **{name: os.environ.get(name) or str(top / place) for name, place in places.items()},
        "WANDB_ERROR_REPORTING": "false",  # else even an offline run opens one connection
        "WANDB_SILENT": os.environ.get("WANDB_SILENT") or "true",
        "WANDB_MODE": None,  # read by the yaml; here it would override what tracker.mode says
    }
