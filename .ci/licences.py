"""Write the table of dependencies in docs/licences.md, from the metadata of what is installed.

Usage: python .ci/licences.py, with as many extras installed as there are; what is not installed keeps its row.
"""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/licences.md"
TABLE = "| package | licence | asked for by |\n| --- | --- | --- |\n"


def terms(about: PackageMetadata) -> str:
    """The licence as the package states it: an SPDX expression, else classifiers, else the first line of its text."""
    if expression := about.get("License-Expression"):
        return expression
    kinds = [c.split(" :: ")[-1] for c in about.get_all("Classifier") or [] if c.startswith("License :: OSI Approved")]
    first = (about.get("License") or "").strip().splitlines()[:1]
    return ", ".join([kind for kind in kinds if kind != "OSI Approved"] or first) or "not stated"


def dependencies() -> dict[str, list[str]]:
    """Each name in pyproject.toml -> the extras that ask for it; none for what is always installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    found = {name_of(item): list[str]() for item in project["dependencies"]}
    for extra, items in project["optional-dependencies"].items():
        for item in items:
            found.setdefault(name_of(item), []).append(extra)
    return found


def name_of(requirement: str) -> str:
    """``"mkdocstrings[python]>=1.0,<2"`` -> ``"mkdocstrings"``."""
    return re.split(r"[^\w.-]", requirement)[0]


def page() -> str:
    """The page with its table written anew."""
    before = PAGE.read_text("utf-8")
    rows = []
    for name, extras in sorted(dependencies().items()):
        asked = ", ".join(f"`[{extra}]`" for extra in extras) or "always"
        try:
            told = terms(metadata(name))
        except PackageNotFoundError:
            old = re.search(rf"^\| {re.escape(name)} \| (.*) \| .* \|$", before, re.M)
            if old is None:
                raise SystemExit(f"{name} is not installed, and the page has no row of it; install it first") from None
            told = old[1]
        rows.append(f"| {name} | {told} | {asked} |\n")
    return before[: before.index(TABLE)] + TABLE + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
