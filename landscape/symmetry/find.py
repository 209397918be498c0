"""Which axes share a permutation, found from the operators that a module runs."""

from __future__ import annotations

import logging
import operator
from collections.abc import Mapping
from pathlib import Path
from traceback import extract_tb
from typing import Any

import torch
from torch import Tensor, nn
from torch._ops import OpOverload
from torch.fx import Graph, Node

from landscape.errors import InputError
from landscape.objective.engine.graph import Trace, Unsuited, name_of, trace
from landscape.objective.module.call import Call, called
from landscape.symmetry.axes import Axes
from landscape.symmetry.layers import LAYERS
from landscape.symmetry.operators import Operator, Unknown, sizes_of
from landscape.symmetry.outputs import AFTER, LATER, Outputs
from landscape.symmetry.reading import read_off
from landscape.symmetry.shapes import EVERYWHERE, FILLED, SHAPES, entrywise
from landscape.symmetry.units import INPUTS, OUTPUTS, UNUSED, Shape, flat, free, hold, size_of, still, unify

log = logging.getLogger(__name__)

RULES = LAYERS | SHAPES
TORCH, HERE = Path(torch.__file__).parent, Path(__file__).parents[1]
"""Whose lines nobody wrote who reads a message."""
SHOWN = 3
"""Parameters that a message names."""
SYMMETRIC = frozenset(("maximum", "minimum", "add", "mul", "max", "min"))
"""Operators of two that give the same in any order, one after the other."""
WAY_OUT = "write down which axes share a permutation: endpoints.axes=FILE.yaml, or axes_from(file, net)"


def axes_of(module: nn.Module, example: Any, call: Call = called) -> Axes:
    """The permutations of hidden units that leave what a module computes as it is.

    The module is run once on shapes alone, and each operator says how the order of what it reads becomes that of what
    it gives. What an operator is not known for stays where it is.

    Args:
        module: any; it is not touched.
        example: what it is called with, of a few examples.
        call: (module, inputs) -> outputs, where that is not module(inputs).

    Returns:
        The largest group that was found; ``stays`` says what held the rest. ``check_axes`` tries it.

    Raises:
        InputError: operators cannot be written down without values, or no unit may move.
    """
    outputs = Outputs(module, example, call)
    traced = _traced(outputs)
    walk = _Walk(traced)
    walk.run()
    values = {name: walk.shapes[node] for name, node in _named(traced, "value ").items()}
    axes = read_off(values, walk.every(), outputs.tied)
    if axes.stays:
        some = [f"{name} ({why})" for name, why in axes.stays.items()]
        more = f" and {len(some) - SHOWN} more" if len(some) > SHOWN else ""
        log.info("model=%s: units stay where they are in %s%s", outputs.name, ", ".join(some[:SHOWN]), more)
    if not axes.sizes:
        held = sorted(set(axes.stays.values()))
        reason = f" ({', '.join(held)} kept some in place)" if held else ""
        raise InputError(
            f"model={outputs.name} has no hidden units that could change places by themselves{reason}; {WAY_OUT}"
        )
    return axes


def _traced(outputs: Outputs) -> Trace:
    known = {f"value {name}": value for name, value in outputs.values.items()}
    known |= {f"input {name}": value for name, value in outputs.inputs.items()}

    def forward(_: Tensor, known: Mapping[str, Tensor], state: Any) -> tuple[dict[str, Tensor], Any]:
        values = {name.removeprefix("value "): v for name, v in known.items() if name.startswith("value ")}
        inputs = {name.removeprefix("input "): v for name, v in known.items() if name.startswith("input ")}
        return outputs(values, inputs), state

    try:
        with outputs.drawing():
            return trace(forward, torch.zeros(1), known, None)
    except Unsuited as error:
        raise InputError(
            f"model={outputs.name} cannot be read operator by operator ({_reason(error)}), so which of its units may "
            f"change places is not known; {WAY_OUT}"
        ) from error


def _reason(error: Unsuited) -> str:
    """Why a module was not read, with the line of somebody's code at which it stopped."""
    cause = error.__cause__
    if cause is None:
        return str(error)
    own = [f for f in extract_tb(cause.__traceback__) if not Path(f.filename).is_relative_to(TORCH)]
    frame = next((f for f in reversed(own) if not Path(f.filename).is_relative_to(HERE) and f.line), None)
    where = f" at {frame.line!r}, line {frame.lineno} of {Path(frame.filename).name}" if frame else ""
    if "DataDependent" in type(cause).__name__:
        return f"what it does depends on values{where}"
    return f"{error}{where}"


def _named(traced: Trace, prefix: str) -> dict[str, Node]:
    return {n.removeprefix(prefix): node for n, node in traced.known.items() if n.startswith(prefix)}


class _Walk:
    """Once over a graph, in the order of its nodes."""

    def __init__(self, traced: Trace) -> None:
        self.traced = traced
        self.shapes: dict[Node, Shape] = {}
        self.several: dict[Node, tuple[Shape, ...]] = {}
        self.blank: set[Node] = set()
        self.graph: Graph = traced.module.graph

    def run(self) -> None:
        """Give every node its axes, and hold what must not move."""
        inputs = set(_named(self.traced, "input ").values())
        done: set[Node] = set()
        for node in self.graph.nodes:
            if node in done or node.op == "output":
                continue
            if node.op == "placeholder":
                why = INPUTS if node in inputs else None if node.users else UNUSED
                self.shapes[node] = [free(n) if why is None else still(n, why) for n in sizes_of(node)[0]]
            elif node.op == "get_attr":
                constant = operator.attrgetter(node.target)(self.traced.module)
                self.shapes[node] = [still(n, "a constant") for n in getattr(constant, "shape", ())]
            elif "val" not in node.meta:
                raise InputError(
                    f"what {name_of(node) or node.target} gives is not known before it runs, so neither is which units "
                    f"may change places; {WAY_OUT}"
                )
            elif node.op == "call_function" and name_of(node):
                done |= self._call(node)
            elif node.target is operator.getitem and node.args[0] in self.several:
                self.shapes[node] = self.several[node.args[0]][node.args[1]]
            else:
                self._unknown(node)
        ends = dict(zip(self.traced.channels, self.traced.outputs, strict=False))
        for name, node in ends.items():
            word, _, place = name.partition(".")
            if word == AFTER:
                for first, second in zip(self._shape(node), self._shape(ends[f"{LATER}.{place}"]), strict=True):
                    unify(first, second)
            elif word != LATER:
                hold(self._shape(node), OUTPUTS)

    def every(self) -> list[Shape]:
        """The axes of all that is computed."""
        return [*self.shapes.values(), *(shape for shapes in self.several.values() for shape in shapes)]

    def _shape(self, node: Node) -> Shape:
        """The axes of a node; those of one value everywhere fit any."""
        if node in self.blank:
            return [free(size, is_blank=True) for size in sizes_of(node)[0]]
        return self.shapes[node]

    def _call(self, node: Node) -> set[Node]:
        """Give a call its axes; the nodes that are done with it."""
        name = name_of(node)
        read = node.all_input_nodes
        if name in FILLED or (read and name in EVERYWHERE and all(n in self.blank for n in read)):
            self.blank.add(node)
            self.shapes[node] = self._shape(node)
            return set()
        parts, last = _combined(node)
        if last is not None and (shape := self._folded(node)) is not None:
            self.shapes[last] = shape
            self._meet(shape)
            return parts
        found = self._applied(node, name)
        if found is None:
            self._unknown(node)
            return set()
        for shape in found:
            self._meet(shape)
        if isinstance(node.meta["val"], Tensor):
            self.shapes[node] = found[0]
        else:
            self.several[node] = found
        return set()

    def _applied(self, node: Node, name: str) -> tuple[Shape, ...] | None:
        """What the rule of an operator says of all that it gives and somebody reads; None where it has no say."""
        rule = RULES.get(name) or (entrywise if _is_entrywise(node.target) else None)
        if rule is None:
            return None
        try:
            found = rule(Operator(node, name, self._shape))
        except (Unknown, LookupError, TypeError, ValueError):  # an overload that the rule was not written for
            return None
        shapes = found if isinstance(found, tuple) else (found,)
        read = {0} if isinstance(node.meta["val"], Tensor) else {int(str(user.args[1])) for user in node.users}
        sizes = sizes_of(node)
        fits = all(k < len(shapes) and [size_of(dim) for dim in shapes[k]] == list(sizes[k]) for k in read)
        return shapes if fits else None

    def _unknown(self, node: Node) -> None:
        """What nobody knows of gives the same when all that it reads is the same."""
        why = f"operator {name_of(node) or getattr(node.target, '__name__', node.target)}"
        for n in node.all_input_nodes:
            for shape in self.several.get(n) or (self._shape(n),):
                hold(shape, why)
        sizes = sizes_of(node)
        if isinstance(node.meta.get("val"), tuple | list):
            self.several[node] = tuple([still(n, why) for n in size] for size in sizes)
        else:
            self.shapes[node] = [still(n, why) for n in sizes[0]]

    def _meet(self, shape: Shape) -> None:
        for dim in shape:
            for units in flat(dim):
                units.is_met |= not units.is_blank

    def _folded(self, node: Node) -> Shape | None:
        """The axes of what is left of parts that were put together whatever their order."""
        op = Operator(node, name_of(node), self._shape)
        x, d = op.inputs[0], op.value("dim")
        d %= len(x)
        sizes = [shape[d] if name_of(node) != "unbind" else 1 for shape in sizes_of(node)]
        if len(set(sizes)) > 1:
            return None
        part = op.cut([x[d]], [len(sizes), sizes[0]])[1]
        return [*x[:d], *([part] if name_of(node) != "unbind" else []), *x[d + 1 :]]


def _combined(node: Node) -> tuple[set[Node], Node | None]:
    """The parts of an axis that are only put together again by one symmetric operator, and where that is done."""
    if name_of(node) not in ("unbind", "chunk", "unsafe_chunk", "split", "unsafe_split"):
        return set(), None
    parts = {user.args[1]: user for user in node.users if user.target is operator.getitem}
    if len(parts) < max(2, len(sizes_of(node))) or len(parts) != len(node.users):
        return set(), None
    inside, name = set(parts.values()), ""
    waiting = list(inside)
    for _ in range(len(parts) - 1):
        joined = next(
            (user for n in waiting for user in n.users if len(user.args) == 2 and set(user.args) <= set(waiting)), None
        )
        if joined is None or len(joined.all_input_nodes) != 2 or joined.kwargs:
            return set(), None
        if any(len(n.users) != 1 for n in joined.all_input_nodes) or name_of(joined) not in SYMMETRIC:
            return set(), None
        if name and name_of(joined) != name:
            return set(), None
        name = name_of(joined)
        waiting = [n for n in waiting if n not in joined.all_input_nodes] + [joined]
        inside.add(joined)
    return inside, waiting[0]


def _is_entrywise(target: Any) -> bool:
    if not isinstance(target, OpOverload):
        return False
    return torch.Tag.pointwise in target.tags and torch.Tag.nondeterministic_seeded not in target.tags
