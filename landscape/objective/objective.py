"""J(theta): the mean cost per example over the whole of one split, measured the same way at every theta."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from landscape.cost import from_torch
from landscape.cost.labels import check_counts, scaled, scales
from landscape.data.dataset import Split
from landscape.data.reading import as_split
from landscape.ground.precision import tf32
from landscape.ground.streams import MEASURE, MEASURE_SAMPLE, BlockDraws, stream_seed
from landscape.model.dropout import Masks, torch_dropout_on
from landscape.objective.engine import Together, check_engine, line_of
from landscape.objective.fitting import check_numbers, fitting
from landscape.objective.memory.budget import budget_of
from landscape.objective.memory.footprint import passes_of
from landscape.objective.memory.passes import MOST_CPU, Passes, Wants
from landscape.objective.module.borrowed import Borrowed
from landscape.objective.module.conduct import conduct_of
from landscape.objective.module.safe import copies, is_safe
from landscape.objective.module.template import template_of
from landscape.objective.module.watch import undisturbed
from landscape.objective.running_statistics import RunningStatistics
from landscape.objective.soundness import AXES, check
from landscape.objective.sums import Evaluation, Sums
from landscape.parameters import ParameterLayout, row_of
from landscape.path import widened


class Objective:
    """objective(theta [S, P]) -> J [S], float64 sums in a fixed order, no augmentation.

    ``deterministic`` runs the module in evaluation mode. ``stochastic`` is the training cost under common random
    numbers: the masks depend on (seed, example, replicate) and never on theta, so that noise cancels in
    differences along a line. The caller's module is copied, never touched.

    Args:
        module: any module that maps x [B, ...] to what the cost expects; its own parameters are only a template.
        cost: ``channels(predict, x, y)``, see ``landscape.cost``; or a loss of torch's.
        split: the examples; a ``DataLoader`` or map-style ``Dataset`` of (input, label) is read into memory.
        mode: ``"deterministic"`` or ``"stochastic"``.
        seeds: one per row of theta; they choose the masks.
        dtype: precision of the forward pass.
        batch_size: most examples per forward pass; None: up to 5000 on a CPU, fewer where their values outgrow
            its cache; all that fit on a GPU. The result does not depend on it beyond rounding, nor on ``memory`` and
            ``alphas_at_once``.
        num_replicates: K, mask replicates to average in stochastic mode.
        running_statistics: what to do with buffers such as batch-norm means along a path: ``"keep"`` uses those of
            ``buffers`` (the module's own by default), ``"interpolate"`` and ``"recalibrate"`` as in
            ``landscape.objective.running_statistics``; None refuses a module that has any.
        buffers: per row of theta, those of theta_1, or of the one point that is evaluated. buffers_0: those of theta_0.
        calibration: the training split, which ``"recalibrate"`` takes the statistics over.
        memory: bytes to use at most beyond what is there already, ``"25%"`` of what is free now, ``"2GiB"``, a number;
            None: 25 %. A tight budget makes blocks smaller: of examples, and of points where each carries a state.
        alphas_at_once: points in one forward pass; None: 1 on a CPU, as many as give a GPU enough to do.
        engine: how a line is evaluated, equal up to rounding: ``"plain"`` one forward pass per point, ``"prefix"`` and
            ``"events"`` see ``landscape.objective.engine``, ``"auto"`` whichever pays.

    Raises:
        InputError: unknown mode or engine; running statistics without a stated treatment; a module that does not return
            one cost per example; a cost that differs between two evaluations at the same theta.
    """

    def __init__(
        self,
        module: nn.Module,
        cost: Any,
        split: Split,
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
    ) -> None:
        check_engine(engine)
        check_numbers(mode, dtype, batch_size=batch_size, num_replicates=num_replicates, alphas_at_once=alphas_at_once)
        cost, split = from_torch(cost), as_split(split)
        calibration = None if calibration is None else as_split(calibration)
        self.dtype: torch.dtype = getattr(torch, dtype)
        self.device = torch.device(device)
        self.module = template_of(module, self.device, self.dtype)
        self.wants = Wants(memory, budget_of(memory, self.device), batch_size, alphas_at_once)
        self.layout, self.borrowed = ParameterLayout.of(self.module), Borrowed(self.module)
        self.cost, self.mode, self.seeds = cost, mode, list(seeds)
        self.scales = scales(cost, split.y)
        self.split = split.to(self.device, self.dtype)
        # Sequences are read side by side, block after block, the state of one block carried into the next.
        self.is_stateful = split.num_streams is not None and hasattr(self.module, "initial_state")
        self.buffers, self.buffers_0, self._wanted_replicates = buffers, buffers_0, num_replicates
        self.written: frozenset[str] = frozenset()  # what a forward pass writes into, and gets a copy of
        self.is_safe = is_safe(self.module, cost)
        self._look_at(module, running_statistics, calibration)
        self.engine = engine
        self.slope_passes: dict[int, Passes] = {}  # by order, as ``passes`` with derivatives, counted on first use

    @undisturbed()
    def _look_at(self, module: nn.Module, treatment: str | None, calibration: Split | None) -> None:
        """Learn from a few examples how the module behaves, and refuse what has no J.

        Args:
            module: the caller's. treatment, calibration: of running statistics.
        """
        with fitting(self):
            self.masks = Masks(self.module, self.split.x[:1], self.cost.num_draws)
        self.mask_draws = BlockDraws(self.masks.draw, 1, self.device)
        self.sample_draws = BlockDraws(self._uniform, 0, self.device)
        self.is_random, self.num_replicates = self.mode == "stochastic", 1
        conduct = conduct_of(self)
        self.drawing = conduct.drawing
        self.statistics = RunningStatistics(self.module, treatment, calibration, self.dtype, MOST_CPU, conduct.changed)
        # Without anything random the two modes are one; say so, and do not average equal replicates.
        self.is_random = self.is_random and bool(len(self.masks) or self.drawing)
        self.num_replicates = self._wanted_replicates if self.is_random else 1
        self.written = check(self, module)

    def __call__(self, theta: Tensor) -> Tensor:
        """theta [S, P] -> J [S], float64 on the CPU."""
        return torch.from_numpy(self.evaluate(theta)["objective"])

    def evaluate(self, theta: Tensor) -> dict[str, NDArray[np.float64]]:
        """theta [S, P] -> every channel [S]."""
        # As the end of a path: the statistics of one point are those of theta_1.
        return {name: values[0] for name, values in self.along(lambda _: theta, np.ones(1)).channels.items()}

    @undisturbed()
    @tf32(False)
    def along(
        self,
        path: Callable[[float], Tensor],
        alphas: NDArray[np.float64],
        progress: Callable[[int], None] = lambda done: None,
        keep_costs: bool | torch.dtype = False,
    ) -> Evaluation:
        """Every channel at path(alpha) [S, P] for each alpha.

        Args:
            path: alpha -> theta [S, P].
            alphas: [A].
            progress: told how many (batch, alpha) pairs are done, out of ``num_batches * A``.
            keep_costs: give each example's objective too: in float32, or in this precision.
        """
        check_counts(self.scales, len(self.split))
        path = widened(path, self.dtype)
        num_seeds = path(float(alphas[0])).shape[0]
        if num_seeds != len(self.seeds):
            raise ValueError(
                f"theta has {num_seeds} rows but the objective has {len(self.seeds)} seeds; give one per row"
            )
        self.statistics.batch_size = self.batch_size
        shape, spare = (self.num_replicates, len(alphas), num_seeds), self.passes.spare
        sums = Sums(shape, len(self.split), self.device, keep_costs, spare / 2)
        buffers = self.statistics.along(path, alphas, self.buffers_0, self.buffers, num_seeds)  # [A][S]
        num = self.passes.points(len(alphas), sums.held)
        for first in range(0, len(alphas), num):
            here = slice(first, first + num)
            sums.first, told = first, (lambda done, n=first * self.num_batches: progress(n + done))
            if not self._pass(path, alphas[here], buffers[here], sums, told, self.engine):
                sums.forget(num)
                self._pass(path, alphas[here], buffers[here], sums, told, "plain")
        return sums.evaluation()

    def _pass(
        self,
        path: Callable[[float], Tensor],
        alphas: NDArray[np.float64],
        buffers: list[list[Mapping[str, Tensor]]],
        sums: Sums,
        reached: Callable[[int], None],
        engine: str,
    ) -> bool:
        """Once over the data for some points; False: a GPU met a value that is not finite, the plain path must."""
        num_seeds, done = len(self.seeds), 0
        states: dict[tuple[int, int, int], Any] = {}
        moving = any(row is not buffers[0] for row in buffers)
        # torch's own dropout draws from the global generator inside the forward pass, and what a forward pass writes
        # into its own weights may go by their values: nothing that can be traced.
        alone = moving or (self.is_random and bool(self.drawing)) or "theta" in self.written
        limit = self.passes.limit(len(alphas), sums.held, one_by_one=alone or self.is_stateful)
        line = line_of("plain" if alone else engine, self._forward, path, alphas, self.dtype, self.device, AXES, limit)
        together = Together(self._apart, limit.together)
        # Batches outside, alphas inside: masks are drawn and data is touched once for the whole line.
        for start in range(0, len(self.split), self.batch_size):
            x, y = self.split.x[start : start + self.batch_size], self.split.y[start : start + self.batch_size]
            masks = self._masks(start, len(x), num_seeds)
            seen = self._seen(start, x, num_seeds)
            known = {
                (s, k): self._known(seen[s], y, buffers[0][s], None if masks is None else masks[s][k])
                for s, k in product(range(num_seeds), range(self.num_replicates))
            }
            if line is not None and line.add(known, states, sums, start):
                done += len(alphas)
                reached(done)
                continue
            a = 0
            while a < len(alphas):
                thetas = [path(float(v)).to(self.device, self.dtype) for v in alphas[a : a + together.num]]
                if len(thetas) > 1 and together.add(torch.stack(thetas), known, sums, a, start):
                    a += len(thetas)
                else:
                    for s, k in product(range(num_seeds), range(self.num_replicates)):
                        channels, states[a, s, k] = self._channels(
                            row_of(thetas[0], s), seen[s], y, s, start, k, masks, states.get((a, s, k)), buffers[a][s]
                        )
                        sums.add(k, a, s, channels, start)
                    a += 1
                reached(done + a)
            done += len(alphas)
        return line is None or not line.is_lost

    @cached_property
    def passes(self) -> Passes:
        """How many examples and points are held at once."""
        return passes_of(self)

    @property
    def batch_size(self) -> int:
        """Examples per forward pass."""
        return self.passes.examples

    @property
    def num_batches(self) -> int:
        """Forward passes per theta."""
        return -(-len(self.split) // self.batch_size)

    def parts(self, start: int, num: int) -> dict[tuple[int, int], Callable[..., tuple[dict[str, Tensor], Any]]]:
        """(row, replicate) -> ``num`` examples from ``start`` on, (theta [P], state=None) -> (channels [B], state)."""
        x, y = self.split.x[start : start + num], self.split.y[start : start + num]
        check_counts(self.scales, len(self.split))
        rows = range(len(self.seeds))
        masks, seen = self._masks(start, len(x), len(rows)), self._seen(start, x, len(rows))
        own = [self.statistics.of(self.buffers, s) for s in rows]
        return {
            (s, k): partial(self._channels, x=seen[s], y=y, s=s, start=start, k=k, masks=masks, buffers=own[s])
            for s, k in product(rows, range(self.num_replicates))
        }

    def _masks(self, start: int, count: int, num_seeds: int) -> list[list[Tensor]] | None:
        """Masks of this batch, [seed][replicate] -> [draws, B, F]; None where there is nothing to mask."""
        if not (self.is_random and len(self.masks)):
            return None
        replicates = range(self.num_replicates)
        return [
            [self.mask_draws((self.seeds[s], MEASURE, k), start, count) for k in replicates] for s in range(num_seeds)
        ]

    def _uniform(self, count: int, generator: torch.Generator) -> Tensor:
        return torch.rand((count, *self.split.x.shape[1:]), generator=generator, device=self.device)

    def _seen(self, start: int, x: Tensor, num_seeds: int) -> list[Tensor]:
        """This batch as each seed sees it: x itself, or one Bernoulli sample of it that never changes."""
        if not self.split.is_resampled:
            return [x] * num_seeds
        draws = [self.sample_draws((self.seeds[s], MEASURE_SAMPLE), start, len(x)) for s in range(num_seeds)]
        return [(uniform < x).to(x.dtype) for uniform in draws]

    def _channels(
        self,
        theta: Tensor,
        x: Tensor,
        y: Tensor,
        s: int,
        start: int,
        k: int,
        masks: list[list[Tensor]] | None,
        state: Any = None,
        buffers: Mapping[str, Tensor] | None = None,
    ) -> tuple[dict[str, Tensor], Any]:
        """Channels of one batch and, of a module with a state, the state after it."""
        known = self._known(x, y, buffers or {}, None if masks is None else masks[s][k])
        with (
            torch.no_grad(),
            torch_dropout_on(
                self.drawing if self.is_random else (), stream_seed(self.seeds[s], MEASURE, k, start), self.device
            ),
        ):
            return self._apart(theta, known, state)

    def _apart(self, theta: Tensor, known: Mapping[str, Tensor], state: Any) -> tuple[dict[str, Tensor], Any]:
        """``_forward`` on copies: others' code may write into what it is given at some points only, unforeseen."""
        if not self.is_safe:
            theta, known = copies(self.module, theta, known)
        return self._forward(theta, known, state)

    def _known(self, x: Tensor, y: Tensor, buffers: Mapping[str, Tensor], masks: Tensor | None) -> dict[str, Tensor]:
        """All that a batch of one seed brings besides theta; masks [draws, B, F]."""
        known = {"x": x, "y": y} if masks is None else {"x": x, "y": y, "masks": masks}
        return known | {f"buffer {name}": buffer for name, buffer in buffers.items()}

    def _forward(self, theta: Tensor, known: Mapping[str, Tensor], state: Any) -> tuple[dict[str, Tensor], Any]:
        """Channels and state after a batch, a function of its arguments alone."""
        if self.written:
            theta, known = copies(self.module, theta, known, self.written)
        values: dict[str, Tensor] = dict(self.layout.unflatten(theta))
        values |= {name.removeprefix("buffer "): v for name, v in known.items() if name.startswith("buffer ")}

        def predict(inputs: Any, draw: int) -> Any:
            nonlocal state
            with self.masks.bind(known.get("masks"), draw), self.borrowed.values(values):
                if not self.is_stateful:
                    return self.module(inputs)
                before = self.module.initial_state(known["x"]) if state is None else state  # type: ignore[operator]
                outputs, state = self.module((inputs, before))
                return outputs

        return scaled(self.cost.channels(predict, known["x"], known["y"]), self.scales), state
