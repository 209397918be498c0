"""Bars show in terminals and notebooks, leave nothing behind, and are silent when told so."""

from __future__ import annotations

import builtins
import io
import logging
import sys
import types
from typing import Any

import pytest
from rich.console import Console
from torch import nn

import landscape as ls
from landscape.ground import progress
from tests.face.conftest import Trained


@pytest.fixture(autouse=True)
def _bars_are_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that ran beside others in this process may have hushed them."""
    monkeypatch.setattr(progress, "_bars", True)


class Cell:
    """What a notebook shows: one output per display, which may be updated."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.outputs: list[list[str]] = []

        class Shell:
            pass

        Shell.__name__ = "ZMQInteractiveShell"
        monkeypatch.setattr(builtins, "get_ipython", Shell, raising=False)
        shown = types.ModuleType("IPython.display")
        shown.HTML, shown.display = str, self.display  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
        monkeypatch.setitem(sys.modules, "IPython.display", shown)
        monkeypatch.setattr(progress, "SECONDS_BETWEEN_DRAWINGS", 0.0)

    def display(self, content: str, display_id: bool) -> Any:
        self.outputs.append([content])
        own = self.outputs[-1]
        return types.SimpleNamespace(update=own.append)


def measure(t: Trained, cost: Any = None, **told: Any) -> ls.Curve:
    line = ls.line(t.before, t.net)
    return ls.measure(t.net, line, (t.x, t.y), cost or nn.CrossEntropyLoss(), alphas=5, **told)


def test_a_notebook_has_a_bar_that_goes(plain: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = Cell(monkeypatch)
    measure(plain)
    [told] = cell.outputs
    assert told[0] == '<progress value="0" max="5"></progress> train deterministic 0/5'
    assert any('value="5"' in text for text in told) and told[-1] == ""


@pytest.mark.parametrize("error", [KeyboardInterrupt, pytest.param(ValueError, marks=pytest.mark.slow)])
def test_what_is_cut_leaves_no_bar(plain: Trained, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]) -> None:
    cell, cuts = Cell(monkeypatch), 0
    for after in range(60):
        calls = iter(range(after))

        def loss(outputs: Any, y: Any, calls: Any = calls) -> Any:
            if next(calls, None) is None:
                raise error("in the middle")
            return nn.functional.cross_entropy(outputs, y, reduction="none")

        del cell.outputs[:]
        try:
            measure(plain, loss)
        except (error, ls.InputError):
            cuts += bool(cell.outputs)
        assert all(told[-1] == "" for told in cell.outputs)
    assert cuts


def test_silent_when_told_so(
    plain: Trained, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    caplog.set_level(logging.INFO)
    measure(plain, progress=False)
    assert not caplog.messages and capfd.readouterr() == ("", "")
    measure(plain)
    assert any("train deterministic: 5 of 5" in text for text in caplog.messages)  # neither terminal nor notebook
    cell = Cell(monkeypatch)
    measure(plain, progress=False)
    assert cell.outputs == []


def test_a_terminal_has_a_bar(plain: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    for told in (None, False):
        screen = Console(file=io.StringIO(), force_terminal=True, width=100)
        monkeypatch.setattr(progress, "terminal", lambda screen=screen: screen)
        measure(plain, progress=told)
        assert ("train deterministic" in screen.file.getvalue()) is (told is None)  # type: ignore[attr-defined]
