"""J(theta): the mean cost per example over the whole of one split, measured the same way at every theta."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call

from landscape.data.dataset import Split
from landscape.engine import check_engine, line_of
from landscape.errors import InputError
from landscape.model.dropout import Masks, torch_dropout_on
from landscape.parameters import ParameterLayout
from landscape.running_statistics import RunningStatistics
from landscape.streams import MEASURE, MEASURE_SAMPLE, BlockDraws, stream_seed
from landscape.sums import Evaluation, Sums

EXAMPLE_AXES = {"x": 0, "y": 0, "masks": 1}
"""Where the examples lie in what a batch brings besides theta."""


class Objective:
    """objective(theta [S, P]) -> J [S], float64 sums in a fixed order, no augmentation.

    ``deterministic`` runs the module in evaluation mode. ``stochastic`` is the training cost under common random
    numbers: the masks depend on (seed, example, replicate) and never on theta, so that noise cancels in
    differences along a line. The caller's module is copied, never touched.

    Args:
        module: any module that maps x [B, ...] to what the cost expects; its own parameters are only a template.
        cost: ``channels(predict, x, y)``, see ``landscape.cost``.
        split: the examples.
        mode: ``"deterministic"`` or ``"stochastic"``.
        seeds: one per row of theta; they choose the masks.
        dtype: precision of the forward pass.
        batch_size: examples per forward pass; the result does not depend on it beyond rounding.
        num_replicates: K, mask replicates to average in stochastic mode.
        running_statistics: what to do with buffers such as batch-norm means along a path: ``"keep"`` uses those of
            ``buffers`` (the module's own by default), ``"interpolate"`` and ``"recalibrate"`` as in
            ``landscape.running_statistics``; None refuses a module that has any.
        buffers: per row of theta, those of theta_1, or of the one point that is evaluated. buffers_0: those of theta_0.
        calibration: the training split, which ``"recalibrate"`` takes the statistics over.
        engine: how a line is evaluated, equal up to rounding: ``"plain"`` one forward pass per point, ``"prefix"`` and
            ``"events"`` see ``landscape.engine``, ``"auto"`` whichever pays.

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
        batch_size: int = 5000,
        num_replicates: int = 1,
        running_statistics: str | None = None,
        buffers: Sequence[Mapping[str, Tensor]] | None = None,
        device: torch.device | str = "cpu",
        buffers_0: Sequence[Mapping[str, Tensor]] | None = None,
        calibration: Split | None = None,
        engine: str = "auto",
    ) -> None:
        check_engine(engine)
        if mode not in ("deterministic", "stochastic"):
            raise InputError(f"mode={mode} is unknown; use deterministic or stochastic")
        if dtype not in ("float32", "float64"):
            raise InputError(f"objective.dtype={dtype} is unknown; use float32 or float64")
        if batch_size < 1 or num_replicates < 1:
            raise InputError(
                f"objective.batch_size={batch_size} and objective.num_replicates={num_replicates} must be at least 1"
            )
        self.dtype: torch.dtype = getattr(torch, dtype)
        self.device = torch.device(device)
        self.module = copy.deepcopy(module).to(device=self.device, dtype=self.dtype).eval().requires_grad_(False)
        self.statistics = RunningStatistics(self.module, running_statistics, calibration, self.dtype, batch_size)
        self.layout = ParameterLayout.of(self.module)
        self.cost, self.mode, self.seeds = cost, mode, list(seeds)
        self.split = split.to(self.device, self.dtype)
        # Sequences are read side by side, block after block, the state of one block carried into the next.
        self.batch_size = split.num_streams or batch_size
        self.is_stateful = split.num_streams is not None and hasattr(self.module, "initial_state")
        self.buffers, self.buffers_0 = buffers, buffers_0
        with self._fitting():
            self.masks = Masks(self.module, self.split.x[:1], cost.num_draws)
        self.mask_draws = BlockDraws(self.masks.draw, 1, self.device)
        self.sample_draws = BlockDraws(self._uniform, 0, self.device)
        self.torch_dropout = [m for m in self.module.modules() if isinstance(m, nn.modules.dropout._DropoutNd)]
        # Without anything random the two modes are one; say so, and do not average equal replicates.
        self.is_random = mode == "stochastic" and bool(len(self.masks) or self.torch_dropout)
        self.num_replicates = num_replicates if self.is_random else 1
        self.engine = engine
        self._check()

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
        keep_costs: bool = False,
    ) -> Evaluation:
        """Every channel at path(alpha) [S, P] for each alpha.

        Args:
            path: alpha -> theta [S, P].
            alphas: [A].
            progress: told how many (batch, alpha) pairs are done, out of ``num_batches * A``.
            keep_costs: give each example's objective too.
        """
        num_seeds = path(float(alphas[0])).shape[0]
        if num_seeds != len(self.seeds):
            raise ValueError(
                f"theta has {num_seeds} rows but the objective has {len(self.seeds)} seeds; give one per row"
            )
        sums = Sums((self.num_replicates, len(alphas), num_seeds), len(self.split), self.device, keep_costs)
        done = 0
        states: dict[tuple[int, int, int], Any] = {}
        buffers = self.statistics.along(path, alphas, self.buffers_0, self.buffers, num_seeds)  # [A][S]
        moving = any(row is not buffers[0] for row in buffers)
        # torch's own dropout draws from the global generator inside the forward pass: nothing that can be traced.
        engine = "plain" if moving or (self.is_random and self.torch_dropout) else self.engine
        line = line_of(engine, self._forward, path, alphas, self.dtype, self.device, EXAMPLE_AXES)
        # Batches outside, alphas inside: masks are drawn and data is touched once for the whole line.
        for start in range(0, len(self.split), self.batch_size):
            x, y = self.split.x[start : start + self.batch_size], self.split.y[start : start + self.batch_size]
            masks = self._masks(start, len(x), num_seeds)
            seen = self._seen(start, x, num_seeds)
            if line is not None:
                known = {
                    (s, k): self._known(seen[s], y, buffers[0][s], None if masks is None else masks[s][k])
                    for s, k in product(range(num_seeds), range(self.num_replicates))
                }
                if line.add(known, states, sums, start):
                    done += len(alphas)
                    progress(done)
                    continue
            for a, alpha in enumerate(alphas):
                theta = path(float(alpha)).to(self.device, self.dtype)
                for s in range(num_seeds):
                    for k in range(self.num_replicates):
                        channels, states[a, s, k] = self._channels(
                            theta[s], seen[s], y, s, start, k, masks, states.get((a, s, k)), buffers[a][s]
                        )
                        sums.add(k, a, s, channels, start)
                done += 1
                progress(done)
        return sums.evaluation()

    @property
    def num_batches(self) -> int:
        """Forward passes per theta."""
        return -(-len(self.split) // self.batch_size)

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
                self.torch_dropout if self.is_random else (), stream_seed(self.seeds[s], MEASURE, k, start), self.device
            ),
        ):
            return self._forward(theta, known, state)

    def _known(self, x: Tensor, y: Tensor, buffers: Mapping[str, Tensor], masks: Tensor | None) -> dict[str, Tensor]:
        """All that a batch of one seed brings besides theta; masks [draws, B, F]."""
        known = {"x": x, "y": y} if masks is None else {"x": x, "y": y, "masks": masks}
        return known | {f"buffer {name}": buffer for name, buffer in buffers.items()}

    def _forward(self, theta: Tensor, known: Mapping[str, Tensor], state: Any) -> tuple[dict[str, Tensor], Any]:
        """Channels and state after a batch, a function of its arguments alone."""
        values: dict[str, Tensor] = dict(self.layout.unflatten(theta))
        values |= {name.removeprefix("buffer "): v for name, v in known.items() if name.startswith("buffer ")}

        def predict(inputs: Any, draw: int) -> Any:
            nonlocal state
            with self.masks.bind(known.get("masks"), draw):
                if not self.is_stateful:
                    return functional_call(self.module, values, (inputs,))
                before = self.module.initial_state(known["x"]) if state is None else state  # type: ignore[operator]
                outputs, state = functional_call(self.module, values, ((inputs, before),))
                return outputs

        return dict(self.cost.channels(predict, known["x"], known["y"])), state

    @contextmanager
    def _fitting(self) -> Iterator[None]:
        """Turn a fault of model, cost and data among themselves into one sentence."""
        try:
            yield
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, IndexError, ValueError, TypeError, AttributeError) as error:
            x = self.split.x
            tokens = "" if x.is_floating_point() else f", which are whole numbers ({x.dtype})"
            wants = getattr(self.cost, "wants", "it must map x [B, ...] to logits [B, C]")
            raise InputError(
                f"model={type(self.module).__name__} does not fit data and cost {type(self.cost).__name__}: on x "
                f"[B, {', '.join(map(str, x.shape[1:]))}]{tokens} it failed with: {error}; {wants}"
            ) from error

    def _check(self) -> None:
        """Refuse a wrong output shape, and a cost that is not a function of theta."""
        few = min(len(self.split), 64, self.split.num_streams or 64)
        x, y = self.split.x[:few], self.split.y[:few]
        theta = self.layout.theta(self.module)
        # Off the start: behind a layer that begins at exactly zero no randomness would show.
        noise = torch.randn(theta.shape, generator=torch.Generator().manual_seed(0))
        theta = theta + 0.01 * noise.to(self.device, self.dtype)
        masks = self._masks(0, few, 1)
        name = type(self.module).__name__
        own = self.statistics.of(self.buffers, 0)
        with self._fitting(), self.masks.watched() as idle:
            first, _ = self._channels(theta, x, y, 0, 0, 0, masks, None, own)
            second, _ = self._channels(theta, x, y, 0, 0, 0, masks, None, own)
        if idle and hasattr(self.module, "example"):  # its training pass takes more than x, and was not made
            raise InputError(
                f"cost {type(self.cost).__name__} leaves {len(idle)} of the {len(self.masks)} mask layers of "
                f"model={name} unused: it is not the cost that this model is made for, and its masks would change "
                "nothing; choose another cost (cost=multi_prediction for model=mpdbm) or another model"
            )
        shape = tuple(first["objective"].shape)
        if shape != (few,):
            raise InputError(
                f"model={name} with cost {type(self.cost).__name__} gives a cost of shape {shape}, not one value per "
                f"example ({few},); it must map x [B, ...] to logits [B, C]"
            )
        if any(not torch.equal(first[n].nan_to_num(), second[n].nan_to_num()) for n in first):
            raise InputError(
                f"model={name} gives two different costs at one theta; remove the randomness that evaluation mode "
                "leaves on, or use landscape.model.Dropout, whose masks can be fixed"
            )
