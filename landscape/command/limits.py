"""Caps that bring an experiment down to a smaller scale, whatever order the configs were merged in."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from landscape.alphas import thinned
from landscape.errors import InputError

CPU, FULL = "cpu", "full"
"""The scale that cuts only what takes a CPU days, and the name of what nothing is cut of."""


def scale_of(limits: Mapping[str, Any], caps: Sequence[str]) -> str:
    """What a result calls its scale: at ``limits=cpu`` full, unless a cap bit.

    Args:
        limits: of its config.
        caps: those that bit; ``cpu.instead`` counts as one.
    """
    return FULL if limits["scale"] == CPU and not caps else str(limits["scale"])


def _capped(config: dict[str, Any], path: str, cap: int | None, caps: list[str]) -> None:
    """Lower the number, or each number of the list, at a dotted path; note what changed."""
    *parents, key = path.split(".")
    node: Any = config
    for parent in parents:
        node = node.get(parent) if isinstance(node, dict) else None
    if cap is None or not isinstance(node, dict) or node.get(key) is None:
        return
    before = node[key]
    if not all(isinstance(value, int | float) for value in (before if isinstance(before, list) else [before])):
        return  # whoever takes the value says what is wrong with it
    after = [min(v, cap) for v in before] if isinstance(before, list) else min(before, cap)
    if after != before:
        node[key] = after
        caps.append(f"{path} {before} -> {after}")


def apply_limits(config: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A copy of a resolved config under its own ``limits``, and one sentence per cap that bit.

    The caps on examples and alphas are applied where the data and the grid are made; see ``note_cap``.
    """
    config = copy.deepcopy(config)
    limits, caps = config["limits"], list[str]()
    for key, value in limits.items():
        least = 2 if key == "alphas" else 1
        if isinstance(value, int) and value < least:
            raise InputError(f"limits.{key}={value} must be at least {least}, or null for no cap")
    if limits["scale"] == CPU and (config.get("cpu") or {}).get("instead"):
        caps.append(f"recipe {config['cpu']['instead']}")
    _capped(config, "training.max_epochs", limits["epochs"], caps)
    _capped(config, "path.epochs", limits["epochs"], caps)
    # A line that starts at an epoch must start before the last one.
    _capped(config, "endpoints.epoch", None if limits["epochs"] is None else limits["epochs"] - 1, caps)
    _capped(config, "training.num_seeds", limits["seeds"], caps)
    widths = ["model.width", "model.widths", "model.dimension", "measurement.dimension"]
    ends = config.get("endpoints")
    if isinstance(ends, dict) and "start" in ends and "end" in ends:
        del widths[:3]  # the points that are given say how wide the model is
    for path in widths:
        _capped(config, path, limits["width"], caps)
    for key in ("num", "first", "second"):
        _shortened(config, key, limits["alphas"], caps)
    return config, caps


def _shortened(config: dict[str, Any], key: str, most: int | None, caps: list[str]) -> None:
    """Lower a number of points along an axis of a plane, or thin out the list of them."""
    node = config.get("measurement")
    given = node.get(key) if isinstance(node, dict) else None
    if most is None or not isinstance(node, dict) or isinstance(given, bool):
        return
    if isinstance(given, int) and given > most:
        node[key] = most
    elif isinstance(given, list) and len(given) > most and all(isinstance(v, int | float) for v in given):
        node[key] = thinned(np.array(given, dtype=np.float64), most).tolist()
    if node[key] != given if given is not None else False:
        before, after = ((len(v) if isinstance(v, list) else v) for v in (given, node[key]))
        caps.append(f"measurement.{key} {before} -> {after}")


def note_cap(caps: list[str], what: str, before: int | None, after: int | None) -> None:
    """Add a sentence if a cap changed a count; one that nobody knows beforehand it may have changed."""
    if after != before:
        caps.append(f"{what} {'not counted' if before is None else before} -> {after}")
