"""The page about permutations of hidden units runs, and says what comes out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Snippet after snippet, in one folder."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    names: dict[str, Any] = {}
    text = (ROOT / "docs" / "symmetry.md").read_text("utf-8")
    for part in re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S):
        exec(compile(part, "docs/symmetry.md", "exec"), names)
    assert names["near"].difference <= 1e-12 and 4 * names["curve"].summary()["chord_barrier"][0] < names["before"]
    told = capsys.readouterr().out
    assert "{'0': 8}" in told and "inner=36" in told and "{'channels': 8, 'units': 10}" in told
