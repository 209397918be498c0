"""Environment variables for as long as a run lasts."""

from __future__ import annotations

import os
from collections.abc import Mapping


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
