"""What can be refused before anything is trained: endpoints, a path and a budget of memory that do not fit the job."""

from __future__ import annotations

import copy
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from landscape.command.alignment import check_alignment
from landscape.data.dataset import Dataset
from landscape.data.stream import num_of
from landscape.endpoints import Ends, NoiseToSolution, OtherInitToSolution, ScaledStart, ZeroToSolution
from landscape.errors import InputError
from landscape.ground.precision import converted
from landscape.ground.words import chosen_as
from landscape.measurement import Network, OnPath, Pass
from landscape.objective.memory.footprint import MOST
from landscape.objective.memory.passes import MOST_CPU, TooLittle
from landscape.objective.module.template import unwrapped
from landscape.objective.slope import slope_passes
from landscape.parameters import ParameterLayout, beside
from landscape.path import Connection, LaidPlane, plane_kind
from landscape.training.connection import check_connection
from landscape.training.groups import check_training

log = logging.getLogger(__name__)


def check_endpoints(endpoints: Any, training: Mapping[str, Any], caps: Sequence[str]) -> None:
    """Raise InputError for endpoints that such a training does not give.

    Args:
        endpoints: as they were made.
        training: its config.
        caps: those that bit, one of which may be the reason.
    """
    with telling_caps(caps):
        if hasattr(endpoints, "check_epochs"):
            endpoints.check_epochs(training["max_epochs"])
        endpoints.check(training["num_seeds"])


CAPPED = {"training.num_seeds": "limits.seeds", "training.max_epochs": "limits.epochs"}


@contextmanager
def telling_caps(caps: Sequence[str]) -> Iterator[None]:
    """An InputError that asks for more of what was capped says so, and names the cap: the key alone changes nothing.

    Args:
        caps: those that bit.
    """
    try:
        yield
    except InputError as error:
        text = str(error)
        for key, limit in CAPPED.items():
            cap = next((cap for cap in caps if cap.startswith(key)), None)
            if cap is not None and key in text:
                text = re.sub(rf"run with {key}=(\d+)", rf"run with {limit}=\1 {key}=\1", text)
                text += f" ({limit} capped it: {cap}; raise {limit})"
        raise InputError(text) from None


def check_plane(
    measurement: Any, path: Any, endpoints: Any, training: Mapping[str, Any], caps: Sequence[str] = ()
) -> None:
    """Raise InputError where a plane is to be laid and the path is none, or the other way about.

    Args:
        measurement, path, endpoints: as they were made.
        training: its config.
        caps: those that bit, one of which may be the reason.
    """
    kind = plane_kind(path)
    if getattr(measurement, "lays_plane", False):
        is_split = training.get("snapshot_updates") is not None  # points within the first epoch may be enough
        with telling_caps(caps):
            measurement.check_plane(endpoints, path, max(training["max_epochs"], 2 * is_split))
    elif kind is not None:
        raise InputError(
            f"{kind.kind} is a plane, and measurement={chosen_as(type(measurement))} looks along a line; use "
            "measurement=surface, or path=linear"
        )
    if hasattr(measurement, "check_ends"):
        measurement.check_ends(endpoints)
    elif getattr(endpoints, "has_third", False) and not getattr(kind, "needs_third", False):
        raise InputError(
            "endpoints.third, or the third of endpoints=three_solutions, is the corner of a plane; use "
            "measurement=surface path=corners_plane, or measurement=plane, or leave it out"
        )


def check_path(subject: OnPath, endpoints: Any, batch_size: int) -> None:
    """Lay the path between stand-ins for its ends: what it wants of module and start is told before training.

    Args:
        batch_size: of the recipe's training.

    Raises:
        InputError: it cannot be made, or not from such a start, its bends cannot be trained, or its
            ends cannot be aligned as is wanted.
    """
    check_alignment(subject, endpoints)
    if isinstance(subject.path, Connection):
        check_curves(subject, subject.path, batch_size)
    layout = ParameterLayout.of(subject.module)
    if plane_kind(subject.path) is not None:
        lay_in_trial(subject, layout.num_parameters)
        return
    starts, like_init = [torch.ones(1, layout.num_parameters)], NoiseToSolution | OtherInitToSolution | ScaledStart
    if isinstance(endpoints, ZeroToSolution) or getattr(endpoints, "scale", None) == 0:
        starts.append(torch.zeros_like(starts[0]))
    elif getattr(endpoints, "starts_training", False) or isinstance(endpoints, like_init):
        starts.append(layout.theta(subject.module)[None])  # where theta_i has zeros, so have these
    try:
        for start in starts:
            subject.lay(start, torch.where(start == 0, 1, 2 * start))
    except InputError:
        raise
    except (TypeError, ValueError, RuntimeError, ArithmeticError) as error:
        raise InputError(f"path cannot be made: {error}; look at the keys under path") from error


def lay_in_trial(subject: OnPath, num_parameters: int) -> LaidPlane:
    """The plane between points that stand in for those to come.

    Raises:
        InputError: it cannot be laid there, and so nowhere.
    """
    generator, rows = torch.Generator().manual_seed(0), len(subject.ends.seeds)
    one, two, three = (torch.randn(rows, num_parameters, generator=generator, dtype=torch.float64) for _ in range(3))
    places = torch.eye(3, 2, dtype=torch.float64)
    axes, shares = torch.eye(2, num_parameters).double(), torch.full((3,), 1 / 3)
    run = SimpleNamespace(axes=axes, coordinates=places, shares=shares, beside=torch.zeros(3))
    try:
        plane: LaidPlane = subject.lay(
            one,
            two,
            theta_2=three,
            principal=lambda: [(run, np.arange(3.0)) for _ in range(rows)],
            leading=lambda: [(shares, axes, shares) for _ in range(rows)],
        )
    except InputError:
        raise
    except (TypeError, ValueError, RuntimeError, ArithmeticError) as error:
        raise InputError(f"path cannot be made: {error}; look at the keys under path") from error
    return plane


def check_curves(subject: OnPath, connection: Connection, batch_size: int) -> None:
    """Raise InputError unless the bends of such curves can be trained, and J be measured along them."""
    dataset, network, statistics = subject.dataset, subject.module, subject.trial.statistics
    if "train" in dataset.streams:
        raise InputError(
            f"data {dataset.name}: train comes as a stream, and bends are trained on examples by their numbers; give a "
            "map-style data set or tensors, use path=linear, or hold the examples in Python: ls.connect"
        )
    size = batch_size if connection.batch_size is None else connection.batch_size
    check_connection(connection, network, len(dataset.train), size)
    if statistics.interpolates:
        raise InputError(
            "objective.running_statistics=interpolate knows the statistics at the two ends of a line, and on a curve "
            "with bends the nets between are none of these; use recalibrate or keep"
        )
    if statistics.treatment == "interpolate":
        log.info("objective.running_statistics=interpolate does nothing: %s has none", type(network).__name__)
    few = dataset.train.first(min(8, len(dataset.train))).to(subject.device, torch.float32)
    check_training(converted(copy.deepcopy(unwrapped(network)), subject.device, torch.float32), subject.trial.cost, few)


def stand_in(network: Network) -> Ends:
    """One line per seed, from the module's own point to twice as far."""
    seeds, theta = network.seeds, ParameterLayout.of(network.module).theta(network.module)
    theta_0, theta_1 = (point.expand(len(seeds), -1) for point in (theta, 2 * theta))
    buffers = [beside(network.module)] * len(seeds)
    return Ends(theta_0, theta_1, [str(s) for s in seeds], seeds, buffers, [False] * len(seeds))


def check_trainable(dataset: Dataset, measurement: Any, training: Mapping[str, Any], caps: Sequence[str]) -> None:
    """Raise InputError for streams, which nothing here is trained on, and for too few saved points.

    Args:
        dataset: to train on.
        measurement: as it was made; ``least_points`` says how many saved points it needs, if that matters.
        training: its config.
        caps: those that bit, one of which may be the reason.
    """
    streams = [name for name in ("train", "valid") if name in dataset.streams]
    if streams:
        raise InputError(
            f"data {dataset.name}: {' and '.join(streams)} come as a stream, and training goes over examples by their "
            "numbers; train elsewhere and use endpoints=checkpoints or endpoints=run, or give a map-style data set "
            "that is not random and takes less than a quarter of free memory"
        )
    num, least = training["max_epochs"] + 1, getattr(measurement, "least_points", 0)
    if num < least and training.get("snapshot_updates") is None:
        with telling_caps(caps):
            raise InputError(
                f"measurement={chosen_as(type(measurement))} needs {least} saved points of training, and "
                f"training.max_epochs={num - 1} leaves {num}; train for {least - 1} epochs or more, or keep points "
                "within the first one: training.snapshot_updates=10"
            )


def check_room(network: Network, passes: list[Pass]) -> None:
    """Raise InputError if ``objective.memory`` is too little for one line per seed, before anything is trained.

    The least that it names will do for all that is to be evaluated: every pass of the measurement, its derivatives, and
    each solution on the test split.
    """
    kinds = dict.fromkeys([("test", "deterministic", 0), *((part.split, part.mode, part.order) for part in passes)])
    faults = []
    for name, mode, order in kinds:
        split = network.split(name)
        objective, num = network.objective_of(split.first(MOST), mode, seeds=network.seeds), num_of(split) or MOST_CPU
        try:
            slope_passes(objective, order, num) if order else objective.passes_for(num)
        except TooLittle as fault:
            faults.append(fault)
    if faults:
        raise max(faults, key=lambda fault: fault.least)
