"""Config keys of a data set, refused where they are of the wrong kind."""

from __future__ import annotations

from pathlib import Path

from landscape.errors import InputError

LARGEST = 2**63 - 1
"""Of whole numbers: what a saved result and other programs can hold."""


def whole(key: str, value: object, least: int) -> None:
    """Raise InputError unless the value is a whole number from ``least`` on."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= LARGEST:
        raise InputError(
            f"{key}={value!r} must be a whole number of at least {least} and below 2^63; give one, for "
            f"example {key}={least}"
        )


def truth(key: str, value: object) -> None:
    """Raise InputError unless the value is true or false."""
    if not isinstance(value, bool):
        raise InputError(f"{key}={value!r} must be true or false")


def folder(key: str, value: object) -> None:
    """Raise InputError unless the value is None or names what is, or could become, a folder."""
    if value is None:
        return
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{key}={value!r} must be the path of a folder, or null")
    if Path(value).expanduser().is_file():
        raise InputError(f"{key}={value} is a file, and a folder is needed; name one, or null")
