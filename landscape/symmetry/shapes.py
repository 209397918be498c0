"""What the operators without weights do to the order of units: entry by entry, over an axis, or to the shape."""

from __future__ import annotations

import math

import torch

from landscape.symmetry.layers import Rule, rules
from landscape.symmetry.operators import Operator, Unknown, broadcast, repeated, sizes_of
from landscape.symmetry.units import POSITIONS, Shape, flat, hold, size_of, unify


def entrywise(op: Operator) -> Shape:
    """Of one tensor or several, each entry from the entries that stand in its place."""
    return broadcast(op.inputs)


def _same(op: Operator) -> Shape:
    """Along an axis, whatever the order on it: softmax."""
    return op.shape("self", "input")


def _dropout(op: Operator) -> Shape:
    if op.value("train"):
        raise Unknown
    return op.shape("input")


def _reshaped(op: Operator) -> Shape:
    if op.name == "view" and "dtype" in op.given:
        raise Unknown
    return op.cut(op.inputs[0], op.sizes)


def _moved(op: Operator) -> Shape:
    """Axes in another order: which, shows a tensor whose axes all have lengths of their own."""
    x = op.inputs[0]
    rest = {name: value for name, value in op.given.items() if name not in ("self", "input")}
    probe = torch.empty([2 + k for k in range(len(x))], device="meta")
    assert callable(op.node.target)
    return [x[size - 2] for size in op.node.target(probe, *rest.values()).shape]


def _expanded(op: Operator) -> Shape:
    x, sizes = op.inputs[0], op.sizes
    whole = [()] * (len(sizes) - len(x)) + x
    return [repeated(dim, size) for dim, size in zip(whole, sizes, strict=True)]


def _tiled(op: Operator) -> Shape:
    """Copies of all of an axis, one after the other."""
    x, sizes = op.inputs[0], op.sizes
    whole = [()] * (len(sizes) - len(x)) + x
    return [repeated((), size // size_of(dim)) + dim for dim, size in zip(whole, sizes, strict=True)]


def _axes(op: Operator, num: int) -> list[int]:
    """The axes that a reduction runs over; all where it names none."""
    dims = op.value("dim", "dims")
    if isinstance(dims, int):
        dims = [dims]
    return [d % num for d in dims] if dims and num else list(range(num))


def _reduced(op: Operator) -> Shape:
    """A number of all entries of an axis that does not depend on their order."""
    if "other" in op.given:  # torch.max(a, b)
        return entrywise(op)
    x = op.inputs[0]
    axes = _axes(op, len(x))
    if op.value("keepdim"):
        return [() if d in axes else dim for d, dim in enumerate(x)]
    return [dim for d, dim in enumerate(x) if d not in axes]


def _ordered(op: Operator) -> Shape:
    """Along axes whose order counts: these stay, the others move."""
    x, sizes = op.inputs[0], op.sizes
    axes = _axes(op, len(x))
    op.hold([x[d] for d in axes])
    for places in op.inputs[1:]:
        op.hold(places)
    return [op.held([sizes[d]])[0] if d in axes else dim for d, dim in enumerate(x)]


def _windowed(op: Operator) -> Shape:
    """Over positions, the last axes: channels move, positions stay."""
    x, sizes = op.inputs[0], op.sizes
    num = next((int(c) for c in op.name if c.isdigit()), len(x) - 2)
    hold(x[-num:], POSITIONS)
    return [*x[:-num], *op.held(sizes[-num:])]


def _windowed_with_places(op: Operator) -> tuple[Shape, Shape]:
    shape = _windowed(op)
    return shape, shape


def _padded(op: Operator) -> Shape:
    x, sizes = op.inputs[0], op.sizes
    changed = [size_of(dim) != size for dim, size in zip(x, sizes, strict=True)]
    op.hold([dim for dim, has in zip(x, changed, strict=True) if has])
    padding = op.value("pad", "padding")
    if any(padding[k] for k in range(len(padding)) if not changed[len(x) - 1 - k // 2]):  # as much cut off as added
        raise Unknown
    return [op.held([size])[0] if has else dim for dim, size, has in zip(x, sizes, changed, strict=True)]


def _selected(op: Operator) -> Shape:
    x = op.inputs[0]
    d = op.value("dim") % len(x)
    op.hold([x[d]])
    return [*x[:d], *x[d + 1 :]]


def _sliced(op: Operator) -> Shape:
    """One of several equal blocks of an axis: the blocks stay, and all follow one permutation."""
    x, sizes = op.inputs[0], op.sizes
    d = op.value("dim") % len(x)
    whole, size = size_of(x[d]), sizes[d]
    if size == whole and op.value("step", default=1) == 1:
        return x
    start = op.value("start") or 0
    if not isinstance(start, int):
        raise Unknown
    start += whole if start < 0 else 0
    if size and whole % size == 0 and start % size == 0 and op.value("step", default=1) == 1:
        blocks, block = op.cut([x[d]], [whole // size, size])
        op.hold([blocks])
    else:
        op.hold([x[d]])
        block = op.held([size])[0]
    return [*x[:d], block, *x[d + 1 :]]


def _split(op: Operator) -> tuple[Shape, ...]:
    """Blocks of an axis: cut into equal ones, of which a part has one or several, all follow one permutation."""
    x = op.inputs[0]
    d = op.value("dim") % len(x)
    sizes = [shape[d] for shape in sizes_of(op.node)]
    size = math.gcd(*sizes)
    if not size or sum(sizes) != size_of(x[d]):
        raise Unknown
    blocks, block = op.cut([x[d]], [sum(sizes) // size, size])
    op.hold([blocks])
    return tuple([*x[:d], op.held([num // size])[0] + block, *x[d + 1 :]] for num in sizes)


def _unbound(op: Operator) -> tuple[Shape, ...]:
    return (_selected(op),) * len(sizes_of(op.node))


def _gated(op: Operator) -> Shape:
    """The first half of an axis times the logistic function of the second."""
    x, sizes = op.inputs[0], op.sizes
    d = op.value("dim") % len(x)
    halves, half = op.cut([x[d]], [2, sizes[d]])
    op.hold([halves])
    return [*x[:d], half, *x[d + 1 :]]


def _joined(op: Operator) -> Shape:
    """One after the other along an axis: its parts move only where all follow one permutation already."""
    shapes = [shape for shape in op.shapes("tensors") if shape or len(op.sizes) == 0]
    d = op.value("dim") % len(op.sizes)
    parts = [shape[d] for shape in shapes]
    rest = broadcast([[*shape[:d], (), *shape[d + 1 :]] for shape in shapes])
    if all(flat(part) == flat(parts[0]) for part in parts) and size_of(parts[0]) > 1:
        rest[d] = op.held([len(parts)])[0] + parts[0]
    else:
        op.hold(parts)
        rest[d] = op.held([op.sizes[d]])[0]
    return rest


def _stacked(op: Operator) -> Shape:
    shapes = op.shapes("tensors")
    d = op.value("dim") % len(op.sizes)
    for shape in shapes[1:]:
        for first, second in zip(shapes[0], shape, strict=True):
            unify(first, second)
    return [*shapes[0][:d], op.held([len(shapes)])[0], *shapes[0][d:]]


def _shuffled(op: Operator) -> Shape:
    x = op.inputs[0]
    groups = op.value("groups")
    group, channels = op.cut([x[1]], [groups, size_of(x[1]) // groups])
    return [x[0], channels + group, *x[2:]]


def _to_positions(op: Operator) -> Shape:
    """Channels [C * r * r] become [C] on r times as many positions."""
    x, sizes = op.inputs[0], op.sizes
    channels, places = op.cut([x[-3]], [sizes[-3], size_of(x[-3]) // sizes[-3]])
    op.hold([places, *x[-2:]])
    return [*x[:-3], channels, *op.held(sizes[-2:])]


SHAPES: dict[str, Rule] = {
    **rules(
        "hardswish hardsigmoid square type_as float_power absolute negative positive multiply divide true_divide clip "
        "subtract nan_to_num fix where relu6 selu log_sigmoid _prelu_kernel logical_not logical_and logical_or isnan",
        entrywise,
    ),
    **rules("softmax log_softmax _softmax _log_softmax _safe_softmax", _same),
    **rules("dropout feature_dropout alpha_dropout feature_alpha_dropout", _dropout),
    **rules(
        "view _unsafe_view reshape flatten unflatten squeeze unsqueeze view_as reshape_as contiguous clone detach "
        "alias to _to_copy lift_fresh_copy ravel",
        _reshaped,
    ),
    **rules("t transpose permute movedim moveaxis swapaxes swapdims numpy_T mT", _moved),
    **rules("expand expand_as broadcast_to", _expanded),
    **rules("repeat", _tiled),
    **rules("sum mean amax amin max min logsumexp norm linalg_vector_norm var std prod any all nansum", _reduced),
    **rules("flip roll cumsum cumprod index_select", _ordered),
    **rules(
        "max_pool1d max_pool2d max_pool3d avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d "
        "adaptive_avg_pool3d _adaptive_avg_pool2d _adaptive_avg_pool3d upsample_nearest1d upsample_nearest2d "
        "upsample_nearest3d upsample_linear1d upsample_bilinear2d upsample_trilinear3d upsample_bicubic2d",
        _windowed,
    ),
    **rules(
        "max_pool2d_with_indices max_pool3d_with_indices max_pool1d_with_indices adaptive_max_pool1d "
        "adaptive_max_pool2d adaptive_max_pool3d",
        _windowed_with_places,
    ),
    **rules("constant_pad_nd pad reflection_pad1d reflection_pad2d replication_pad1d replication_pad2d", _padded),
    **rules("select", _selected),
    **rules("slice narrow", _sliced),
    **rules("split split_with_sizes unsafe_split unsafe_split_with_sizes chunk unsafe_chunk tensor_split", _split),
    **rules("unbind", _unbound),
    **rules("glu", _gated),
    **rules("cat concat", _joined),
    **rules("stack", _stacked),
    **rules("channel_shuffle", _shuffled),
    **rules("pixel_shuffle", _to_positions),
}
FILLED = frozenset(rules("zeros ones full zeros_like ones_like full_like new_zeros new_ones new_full", _same))
"""Operators that give one value everywhere."""
EVERYWHERE = frozenset(
    rules(
        "view _unsafe_view reshape flatten unflatten squeeze unsqueeze contiguous clone detach alias to _to_copy t "
        "transpose permute expand expand_as broadcast_to repeat select slice narrow",
        _same,
    )
)
"""Operators that give one value everywhere where they read one."""
