"""The optimizer of a group of seeds: one over all of them where that changes nothing, else one for each."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from numbers import Real
from typing import Any

import torch
from torch import Tensor, optim

from landscape.errors import InputError
from landscape.training.checks import check_flag, check_number, shown
from landscape.training.step import Momentum

Make = Callable[..., optim.Optimizer]

ELEMENTWISE = (
    Momentum,
    optim.SGD,
    optim.Adam,
    optim.AdamW,
    optim.NAdam,
    optim.RAdam,
    optim.Adamax,
    optim.Adagrad,
    optim.Adadelta,
    optim.RMSprop,
    optim.Rprop,
    optim.ASGD,
)
"""Those that move each number by its own gradients alone, whatever tensor it lies in."""


def name_of(make: Make) -> str:
    """What a sentence calls the optimizer."""
    func = getattr(make, "func", make)
    return str(getattr(func, "__name__", type(func).__name__))


def is_elementwise(make: Make) -> bool:
    """Whether seeds may be stacked under it: one of these classes itself, since a function may group by shape.

    Stacked gradients differ from a seed's own in their last bits. Centered ``RMSprop`` divides by a difference of two
    nearly equal numbers, which made up to 3e-4 of theta of them; under the others they stay below 1e-5 of it.
    """
    func, keywords = getattr(make, "func", make), getattr(make, "keywords", {})
    return func in ELEMENTWISE and not keywords.get("centered")


def optimizer_of(make: Make, theta: Mapping[str, Tensor], scales: Mapping[str, float]) -> optim.Optimizer:
    """One group of parameters per learning-rate scale, in theta's order within each.

    Args:
        make: (groups) -> optimizer.
        theta: {name: tensor}.
        scales: {name: factor on the lr}, 1 where none is named.

    Raises:
        InputError: the optimizer refuses its numbers, or they are none.
    """
    groups: dict[float, list[Tensor]] = {}
    for name, value in theta.items():
        groups.setdefault(scales.get(name, 1.0), []).append(value)
    made = checked(make, [{"params": params} for params in groups.values()])
    if set(groups) == {1.0}:
        return made
    if len(made.param_groups) != len(groups) or not all("lr" in group for group in made.param_groups):
        raise InputError(
            f"optimizer={name_of(make)} makes groups of its own or knows no lr, so the model's lr_scales "
            "cannot be applied; use another optimizer, or a model without lr_scales"
        )
    for group, scale in zip(made.param_groups, groups, strict=True):
        group["lr"] *= scale
    return made


def checked(make: Make, params: list[Any]) -> optim.Optimizer:
    """make(params), with every number of its config looked at first.

    Raises:
        InputError: naming the key under ``optimizer`` where it can be told.
    """
    if not callable(make):
        raise InputError(f"optimizer={shown(make)} makes no optimizer; it needs a _target_ and _partial_: true")
    try:
        _check_numbers(make)
    except InputError as error:
        raise InputError(f"optimizer cannot be made: {error}; look at the keys under optimizer") from error
    try:
        made = make(params)
    except InputError:
        raise
    except Exception as error:  # of whatever type the author of an optimizer chose
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"optimizer cannot be made: {reason}; look at the keys under optimizer") from error
    if not all(hasattr(made, name) for name in ("param_groups", "step", "state_dict", "load_state_dict")):
        raise InputError(f"optimizer={name_of(make)} makes a {type(made).__name__}, not a torch.optim.Optimizer")
    return made


def _check_numbers(make: Make) -> None:
    """What a keyword's default is says what it must be: a number, a truth value, several numbers."""
    try:
        declared: Mapping[str, Any] = inspect.signature(getattr(make, "func", make)).parameters
    except (TypeError, ValueError):  # some callables have none to show
        declared = {}
    for name, value in getattr(make, "keywords", {}).items():
        key, parameter = f"optimizer.{name}", declared.get(name)
        default = None if parameter is None else parameter.default
        if isinstance(value, Tensor) and value.dim() == 0:
            value = value.item()
        if isinstance(default, bool):
            check_flag(key, value)
        elif isinstance(default, Real) or (name == "lr" and default is not None):
            least, below = (0.0, 1.0) if name == "momentum" else (None, None)
            whole = parameter is not None and parameter.annotation in (int, "int")
            check_number(key, value, most=torch.finfo(torch.float32).max, whole=whole, least=least, below=below)
        elif isinstance(default, tuple) and default and all(isinstance(item, Real) for item in default):
            if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != len(default):
                raise InputError(f"{key}={shown(value)} must be a list of {len(default)} numbers")
            for k, item in enumerate(value):
                check_number(f"{key}[{k}]", item)
        elif isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"{key}={value} must be finite")


class Updates:
    """What moves the parameters of S seeds.

    Args:
        make: (groups) -> optimizer.
        theta: {name: [S, *shape]}, those that are trained; moved in place.
        scales: {name: factor on the lr}.

    Attributes:
        parts: the tensors of each optimizer: all stacked, or those of one seed in their own shapes.
        takes_closure: whether a step asks for the cost at points of its own choice; there is one seed then.

    Raises:
        InputError: an optimizer that cannot be made, cannot take a step, or must have its seed alone.
    """

    def __init__(self, make: Make, theta: Mapping[str, Tensor], scales: Mapping[str, float]) -> None:
        num_seeds = len(next(iter(theta.values())))
        self.parts = [dict(theta)]
        self.takes_closure = False
        self.is_stacked = is_elementwise(make)
        if not self.is_stacked:
            self.parts = [{name: value[s] for name, value in theta.items()} for s in range(num_seeds)]
            self.takes_closure, is_drawing = tried(make, self.parts[0], scales)
            if num_seeds > 1 and (self.takes_closure or is_drawing):
                why = "chooses points of its own" if self.takes_closure else "draws random numbers"
                raise InputError(
                    f"optimizer={name_of(make)} {why}, so that each seed must train alone; set training.vectorise=false"
                )
        self.optimizers = [optimizer_of(make, part, scales) for part in self.parts]
        self.lrs: list[Any] = [group.get("lr") for group in self.groups]

    @property
    def groups(self) -> list[dict[str, Any]]:
        """Of all optimizers; others after ``restore``."""
        return [group for optimizer in self.optimizers for group in optimizer.param_groups]

    def check_schedules(self, lr: Any, momentum: Any) -> None:
        """Refuse a schedule, or None, of what the optimizer does not have."""
        name = type(self.optimizers[0]).__name__
        for key, schedule in (("lr", lr), ("momentum", momentum)):
            if schedule is not None and not all(key in group for group in self.groups):
                raise InputError(
                    f"training.{key}_schedule is set but optimizer {name} has no {key}; set "
                    f"training.{key}_schedule=null"
                )

    def give(self, gradients: Mapping[str, Tensor]) -> None:
        """Lay gradients [S, *shape] where the optimizers look for them, which pass over what has none."""
        for s, part in enumerate(self.parts):
            for name, value in part.items():
                slope = gradients.get(name)
                value.grad = slope if self.is_stacked or slope is None else slope[s]

    def step(self, closure: Callable[[], Tensor] | None = None) -> None:
        """One update of all seeds."""
        for optimizer in self.optimizers:
            if closure is None:
                optimizer.step()
            else:
                optimizer.step(closure)  # type: ignore[arg-type]

    def state(self) -> list[dict[str, Any]]:
        """For a checkpoint."""
        return [optimizer.state_dict() for optimizer in self.optimizers]

    def restore(self, state: list[dict[str, Any]]) -> None:
        """Take back what ``state`` gave, each number in the precision in which it was kept."""
        for optimizer, saved in zip(self.optimizers, state, strict=True):
            optimizer.load_state_dict(saved)
            params = [p for group in optimizer.param_groups for p in group["params"]]
            for k, values in saved["state"].items():
                now = optimizer.state[params[k]]
                for name, value in values.items():
                    if isinstance(value, Tensor) and now[name].dtype != value.dtype:  # torch gives it the parameter's
                        now[name] = value.to(now[name].device)


def tried(make: Make, part: Mapping[str, Tensor], scales: Mapping[str, float]) -> tuple[bool, bool]:
    """One step on copies: whether it takes a closure, and whether it draws random numbers.

    Raises:
        InputError: it can take no step here.
    """

    def step(takes_closure: bool) -> None:
        copies = {name: value.clone() for name, value in part.items()}
        optimizer = optimizer_of(make, copies, scales)
        for value in copies.values():
            # Flat where steps are chosen by the cost, which a closure that knows none would have no end of.
            value.grad = torch.zeros_like(value) if takes_closure else torch.ones_like(value)
        if takes_closure:
            optimizer.step(partial(value.new_zeros, ()))  # type: ignore[arg-type]
        else:
            optimizer.step()

    made = optimizer_of(make, part, scales)
    wanted = inspect.signature(made.step).parameters.get("closure")
    needs = wanted is not None and wanted.default is inspect.Parameter.empty
    with torch.random.fork_rng(devices=[]):
        before = torch.get_rng_state()
        try:
            try:
                step(needs)
            except Exception:
                if needs or wanted is None:
                    raise
                step(needs := True)
        except Exception as error:
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise InputError(
                f"optimizer={name_of(make)} cannot take a step on this model ({reason}); choose another optimizer"
            ) from error
        return needs, not torch.equal(before, torch.get_rng_state())
