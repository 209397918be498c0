"""Where to look, as somebody says it: a line or a trajectory through points that are read when measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from torch import Tensor, nn

from landscape.endpoints.listing import paths_in
from landscape.errors import InputError
from landscape.face.points import Reading
from landscape.result.curve import Curve, Projection

R = TypeVar("R")

PATHS = ("linear", "geometric", "bias_schedule")


class Place(Generic[R]):
    """Where to look; what is measured there is an ``R``."""


@dataclass(frozen=True, eq=False)
class LineBetween(Place[Curve]):
    """From one point to another; see ``line``."""

    points: tuple[Any, Any]
    path: str
    reading: Reading

    def __repr__(self) -> str:
        return f"{self.path} line from {spoken(self.points[0])} to {spoken(self.points[1])}"


@dataclass(frozen=True, eq=False)
class TrajectoryOf(Place[Projection]):
    """Points that a training passed through; see ``trajectory``."""

    points: tuple[Any, ...]
    reading: Reading

    @property
    def line(self) -> LineBetween:
        """The straight line from the first point to the last."""
        reading = self.reading.ends()
        _check_apart(self.points[0], self.points[-1], reading)
        return LineBetween((self.points[0], self.points[-1]), "linear", reading)

    def __len__(self) -> int:
        return len(self.points)

    def name(self, t: int) -> str:
        """What a point is called in a message; a file says itself which it is."""
        return "source" if isinstance(self.points[t], str | Path) else f"source[{t}]"

    def __repr__(self) -> str:
        return f"trajectory of {len(self)} points from {spoken(self.points[0])} to {spoken(self.points[-1])}"


def line(
    a: Any,
    b: Any,
    path: str = "linear",
    *,
    entry: str | Sequence[str | None] | None = None,
    ignore: str | Sequence[str] = (),
    missing: str | None = None,
) -> LineBetween:
    """The way from point ``a`` at α = 0 to point ``b`` at α = 1.

    A point is a module, a state dict, a checkpoint (a file of ``torch.save``, ``.safetensors``, a folder of Hugging
    Face), or all parameters as one flat tensor [P]. It is read when the line is measured, against the net's own names.

    Args:
        a: where the path starts.
        b: where it ends.
        path: ``"linear"``, θ(α) = (1 - α) a + α b; ``"geometric"``, along which products of weights are geometric; or
            ``"bias_schedule"``, on which the biases of deeper layers follow later.
        entry: which state dict of a point, where several fit, ``"ema"``; a list says it of each point, and two state
            dicts of one file are then two points.
        ignore: patterns of names that a point has and the net lacks, and that may be passed over, ``"criterion.*"``.
        missing: ``"model"`` takes what a point lacks from the net; else it is refused.

    Raises:
        InputError: something that is no point, an unknown path, or arguments that mean nothing.

    >>> line("before.pt", "after.pt")
    linear line from before.pt to after.pt
    """
    if path not in PATHS:
        raise InputError(f"path={path!r} is unknown; use one of {', '.join(PATHS)}")
    for name, point in (("a", a), ("b", b)):
        check_point(name, point)
    reading = Reading.of("ls.line", 2, entry, ignore, missing)
    _check_apart(a, b, reading)
    return LineBetween((a, b), path, reading)


def trajectory(
    source: Any,
    pattern: str | None = None,
    *,
    entry: str | Sequence[str | None] | None = None,
    ignore: str | Sequence[str] = (),
    missing: str | None = None,
) -> TrajectoryOf:
    """The points that a training passed through, in their order; its ``line`` goes from the first to the last.

    Measured, it gives J at every point, and where the point lies: how far along that line and how far beside it. Each
    point keeps its own running statistics of batch norm, and where these differ, examples that come in batches are
    passed over once for every point. Points between that are not finite, where a training diverged, are named in the
    log and have no J; the first and the last must be finite.

    Args:
        source: a folder of checkpoints, in natural order of their names (2 before 10); or a list of points, see
            ``line``.
        pattern: which files of the folder, ``"epoch_*.pt"``; None: all with an ending that checkpoints have, if their
            names are of one kind.
        entry, ignore, missing: how points are read, see ``line``.

    Raises:
        InputError: no such folder, or fewer than two points.

    >>> trajectory(["epoch_0.pt", "epoch_1.pt"])
    trajectory of 2 points from epoch_0.pt to epoch_1.pt
    """
    if isinstance(source, str | Path):
        points = paths_in(str(source), pattern, "source", "pattern")
    elif isinstance(source, Sequence) and not isinstance(source, Tensor):
        if pattern is not None:
            raise InputError(f"pattern={pattern!r} chooses files of a folder, and source is a list")
        points = list(source)
    else:
        raise InputError(f"source came as {type(source).__name__}; give a folder of checkpoints, or a list of points")
    for k, point in enumerate(points):
        check_point(f"source[{k}]", point)
    if len(points) < 2:
        raise InputError(f"a trajectory needs two points or more, and source has {len(points)}")
    return TrajectoryOf(tuple(points), Reading.of("ls.trajectory", len(points), entry, ignore, missing))


def spoken(point: Any) -> str:
    """A point in a message."""
    if isinstance(point, str | Path):
        return Path(point).name
    if isinstance(point, Tensor):
        return f"a tensor {list(point.shape)}"
    return "a state dict" if isinstance(point, Mapping) else f"a {type(point).__name__}"


def _check_apart(a: Any, b: Any, reading: Reading) -> None:
    if a is b and not reading.is_apart:
        raise InputError("a and b are one object; a line needs two points (copy.deepcopy(net) keeps an earlier one)")


def check_point(name: str, point: Any) -> None:
    """Raise InputError for what is no point."""
    if not isinstance(point, str | Path | Tensor | Mapping | nn.Module) or point == "":
        raise InputError(
            f"{name} came as {type(point).__name__}; a point is a module, a state dict, a checkpoint file or folder, "
            "or all parameters as one flat tensor"
        )
