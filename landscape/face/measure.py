"""J along a line, on a plane or at the points of a training, of any module, data and cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal, Unpack, overload

import numpy as np
import torch
from torch import nn

from landscape.alphas import SAME, Adaptive, checked, evenly, explicit, with_positions
from landscape.data.dataset import Dataset
from landscape.errors import InputError
from landscape.face.data import check_kinds, examples_of, held, objective_of
from landscape.face.places import Place, R, TrajectoryOf
from landscape.face.planes import PlaneAlong
from landscape.face.run import projection_of
from landscape.face.settings import Settings
from landscape.face.stage import laid
from landscape.face.words import translated
from landscape.ground.progress import bars
from landscape.measurement.grid import surfaces_on
from landscape.measurement.interpolation import MODES, Interpolation
from landscape.measurement.stages import OnPath
from landscape.objective.curvature import leading_directions
from landscape.objective.interim import Interim
from landscape.objective.module.watch import undisturbed
from landscape.path import LaidPlane
from landscape.result.curve import Curve, Projection, Surface

NUM_ON_LINE, NUM_ON_AXIS = 51, 25
Named = Mapping[Literal["train", "valid", "test"], Any] | Dataset


@overload
def measure(net: nn.Module, path: Place[R], data: Named, cost: Any, **settings: Unpack[Settings]) -> dict[str, R]: ...
@overload
def measure(
    net: nn.Module, path: Place[R], data: Mapping[str, Any], cost: Any, **settings: Unpack[Settings]
) -> Any: ...
@overload
def measure(net: nn.Module, path: Place[R], data: Any, cost: Any, **settings: Unpack[Settings]) -> R: ...
@overload
def measure(net: nn.Module, path: Any, data: Any, cost: Any, **settings: Unpack[Settings]) -> Any: ...


@undisturbed()
def measure(
    net: nn.Module,
    path: Any,
    data: Any,
    cost: Any,
    *,
    alphas: Any = None,
    mode: str = "deterministic",
    seeds: Sequence[int] | None = None,
    num_replicates: int = 1,
    slopes: int = 0,
    noise: bool = True,
    dtype: str | torch.dtype = "float32",
    device: torch.device | str = "auto",
    batch_size: int | None = None,
    memory: str | int | None = None,
    running_statistics: str | None = None,
    calibration: Any = None,
    call: Callable[[nn.Module, Any], Any] | None = None,
    num_examples: int | None = None,
    progress: bool | None = None,
    resume: str | Path | None = None,
    tolerance: float | None = None,
) -> Any:
    """J, the mean cost per example over all of the data, at every point of a line, a plane or a trajectory.

    The net is a template: its own parameters, buffers, modes and hooks are never touched, nor are global random
    numbers. All points share one pass over the data, but for those of a trajectory that have running statistics of
    their own: there each takes one.

    Args:
        net: any module; what it maps its inputs to is what the cost takes. A tensor is its one argument, a tuple gives
            several, a dict those that ``forward`` takes.
        path: ``line(a, b)``, ``plane(...)``, ``trajectory(...)``, what ``connect`` returns, or a path of
            ``landscape.path`` with theta [S, P].
        data: (x, y), a dict or tuple of tensors, a map-style ``Dataset``, which is read once; a ``DataLoader`` or
            whatever else yields batches, which is streamed; or several of them by the names ``train``, ``valid`` and
            ``test``.
        cost: a loss of torch's, a module or function (outputs, y); a function of yours that gives a value per example;
            or a cost of ``landscape.cost``.
        alphas: positions on the path; or how many, evenly from 0 to 1 on a line (51 if not given), along each axis of a
            plane (25), to which the places of its points are added; of a plane also two lists, one for each axis. A
            trajectory has its own.
        mode: ``"deterministic"``, in evaluation mode; or ``"stochastic"``, the training cost with its dropout, the same
            masks at every point.
        seeds: of the masks, one per row of theta.
        num_replicates: masks to average over, per example, where the mode is stochastic.
        slopes: 1 for J'(alpha) as the metric ``slope``, 2 for J''(alpha) too.
        noise: also measure what J owes to rounding and to its examples.
        dtype: precision of the forward pass, ``"float32"`` or ``"float64"``.
        device: where to compute; ``"auto"``: where the net lies.
        batch_size: examples per forward pass; None: as many as are quick.
        memory: bytes to use at most, ``"2GiB"`` or ``"25%"`` of what is free, the default.
        running_statistics: what becomes of batch norm's means and variances along the path: ``"keep"`` those of the
            end of a line, of the last point of a plane unless ``plane(..., statistics="a")`` names another;
            ``"interpolate"`` on a line; or ``"recalibrate"`` over the training data. At the points of a trajectory None
            takes each point's own, and one pass over the data for each.
        call: (module, inputs) -> outputs, where the net is called in another way.
        calibration: examples that statistics are taken over where they are recalibrated, held in memory; None: the
            training data.
        num_examples: the first so many of the data, in their own order; None: all.
        progress: False for no progress bar; else there is one in terminals and notebooks.
        resume: a file that keeps what is known of a line or plane over streamed examples until it is done: the same
            call goes on there after it was cut, to the same bits. Of several examples by name, or modes, each has its
            own beside it.
        tolerance: by how much J may be off, as a share of its spread on the path, ``1e-3``: at most points it is then
            an estimate from a part of the examples, whose stated error is ``noise["bound"]``, 0 at the points that all
            examples were evaluated at. Pays with many examples and many points. None: all examples at every point, as
            at those of a trajectory always, where it is refused.

    Returns:
        A ``Curve`` on a line, a ``Surface`` on a plane, a ``Projection`` with J at every point of a trajectory; where
        data came by names, a dict of them.

    Raises:
        InputError: something that cannot be measured, in one sentence, before any work.

    >>> import torch, landscape as ls
    >>> net = torch.nn.Linear(2, 1)
    >>> x = torch.tensor([[1.0, 0.0], [0.0, 1.0]]); y = x.sum(dim=1, keepdim=True)
    >>> flat = ls.line(torch.zeros(3), torch.tensor([1.0, 1.0, 0.0]))  # two weights and a bias
    >>> curve = ls.measure(net, flat, data=(x, y), cost=torch.nn.MSELoss(), alphas=3)
    >>> curve.objective[:, 0].tolist()
    [1.0, 0.25, 0.0]
    """
    with translated(), bars(progress is not False):
        _check(net, mode, noise, progress)
        if call is not None and not callable(call):
            raise InputError(f"call={call!r} must be a function (net, inputs) -> outputs")
        if resume is not None:
            Interim(resume)  # refuses a folder that is not there, also where nothing will have to be kept
        check_kinds(data, cost)
        dataset, names = examples_of(data, num_examples)
        if running_statistics == "recalibrate" and names and "train" not in names and calibration is None:
            raise InputError(
                "running_statistics=recalibrate needs the training data: data={'train': ..., ...}, or calibration=..."
            )
        taken = dataset.train if calibration is None else held(calibration)
        place = device_for(net, device)
        kind = str(dtype).removeprefix("torch.")
        settings: dict[str, Any] = {
            "dtype": kind,
            "batch_size": batch_size,
            "device": place,
            "memory": memory,
            "mode": mode,
            "tolerance": tolerance,
        }
        settings |= {"num_replicates": num_replicates, "running_statistics": running_statistics, "call": call}
        objective = partial(objective_of, calibration=taken, **settings)
        network = {"device": place, "module": net, "cost": cost, "dataset": dataset, "objective": objective}
        network |= {"optimizer": torch.optim.SGD, "interim": partial(_interim, resume, bool(names))}
        chosen, found = names or ["train"], dict[str, Any]()
        if isinstance(path, TrajectoryOf):
            _refuse("a trajectory", alphas=alphas, slopes=slopes or None, seeds=seeds, resume=resume)
            if tolerance is not None:
                raise InputError(
                    f"tolerance={tolerance} is of J along a line or on a plane, and the points of a trajectory are all "
                    "evaluated in full; leave it out"
                )
            found = projection_of(path, network, mode, chosen, running_statistics)
        else:
            here = laid(path, net, partial(_axes, alphas), seeds, partial(_leading, net, cost, dataset, objective))
            where = _positions(alphas) if here.grid is None else np.arange(1.0)
            adaptive = where if isinstance(where, Adaptive) else None
            stage = OnPath(
                **network,
                seeds=here.ends.seeds,
                ends=here.ends,
                alphas=where.start if isinstance(where, Adaptive) else where,
                path=here.path,
                adaptive=adaptive,
            )
            if here.grid is not None:
                _refuse("a plane", slopes=slopes or None)
                found = {name: surfaces_on(stage, here.grid, name, [mode], noise)[0] for name in chosen}
                if isinstance(path, PlaneAlong):
                    runs = projection_of(path.run, network, mode, chosen, running_statistics)
                    found = {
                        name: replace(surface, path=here.grid.plane.path | {"objective": runs[name].objective})
                        for name, surface in found.items()
                    }
            else:
                along = Interpolation(chosen, [mode], slopes, noise)
                if here.has_slopes:
                    along.check(stage)
                curves = along(stage).curves
                found = {name: curves[f"{name}/{mode}"] for name in chosen}
        return found if names else _unnamed(found["train"])


def _interim(resume: str | Path | None, is_one_of_several: bool, name: str) -> Path | None:
    """The file that keeps the sums of one curve."""
    if resume is None:
        return None
    file = Path(resume)
    return file.with_name(f"{file.name}.{name}") if is_one_of_several else file


def _unnamed(found: Curve | Surface | Projection) -> Curve | Surface | Projection:
    """Of examples that nobody has called the training's."""
    return found if isinstance(found, Projection) else replace(found, split="data")


def _check(net: Any, mode: str, noise: bool, progress: bool | None) -> None:
    if not isinstance(net, nn.Module):
        raise InputError(f"net came as {type(net).__name__}; give the module that the points are parameters of")
    if mode not in MODES:
        raise InputError(f"mode={mode!r} must be one of {', '.join(MODES)}")
    for name, value in (("noise", noise), ("progress", progress)):
        if not isinstance(value, bool) and (name, value) != ("progress", None):
            raise InputError(f"{name}={value!r} must be True or False")


def _refuse(what: str, **given: Any) -> None:
    for name, value in given.items():
        if value is not None:
            raise InputError(f"{name}={value} means nothing on {what}; leave it out")


def _positions(alphas: Any) -> Any:
    """Positions on a line [A], or how an adaptive grid is refined."""
    if isinstance(alphas, Adaptive):
        return alphas
    return _axis(alphas, 0.0, 1.0, NUM_ON_LINE)


def _axes(alphas: Any, plane: LaidPlane) -> tuple[Any, Any]:
    """Positions along both axes of a plane: two lists, one for both, or so many evenly over what the plane says."""
    lists = (list, tuple, np.ndarray, torch.Tensor)
    has_lists = isinstance(alphas, list | tuple) and any(isinstance(part, lists) for part in alphas)
    is_pair = has_lists and len(alphas) == 2 and all(isinstance(part, lists) for part in alphas)
    if has_lists and not is_pair:
        told = " ".join(repr(alphas).split())[:60]
        raise InputError(
            f"alphas={told} must be a whole number of points along each axis, one flat list for both, or a pair of "
            "lists, one for each axis"
        )
    both = zip(alphas if is_pair else (alphas, alphas), plane.extent, plane.positions, strict=True)
    first, second = (_axis(own, *extent, among=at) for own, extent, at in both)
    return first, second


def _leading(
    net: nn.Module, cost: Any, dataset: Any, objective: Any, theta: torch.Tensor, buffers: dict[str, torch.Tensor]
) -> tuple[Any, torch.Tensor, Any]:
    """The leading eigenvectors of J over the training data at a point, in float64."""
    own = {"buffers": [buffers], "dtype": "float64", "mode": "deterministic"}
    return leading_directions(objective(net, cost, dataset.train, **own), theta.double(), 2)


def _axis(alphas: Any, first: float, last: float, usual: int = NUM_ON_AXIS, among: Sequence[float] = (0.0, 1.0)) -> Any:
    """Positions [A] as given, or so many evenly, with some among them."""
    if alphas is None:
        return with_positions(evenly(first, last, usual), among, SAME)
    if isinstance(alphas, str | bool | Adaptive) or (isinstance(alphas, Real) and not isinstance(alphas, Integral)):
        raise InputError(f"alphas={alphas!r} must be a whole number of points, or a list of their positions")
    if isinstance(alphas, Integral):
        if alphas < 2:
            raise InputError(f"alphas={alphas} is too few; give 2 points or more, or a list of their positions")
        return with_positions(evenly(first, last, int(alphas)), among, SAME)
    try:
        positions = explicit(alphas)
    except InputError:
        positions = None
    if positions is None or positions.ndim != 1 or not len(positions):
        told = " ".join(repr(alphas).split())[:60]
        raise InputError(f"alphas={told} must be a whole number of points, or one flat list of their positions")
    return checked(positions)


def device_for(net: nn.Module, device: Any) -> torch.device:
    """Where to compute; ``"auto"``: where the net lies."""
    if isinstance(device, str) and device == "auto":
        return next((p.device for p in net.parameters()), torch.device("cpu"))
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"device={device!r} cannot be used here ({reason}); leave it out to stay where the net is"
        ) from error
