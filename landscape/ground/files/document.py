"""JSON documents: strict, of bounded size and depth, and with a digest by which damage is seen."""

from __future__ import annotations

import hashlib
import json
import math
import re
import reprlib
import stat
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

MAX_BYTES = 256 * 2**20
MAX_DEPTH = 100
"""Containers within containers; each costs the recursions that walk through a config some of their stack."""

T = TypeVar("T")
_TAIL = re.compile(r',\n "digest": "([0-9a-f]{64})"\n\}\n?\Z')


def text_of(value: dict[str, Any]) -> str:
    """Strict JSON, ASCII, whose last entry is the sha256 of the text before it.

    Raises:
        TypeError, ValueError: the value holds what JSON cannot.
    """
    body = json.dumps(value, indent=1, allow_nan=False).removesuffix("\n}")
    return f'{body},\n "digest": "{_digest(body)}"\n}}\n'


def read(file: Path) -> Any:
    """The value in a file, without its digest; a document of a time before there were digests has none to check.

    Raises:
        OSError: there is no such file, or it cannot be read. ValueError: it is no such document, or damaged.
    """
    text, value = parsed(file)
    if isinstance(value, dict) and "digest" in value:
        found = _TAIL.search(text)
        if found is None or _digest(text[: found.start()]) != found[1]:
            raise ValueError("it is not what was written: the digest differs")
        del value["digest"]
    return value


def parsed(file: Path) -> tuple[str, Any]:
    """The text of a file and the value that it is in strict JSON, whatever that says of itself.

    Raises:
        OSError: there is no such file, or it cannot be read. ValueError: it is no such document.
    """
    info = file.stat()
    if not stat.S_ISREG(info.st_mode):  # reading a pipe would wait for ever, a device would never end
        raise ValueError("it is no regular file")
    if info.st_size > MAX_BYTES:
        raise ValueError(f"its {info.st_size} bytes are more than the {MAX_BYTES} that a document may have")
    text = file.read_text("utf-8")
    try:
        value = json.loads(text, parse_constant=_reject, parse_float=_finite, parse_int=_whole)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if _is_deep(value):
        raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")
    return text, value


def as_a(kind: type[T], value: Any) -> T:
    """A dataclass of plain fields from its entries.

    Raises:
        TypeError: an entry is missing, unknown, or of another type than its field.
    """
    if not isinstance(value, dict):
        raise TypeError(f"it holds a {type(value).__name__}, not an object with entries")
    made = kind(**value)
    require_types(value, typing.get_type_hints(kind))
    return made


def require_types(values: Mapping[str, Any], hints: Mapping[str, Any]) -> None:
    """Check each value against the type of its name: numbers, text, lists, dicts, and choices between them.

    Raises:
        TypeError: naming the first that does not fit.
    """
    for name, value in values.items():
        if not _fits(value, hints[name]):
            raise TypeError(f"{name} is {reprlib.repr(value)}, not {getattr(hints[name], '__name__', hints[name])}")


def _fits(value: Any, hint: Any) -> bool:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return any(_fits(value, choice) for choice in inner)
    if origin is list:
        return isinstance(value, list) and all(_fits(item, inner[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(item, inner[1]) for item in value.values())
    if hint is Any:
        return True
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, int | float if hint is float else hint)


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def _reject(literal: str) -> float:
    raise ValueError(f"it holds the literal {literal}, which strict JSON does not have")


def _finite(literal: str) -> float:
    value = float(literal)
    return value if math.isfinite(value) else _reject(literal)


def _whole(literal: str) -> int:
    value = int(literal)
    try:
        float(value)
    except OverflowError:
        raise ValueError(f"it holds a whole number of {len(literal)} digits, which no float is") from None
    return value


def _is_deep(value: Any) -> bool:
    """Level by level: a recursion would be what it guards against."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True
