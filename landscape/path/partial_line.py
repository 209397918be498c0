"""The straight line of some parameters, all others at the start: what of J along a line is whose."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from fnmatch import fnmatchcase

from torch import Tensor

from landscape.errors import InputError
from landscape.parameters import ParameterLayout
from landscape.path.linear import Straight

MOST_TOLD = 6
"""Names of parameters that a message tells."""


class PartialLine(Straight):
    """theta_0 + alpha m (theta_1 - theta_0), where m is 1 for the parameters that move and 0 for those that stay.

    At alpha = 1 those that move are bitwise theta_1's, the others theta_0's: its end is not the end of the job, unless
    all move, as they do without ``only`` and ``without``.

    Args:
        theta_0, theta_1: the ends of the job [S, P].
        layout: what the P values are.
        only: names of the parameters that move, as ``named_parameters`` says them, or patterns such as ``*.bias``.
        without: of those, the ones that stay all the same.

    Raises:
        InputError: no parameter is called so, or none is left to move.
    """

    def __init__(
        self,
        theta_0: Tensor,
        theta_1: Tensor,
        layout: ParameterLayout,
        only: Sequence[str] | None = None,
        without: Sequence[str] | None = None,
    ) -> None:
        if theta_0.shape != theta_1.shape or theta_0.shape[-1] != layout.num_parameters:
            raise ValueError(
                f"the ends of a path need one shape [S, {layout.num_parameters}], got {theta_0.shape} and "
                f"{theta_1.shape}"
            )
        moving = set(layout.names) if only is None else _called("only", only, layout)
        moving -= set() if without is None else _called("without", without, layout)
        if not moving:
            raise InputError(
                f"path.only={_shown(only)} and path.without={_shown(without)} leave no parameter to move; name "
                f"{'some in path.only' if only is not None and not only else 'fewer in path.without'}"
            )
        self.moving = tuple(name for name in layout.names if name in moving)
        """Names of the parameters that move."""
        end = theta_0.clone()
        parts = (theta.split(layout.sizes, dim=-1) for theta in (end, theta_1))
        for name, mine, theirs in zip(layout.names, *parts, strict=True):
            if name in moving:
                mine.copy_(theirs)
        super().__init__(theta_0, end)

    def _between(self, theta_0: Tensor, theta_1: Tensor) -> Straight:  # type: ignore[override]
        return Straight(theta_0, theta_1)  # its end is made


def _called(key: str, wanted: Sequence[str], layout: ParameterLayout) -> set[str]:
    """The parameters that these names and patterns mean."""
    found = set[str]()
    for pattern in wanted:
        names = [name for name in layout.names if fnmatchcase(name, pattern)]
        if not names:
            near = difflib.get_close_matches(str(pattern)[:200], layout.names, 1)
            meant = f"; did you mean {near[0]}?" if near else ";"
            more = f" and {len(layout.names) - MOST_TOLD} more" * (len(layout.names) > MOST_TOLD)
            raise InputError(
                f"path.{key}={_shown(wanted)}: no parameter of the model is called {pattern}{meant} it has "
                f"{', '.join(layout.names[:MOST_TOLD])}{more}, and patterns such as *.bias name several"
            )
        found.update(names)
    return found


def _shown(names: Sequence[str] | None) -> str:
    return "null" if names is None else f"[{','.join(names)}]"
