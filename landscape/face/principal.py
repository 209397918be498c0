"""A training along its own principal axes, beside what a random walk would explain."""

from __future__ import annotations

import tempfile
from pathlib import Path

from torch import nn

from landscape.errors import InputError
from landscape.face.places import TrajectoryOf
from landscape.face.run import read
from landscape.face.words import translated
from landscape.ground.progress import bars
from landscape.measurement.principal import ORIGINS, components_of
from landscape.objective.module.watch import undisturbed
from landscape.result.curve import Components


@undisturbed()
def principal(net: nn.Module, run: TrajectoryOf, origin: str = "mean", *, progress: bool | None = None) -> Components:
    """The points of a trajectory along their two leading principal axes, and what each axis explains.

    A random walk in many dimensions has most of its variance in two axes as well, whatever it walks through: what they
    explain of it stands beside what they explain of the run.

    Args:
        net: a template for the names of the parameters, which is not touched.
        run: ``trajectory(...)`` of three points or more.
        origin: what the axes go through: ``"mean"``, of the points; or ``"end"``, the last of them.
        progress: False for no progress bar.

    Returns:
        ``Components``, which prints as a table, draws itself by ``plot()``, and has its numbers in ``summary()``.

    Raises:
        InputError: fewer than three points that are finite, points that are all the same, or a net of one parameter.

    >>> import torch, landscape as ls
    >>> net = torch.nn.Linear(2, 1, bias=False)
    >>> corners = [torch.tensor(point) for point in ([-3.0, 0.0], [0.0, 1.0], [3.0, 0.0], [0.0, -1.0])]
    >>> axes = ls.principal(net, ls.trajectory(corners))
    >>> axes.shares[:2, 0].round(6).tolist()  # 18 of 20, and 2 of 20
    [0.9, 0.1]
    """
    with translated(), bars(progress is not False):
        if not isinstance(net, nn.Module):
            raise InputError(f"net came as {type(net).__name__}; give the module that the points are parameters of")
        if not isinstance(run, TrajectoryOf):
            raise InputError(
                f"run came as {type(run).__name__}; give ls.trajectory(...) of a folder or a list of points"
            )
        if origin not in ORIGINS:
            raise InputError(f"origin={origin!r} must be one of {', '.join(ORIGINS)}")
        with tempfile.TemporaryDirectory(prefix="landscape-") as folder:
            points, _ = read(run, net, Path(folder))
            return components_of(points, points.theta(len(run) - 1)[0] if origin == "end" else None)
