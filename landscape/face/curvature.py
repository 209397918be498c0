"""Eigenvalues of the Hessian of J and the noise of its gradient, along a line, at the points of a training, at one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from landscape.endpoints import Ends
from landscape.errors import InputError
from landscape.face.data import check_kinds, examples_of, objective_of
from landscape.face.measure import _axis, _check, device_for
from landscape.face.places import TrajectoryOf
from landscape.face.points import Reading
from landscape.face.run import ALIKE, read
from landscape.face.stage import laid
from landscape.face.words import translated
from landscape.ground.progress import bars, progress_of
from landscape.measurement.curvature import Curvature
from landscape.measurement.grid import is_alike
from landscape.measurement.point_curvature import PointCurvature
from landscape.measurement.stages import Network, OnPath
from landscape.objective.module.watch import undisturbed
from landscape.objective.objective import Objective
from landscape.result.curve import Curve, Projection
from landscape.store.trajectory import project

NUM_ON_LINE = 11


@undisturbed()
def curvature(
    net: nn.Module,
    place: Any,
    data: Any,
    cost: Any,
    *,
    alphas: Any = None,
    num: int = 3,
    num_lowest: int = 1,
    trace: int = 120,
    density: bool = False,
    noise: bool = True,
    tolerance: float = 1e-6,
    mode: str = "deterministic",
    seeds: Sequence[int] | None = None,
    dtype: str | torch.dtype = "float64",
    device: torch.device | str = "auto",
    batch_size: int | None = None,
    memory: str | int | None = None,
    running_statistics: str | None = None,
    call: Callable[[nn.Module, Any], Any] | None = None,
    num_examples: int | None = None,
    progress: bool | None = None,
) -> Any:
    """The ends of the spectrum of the Hessian of J, and the noise of its gradient, at every point of a place.

    J is that of ``measure``: the mean cost per example over all of the data. Needs curvlinops,
    ``pip install 'landscape-walk[curvature]'``.

    Args:
        net: any module whose outputs and cost have second derivatives.
        place: ``line(a, b)``, a path of ``landscape.path``, ``trajectory(...)``, or one point: a module, a state dict,
            a checkpoint or a flat tensor.
        data: as of ``measure``; what comes in batches is read once and held.
        cost: as of ``measure``.
        alphas: positions on a line, or how many evenly from 0 to 1; 11 if not given.
        num: leading eigenvalues.
        num_lowest: lowest ones.
        trace: products of the Hessian that its trace is estimated with; 0: no trace.
        density: also the density of all eigenvalues, as ``spectrum`` of what is returned.
        noise: also the variance of the examples' own gradients.
        tolerance: |H v - lambda v| relative to lambda.
        mode: ``"deterministic"``, or ``"stochastic"`` under masks that stay.
        seeds: of the masks, one per row of theta.
        dtype: precision, ``"float64"`` or ``"float32"``, which is quicker.
        device, batch_size, memory, running_statistics, call, progress: as of ``measure``; running statistics are
            kept, or at the points of a trajectory each point's own.
        num_examples: the first so many of the data; None: all.

    Returns:
        A ``Curve`` on a line and at one point, a ``Projection`` of a trajectory, with these as ``metrics``:
        ``lambda_max``, ``lambda_2`` ..., ``lambda_min``, each with its ``_error``, |H v - lambda v|; ``trace`` with its
        standard error; ``gradient_norm``; ``gradient_variance``, tr Sigma over the examples, and ``noise_scale``,
        tr Sigma / |g|²; ``gradient_curvature`` along g; ``cosine`` of -g to the line and ``line_curvature`` along it.
        Where data came by names, a dict of them.

    Raises:
        InputError: what has no curvature that can be measured, in one sentence, before any work.

    Source: curvlinops (Hessian products, Hutch++ trace, Papyan's density); McCandlish et al. 2018, the noise scale.

    >>> import torch, landscape as ls
    >>> net = torch.nn.Linear(2, 1, bias=False)
    >>> x = torch.tensor([[2.0, 0.0], [0.0, 1.0]]); y = x.sum(dim=1, keepdim=True)
    >>> found = ls.curvature(net, torch.zeros(2), data=(x, y), cost=torch.nn.MSELoss())  # J = (4 u² + v²) / 2
    >>> found.metrics["lambda_max"][0].round(6).tolist(), found.metrics["lambda_min"][0].round(6).tolist()
    ([4.0], [1.0])
    """
    with translated(), bars(progress is not False):
        _check(net, mode, noise, progress)
        if call is not None and not callable(call):
            raise InputError(f"call={call!r} must be a function (net, inputs) -> outputs")
        check_kinds(data, cost)
        dataset, names = examples_of(data, num_examples)
        where, kind = device_for(net, device), str(dtype).removeprefix("torch.")
        settings: dict[str, Any] = {"batch_size": batch_size, "device": where, "memory": memory, "call": call}
        running = running_statistics or ("keep" if isinstance(place, TrajectoryOf) else None)
        objective = partial(objective_of, **settings, running_statistics=running, calibration=dataset.train)
        network = {"device": where, "module": net, "cost": cost, "dataset": dataset, "objective": objective}
        network |= {"optimizer": torch.optim.SGD}
        chosen = names or ["train"]
        numbers: dict[str, Any] = {
            "num": num,
            "num_lowest": num_lowest,
            "trace": trace,
            "density": density,
            "noise": noise,
        }
        numbers |= {"tolerance": tolerance, "dtype": kind}
        found: Mapping[str, Curve | Projection]
        if isinstance(place, TrajectoryOf):
            for name, value in (("alphas", alphas), ("seeds", seeds)):
                if value is not None:
                    raise InputError(f"{name}={value} means nothing on a trajectory; leave it out")
            point = PointCurvature(**numbers)
            stage = Network(seeds=[0], **network)
            point.check(stage, chosen, [mode], "ls.curvature")
            found = _of_run(place, stage, point, chosen, mode, running_statistics is None)
        else:
            stage = _on_path(net, place, network, alphas, seeds)
            along = Curvature(chosen, [mode], **numbers)
            along.point.check(stage, chosen, [mode], "ls.curvature")
            curves = along(stage).curves
            found = {name: curves[f"{name}/{mode}"] for name in chosen}
            if not names:
                found = {"train": replace(curves[f"train/{mode}"], split="data")}
        return dict(found) if names else found["train"]


def _on_path(net: nn.Module, place: Any, network: dict[str, Any], alphas: Any, seeds: Any) -> OnPath:
    """The net on a line, or at one point."""
    if isinstance(place, str | Path | Tensor | Mapping | nn.Module):
        if alphas is not None:
            raise InputError(f"alphas={alphas} means nothing at one point; leave it out")
        [(theta, buffers)] = Reading.of("ls.curvature", 1, None, (), None).points([place], ["place"], net)
        ends = Ends(theta[None], theta[None], ["0"], list(seeds or [0]), [buffers], [False])
        return OnPath(**network, seeds=ends.seeds, ends=ends, alphas=np.zeros(1), path=lambda a, b: lambda alpha: b)
    here = laid(place, net, lambda plane: (np.zeros(1), np.zeros(1)), seeds)
    if here.grid is not None:
        raise InputError(
            "ls.curvature takes a line, a trajectory or one point, and this is a plane; give one of its points"
        )
    where = _axis(alphas, 0.0, 1.0, NUM_ON_LINE)
    return OnPath(**network, seeds=here.ends.seeds, ends=here.ends, alphas=where, path=here.path)


def _of_run(
    run: TrajectoryOf, stage: Network, point: PointCurvature, names: Sequence[str], mode: str, has_own: bool
) -> dict[str, Projection]:
    """The points of a training, with what was measured at each.

    Args:
        has_own: each point has its own running statistics; else those of the last.
    """
    with tempfile.TemporaryDirectory(prefix="landscape-") as folder:
        points, buffers = read(run, stage.module, Path(folder))
        thetas = [points.theta(t)[0].double() for t in range(len(run))]
        first, last = (theta[None].numpy() for theta in (thetas[0], thetas[-1]))
        if np.array_equal(first, last):
            raise InputError(f"the first and the last point hold the same parameters{ALIKE}")
        track = project([points], first, last, [int(points.epochs[-1])])
        found = {}
        for name in names:
            own = {"seeds": [0], "buffers": buffers[-1:], "dtype": point.dtype}
            end = stage.objective_of(point.examples(stage, name), mode, **own)
            apart = has_own and not all(is_alike(one, buffers[-1]) for one in buffers)
            each = [end.on(buffers=[one]) if apart else end for one in buffers]
            known = [t for t, theta in enumerate(thetas) if theta.isfinite().all()]
            values = np.full((len(thetas), 1), np.nan)
            for t in known:
                values[t, 0] = float(each[t](thetas[t][None])[0])

            def at(t: int, _: int, each: list[Objective] = each) -> tuple[Objective, int, Tensor, Tensor | None]:
                return each[t], 0, thetas[t], thetas[-1] - thetas[0]

            with progress_of(f"{name} {mode} curvature", len(known)) as progress:
                metrics, spectrum = point.walk([(t, 0) for t in known], at, values, progress)
            found[name] = replace(track, objective=values, metrics=metrics, spectrum=spectrum)
        return found
