"""What ``endpoints.align`` and the keys beside it say."""

from __future__ import annotations

from dataclasses import dataclass

from landscape.errors import InputError
from landscape.symmetry.align import WAYS, idle


@dataclass(frozen=True)
class Align:
    """How the second end of a line is brought near the first; without ``by`` it stays where it is.

    Args:
        by: ``"weights"``, ``"activations"``, ``"random"`` or None.
        axes: a yaml file that says which axes share a permutation; None: they are looked for.
        rescale: also give its units the norms of the first end's.
        starts: of weight matching.
        seed: of what is random.
    """

    by: str | None = None
    axes: str | None = None
    rescale: bool = False
    starts: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.by is not None and self.by not in WAYS:
            raise InputError(f"endpoints.align={self.by} must be one of {', '.join(WAYS)}, or null")
        if self.axes is not None and (not isinstance(self.axes, str) or not self.axes):
            raise InputError(f"endpoints.axes={self.axes} must be the name of a yaml file, or null")
        for key, value, least in (("starts", self.starts, 1), ("align_seed", self.seed, 0)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise InputError(f"endpoints.{key}={value} must be a whole number of at least {least}")
        if not isinstance(self.rescale, bool):
            raise InputError(f"endpoints.rescale={self.rescale} must be true or false")

    @property
    def idle(self) -> list[str]:
        """The keys that were set and change nothing."""
        return idle(self.by, self.axes, self.rescale, self.starts, self.seed)
