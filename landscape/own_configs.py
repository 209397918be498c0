"""A user's own configs: the folders that a command line adds, and the grids that their endpoints go with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path

from hydra._internal.utils import get_args_parser
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from landscape.provenance import conf_dir

GRID = "standard"
"""The grid of endpoints that come without one of their own name: ``alphas`` follows ``endpoints``."""


def folders_of(arguments: Sequence[str]) -> list[Path]:
    """The folders of ``--config-dir`` and ``hydra.searchpath``; what cannot be read Hydra says itself."""
    known, _ = get_args_parser().parse_known_args(list(arguments))
    places = [known.config_dir] if known.config_dir else []
    try:
        overrides = OverridesParser.create().parse_overrides(
            [item for item in known.overrides if item.lstrip("+").startswith("hydra.searchpath")]
        )
    except HydraException:
        overrides = []
    for override in overrides:
        value = override.value()
        places += [str(item) for item in value] if isinstance(value, list) else []
    found = []
    for place in places:
        scheme, _, rest = place.rpartition("://")
        try:
            found.append(Path(str(files(rest.replace("/", ".")))) if scheme == "pkg" else Path(rest))
        except (ImportError, TypeError, ValueError):
            continue
    return found


def register_grids(arguments: Sequence[str]) -> None:
    """Make ``alphas/NAME`` known for every own ``endpoints/NAME`` that has none, so that a single file is enough."""
    folders = [*folders_of(arguments), Path(conf_dir())]
    for name in _names(folders, "endpoints") - _names(folders, "alphas"):
        group, _, last = f"alphas/{name}".rpartition("/")
        node = {"defaults": [f"/alphas/{GRID}@_here_", "_self_"]}
        ConfigStore.instance().store(group=group, name=last, node=node)


def _names(folders: Sequence[Path], group: str) -> set[str]:
    def names() -> Iterator[str]:
        for folder in folders:
            for file in (folder / group).rglob("*.yaml"):
                yield file.relative_to(folder / group).with_suffix("").as_posix()

    return set(names())
