"""Where the official files of a data set lie: a named folder, ``LANDSCAPE_DATA``, or the cache."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pooch

from landscape.data import keys
from landscape.errors import InputError

log = logging.getLogger(__name__)

VARIABLE = "LANDSCAPE_DATA"


@dataclass(frozen=True)
class Location:
    """A folder of data files and the setting that chose it, so that an error can name both.

    Args:
        folder: where the files are.
        setting: ``"data.folder=/x"``, ``"LANDSCAPE_DATA=/x"`` or ``"data.cache=/x"``.
        is_cache: whether missing files may be downloaded into it.
        advice: what somebody should do when a file here is no good.
    """

    folder: Path
    setting: str
    is_cache: bool
    advice: str

    def fault(self, what: str) -> InputError:
        """The one-line error for something wrong with this place."""
        return InputError(f"{self.setting}: {what}; {self.advice}")

    def find(self, name: str) -> Path | None:
        """The file called ``name``, or else the one without its ``.gz``; None if neither is here."""
        paths = (self.folder / name, self.folder / name.removesuffix(".gz"))
        return next((path for path in paths if path.is_file()), None)

    def missing(self, names: Sequence[str]) -> list[str]:
        """The names that ``find`` does not find."""
        return [name for name in names if self.find(name) is None]


def locate(dataset: str, names: Sequence[str], folder: str | None, cache: str | None) -> Location:
    """Choose where the files of a data set are read from.

    In this order: ``folder``; ``$LANDSCAPE_DATA/<dataset>`` or ``$LANDSCAPE_DATA`` if files of this data set lie
    there; the cache. A place that was named must be complete: nothing is fetched behind its back.

    Args:
        dataset: ``"mnist"``, the name of the subfolder.
        names: the official file names.
        folder: config key ``data.folder``.
        cache: config key ``data.cache``; None means ``<the user's cache folder>/landscape/<dataset>``.

    Raises:
        InputError: a named folder does not exist, is none, or lacks some of the files.
    """
    for key, value in (("data.folder", folder), ("data.cache", cache)):
        keys.folder(key, value)
    base = os.environ.get(VARIABLE) or None
    advice = f"put the official files there, or unset it and {dataset} is downloaded"
    if folder is not None:
        path = Path(folder).expanduser()
        return _complete(Location(path, f"data.folder={folder}", False, f"{advice} or taken from {VARIABLE}"), names)
    if base is not None:
        root = Path(base).expanduser()
        if not root.is_dir():
            raise InputError(f"{VARIABLE}={base}: there is no such folder; name an existing one, or unset it")
        places = [Location(path, f"{VARIABLE}={base}", False, advice) for path in (root / dataset, root)]
        best = min(places, key=lambda place: len(place.missing(names)))
        if len(best.missing(names)) < len(names):
            return _complete(best, names)
        log.info("%s=%s holds no %s files; using the cache", VARIABLE, base, dataset)
    path = Path(cache).expanduser() if cache is not None else Path(pooch.os_cache("landscape")) / dataset
    advice = f"or set {VARIABLE} or data.folder to a folder that holds {', '.join(names)}"
    return Location(path, f"data.cache={path}", True, advice)


def _complete(place: Location, names: Sequence[str]) -> Location:
    """The place itself if every file is there."""
    if not place.folder.is_dir():
        raise place.fault(f"there is no folder {place.folder}")
    missing = place.missing(names)
    if missing:
        raise place.fault(f"{place.folder} lacks {', '.join(missing)}")
    return place
