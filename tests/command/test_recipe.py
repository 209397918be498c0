"""A job makes each node of its config once, and looks at its module once per mode and precision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

import landscape.command.prepare as prepare
from landscape.objective import Objective
from tests.cli.conftest import QUICK, Ran, blank_figures, cli

__all__ = ["blank_figures", "cli"]
pytestmark = pytest.mark.usefixtures("blank_figures")


def test_every_node_is_made_once_and_every_curve_has_one_objective(
    cli: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes, built, walked = Counter[str](), list[Objective](), Counter[tuple[Any, ...]]()
    make, construct, along = prepare.instantiate, Objective.__init__, Objective.along

    def made(config: Any) -> Any:
        nodes[config["_target_"]] += 1
        return make(config)

    def constructed(self: Objective, *given: Any, **more: Any) -> None:
        built.append(self)
        construct(self, *given, **more)

    def evaluated(self: Objective, path: Any, alphas: Any, *given: Any, **more: Any) -> Any:
        if more.get("keep_costs") is True:  # a curve, not the few points of its rounding floor
            walked[id(self.split.x), self.mode] += 1
        return along(self, path, alphas, *given, **more)

    monkeypatch.setattr(prepare, "instantiate", made)
    monkeypatch.setattr(Objective, "__init__", constructed)
    monkeypatch.setattr(Objective, "along", evaluated)
    ran = cli(*QUICK)
    assert ran.status == 0, ran.out
    assert {"landscape.training.Training", "landscape.measurement.Interpolation"} <= set(nodes)
    assert set(nodes.values()) == {1}, nodes
    # One is tried before training, and two are the monitor's: all others are made of the first by ``Objective.on``.
    assert len(built) == 3
    assert len(walked) == 2 and set(walked.values()) == {1}, walked  # training and validation; nothing is random here
