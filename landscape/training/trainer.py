"""The training recipe's own numbers: one object per ``training`` config."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from landscape.errors import InputError

Schedule = Callable[[int, int], float]


@dataclass(frozen=True)
class Training:
    """How S networks are trained.

    Args:
        batch_size: B; a short last batch is kept. max_epochs: upper bound on passes over the data.
        patience: stop after so many epochs without a better monitored value; None: run to max_epochs.
        monitor: the channel that early stopping watches and that chooses theta_f.
        select: ``"best"``: theta_f is the point with the lowest monitored value; ``"last"``: the last point.
        num_seeds: S. first_seed: seeds are first_seed, first_seed + 1, ...
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

    def __post_init__(self) -> None:
        for key in ("batch_size", "max_epochs", "num_seeds", "measure_batch_size"):
            if getattr(self, key) < 1:
                raise InputError(f"training.{key}={getattr(self, key)} must be at least 1")
        if self.patience is not None and self.patience < 1:
            raise InputError(f"training.patience={self.patience} must be at least 1, or null for no early stopping")
        if not 0 < self.gradient_scale < float("inf"):
            raise InputError(f"training.gradient_scale={self.gradient_scale} must be positive and finite (a recipe may "
                             "take it from another key, that of a text from data.unroll)")  # fmt: skip
        if self.max_gradient_norm is not None and not self.max_gradient_norm > 0:
            raise InputError(f"training.max_gradient_norm={self.max_gradient_norm} must be positive, or null for none")
        if self.select not in ("best", "last"):
            raise InputError(f"training.select={self.select} is unknown; use best or last")
        if self.dtype not in ("float32", "float64"):
            raise InputError(f"training.dtype={self.dtype} is unknown; use float32 or float64")
        for key in ("lr_schedule", "momentum_schedule"):
            value = getattr(self, key)
            if value is not None and not callable(value):
                raise InputError(
                    f"training.{key}={value} is no schedule; choose one by +training/{key}=NAME "
                    f"(see conf/training/{key}), or null"
                )
        if not self.trajectory_gigabytes > 0 or not self.checkpoint_seconds >= 0:
            raise InputError(
                f"training.trajectory_gigabytes={self.trajectory_gigabytes} must be positive and "
                f"training.checkpoint_seconds={self.checkpoint_seconds} must not be negative"
            )
        if self.snapshot_updates is not None and self.snapshot_updates < 1:
            raise InputError(f"training.snapshot_updates={self.snapshot_updates} must be at least 1, or null for none")
        if self.first_seed < 0:
            raise InputError(f"training.first_seed={self.first_seed} must not be negative")

    @property
    def seeds(self) -> list[int]:
        """first_seed ... first_seed + S - 1."""
        return list(range(self.first_seed, self.first_seed + self.num_seeds))
