"""The plane that holds most of a training run: its two leading principal axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape.errors import InputError
from landscape.path.laid_plane import LaidPlane, Mark, positive


class PrincipalAxes(Protocol):
    """What a plane asks of a run's principal axes, see ``landscape.store.principal.Principal``."""

    @property
    def axes(self) -> Tensor:
        """Orthonormal [K, P]."""

    @property
    def coordinates(self) -> Tensor:
        """[T, K] about theta_1, in parameter units."""

    @property
    def shares(self) -> Tensor:
        """Of the sum of squared distances, leading first."""

    @property
    def beside(self) -> Tensor:
        """Distance of each point from the plane [T]."""


class PrincipalPlane(LaidPlane):
    """theta_1 + a r d_1 + b r d_2 with the leading principal axes of the points that a run passed through.

    The unit r is the distance on the plane from theta_1 to the run's farthest point, so that runs of several seeds
    share a grid; what is drawn is in parameter units. ``path`` has every point of the run.

    Args:
        theta_0: is not looked at.
        theta_1: the solutions [S, P], about which the axes are taken.
        principal: () -> the axes of each row's run, None of a run that has none, and the epochs of its points.
        margin: how far one looks beyond the run, in units of the wider side of what it covers.
        name: of theta_1.

    Raises:
        InputError: nobody knows the run, or none has three points.

    Source: Li et al. 2018 (arXiv 1712.09913), section 7.
    """

    kind = "path=trajectory_plane"
    needs_runs = True

    def __init__(
        self,
        theta_0: Tensor,
        theta_1: Tensor,
        principal: Callable[[], Sequence[tuple[PrincipalAxes | None, NDArray[np.float64]]]] | None,
        margin: float = 0.25,
        name: str = "solution",
    ) -> None:
        margin = positive("path.margin", margin, least=0.0)
        if principal is None:
            raise InputError(
                "path=trajectory_plane needs the training runs that its points come from, endpoints=init_to_solution "
                "or endpoints=run"
            )
        rows, ways, shares = len(theta_1), list[dict[str, Any]](), list[list[float]]()
        first, second = (torch.full(theta_1.shape, float("nan"), dtype=torch.float64) for _ in range(2))
        for s, (found, epochs) in enumerate(principal()):
            if found is None:
                nowhere = np.full(len(epochs), np.nan)
                ways.append({name: nowhere for name in ("first", "second", "beside", "epochs")})
                shares.append([float("nan")] * 2)
                continue
            places = found.coordinates[:, :2].numpy()
            unit = float(np.nanmax(np.hypot(*places.T)))
            first[s], second[s] = unit * found.axes[0], unit * found.axes[1]
            a, b = (places / unit).T
            ways.append({"first": a, "second": b, "beside": found.beside.numpy(), "epochs": epochs})
            shares.append(found.shares[:2].tolist())
        path = {key: _beside([way[key] for way in ways]) for key in ways[0]}
        names = tuple(
            f"{n} principal axis{_told([own[k] for own in shares])}" for k, n in enumerate(("first", "second"))
        )
        super().__init__(
            theta_1,
            first[:rows],
            second[:rows],
            [Mark(name, np.zeros(2))],
            _around(path["first"], path["second"], margin),
            (names[0], names[1]),
            path=path,
            numbers={f"plane/share_{name}": [own[k] for own in shares] for k, name in enumerate(("first", "second"))},
        )


def _beside(columns: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """[T, S], NaN below those that are shorter."""
    made = np.full((max(map(len, columns)), len(columns)), np.nan)
    for s, column in enumerate(columns):
        made[: len(column), s] = column
    return made


def _around(
    first: NDArray[np.float64], second: NDArray[np.float64], margin: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """What all points cover, the origin too, and some margin."""
    covered = [(min(0.0, float(np.nanmin(v))), max(0.0, float(np.nanmax(v)))) for v in (first, second)]
    wide = margin * max(high - low for low, high in covered)
    wide = wide or 1e-3  # a run along one axis, looked at without a margin
    one, two = ((low - wide, high + wide) for low, high in covered)
    return one, two


def _told(shares: Sequence[float]) -> str:
    """Of what the axis explains, for its name."""
    known = sorted({round(100 * share) for share in shares if np.isfinite(share)})
    if not known:
        return ""
    return f", {known[0]} %" if len(known) == 1 else f", {known[0]} to {known[-1]} %"
