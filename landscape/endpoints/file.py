"""What a checkpoint file holds, read as data: no pickle in it is executed and no name in it is imported."""

from __future__ import annotations

import logging
import os
import re
import struct
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from landscape.errors import InputError
from landscape.ground.files import document
from landscape.ground.files.torch_file import require_bounded

log = logging.getLogger(__name__)

IN_FOLDER = ("model.safetensors", "pytorch_model.bin", "adapter_model.safetensors", "adapter_model.bin")
"""Where Hugging Face keeps the weights in a folder; instead of each there may be its index of shards."""

PLAIN = re.compile(
    r"argparse\.Namespace|types\.SimpleNamespace|typing\.Any|pathlib(\._local)?\.\w+|datetime\.\w+|numpy\.[\w.]+"
    r"|omegaconf\.[\w.]+|(pytorch_)?lightning[\w.]*\.\w+|collections\.defaultdict"
    r"|builtins\.(int|float|str|bool|list|dict|tuple|frozenset|slice|range|object)"
)
"""Objects that training scripts keep beside the weights and that hold none; for each stands an empty one when read."""
MAPPING = re.compile(r"collections\.defaultdict|[\w.]+\.AttributeDict")

MOST_INFLATED = 10
"""Times its own size to which a file may unpack; torch does not compress, and weights hardly can be."""

HALF_WRITTEN = ("it is empty", "it is cut off")
WAY_OUT = "save module.state_dict(), not the module"
TRUSTED = (
    '; of a file that you trust, keep the tensors: torch.save(torch.load(FILE, weights_only=False)["state_dict"], NEW)'
    ', with .state_dict() in place of ["state_dict"] where the file holds a module'
)
"""Of no use where the file holds no objects, and no advice for one that was made to do harm."""


class _Nothing:
    """Stands for an object that is not wanted: takes every argument and state, keeps none."""

    def __new__(cls, *args: object, **kwargs: object) -> _Nothing:
        return super().__new__(cls)

    def __setstate__(self, state: object) -> None:
        """Forget it."""


class _Mapping:
    """Stands for a class of dicts: what is made is a plain one."""

    def __new__(cls, *args: object, **kwargs: object) -> Any:
        return {}


def files_of(path: str) -> list[Path]:
    """The files that hold the weights which ``path`` names: itself, or those of a Hugging Face folder; [] if none."""
    if os.path.isfile(path):
        return [Path(path)]
    for name in IN_FOLDER:
        whole, index = os.path.join(path, name), Path(path) / f"{name}.index.json"
        if os.path.isfile(whole):
            return [Path(whole)]
        if os.path.isfile(index):
            return [index, *(Path(path) / shard for shard in _shards(index))]
    return []


def _shards(index: Path) -> list[str]:
    """The names of the shards; only files of the index's own folder are followed."""
    try:
        names = sorted(set(document.parsed(index)[1]["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        names = []
    if not names or not all(isinstance(n, str) and n == os.path.basename(n) for n in names):
        raise InputError(f"{index} names no shards in its own folder under weight_map; give one checkpoint file")
    for name in names:
        if not os.path.isfile(index.parent / name):  # missing, the folder itself, or a pipe that would be waited for
            raise InputError(f"{index} names the shard {shown(name)}, which is no file; give one checkpoint file")
    return names


def no_file(path: str, key: str) -> InputError:
    """What is said of a path under which nothing can be read."""
    lacks = f"; this folder has none of {', '.join(IN_FOLDER)} and their .index.json" if os.path.isdir(path) else ""
    return InputError(f"{key}={path} is no file; give a saved state dict{lacks}")


def content_of(path: str, key: str) -> Any:
    """Tensors and plain values that a checkpoint holds, on the CPU.

    Args:
        path: a file of ``torch.save`` or safetensors, or a folder of Hugging Face. key: that names it, for messages.

    Raises:
        InputError: no such file, or one that cannot be read as data.
    """
    files = files_of(path)
    if not files:
        raise no_file(path, key)
    parts = [_one(file, f"{key}={path}") for file in files if file.suffix != ".json"]
    if len(parts) == 1:
        return parts[0]
    if not all(isinstance(part, Mapping) for part in parts):
        raise InputError(f"{key}={path} has shards that are no state dicts; give one checkpoint file")
    return {name: value for part in parts for name, value in part.items()}


def _one(file: Path, told: str) -> Any:
    try:
        if _is_safetensors(file):
            return _safetensors(file, told)
        if fault := _no_checkpoint(file):
            raise ValueError(fault)
        _refuse_bomb(file, told)
        return _torch(file, told)
    except InputError:
        raise
    except Exception as error:  # whatever bytes may lead a reader to: they are the user's file, not a fault of ours
        reason = _reason(error)
        way = WAY_OUT + (TRUSTED if reason.startswith("it holds objects of") else "")
        if reason.startswith(HALF_WRITTEN):
            way = "wait until it is written, copy it again, or leave it out"
        raise InputError(
            f"{told} is no state dict that torch.load(weights_only=True) can read ({reason}); {way}"
        ) from error


def _is_safetensors(file: Path) -> bool:
    """By its name, or by its first bytes: the length of a header, then the header, a JSON object."""
    with file.open("rb") as stream:
        head = stream.read(9)
    if file.suffix == ".safetensors":
        return True
    return len(head) == 9 and head[8:] == b"{" and struct.unpack("<Q", head[:8])[0] + 8 <= file.stat().st_size


def _safetensors(file: Path, told: str) -> Any:
    try:
        from safetensors.torch import load_file  # an extra: most checkpoints need no such package
    except ImportError as error:
        raise InputError(
            f"{told} is a safetensors file, which needs the package safetensors; pip install safetensors"
        ) from error
    try:
        return load_file(file)
    except Exception as error:  # SafetensorError, and what torch says of types that it lacks
        raise InputError(f"{told} cannot be read as safetensors ({_reason(error)}); save it anew") from error


def _no_checkpoint(file: Path) -> str:
    """Why the first bytes and the size are not those of a file of torch.save; empty if they are."""
    with file.open("rb") as stream:
        head = stream.read(2)
    if not head:
        return "it is empty"
    if head == b"PK":
        return "" if zipfile.is_zipfile(file) else "it is cut off: a zip file without its directory"
    return "" if head[:1] == b"\x80" else "it does not begin as a file of torch.save does"


def _refuse_bomb(file: Path, told: str) -> None:
    if not zipfile.is_zipfile(file):
        return
    with zipfile.ZipFile(file) as archive:
        unpacked = sum(info.file_size for info in archive.infolist())
    if unpacked > MOST_INFLATED * file.stat().st_size + 2**20:
        raise InputError(
            f"{told} would unpack to {unpacked / 2**20:.0f} MiB, more than {MOST_INFLATED} times its own size, which "
            "torch.save never does; save it anew"
        )


def _torch(file: Path, told: str) -> Any:
    names: list[str] = []
    try:
        names = torch.serialization.get_unsafe_globals_in_checkpoint(file)
    except Exception:  # the older format, or no checkpoint: loading tells which
        log.debug("%s is no zip file of torch.save", file)
    beside = [name for name in names if PLAIN.fullmatch(name)]
    others = sorted(set(names) - set(beside), key=lambda name: (name.startswith("torch."), name))
    if others:
        named = ", ".join(shown(name) for name in others[:3]) + (", ..." if len(others) > 3 else "")
        raise InputError(
            f"{told} is no state dict that torch.load(weights_only=True) can read (it holds objects of {named}, and "
            f"only tensors and plain values are read, no pickle is executed); {WAY_OUT}{TRUSTED}"
        )
    require_bounded(file)
    stand_ins = [(_Mapping if MAPPING.fullmatch(name) else _Nothing, name) for name in beside]
    with warnings.catch_warnings(), torch.serialization.safe_globals(stand_ins):  # type: ignore[arg-type]
        warnings.simplefilter("ignore")  # of torch, about unusual pickles: what can be read is read
        content = torch.load(file, weights_only=True, map_location="cpu")
    if beside:
        log.info("%s also holds objects of %s, which are not read", told, ", ".join(sorted(beside)))
    return content


def _reason(error: BaseException) -> str:
    """One short line of it; where torch names an object in the way, that."""
    text = str(error)
    named = re.search(r"GLOBAL (\S+)", text)
    if named:
        return f"it holds objects of {shown(named[1])}, and no pickle is executed"
    told = re.search(r"WeightsUnpickler error: (.*)", text)
    return shown(told[1] if told else (text.strip().splitlines() or [""])[0]) or type(error).__name__


def shown(text: str) -> str:
    """Text of a file or of torch without terminal codes, and not too long."""
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
    text = "".join(c if c.isprintable() else "?" for c in text).strip()
    return text if len(text) <= 160 else f"{text[:157]}..."
