"""What W&B finds around it: variables of the process for as long as a run lasts, and a server that answers, or none."""

from __future__ import annotations

import os
import ssl
import urllib.error
import urllib.request
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


def need_server(url: str, timeout: float) -> None:
    """Return when a server at ``url`` answers anything but a fault of its own, through the proxy if there is one.

    Args:
        url: base address.
        timeout: seconds.

    Raises:
        OSError: no connection, no answer in time, or a status of 500 and above.
    """
    try:
        with urllib.request.urlopen(url, timeout=timeout):
            pass
    except urllib.error.HTTPError as error:
        if error.code >= 500:
            raise
    except urllib.error.URLError as error:
        if not isinstance(error.reason, ssl.SSLError):  # whom to trust is for the client library's settings to say
            raise
