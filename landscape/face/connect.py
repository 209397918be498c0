"""A curve between two points, trained so that J is low along it."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from landscape.cost import from_torch
from landscape.data.split import Split
from landscape.data.stream import Stream, together
from landscape.errors import InputError
from landscape.face.curve import KINDS, ConnectingCurve
from landscape.face.data import check_kinds, examples_of, objective_of
from landscape.face.measure import device_for
from landscape.face.places import line
from landscape.face.stage import points_of
from landscape.face.words import translated
from landscape.ground.progress import bars
from landscape.objective.interim import Interim
from landscape.objective.module.template import template_of
from landscape.objective.module.watch import undisturbed
from landscape.parameters import ParameterLayout
from landscape.path import BezierConnection, PolygonConnection
from landscape.training.connection import ConnectionRun, check_connection, faults_of
from landscape.training.groups import check_training

log = logging.getLogger(__name__)

CONNECTIONS = {"bezier": BezierConnection, "polygon": PolygonConnection}


@undisturbed()
def connect(
    net: nn.Module,
    a: Any,
    b: Any,
    data: Any,
    cost: Any,
    *,
    path: str = "bezier",
    num_bends: int = 1,
    spacing: str = "parameter",
    epochs: int = 30,
    lr: float = 0.05,
    momentum: float = 0.9,
    batch_size: int = 128,
    seed: int = 0,
    dtype: str | torch.dtype = "float32",
    device: torch.device | str = "auto",
    call: Callable[[nn.Module, Any], Any] | None = None,
    num_examples: int | None = None,
    entry: str | Sequence[str | None] | None = None,
    ignore: str | Sequence[str] = (),
    missing: str | None = None,
    progress: bool | None = None,
    resume: str | Path | None = None,
) -> ConnectingCurve:
    """A curve from ``a`` to ``b`` whose bends are trained so that J is low all along.

    It minimises the mean over t of J(θ(t)), t uniform on [0, 1]. Every minibatch is taken at a t of its own, in
    training mode: dropout draws, batch norm takes the statistics of the minibatch. torch's SGD moves the bends, which
    start evenly on the straight line; the rate ``lr`` stays for half of the epochs and then falls to a hundredth. The
    ends stay what they are, and so do the net and global random numbers.

    Measure it with ``measure``, as a line. With batch norm say ``running_statistics="recalibrate"`` there: between the
    ends no statistics are known.

    Args:
        net: any module without a state between batches; a template, as in ``measure``.
        a, b: two points, see ``line``.
        data: examples as in ``measure``, of several by name the training's; those of a loader are read once and held.
        cost: a loss or cost as in ``measure``, with a gradient.
        path: ``"bezier"``, a smooth curve of degree num_bends + 1, or ``"polygon"``, straight from bend to bend.
        num_bends: 1 or more.
        spacing: ``"parameter"``: alpha is t. ``"arc_length"``: alpha is the share of the curve's length.
        epochs: passes over the examples.
        lr, momentum: of SGD.
        batch_size: examples per minibatch.
        seed: of t, the order of the examples, and masks; the same seed gives the same curve.
        dtype: precision of training.
        device: where to train; ``"auto"``: where the net lies.
        call: (module, inputs) -> outputs, where the net is called in another way.
        num_examples: the first so many of the data; None: all.
        entry, ignore, missing: how points are read, see ``line``.
        progress: False for no progress bar.
        resume: a file that keeps how far training has come until it is done, every five seconds: the same call goes on
            there after it was cut, to the same bits.

    Returns:
        A ``ConnectingCurve``.

    Raises:
        InputError: what cannot be trained, in one sentence, before any work; or a training that diverged.

    Source: Garipov et al. 2018 (arXiv 1802.10026), section 3.2.

    >>> import torch, landscape as ls
    >>> class Product(torch.nn.Module):  # two parameters, and every solution lies on u v = 1
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.u, self.v = torch.nn.Parameter(torch.ones(1)), torch.nn.Parameter(torch.ones(1))
    ...     def forward(self, x):
    ...         return self.u * self.v * x
    >>> x = torch.ones(8, 1)
    >>> a, b = torch.tensor([0.25, 4.0]), torch.tensor([4.0, 0.25])
    >>> curve = ls.connect(Product(), a, b, (x, x), torch.nn.MSELoss(), epochs=300, batch_size=4, progress=False)
    >>> curve  # doctest: +ELLIPSIS
    bezier curve of 1 bend, 1.1... times as long as its line
    >>> on_line, on_curve = (
    ...     ls.measure(Product(), place, (x, x), torch.nn.MSELoss(), alphas=11).objective.max()
    ...     for place in (curve.line, curve)
    ... )
    >>> bool(on_curve < 0.1 * on_line)
    True
    """
    with translated(), bars(progress is not False):
        if not isinstance(net, nn.Module):
            raise InputError(f"net came as {type(net).__name__}; give the module that the points are parameters of")
        if path not in CONNECTIONS:
            raise InputError(f"path={path!r} is unknown; use one of {', '.join(CONNECTIONS)}")
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise InputError(f"seed={seed!r} must be a whole number, 0 or more")
        if resume is not None:
            Interim(resume)  # refuses a folder that is not there
        connection = CONNECTIONS[path](num_bends, spacing, epochs, lr, momentum, batch_size)
        described = line(a, b, entry=entry, ignore=ignore, missing=missing)
        check_kinds(data, cost)
        split = _held(examples_of(data, num_examples)[0].train)
        check_connection(connection, net, len(split), batch_size)
        place, kind = device_for(net, device), str(dtype).removeprefix("torch.")
        few, cost = split.first(64), from_torch(cost)
        objective_of(net, cost, few, dtype=kind, device=place, call=call, running_statistics="keep")
        precision: torch.dtype = getattr(torch, kind)
        module = template_of(net, place, precision)
        for name, parameter in net.named_parameters():
            own = dict(module.named_parameters())[name]
            own.requires_grad_(parameter.requires_grad)
        check_training(module, cost, few.first(8).to(place, precision), call)
        (theta_0, buffers_0), (theta_1, buffers_1) = points_of(described.points, described.reading, net)
        run = ConnectionRun(
            connection,
            module,
            cost,
            split,
            theta_0[None],
            theta_1[None],
            [seed],
            [buffers_1],
            device=place,
            dtype=precision,
            batch_size=batch_size,
            file=None if resume is None else Path(resume),
            question=_question([theta_0, theta_1, *split.leaves.values()], connection, seed, kind),
            call=call,
        )
        found = run.run()
        if resume is not None:
            Path(resume).unlink(missing_ok=True)
        curve = KINDS[path](theta_0[None], theta_1[None], found.theta.to(theta_0.dtype), spacing)
        is_lost, fault = faults_of(float(curve.length[0]), float((theta_1 - theta_0).double().norm()))
        if is_lost:
            raise InputError(f"the curve {fault}; an lr lower than {lr:g} may help")
        if fault:
            log.warning("the curve %s; an lr lower than %g may help", fault, lr)
        layout = ParameterLayout.of(net)
        return ConnectingCurve(curve, layout, buffers_0, buffers_1, found.costs[:, 0], seed)


def _held(data: Split | Stream) -> Split:
    """Examples in memory, also those of a loader."""
    split = together(list(data.batches())) if isinstance(data, Stream) else data
    if split.num_streams is not None:
        raise InputError("data are sequences side by side, which are no minibatches that a curve could be trained on")
    return split


def _question(tensors: Sequence[Tensor], connection: Any, seed: int, dtype: str) -> str:
    """A digest of all that a checkpoint must be of."""
    found = hashlib.sha256(repr((dataclasses.astuple(connection), type(connection).__name__, seed, dtype)).encode())
    for tensor in tensors:
        found.update(str((tensor.dtype, tuple(tensor.shape))).encode())
        found.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()
