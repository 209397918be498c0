"""What can be refused before anything is trained: endpoints, a path and a budget of memory that do not fit the job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from landscape.command.alignment import check_alignment
from landscape.data.dataset import Dataset
from landscape.data.stream import num_of
from landscape.endpoints import Ends, NoiseToSolution, OtherInitToSolution, ZeroToSolution
from landscape.errors import InputError
from landscape.measurement import Network, OnPath, Pass
from landscape.objective.memory.footprint import MOST
from landscape.objective.memory.passes import MOST_CPU, TooLittle
from landscape.objective.slope import slope_passes
from landscape.parameters import ParameterLayout, beside


def check_endpoints(endpoints: Any, training: Mapping[str, Any], caps: Sequence[str]) -> None:
    """Raise InputError for endpoints that such a training does not give.

    Args:
        endpoints: as they were made.
        training: its config.
        caps: those that bit, one of which may be the reason.
    """
    if hasattr(endpoints, "check_epochs"):
        endpoints.check_epochs(training["max_epochs"])
    try:
        endpoints.check(training["num_seeds"])
    except InputError as error:
        seeds = [cap for cap in caps if cap.startswith("training.num_seeds")]
        cap = next(iter(seeds), None) if endpoints.needs_solutions else None
        raise InputError(f"{error} (limits.seeds capped it: {cap}; raise limits.seeds)" if cap else error) from None


def check_path(subject: OnPath, endpoints: Any) -> None:
    """Lay the path between stand-ins for its ends: what it wants of module and start is told before training.

    Raises:
        InputError: it cannot be made, not from such a start, or its ends cannot be aligned as is wanted.
    """
    check_alignment(subject, endpoints)
    layout = ParameterLayout.of(subject.module)
    starts = [torch.ones(1, layout.num_parameters)]
    if isinstance(endpoints, ZeroToSolution):
        starts.append(torch.zeros_like(starts[0]))
    elif getattr(endpoints, "starts_training", False) or isinstance(endpoints, NoiseToSolution | OtherInitToSolution):
        starts.append(layout.theta(subject.module))  # where theta_i has zeros, so have noise and another init
    try:
        for start in starts:
            subject.lay(start, torch.where(start == 0, 1, 2 * start))
    except InputError:
        raise
    except (TypeError, ValueError, RuntimeError, ArithmeticError) as error:
        raise InputError(f"path cannot be made: {error}; look at the keys under path") from error


def stand_in(network: Network) -> Ends:
    """One line per seed, from the module's own point to twice as far."""
    seeds, theta = network.seeds, ParameterLayout.of(network.module).theta(network.module)
    theta_0, theta_1 = (point.expand(len(seeds), -1) for point in (theta, 2 * theta))
    buffers = [beside(network.module)] * len(seeds)
    return Ends(theta_0, theta_1, [str(s) for s in seeds], seeds, buffers, [False] * len(seeds))


def check_trainable(dataset: Dataset) -> None:
    """Raise InputError for streams, which nothing here is trained on."""
    streams = [name for name in ("train", "valid") if name in dataset.streams]
    if streams:
        raise InputError(
            f"data {dataset.name}: {' and '.join(streams)} come as a stream, and training goes over examples by their "
            "numbers; train elsewhere and use endpoints=checkpoints or endpoints=run, or give a map-style data set "
            "that is not random and takes less than a quarter of free memory"
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
