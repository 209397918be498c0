"""Planes as somebody says them: around a point, through three, along a training, or along two given directions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from torch import Tensor

from landscape.errors import InputError
from landscape.face.places import Place, TrajectoryOf, check_point, spoken
from landscape.face.points import Reading
from landscape.path.corners_plane import AXES
from landscape.path.directions import ONE_AXIS
from landscape.result.curve import Surface

HESSIAN = "hessian"


@dataclass(frozen=True, eq=False)
class PlaneThrough(Place[Surface]):
    """Through three points; see ``plane``."""

    points: tuple[Any, Any, Any]
    margin: float
    statistics: str
    axes: str
    reading: Reading

    def __repr__(self) -> str:
        return f"plane through {', '.join(map(spoken, self.points))}"


@dataclass(frozen=True, eq=False)
class PlaneAround(Place[Surface]):
    """Around one point, along two random directions or two given ones; see ``plane``."""

    point: Any
    radius: float
    seed: int
    one_axis: str
    directions: tuple[Any, Any] | str | None
    reading: Reading

    def __repr__(self) -> str:
        text = f"plane around {spoken(self.point)}, radius={self.radius:g}, "
        if self.directions is None:
            return f"{text}seed={self.seed}"
        told = self.directions if isinstance(self.directions, str) else " and ".join(map(spoken, self.directions))
        return f"{text}directions={told}"


@dataclass(frozen=True, eq=False)
class PlaneAlong(Place[Surface]):
    """Of the leading axes of a trajectory; see ``plane``."""

    run: TrajectoryOf
    margin: float

    def __repr__(self) -> str:
        return f"plane of the {self.run!r}"


def plane(
    a: Any,
    b: Any = None,
    c: Any = None,
    *,
    margin: float | None = None,
    radius: float | None = None,
    seed: int | None = None,
    one_axis: str | None = None,
    directions: Sequence[Any] | str | None = None,
    axes: str | None = None,
    statistics: str | None = None,
    entry: str | Sequence[str | None] | None = None,
    ignore: str | Sequence[str] = (),
    missing: str | None = None,
) -> Place[Surface]:
    """The plane through three points, around one along two directions, or of the leading axes of a trajectory.

    Through three: θ = a + s (b - a) + t (c - a). Around one: θ = a + s d_1 + t d_2, with normal random directions whose
    filters (what makes one output: a row of a matrix, a kernel of a convolution) are each scaled to the norm of that
    filter in ``a``, so that the picture does not depend on the scale of the weights; the second is orthogonal to the
    first. Biases, parameters of normalisation layers and whatever else has one axis only stay still. Of a trajectory:
    around its last point along its two leading principal axes, with its points drawn on the surface, each at its own J.

    Args:
        a: a point, see ``line``; or a ``trajectory``.
        b: a second point.
        c: a third one, beside the line of the first two.
        margin: how far the grid goes beyond the three points, in sides of the triangle, or beyond the trajectory, in
            the wider side of what it covers; 0.25 if not given.
        radius: how far it goes from the one point, in units of its filters' norms or of the given directions; 1 if not
            given.
        seed: of the random directions; 0 if not given.
        one_axis: ``"keep"`` moves biases and normalisations too, each as one filter; ``"zero"`` if not given.
        directions: two state dicts, checkpoints or flat tensors instead of random directions, taken as they are; or
            ``"hessian"``, the eigenvectors, of length 1, of the two largest eigenvalues of the Hessian of J over the
            training data (``pip install 'landscape-walk[curvature]'``).
        axes: of three points, ``"sides"`` as above, if not given; or ``"orthogonal"``: t goes along what of c - a is
            orthogonal to b - a, and the grid is a rectangle.
        statistics: of which of three points, ``"a"``, ``"b"`` or ``"c"``, the running statistics of batch norm hold on
            all of the plane, where they are kept; of the last one, ``c``, if not given. J at the other two is then not
            that of their own nets.
        entry, ignore, missing: how points are read, see ``line``; a trajectory has its own.

    Raises:
        InputError: two points; a number out of range, or one that belongs to another kind of plane.

    Source: Li et al. 2018 (arXiv 1712.09913), filter normalisation and the plane of a trajectory; Garipov et al. 2018
        (arXiv 1802.10026), the plane of three points.

    >>> plane("final.pt", radius=0.5)
    plane around final.pt, radius=0.5, seed=0
    """
    of_three = {"axes": axes, "statistics": statistics}
    if isinstance(a, TrajectoryOf):
        if b is not None or c is not None:
            raise InputError("a plane of a trajectory takes no further points: plane(trajectory)")
        around = {"radius": radius, "seed": seed, "one_axis": one_axis, "directions": directions}
        own = {"entry": entry, "ignore": ignore or None, "missing": missing}
        _refuse("is not for a plane of a trajectory, which fixes its own, see margin", around | of_three | own)
        if len(a) < 3:
            raise InputError(f"a plane needs three points of a trajectory, and this one has {len(a)}")
        return PlaneAlong(a, _size("margin", 0.25 if margin is None else margin, least=0.0))
    check_point("a", a)
    if (b is None) != (c is None):
        raise InputError("a plane goes through three points, plane(a, b, c), or around one, plane(a, radius=1.0)")
    reading = Reading.of("ls.plane", 1 if b is None else 3, entry, ignore, missing)
    if b is None:
        _refuse("is for a plane through three points; around one it is radius", {"margin": margin})
        _refuse("is for a plane through three points; around one they are its", {"statistics": statistics})
        _refuse("is for a plane through three points", {"axes": axes})
        radius = _size("radius", 1.0 if radius is None else radius)
        if directions is not None:
            _refuse("is for random directions", {"seed": seed, "one_axis": one_axis})
        number = _seed(0 if seed is None else seed)
        kept = _one_of("one_axis", one_axis, ONE_AXIS) or "zero"
        return PlaneAround(a, radius, number, kept, _pair(directions), reading)
    for name, point in (("b", b), ("c", c)):
        check_point(name, point)
    around = {"radius": radius, "seed": seed, "one_axis": one_axis, "directions": directions}
    _refuse("is for a plane around one point; three points fix theirs, see margin", around)
    if statistics not in (None, "a", "b", "c"):
        raise InputError(f"statistics={statistics!r} must be 'a', 'b' or 'c', the point whose statistics are kept")
    margin = _size("margin", 0.25 if margin is None else margin, least=0.0)
    return PlaneThrough((a, b, c), margin, statistics or "c", _one_of("axes", axes, AXES) or "sides", reading)


def _refuse(why: str, given: dict[str, Any]) -> None:
    for name, value in given.items():
        if value is not None:
            told = value if isinstance(value, int | float) else repr(value) if isinstance(value, str) else "..."
            raise InputError(f"{name}={told} {why}")


def _one_of(name: str, value: Any, known: Sequence[str]) -> str | None:
    if value is not None and value not in known:
        raise InputError(f"{name}={value!r} must be one of {', '.join(known)}")
    return value  # type: ignore[no-any-return]


def _pair(directions: Any) -> tuple[Any, Any] | str | None:
    if directions is None or (isinstance(directions, str) and directions == HESSIAN):
        return directions
    if isinstance(directions, str | Tensor) or not isinstance(directions, Sequence) or len(directions) != 2:
        raise InputError("directions must be a pair, two state dicts, checkpoints or flat tensors; or 'hessian'")
    for k, direction in enumerate(directions):
        check_point(f"directions[{k}]", direction)
    return directions[0], directions[1]


def _size(name: str, value: Any, least: float = 1e-300) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not least <= float(value) < float("inf"):
        raise InputError(f"{name}={value!r} must be a finite number, {'above 0' if least else '0 or more'}")
    return float(value)


def _seed(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 0:
        raise InputError(f"seed={value!r} must be a whole number, 0 or more")
    return int(value)
