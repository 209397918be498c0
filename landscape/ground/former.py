"""Modules under the names that they had in the first edition, so that a script of that time goes on working."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

FORMER = {
    **{name: f"ground.{name}" for name in ("precision", "progress", "provenance", "streams")},
    **{name: f"result.{name}" for name in ("curve", "verdict")},
    **{name: f"objective.{name}" for name in ("engine", "running_statistics", "slope", "sums")},
    **{"fitting": "objective.check.fitting", "blocks": "objective.memory.passes", "budget": "objective.memory.budget"},
    **{"footprint": "objective.memory.footprint", "compute": "command.launch"},
    **{name: f"store.{name}" for name in ("solutions", "streaming", "trajectory")},
    **{name: f"command.{name}" for name in ("closing", "config", "forecast", "job", "limits", "plan", "prepare")},
    **{f"forecast.{name}": "command.forecast.timing" for name in ("calibration", "clock")},
    **{
        "forecast.memory": "command.forecast.command",
        "measurement.subject": "measurement.stages",
        "measurement.work": "measurement.contract",
    },
}
"""Below ``landscape``: how a former name begins -> what that is called now."""


class _Former(MetaPathFinder, Loader):
    """Finds a former name, and gives the very module that goes by the present one."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        return ModuleSpec(name, self) if present(name) else None

    def exec_module(self, module: ModuleType) -> None:
        """Put the present module in the place of the empty one that Python has made."""
        sys.modules[module.__name__] = import_module(present(module.__name__))


def present(name: str) -> str:
    """``landscape.curve.numbers`` -> ``landscape.result.curve.numbers``; empty for what is no former name."""
    top, _, rest = name.partition(".")
    parts = rest.split(".")
    for num in range(len(parts), 0, -1):
        if top == "landscape" and (now := FORMER.get(".".join(parts[:num]))):
            return ".".join((top, now, *parts[num:]))
    return ""


def install() -> None:
    """Let former names be imported; harmless when done before."""
    if not any(isinstance(finder, _Former) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Former())  # before the one that would load a package's files a second time
