"""Whether what a finished job was measured on is still what its config means."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from landscape.command.collect.record import is_whole
from landscape.command.prepare import dataset_of
from landscape.data.dataset import Dataset
from landscape.data.own import known_by
from landscape.ground.provenance import is_ours
from landscape.result.saved import Result

log = logging.getLogger(__name__)

NEEDED = ("data", "dimensions", "limits")
ENTRY, UNUSED = "examples", "not used"
"""Of ``Result.versions``: what the examples are known by, where somebody else's function made them."""


def entry_of(config: Mapping[str, Any], dataset: Dataset | None) -> dict[str, str]:
    """What a result says of examples that its config does not decide.

    Args:
        config: resolved.
        dataset: that was measured on; None where the measurement takes none.
    """
    if is_ours(config["data"]):
        return {}
    known = UNUSED if dataset is None else known_by(dataset)
    return {ENTRY: known} if known else {}


def is_current(folder: Path, config: DictConfig) -> bool:
    """Whether a job's folder holds a finished result, whole, of the examples that its config means now.

    The key of a job is that of its config alone. Where somebody's function makes the data, it is asked for them, and
    the result counts if it was measured on the same: held in memory they are compared by content, streams by name.
    """
    if not is_whole(folder):
        return False
    try:
        parts: dict[str, Any] = {key: OmegaConf.to_container(config[key], resolve=True) for key in NEEDED}
        parts["command"] = config.command
    except Exception:  # the job itself says what is wrong
        return True
    if is_ours(parts["data"]):
        return True
    before = Result.load(folder).versions.get(ENTRY)
    if before is None or before == UNUSED:
        return before == UNUSED
    try:
        now = known_by(dataset_of(parts, []))
    except Exception:  # likewise
        return False
    if now != before:
        log.info("%s was measured on other examples than data means now, and is measured anew", folder.name)
    return now == before
