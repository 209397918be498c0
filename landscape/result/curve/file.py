"""A curve, a surface or a projection in one npz file, and back: plain arrays, and the words in an entry of text."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints
from urllib.parse import quote, unquote

import numpy as np

from landscape.errors import InputError
from landscape.ground.files import document, temporary
from landscape.ground.files.text import plain
from theory import npz

T = TypeVar("T")
SCHEMA = 1
ABOUT = "about"
"""The entry with what is no array, as JSON."""


def write(item: Any, file: str | Path) -> None:
    """Write a dataclass of arrays, arrays by name and plain values into one npz, whole or not at all.

    Raises:
        InputError: the folder does not exist, or the file is one.
    """
    path = _named(file)
    if not path.parent.is_dir() or path.is_dir():
        raise InputError(f"file={path} cannot be written: {'it' if path.is_dir() else path.parent} is no file's folder")
    arrays: dict[str, Any] = {}
    words: dict[str, Any] = {"schema": SCHEMA, "kind": type(item).__name__}
    for f in fields(item):
        value = getattr(item, f.name)
        if isinstance(value, dict):
            arrays |= {f"{f.name}/{quote(name, safe='')}": array for name, array in value.items()}
        elif isinstance(value, np.ndarray):
            arrays[f.name] = value
        elif value is not None:
            words[f.name] = value
    with temporary.replacing(path) as place, place.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **{ABOUT: np.frombuffer(json.dumps(words).encode(), np.uint8)}, **arrays)


def read(kind: type[T], file: str | Path, check: Callable[[T], None]) -> T:
    """A dataclass of this kind from what ``write`` wrote, bit for bit. Nothing in the file is run.

    Args:
        check: raises ValueError unless the arrays fit together.

    Raises:
        InputError: there is no such file, it is damaged, or holds something else.
    """
    path = _named(file)
    try:
        made = _made(kind, npz.read(path, kinds="fu"))
        check(made)
        return made
    except OSError as error:
        raise InputError(f"file={path} cannot be read ({error.strerror or error})") from error
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        fault = plain(error.args[0] if error.args else type(error).__name__)
        raise InputError(f"file={path} holds no {kind.__name__} that was saved here ({fault})") from error


def _named(file: str | Path) -> Path:
    if not isinstance(file, str | Path) or not str(file):
        raise InputError(f"file={file!r} must be the name of a file, such as curve.npz")
    return Path(file)


def _made(kind: type[T], arrays: dict[str, Any]) -> T:
    """KeyError, TypeError or ValueError where something does not fit."""
    about = arrays.pop(ABOUT, None)
    if about is None or about.dtype != np.uint8 or about.ndim != 1:
        raise ValueError(f"it has no text {ABOUT!r}")
    words = json.loads(about.tobytes().decode("utf-8"))
    if not isinstance(words, dict):
        raise TypeError(f"its text {ABOUT!r} is no object")
    schema, found = words.pop("schema", None), words.pop("kind", None)
    if schema != SCHEMA or found != kind.__name__:
        raise ValueError(f"it is a {found!r} of schema {schema!r}")
    hints, values = get_type_hints(kind), dict[str, Any]()
    for f in fields(kind):  # type: ignore[arg-type]
        if get_origin(hints[f.name]) is dict:
            names = [name for name in arrays if name.startswith(f"{f.name}/")]
            values[f.name] = {unquote(name.partition("/")[2]): _real(name, arrays.pop(name)) for name in names}
        elif f.name in arrays and _is_array(hints[f.name]):
            values[f.name] = _real(f.name, arrays.pop(f.name))
        elif f.name in words and not _is_array(hints[f.name]):
            values[f.name] = words.pop(f.name)
            document.require_types({f.name: values[f.name]}, hints)
        elif f.default is MISSING:
            raise KeyError(f"it lacks {f.name}")
    if arrays or words:
        raise KeyError(f"it has an unknown entry {min([*arrays, *words])!r}")
    return kind(**values)


def _is_array(hint: Any) -> bool:
    """Whether a field is one array, or one or None."""
    return any(get_origin(choice) is np.ndarray for choice in (hint, *get_args(hint)))


def _real(name: str, array: Any) -> Any:
    if array.dtype.kind != "f":
        raise TypeError(f"{name} is of type {array.dtype}, not of floating point")
    return array
