"""Learning rates and momenta that change while training; epochs are numbered 1, 2, ..., updates too."""

from __future__ import annotations

from landscape.errors import InputError
from landscape.training.checks import check_number

LR, MOMENTUM = "training.lr_schedule", "training.momentum_schedule"


class LinearRamp:
    """start + (end - start) clip((epoch - 1)/(epochs - 1), 0, 1).

    Args:
        start, end: first and last value.
        epochs: the epoch at which the end is reached.

    Source: pylearn2 ``MomentumAdjustor``.
    """

    def __init__(self, start: float, end: float, epochs: int) -> None:
        _check(MOMENTUM, start=start, end=end, epochs=epochs)
        if epochs < 1 or not (0 <= start < 1 and 0 <= end < 1):
            raise InputError(
                f"{MOMENTUM} needs epochs >= 1 and momenta in [0, 1), got start={start}, end={end}, epochs={epochs}"
            )
        self.start, self.end, self.epochs = start, end, epochs

    def __call__(self, epoch: int, update: int) -> float:
        """The value during this epoch."""
        if self.epochs == 1:
            return self.end
        fraction = min(max((epoch - 1) / (self.epochs - 1), 0.0), 1.0)
        return self.start + (self.end - self.start) * fraction


class LinearDecay:
    """Factor on lr: 1 - epoch (1 - final)/epochs before ``epochs``, then ``final``.

    It is already slightly below 1 in epoch 1, as in the original.

    Args:
        final: the factor at the end.
        epochs: the epoch from which on it is that.

    Source: pylearn2 ``LinearDecayOverEpoch``.
    """

    def __init__(self, final: float, epochs: int) -> None:
        _check(LR, final=final, epochs=epochs)
        if epochs < 1 or not 0 <= final <= 1:
            raise InputError(f"{LR} needs epochs >= 1 and final in [0, 1], got epochs={epochs}, final={final}")
        self.final, self.epochs = final, epochs

    def __call__(self, epoch: int, update: int) -> float:
        """The factor during this epoch."""
        return self.final if epoch >= self.epochs else 1 - epoch * (1 - self.final) / self.epochs


class ExponentialDecay:
    """Factor on lr: max(divisor^-(update - 1), floor).

    Args:
        divisor: what lr is divided by at each update.
        floor: smallest factor.

    Source: pylearn2 ``ExponentialDecay`` (``decay_factor``, ``min_lr`` relative to the first lr).
    """

    def __init__(self, divisor: float, floor: float = 0.0) -> None:
        _check(LR, divisor=divisor, floor=floor)
        if not divisor >= 1:
            raise InputError(f"{LR}.divisor={divisor} must be at least 1 (1 keeps lr constant)")
        if not 0 <= floor <= 1:
            raise InputError(f"{LR}.floor={floor} must lie in [0, 1]: it is a factor on lr")
        self.divisor, self.floor = divisor, floor

    def __call__(self, epoch: int, update: int) -> float:
        """The factor at this update."""
        return float(max(self.divisor ** -(update - 1), self.floor))


class DelayedDecay:
    """Factor on lr: divisor^-max(epoch - after, 0).

    Args:
        divisor: what lr is divided by at each epoch.
        after: the last epoch at the full rate.

    Source: Zaremba, Sutskever & Vinyals (arXiv 1409.2329); ``main.lua`` (``decay``; its ``max_epoch`` is after - 1,
    because it is compared when an epoch has ended).
    """

    def __init__(self, divisor: float, after: int) -> None:
        _check(LR, divisor=divisor, after=after)
        if not divisor >= 1 or after < 0:
            raise InputError(f"{LR} needs divisor >= 1 and after >= 0, got divisor={divisor}, after={after}")
        self.divisor, self.after = divisor, after

    def __call__(self, epoch: int, update: int) -> float:
        """The factor during this epoch."""
        return float(self.divisor ** -max(epoch - self.after, 0))


def _check(key: str, **numbers: object) -> None:
    for name, value in numbers.items():
        check_number(f"{key}.{name}", value)
