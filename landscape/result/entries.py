"""A result's fields as strict JSON and one npz, and back: what the two files hold, and how they are read whole."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_type_hints
from urllib.parse import quote

import numpy as np

from landscape.errors import InputError
from landscape.ground.files import document, pair, temporary
from landscape.result.curve import Components, Curve, LearningCurve, Projection, Surface
from landscape.result.verdict import Verdict
from theory import npz

T = TypeVar("T")
SCHEMA = 1
SINCE_THEN: dict[str, Any] = {"statements": list, "surfaces": dict, "components": dict, "seconds_training": float}
"""Fields that results of earlier versions lack; empty there."""
GROUPS = {"curves": Curve, "projections": Projection, "surfaces": Surface, "components": Components}
"""Fields that hold arrays by name, and of what type."""
JSON_NAME = "result.json"
NPZ_NAME = "result.npz"


class ResultError(InputError):
    """A saved result that cannot be used: which file, what is wrong with it, and what to do."""

    @classmethod
    def about(cls, path: Path, fault: str) -> ResultError:
        """The error for one file; not a constructor, because an exception is unpickled from its message alone."""
        return cls(f"{path}: {fault}; run the job again with refresh=true, or remove the folder")


def write(result: Any, folder: Path) -> None:
    """Write the fields of a dataclass into ``folder``, as ``Result.save`` says; of one that failed no arrays."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    entries: dict[str, Any] = {"schema": SCHEMA}
    for f in fields(result):
        entries[f.name] = _encode(getattr(result, f.name), f.name, arrays)
    if not arrays and entries.get("status") == "failed":
        temporary.write_text(folder / JSON_NAME, document.text_of(entries | {"npz": None}))
        (folder / NPZ_NAME).unlink(missing_ok=True)  # of arrays that could not be read
        return
    blob = io.BytesIO()
    np.savez(blob, allow_pickle=False, **arrays)
    entries["npz"] = {
        "file": NPZ_NAME,
        "sha256": hashlib.sha256(blob.getvalue()).hexdigest(),
        "arrays": {name: _form(array) for name, array in arrays.items()},
    }
    pair.write(folder / NPZ_NAME, blob.getvalue(), folder / JSON_NAME, document.text_of(entries).encode("ascii"))


def read(kind: type[T], blank: T, folder: Path) -> T:
    """A dataclass of this kind from what ``write`` wrote; every array comes back bit for bit.

    Args:
        blank: one of the kind, by whose values the types of its fields are known.
    Raises:
        ResultError: a file is missing, truncated, damaged or of another schema.
    """
    path = folder / JSON_NAME
    entries = _read_json(path)
    about = entries.pop("npz")
    arrays = {} if about is None else _read_npz(folder / NPZ_NAME, about)
    try:
        names = [f.name for f in fields(kind)]  # type: ignore[arg-type]
        result = kind(**{name: _decode(entries, name, arrays, blank) for name in names})
        if entries:
            raise KeyError(f"unknown entry {min(entries)!r}")  # such as "digest" with a wrong letter
        return result
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ResultError.about(path, f"does not fit schema {SCHEMA} ({type(error).__name__}: {error})") from error


def _encode(value: Any, where: str, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    """A field as JSON values; arrays inside the curve types move into ``arrays`` and leave their name behind."""
    room = where.split("/")[0]
    if room in (*GROUPS, "learning_curve"):
        if isinstance(value, np.ndarray):
            if value.dtype.kind not in "biuf":
                raise TypeError(f"{where}: dtype {value.dtype} cannot be saved; use float64")
            name = f"{room.removesuffix('s')}{where.removeprefix(room)}"  # the groups in the singular
            arrays[name] = value
            return {"array": name}
        if is_dataclass(value):
            return {f.name: _encode(getattr(value, f.name), f"{where}/{f.name}", arrays) for f in fields(value)}
        if isinstance(value, dict):
            # A key may hold slashes and dots: as a part of a name, "train/error" is train.error, and no two keys clash.
            parts = {key: quote(key, safe="/").replace(".", "%2E").replace("/", ".") for key in value}
            return {key: _encode(item, f"{where}/{parts[key]}", arrays) for key, item in value.items()}
    if room == "verdicts":
        value = [verdict.as_dict() for verdict in value]
    return plain(value, f"result.{where}", str if room == "config" else lambda _: None)


def plain(value: Any, where: str, not_finite: Callable[[float], Any] = str) -> Any:
    """Containers, numpy scalars and arrays as what JSON has; TypeError names the place of anything else.

    Args:
        not_finite: what NaN and infinities become, which JSON lacks; their names, for a config that is only shown.
    """
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else not_finite(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple):
        return [plain(item, f"{where}[{k}]", not_finite) for k, item in enumerate(value)]
    if isinstance(value, dict):
        return {str(key): plain(item, f"{where}.{key}", not_finite) for key, item in value.items()}
    raise TypeError(f"{where} is a {type(value).__name__}, which JSON cannot hold; make it a plain value")


def _decode(entries: dict[str, Any], name: str, arrays: dict[str, Any], blank: Any) -> Any:
    """One field taken out of the entries; KeyError, TypeError or ValueError if its value does not fit."""
    if name not in entries:
        if name in SINCE_THEN:
            return SINCE_THEN[name]()
        raise KeyError(f"no entry {name!r}")
    value = entries.pop(name)
    if name in GROUPS:
        return {key: _restore(GROUPS[name], item, arrays) for key, item in value.items()}
    if name == "learning_curve":
        return None if value is None else _restore(LearningCurve, value, arrays)
    if name == "verdicts":
        return [document.as_a(Verdict, item) for item in value]
    kind = type(getattr(blank, name))
    if kind is float or name == "numbers":
        value = _with_nan(value)
    if not isinstance(value, (int, float) if kind is float else kind):
        raise TypeError(f"{name} is a {type(value).__name__}, not a {kind.__name__}")
    document.require_types({name: value}, get_type_hints(type(blank)))
    return value


def _with_nan(value: Any) -> Any:
    """Saved numbers, in whatever containers, with null as NaN."""
    if isinstance(value, list):
        return [_with_nan(item) for item in value]
    if isinstance(value, dict):
        return {key: _with_nan(item) for key, item in value.items()}
    return math.nan if value is None else value


def _restore(kind: type, item: dict[str, Any], arrays: dict[str, Any]) -> Any:
    """A Curve, Projection or LearningCurve with its arrays put back."""
    return kind(**{key: _with_arrays(value, arrays) for key, value in item.items()})


def _with_arrays(value: Any, arrays: dict[str, Any]) -> Any:
    if not isinstance(value, dict):
        return value
    if set(value) == {"array"} and isinstance(value["array"], str):
        return arrays[value["array"]]
    return {key: _with_arrays(item, arrays) for key, item in value.items()}


def _read_json(path: Path) -> dict[str, Any]:
    """The entries of the document but for its schema, which is checked, as the one on the npz is."""
    try:
        entries = document.read(path)
    except FileNotFoundError as error:
        raise ResultError.about(path, "is missing, so the job did not finish") from error
    except (OSError, ValueError) as error:
        raise ResultError.about(path, f"cannot be read as JSON, truncated or damaged ({error})") from error
    found = entries.pop("schema", None) if isinstance(entries, dict) else type(entries).__name__
    if found != SCHEMA:
        raise ResultError.about(path, f"has schema {found!r}, this version reads {SCHEMA}")
    about = entries.get("npz", "")
    if about is None and entries.get("status") == "failed":
        return dict(entries)
    if not isinstance(about, dict) or not isinstance(about.get("sha256"), str):
        raise ResultError.about(path, f"has no sha256 of {NPZ_NAME}")
    return dict(entries)


def _read_npz(path: Path, about: dict[str, Any]) -> dict[str, Any]:
    """All arrays by name, once the file is known to be the one that the json was written for."""
    if not path.is_file():  # missing, or a pipe that would be waited for
        raise ResultError.about(path, f"is missing beside {JSON_NAME}")
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        arrays = npz.read(path) if found == about["sha256"] else None
    except OSError as error:
        raise ResultError.about(path, f"cannot be read ({error})") from error
    except ValueError as error:
        raise ResultError.about(path, f"is not an npz of plain arrays ({error})") from error
    if arrays is None:
        raise ResultError.about(path, f"is truncated, damaged or of another save than {JSON_NAME} (sha256 differs)")
    if {name: _form(array) for name, array in arrays.items()} != about.get("arrays"):
        raise ResultError.about(path, f"holds other arrays than {JSON_NAME} says")
    return arrays


def _form(array: np.ndarray[Any, Any]) -> dict[str, Any]:
    return {"shape": list(array.shape), "dtype": str(array.dtype)}
