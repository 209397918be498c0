"""J(theta): the mean cost per example over the whole of one split, measured the same way at every theta."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from landscape.cost import from_torch
from landscape.data.reading import as_data
from landscape.data.split import Split
from landscape.ground.precision import tf32
from landscape.objective.batch import Batch, Batches
from landscape.objective.check.conduct import Look, look_at
from landscape.objective.check.fitting import check_numbers, check_split
from landscape.objective.check.late import Newcomers
from landscape.objective.check.soundness import check
from landscape.objective.engine.line import check_engine
from landscape.objective.examples import Examples
from landscape.objective.forward import BatchForm, ForwardPass
from landscape.objective.interim import Interim
from landscape.objective.memory.budget import budget_of
from landscape.objective.memory.footprint import Evaluate, footprint
from landscape.objective.memory.passes import MOST_CPU, Passes, Wants
from landscape.objective.module.call import Call
from landscape.objective.module.watch import undisturbed
from landscape.objective.request import Request, evaluated
from landscape.objective.running_statistics import RunningStatistics
from landscape.objective.sums import Evaluation, Listener


class Objective:
    """objective(theta [S, P]) -> J [S], float64 sums in a fixed order, no augmentation.

    ``deterministic`` runs the module in evaluation mode. ``stochastic`` is the training cost under common random
    numbers: the masks depend on (seed, example, replicate) and never on theta, so that noise cancels in
    differences along a line. The caller's module is copied, never touched.

    Args:
        module: any module that maps x [B, ...] to what the cost expects; its own parameters are only a template.
        cost: ``channels(predict, x, y)``, see ``landscape.cost``; or a loss of torch's, or a function.
        split: the examples, or what ``as_data`` makes some of: tensors stay where they are, a map-style ``Dataset`` is
            read into memory, a ``DataLoader`` and whatever else yields batches is a ``Stream``: all that is asked for
            of J is then made in one pass over it.
        mode: ``"deterministic"`` or ``"stochastic"``.
        seeds: one per row of theta; they choose the masks.
        dtype: precision of the forward pass.
        batch_size: most examples per forward pass; None: up to 5000 on a CPU, fewer where their values outgrow its
            cache; all that fit on a GPU. The result does not depend on it beyond rounding, nor on ``memory`` and
            ``alphas_at_once``.
        num_replicates: K, mask replicates to average in stochastic mode.
        running_statistics: what to do with buffers such as batch-norm means along a path: ``"keep"`` uses those of
            ``buffers`` (the module's own by default), ``"interpolate"`` and ``"recalibrate"`` as in
            ``landscape.objective.running_statistics``; None refuses a module that has any.
        buffers: per row of theta, those of theta_1, or of the one point that is evaluated.
        buffers_0: those of theta_0.
        calibration: the training split, which ``"recalibrate"`` takes the statistics over.
        memory: bytes to use at most beyond what is there already, ``"25%"`` of what is free now, ``"2GiB"``, a number;
            None: 25 %. A tight budget makes blocks smaller: of examples, and of points where each carries a state.
        alphas_at_once: points in one forward pass; None: 1 on a CPU, as many as give a GPU enough to do.
        engine: how a line is evaluated, equal up to rounding: ``"plain"`` one forward pass per point, ``"prefix"`` and
            ``"events"`` see ``landscape.objective.engine``, ``"auto"`` whichever pays.
        call: (module, inputs) -> outputs, where that is not module(x), module(*inputs) of a tuple or module(**inputs)
            of a dict.
        tolerance: on a grid J may be off by this share of its spread, see ``landscape.objective.two_level``; None:
            every point over all examples.

    Raises:
        InputError: unknown mode or engine; running statistics without a stated treatment; a module that does not return
            one cost per example; a cost that differs between two evaluations at the same theta.
    """

    def __init__(
        self,
        module: nn.Module,
        cost: Any,
        split: Any,
        mode: str = "deterministic",
        seeds: Sequence[int] = (0,),
        dtype: str = "float32",
        batch_size: int | None = None,
        num_replicates: int = 1,
        running_statistics: str | None = None,
        buffers: Sequence[Mapping[str, Tensor]] | None = None,
        device: torch.device | str = "cpu",
        buffers_0: Sequence[Mapping[str, Tensor]] | None = None,
        calibration: Split | None = None,
        engine: str = "auto",
        memory: str | int | None = None,
        alphas_at_once: int | None = None,
        call: Call | None = None,
        tolerance: float | None = None,
    ) -> None:
        self._given = {n: v for n, v in locals().items() if n not in ("self", "module", "cost", "split")}
        self._original, self._looks = module, dict[Any, Look]()
        self._set(cost, split)

    def on(self, split: Any = None, **changes: Any) -> Objective:
        """The same module and cost over other examples, or with other arguments.

        A mode and precision that was tried before is not tried again: the module is watched once in each. The examples
        are checked where they are others. A few of them are enough for the first objective of a family.

        Args:
            split: None for the same examples.
            changes: any arguments of the constructor but ``module`` and ``cost``.

        Raises:
            InputError: as the constructor does.
        """
        if unknown := changes.keys() - self._given.keys():
            raise TypeError(f"Objective.on has no {', '.join(sorted(unknown))}")
        now = {"buffers": self.buffers, "buffers_0": self.buffers_0, "engine": self.engine}
        other = object.__new__(type(self))
        other._given, other._original, other._looks = {**self._given, **now, **changes}, self._original, self._looks
        other._set(self.cost, self.examples.data if split is None else split, is_checked=split is None)
        return other

    def _set(self, cost: Any, split: Any, is_checked: bool = False) -> None:
        """Make it of what was given.

        Args:
            is_checked: these examples have been seen to fit.
        """
        given = SimpleNamespace(**self._given)
        check_engine(given.engine)
        sizes = {n: self._given[n] for n in ("batch_size", "num_replicates", "alphas_at_once")}
        check_numbers(given.mode, given.dtype, given.tolerance, **sizes)
        self.tolerance: float | None = given.tolerance
        self.mode, self.seeds, self.engine = given.mode, list(given.seeds), given.engine
        self.cost, self.device = from_torch(cost), torch.device(given.device)
        calibration = None if given.calibration is None else as_data(given.calibration)
        self.dtype: torch.dtype = getattr(torch, given.dtype)
        self.wants = Wants(given.memory, budget_of(given.memory, self.device), given.batch_size, given.alphas_at_once)
        self.examples = Examples(split, self.cost, self.device, self.dtype)
        self.scales, self.split = self.examples.scales, self.examples.split
        form = BatchForm.of(self.split, given.call)
        self.buffers, self.buffers_0 = given.buffers, given.buffers_0
        self.slope_passes: dict[int | str, Passes] = {}  # as ``passes``, with derivatives of this order, on first use
        is_random, key = (
            given.mode == "stochastic",
            (given.mode, self.dtype, self.device, self.split.num_streams is None, form.signature),
        )
        with undisturbed(), tf32(False):
            look = self._looks.get(key)
            if look is None:
                where = (self.device, self.dtype)
                look = look_at(self._original, self.cost, self.split, self.seeds, *where, is_random, given.call)
            forward, conduct = look.forward.but(scales=self.scales, form=form), look.conduct
            self.module, self.layout = forward.module, forward.layout
            self.statistics = RunningStatistics(
                forward, given.running_statistics, calibration, MOST_CPU, conduct.changed
            )
            # Without anything random the two modes are one; say so, and do not average equal replicates.
            self.is_random = is_random and bool(len(forward.masks) or conduct.drawing)
            self.num_replicates = given.num_replicates if self.is_random else 1
            self.batches = Batches(
                forward, self.split, self.seeds, self.is_random, conduct.drawing, self.num_replicates
            )
            if key not in self._looks:
                check(self.batches, self._original, self.statistics.of(self.buffers, 0))
                self._looks[key] = replace(look, forward=self.forward)
            elif not is_checked:
                self.check_split(self.split, has_extremes=self.split.num_streams is None)
            if self.is_streamed:
                self.examples.newcomers = Newcomers(self.batches, self.statistics.of(self.buffers, 0))

    def check_split(self, split: Split, has_extremes: bool = True) -> None:
        """Raise InputError unless other examples of the same kind fit module and cost.

        Args:
            split: on any device.
            has_extremes: try the examples with the smallest and the largest whole number.
        """
        check_split(self.batches, split, self.statistics.of(self.buffers, 0), has_extremes)

    @property
    def is_streamed(self) -> bool:
        """Whether the examples come in batches, of which ``split`` is the first."""
        return self.examples.is_streamed

    @property
    def forward(self) -> ForwardPass:
        """One pass, as a function of a point and of what a batch brings."""
        return self.batches.forward

    def batch(self, start: int, num: int, block: Split | None = None, before: int = 0) -> Batch:
        """``num`` examples from ``start`` on, with the buffers of theta_1.

        Args:
            block: of a stream, before which ``before`` examples came; None: of ``split``.
        """
        buffers = [self.statistics.of(self.buffers, s) for s in range(len(self.seeds))]
        return self.batches(start, num, buffers, block, before)

    def __call__(self, theta: Tensor) -> Tensor:
        """theta [S, P] -> J [S], float64 on the CPU."""
        return torch.from_numpy(self.evaluate(theta)["objective"])

    def evaluate(self, theta: Tensor) -> dict[str, NDArray[np.float64]]:
        """theta [S, P] -> every channel [S]."""
        # As the end of a path: the statistics of one point are those of theta_1.
        return {name: values[0] for name, values in self.along(lambda _: theta, np.ones(1)).channels.items()}

    def along(
        self,
        path: Callable[[float], Tensor],
        alphas: NDArray[np.float64],
        progress: Callable[[int], None] = lambda done: None,
        keep_costs: bool | torch.dtype = False,
        noise: Listener | None = None,
        interim: Interim | None = None,
    ) -> Evaluation:
        """Every channel at path(alpha) [S, P] for each alpha.

        Args:
            path: alpha -> theta [S, P].
            alphas: [A].
            progress: told how many (batch, alpha) pairs are done, out of ``num_batches * A``.
            keep_costs: give each example's objective too: in float32, or in this precision.
            noise: of a stream, told each block's costs instead, which are then forgotten.
            interim: of a stream, keeps what is known meanwhile; a pass that was cut goes on from there.
        """
        return evaluated([Request(self, path, alphas, progress, keep_costs, noise, interim)])[0]

    @cached_property
    def passes(self) -> Passes:
        """How many examples and points are held at once."""
        return self.passes_for()

    def passes_for(self, num_examples: int | None = None, evaluate: Evaluate | None = None) -> Passes:
        """How many examples and points may be held at once.

        Args:
            num_examples: N; None for those of the split.
            evaluate: what is done to a batch; None for J at one point.

        Raises:
            InputError: ``objective.memory`` is too little for anything.
        """
        own, is_safe = self.statistics.of(self.buffers, 0), self.forward.is_safe
        theta = self.forward.start if is_safe else None
        # Others' code works on a copy of the point: this is one.
        evaluate = evaluate or (
            lambda b: b.channels(self.forward.start if theta is None else theta, keeps_theta=is_safe)
        )
        foot = footprint(self.batches, own, evaluate, self.wants.budget, theta)
        if self.statistics.moves:
            foot = foot.with_statistics(len(self.seeds) * self.statistics.num_bytes, self.statistics.recalibrates)
        num, draws = num_examples or self.examples.num or MOST_CPU, bool(self.batches.drawing)
        return Passes(foot, self.wants, num, self.split.num_streams, self.device, draws)

    @property
    def batch_size(self) -> int:
        """Examples per forward pass."""
        return self.passes.examples

    @property
    def num_batches(self) -> int:
        """Forward passes per theta; of a stream as many as it says that it has, or one."""
        return -(-(self.examples.num or 1) // self.batch_size)
