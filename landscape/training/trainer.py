"""The training recipe's own numbers: one object per ``training`` config."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from landscape.errors import InputError
from landscape.training.checks import check_flag, check_number, shown

Schedule = Callable[[int, int], float]

CHOICES = {"select": ("best", "last"), "dtype": ("float32", "float64"), "validation": ("stochastic", "deterministic")}
LATER = {"drop_last": False, "validation": "stochastic"}
"""Keys that came after the first edition, and the values under which training is what it was without them."""


@dataclass(frozen=True)
class Training:
    """How S networks are trained.

    Args:
        batch_size: B, examples of one update.
        drop_last: throw a short last batch away instead of training on it.
        max_epochs: upper bound on passes over the data.
        patience: stop after so many epochs without a better monitored value; None: run to max_epochs.
        monitor: the channel that early stopping watches and that chooses theta_f.
        validation: whether ``valid/objective`` has the dropout of the training cost, ``"stochastic"``, under masks that
            stay the same, or is ``"deterministic"``; every other channel of validation is without dropout anyway.
        select: ``"best"``: theta_f is the point with the lowest monitored value; ``"last"``: the last point.
        num_seeds: S, networks that are trained, each from its own start and in its own order of the data.
        first_seed: seeds are first_seed, first_seed + 1, ...
        lr_schedule: (epoch, update) -> factor on optimizer.lr; None: constant.
        momentum_schedule: (epoch, update) -> momentum; None: optimizer.momentum throughout.
        gradient_scale: factor on the gradient of the mean cost, for a cost that was published as a sum.
        max_gradient_norm: the gradient of each seed, scaled, is shortened to this norm; None: never.
        enforce_at_init: project theta_i onto the norm bounds before it is recorded.
        dtype: precision of training.
        vectorise: True, False, or None to choose by size whether the seeds train in one vectorised call.
        trajectory_gigabytes: budget for the snapshots of one group of seeds; beyond it they are thinned.
        tf32: let a GPU round the inputs of training's matrix products to 10 bits of mantissa; never in a measurement.
        snapshot_updates: in the first epoch also keep theta every so many updates; None: at epochs only.
        checkpoint_seconds: at least this long between two checkpoints.
        measure_batch_size: examples per forward pass of the monitor.

    Raises:
        InputError: a number out of range, with its key.
    """

    batch_size: int = 100
    max_epochs: int = 100
    patience: int | None = None
    monitor: str = "valid/error"
    select: str = "best"
    num_seeds: int = 1
    first_seed: int = 0
    lr_schedule: Schedule | None = None
    momentum_schedule: Schedule | None = None
    gradient_scale: float = 1.0
    max_gradient_norm: float | None = None
    enforce_at_init: bool = True
    dtype: str = "float32"
    vectorise: bool | None = None
    trajectory_gigabytes: float = 6.0
    tf32: bool = False
    snapshot_updates: int | None = None
    checkpoint_seconds: float = 5.0
    measure_batch_size: int = 5000
    drop_last: bool = False
    validation: str = "stochastic"

    def __post_init__(self) -> None:
        for key in ("batch_size", "max_epochs", "num_seeds", "measure_batch_size"):
            self._number(key, least=1, whole=True)
        self._number("first_seed", least=0, below=2**62, whole=True)
        for key, otherwise in (
            ("patience", ", or null for no early stopping"),
            ("snapshot_updates", ", or null for none"),
        ):
            if getattr(self, key) is not None:
                self._number(key, least=1, whole=True, instead=otherwise)
        of_text = " (a recipe may take it from another key, that of a text from data.unroll)"
        self._number("gradient_scale", above=0, instead=of_text)
        if self.max_gradient_norm is not None:
            self._number("max_gradient_norm", above=0, instead=", or null for none")
        self._number("trajectory_gigabytes", above=0)
        self._number("checkpoint_seconds", least=0)
        for key in ("enforce_at_init", "tf32", "drop_last"):
            check_flag(f"training.{key}", getattr(self, key))
        if self.vectorise is not None:
            check_flag("training.vectorise", self.vectorise, ", or null to choose by size")
        for key, words in CHOICES.items():
            if getattr(self, key) not in words:
                raise InputError(f"training.{key}={shown(getattr(self, key))} is unknown; use {' or '.join(words)}")
        if not isinstance(self.monitor, str) or not self.monitor:
            raise InputError(f"training.monitor={shown(self.monitor)} must name a channel, such as valid/error")
        for key in ("lr_schedule", "momentum_schedule"):
            value = getattr(self, key)
            if value is not None and not callable(value):
                raise InputError(
                    f"training.{key}={shown(value)} is no schedule; choose one by +training/{key}=NAME "
                    f"(see conf/training/{key}), or null"
                )

    def _number(self, key: str, **range_: Any) -> None:
        check_number(f"training.{key}", getattr(self, key), **range_)

    @property
    def seeds(self) -> list[int]:
        """first_seed ... first_seed + S - 1."""
        return list(range(self.first_seed, self.first_seed + self.num_seeds))
