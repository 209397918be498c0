"""The two ends of a path, and how to come by them."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from landscape.errors import InputError
from landscape.parameters import ParameterLayout, beside
from landscape.solutions import Solutions
from landscape.streams import ENDPOINT, stream


@dataclass(frozen=True)
class Ends:
    """Two ends of S lines.

    Args:
        theta_0, theta_1: [S, P]. labels: one per line, for legends. seeds: one per line, for dropout masks.
        buffers: one dict per line, the running statistics that belong to theta_1.
        diverged: per line, whether an end comes from a run that diverged.
        buffers_0: those that belong to theta_0; empty where there are none, as of a random point.
    """

    theta_0: Tensor
    theta_1: Tensor
    labels: list[str]
    seeds: list[int]
    buffers: list[dict[str, Tensor]]
    diverged: list[bool]
    buffers_0: list[dict[str, Tensor]] = field(default_factory=list)


def of_runs(solutions: Solutions, theta_0: Tensor, buffers_0: Sequence[dict[str, Tensor]] = ()) -> Ends:
    """One line per run, from theta_0 [S, P], where the buffers are buffers_0, to its best point."""
    return Ends(
        theta_0,
        solutions.theta_f,
        [str(seed) for seed in solutions.seeds],
        solutions.seeds,
        solutions.buffers,
        [status == "diverged" for status in solutions.status],
        list(buffers_0),
    )


class InitToSolution:
    """From each run's first point to its best point.

    Source: paper, section 3 and figures 1 to 4.
    """

    needs_solutions = True

    def check(self, num_seeds: int) -> None:
        """Any number of seeds will do."""

    def __call__(self, solutions: Solutions) -> Ends:
        """Solutions -> S lines."""
        return of_runs(solutions, solutions.theta_i, solutions.buffers_i)


class BetweenSolutions:
    """From one run's best point to another's: seeds 0 and 1, then 2 and 3, and so on.

    The dropout masks along a line are those of its first seed.

    Source: paper, section 4 and figure 5 left.
    """

    needs_solutions = True

    def check(self, num_seeds: int) -> None:
        """Raise InputError unless the seeds pair up."""
        if num_seeds < 2 or num_seeds % 2:
            raise InputError(
                f"endpoints=between_solutions needs seeds in pairs but training.num_seeds={num_seeds}; "
                f"run with training.num_seeds={num_seeds + 1}"
            )

    def __call__(self, solutions: Solutions) -> Ends:
        """Solutions -> S/2 lines."""
        num_seeds = len(solutions.seeds)
        self.check(num_seeds)
        first, second = range(0, num_seeds, 2), range(1, num_seeds, 2)
        return Ends(
            solutions.theta_f[list(first)],
            solutions.theta_f[list(second)],
            [f"{solutions.seeds[a]}-{solutions.seeds[b]}" for a, b in zip(first, second, strict=True)],
            [solutions.seeds[a] for a in first],
            [solutions.buffers[b] for b in second],
            ["diverged" in (solutions.status[a], solutions.status[b]) for a, b in zip(first, second, strict=True)],
            [solutions.buffers[a] for a in first],
        )


class RandomToSolution:
    """From a point N(0, scale^2 I) to each run's best point.

    Args:
        scale: standard deviation of every coordinate.

    Source: paper, figure 5 right.
    """

    needs_solutions = True

    def __init__(self, scale: float = 1.0) -> None:
        if not 0 < scale < float("inf"):
            raise InputError(f"endpoints.scale={scale} must be positive and finite")
        self.scale = scale

    def check(self, num_seeds: int) -> None:
        """Any number of seeds will do."""

    def __call__(self, solutions: Solutions) -> Ends:
        """Solutions -> S lines."""
        end = solutions.theta_f
        random = torch.stack([torch.randn(end.shape[1], generator=stream(s, ENDPOINT)) for s in solutions.seeds])
        return of_runs(solutions, self.scale * random.to(end.dtype))


class Points:
    """From one given point to another: no training.

    Args:
        start, end: theta as a flat list of P numbers, in the order of the module's parameters.
    """

    needs_solutions = False

    def __init__(self, start: Sequence[float], end: Sequence[float]) -> None:
        try:
            self.start, self.end = ([float(number) for number in point] for point in (start, end))
        except (TypeError, ValueError) as error:
            raise InputError(f"endpoints.start={start} and endpoints.end={end} must be lists of numbers") from error

    def check(self, num_seeds: int) -> None:
        """Raise InputError unless both are finite and differ."""
        for key in ("start", "end"):
            if not torch.isfinite(torch.tensor(getattr(self, key), dtype=torch.float64)).all():
                raise InputError(f"endpoints.{key}={getattr(self, key)} must hold finite numbers")
        if self.start == self.end:
            raise InputError(f"endpoints.start and endpoints.end are the same point {self.end}; a line needs two")

    def load(self, module: nn.Module) -> Ends:
        """One line for this module's layout, in float64."""
        layout = ParameterLayout.of(module)
        for key in ("start", "end"):
            if len(getattr(self, key)) != layout.num_parameters:
                raise InputError(
                    f"endpoints.{key} has {len(getattr(self, key))} numbers but model={type(module).__name__} has "
                    f"{layout.num_parameters} parameters; give one number per parameter"
                )
        start, end = (torch.tensor([point], dtype=torch.float64) for point in (self.start, self.end))
        return Ends(start, end, ["0"], [0], [dict(module.named_buffers())], [False])


class Checkpoints:
    """From one saved state dict to another: no training.

    Args:
        start, end: files written by ``torch.save(module.state_dict(), file)``; a dict with a ``state_dict`` entry
            and names that begin with ``module.`` (DistributedDataParallel) are understood too.
    """

    needs_solutions = False

    def __init__(self, start: str, end: str) -> None:
        self.start, self.end = start, end

    def check(self, num_seeds: int) -> None:
        """Raise InputError unless both files exist."""
        for key in ("start", "end"):
            if not Path(getattr(self, key)).is_file():
                raise InputError(f"endpoints.{key}={getattr(self, key)} is no file; give a saved state dict")

    def load(self, module: nn.Module) -> Ends:
        """One line for this module's layout."""
        self.check(1)
        layout = ParameterLayout.of(module)
        thetas, buffers = [], list[dict[str, Tensor]]()
        for key in ("start", "end"):
            state = _state_dict(getattr(self, key), key)
            if not any(name in state for name in layout.names):
                state = {name.removeprefix("module."): value for name, value in state.items()}
            for name, shape in zip(layout.names, layout.shapes, strict=True):
                if name not in state or tuple(state[name].shape) != shape:
                    found = f"shape {tuple(state[name].shape)}" if name in state else "nothing"
                    raise InputError(
                        f"endpoints.{key}={getattr(self, key)} has {found} for parameter {name}, but "
                        f"model={type(module).__name__} needs shape {shape}; use the model that was saved"
                    )
            thetas.append(layout.flatten({n: state[n] for n in layout.names})[None])
            buffers.append({n: state[n] for n in beside(module) if n in state})
        return Ends(thetas[0], thetas[1], ["0"], [0], [buffers[1]], [False], [buffers[0]])


def _state_dict(file: str, key: str) -> Mapping[str, Tensor]:
    try:
        state = torch.load(file, weights_only=True, map_location="cpu")
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"endpoints.{key}={file} is no state dict that torch.load(weights_only=True) can read ({reason}); "
            "save module.state_dict(), not the module"
        ) from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict):
        raise InputError(f"endpoints.{key}={file} holds a {type(state).__name__}, not a state dict")
    return {name: value for name, value in state.items() if isinstance(value, Tensor)}
