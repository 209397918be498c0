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
    **{"forecast.memory": "command.forecast.command"},
    **{"training.frozen": "training.gradient", "training.trial": "training.groups"},
    **{f"training.{name}": "training.step" for name in ("constraint", "momentum")},
    "training.stopping": "training.monitor",
    **{"data.arrays": "data.split", "data.progress": "data.download", "cost.outputs": "cost.contract"},
    **{"tracker.network": "tracker.environment", "model.ranges": "model.checks"},
    **{"measurement.subject": "measurement.stages", "measurement.work": "measurement.contract"},
    **{"measurement.corners": "measurement.plane", "measurement.descent_law": "measurement.descent"},
    **{"measurement.random_walk": "measurement.residual"},
    **{"compute.engine": "command.launch.launcher", "compute.hold": "command.launch.isolation"},
    **{f"collect.{name}": f"command.collect.{name}" for name in ("launched", "record", "standing")},
    **{"report.seed": "report.sweep", "report.picture": "report.page"},
    **{"collect.faults": "command.collect.record", "collect.progress": "command.collect.launched"},
    **{"figure.line": "figure.panel", "figure.subject": "figure.naming", "figure.unit": "figure.naming"},
    **{"figure.between": "figure.caption", "figure.pages": "figure.module"},
    **{"figure.fig07_claims": "figure.second_minimum"},
    **{f"figure.sweep.{name}": "figure.sweep.keys" for name in ("design", "pool")},
    **{"figure.sweep.look": "figure.sweep.curves", "figure.sweep.plane": "figure.sweep.plain"},
    **{f"figure.sweep.{name}": "figure.sweep.by_keys" for name in ("one_key", "several_keys")},
    **{"figure.sweep.heat": "figure.sweep.number", "figure.sweep.columns": "figure.sweep.keys"},
    **{"figure.present": "figure.reading", "figure.noise": "figure.reading"},
    **{"result.curve.climb": "result.curve.crossing", "result.curve.turning": "result.curve.numbers"},
    **{"result.curve.wilson": "result.curve.noise"},
}
"""Below ``landscape``: the first parts of a former name -> what they are called now."""


class _Former(MetaPathFinder, Loader):
    """Finds a former name, and gives the very module that goes by the present one."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        return ModuleSpec(name, self) if present(name) else None

    def exec_module(self, module: ModuleType) -> None:
        """Put the present module in the place of the empty one that Python has made."""
        sys.modules[module.__name__] = import_module(present(module.__name__))


def present(name: str) -> str:
    """``landscape.curve.numbers`` -> ``landscape.result.curve.numbers``; empty for what is no former name."""
    top, *parts = name.split(".")
    for num in range(len(parts) if top == "landscape" else 0, 0, -1):
        if now := FORMER.get(".".join(parts[:num])):
            return ".".join((top, now, *parts[num:]))
    return ""


def install() -> None:
    """Let former names be imported; harmless when done before."""
    if not any(isinstance(finder, _Former) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Former())  # before the one that would load a package's files a second time
