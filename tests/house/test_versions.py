"""What docs/versions.md promises is what the code does; and version, changelog and citation say one thing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

import landscape
from landscape.command.config import conf_dir, job_key, register
from landscape.errors import InputError
from landscape.ground.settings import LATER, NUMBERS_SINCE
from landscape.objective import record
from landscape.result.entries import SINCE_THEN
from landscape.symmetry import saved

ROOT = Path(__file__).parents[2]
FIRST = ROOT / "tests/first_edition"
PAGE = (ROOT / "docs/versions.md").read_text("utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")
REMOVED = {("alphas", f"{ends}_to_solution") for ends in ("epoch", "init", "noise", "other_init", "random", "zero")} | {
    ("alphas", "checkpoints"),
    ("alphas", "points"),
}
"""Options of the first edition that are gone, as the changelog says."""


def test_version_changelog_and_citation_agree() -> None:
    """The newest entry is this version's; entries are in order, of known kinds, and none is empty."""
    entries = re.findall(r"^## \[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d\d-\d\d)$", CHANGELOG, re.M)
    assert len(entries) == CHANGELOG.count("\n## ") and entries == sorted(entries, reverse=True)
    *numbers, date = entries[0]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert landscape.__version__ == ".".join(numbers) == citation["version"]
    assert citation["date-released"] == date and citation["cff-version"] == "1.2.0"
    assert "1412.6544" in citation["references"][0]["url"]
    kinds = re.findall(r"^### (\w+)\n\n- ", CHANGELOG, re.M)
    assert len(kinds) == CHANGELOG.count("\n### ")
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_page_names_what_the_code_has() -> None:
    rows = re.findall(r"\| `(landscape\.[\w.]+)\.([A-Z]+)` \| (\d+) \|", PAGE)
    assert len(rows) == 7 and all(getattr(import_module(room), name) == int(number) for room, name, number in rows)
    schemas = {
        str(file.relative_to(ROOT))[:-3].replace("/", ".")
        for file in (ROOT / "landscape").rglob("*.py")
        if re.search(r"^(SCHEMA|FORMAT) = \d", file.read_text("utf-8"), re.M)
    }
    assert schemas == {room for room, _, _ in rows}
    missing = [name for name in (*SINCE_THEN, *LATER) if f"`{name}`" not in PAGE]
    assert not missing and f"It is **{NUMBERS_SINCE}** today" in PAGE


def test_names_of_jobs_go_by_the_version_of_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not by the package's: tests/first_edition has jobs and networks of 0.1.0 found again."""
    config: Any = OmegaConf.create({"optimizer": {"lr": 0.1}})
    before = job_key(_root_=config)
    monkeypatch.setattr("landscape.__version__", "99.0.0")
    assert job_key(_root_=config) == before
    monkeypatch.setattr("landscape.command.config.NUMBERS_SINCE", "99.0.0")
    assert job_key(_root_=config) != before


def test_newer_files_are_refused_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of results and curves: test_result_damage, face/test_results; a network's form is part of its name."""
    monkeypatch.setattr(saved, "SCHEMA", 2)
    saved.write(tmp_path / "alignment.npz", {})
    monkeypatch.undo()
    with pytest.raises(InputError, match=r"alignment\.npz holds .*schema 2, this version reads 1"):
        saved.read(tmp_path / "alignment.npz")
    record.write(tmp_path / "newer.npz", {"schema": 2}, {})
    assert record.read(tmp_path / "newer.npz", 1) is None and not (tmp_path / "newer.npz").exists()


def dotted(node: Any, above: str = "") -> Iterator[str]:
    """Every key of a config."""
    for key, value in node.items():
        yield f"{above}{key}"
        yield from dotted(value, f"{above}{key}.") if isinstance(value, dict) else ()


def test_what_the_first_edition_had_is_there() -> None:
    """Options of every group, keys of the quick start, the commands; but for what the changelog says is removed."""
    options = json.loads((FIRST / "options.json").read_text("utf-8"))
    files = {(group, name) for group, names in options.items() for name in names.split()}
    assert {(g, n) for g, n in files if not (ROOT / "conf" / g / f"{n}.yaml").is_file()} == REMOVED
    assert "alphas=init_to_solution` and seven other" in CHANGELOG
    (result,) = FIRST.glob("outputs/*/*/*/result.json")
    register()
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        today = compose("config", overrides=["limits=smoke"])
    before = set(dotted(json.loads(result.read_text("utf-8"))["config"]))
    assert len(before) > 60 and not before - set(dotted(OmegaConf.to_container(today)))
    for command in (
        "landscape",
        "landscape.collect",
        "landscape.figure",
        "landscape.paper",
        "landscape.report",
        "theory",
    ):
        assert (ROOT / command.replace(".", "/") / "__main__.py").is_file(), command
