"""What is released beside the code: licences of all that is asked for, extras that are tried or said not to be."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from types import ModuleType

from landscape.ground.provenance import conf_dir

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/licences.md").read_text("utf-8")


def script(name: str) -> ModuleType:
    """A program of .ci, which is no package."""
    spec = importlib.util.spec_from_file_location(f"ci_{name}", ROOT / f".ci/{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_dependency_has_its_licence_on_the_page() -> None:
    """As its metadata states it, where it is installed as constraints.txt pins it; asked for by these extras."""
    licences = script("licences")
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text("utf-8").lower(), re.M))
    rows = {name: (told, asked) for name, told, asked in re.findall(r"^\| (\S+) \| (.+) \| (.+) \|$", PAGE, re.M)}
    for name, extras in licences.dependencies().items():
        told, asked = rows[name]
        assert re.findall(r"\[([\w-]+)]", asked) == extras and told != "not stated", name
        try:
            about = metadata(name)
        except PackageNotFoundError:
            continue
        if about["Version"].partition("+")[0] == pins.get(name.lower()):
            assert told == licences.terms(about), name


def test_all_data_have_their_terms_on_the_page() -> None:
    names = {file.stem for file in (Path(conf_dir()) / "data").glob("*.yaml")}
    told = set(re.findall(r"`(\w+)`", PAGE.partition("## Dependencies")[0])) | {
        n for n in names if n.startswith("penn_")
    }
    assert names <= told


def test_each_extra_is_tried_from_the_wheel_or_said_not_to_be() -> None:
    tried = script("extras")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert set(extras) == {*tried.USES, *tried.LEFT_OUT}
