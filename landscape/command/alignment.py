"""The second end of each line brought near the first, where ``endpoints.align`` says so."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from landscape.endpoints import Ends
from landscape.endpoints.align import Align
from landscape.endpoints.aligned import align_ends
from landscape.errors import InputError
from landscape.measurement import Network
from landscape.symmetry.align import Alignment
from landscape.symmetry.check import check_axes
from landscape.symmetry.find import axes_of
from landscape.symmetry.given import axes_from
from landscape.symmetry.net import Net
from landscape.symmetry.saved import write

log = logging.getLogger(__name__)

FILE = "alignment.npz"
"""In the folder of a job: the permutations of each line."""


def alignment_of(network: Network, how: Align) -> Alignment:
    """How the ends of this network are aligned, as far as it is known before anything is trained.

    Raises:
        InputError: the axes are not found, or wrong, or the network cannot be aligned in this way.
    """
    assert how.by is not None
    call = network.trial.forward.form.call
    net = Net.over(network.module, network.split("train"), network.cost, call, network.device)
    try:
        axes = axes_of(network.module, net.few, net.call) if how.axes is None else axes_from(how.axes, network.module)
        check_axes(network.module, axes, net.few, net.call)
        alignment = Alignment(net, axes, how.by, how.rescale, how.starts)
        alignment.check()
    except InputError as error:
        raise InputError(f"endpoints.align={how.by}: {error}") from error
    return alignment


def check_alignment(network: Network, endpoints: Any) -> None:
    """Raise InputError where the ends are to be aligned and cannot be, before anything is trained."""
    how: Align | None = getattr(endpoints, "align", None)
    if how is None:
        return
    if how.by is None:
        if how.axes is not None:  # another job of a sweep may align, and a wrong file is wrong in all
            axes_from(how.axes, network.module)
        return
    if getattr(endpoints, "has_third", False):
        raise InputError(
            f"endpoints.align={how.by} brings the second end of a line near the first, and endpoints.third is a third "
            "point; leave one of them out"
        )
    alignment_of(network, how)


def aligned(network: Network, endpoints: Any, ends: Ends, folder: Path | None) -> Ends:
    """The ends, aligned where that is wanted; the permutations are kept in the job's folder."""
    how: Align | None = getattr(endpoints, "align", None)
    if how is not None and (keys := how.idle):
        told = " and ".join(f"endpoints.{key}" for key in keys)
        log.info("%s: nothing changes by it where endpoints.align=%s", told, how.by or "null")
    if how is None or how.by is None:
        return ends
    changed, found = align_ends(ends, alignment_of(network, how), how.seed)
    if folder is not None:
        write(folder / FILE, {label: one.permutations for label, one in found.items()}, changed.numbers)
    return changed
