"""What the operators with weights do to the order of units: each rule gives the axes of what its operator gives.

A rule is right if the operator gives the same values in the new order whenever all that it reads is in the new order,
for every permutation that the rule leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from landscape.symmetry.operators import Operator, Unknown, broadcast, product, summed
from landscape.symmetry.units import POSITIONS, TOKENS, Dim, Shape, agree, flat, hold, size_of, unify

Rule = Callable[[Operator], "Shape | tuple[Shape, ...]"]
"""A tuple for an operator that gives several tensors; one alone, where that is the first and the others may not be
read."""


def _linear(op: Operator) -> Shape:
    x, weight, bias = op.shape("input"), op.shape("weight"), op.maybe("bias")
    summed(x[-1], weight[-1])
    if bias is not None:
        broadcast([bias, weight[:-1]])
    return [*x[:-1], *weight[:-1]]


def _conv(op: Operator) -> Shape:
    """Channels in groups: x [B, G * I, ...], weight [G * O, I, ...]; positions stay."""
    x, weight, bias = op.shape("input"), op.shape("weight"), op.maybe("bias")
    num = len(weight) - 2
    groups = op.value("groups")
    is_transposed = op.value("transposed", default=op.name.startswith("conv_transpose"))
    hold([*x[-num:], *weight[2:]], POSITIONS)
    channels, sizes = x[-num - 1], op.sizes
    group, inputs = op.cut([channels], [groups, size_of(channels) // groups])
    if is_transposed:
        own, incoming = op.cut([weight[0]], [groups, size_of(channels) // groups])
        outputs = weight[1]
    else:
        own, outputs = op.cut([weight[0]], [groups, size_of(weight[0]) // groups])
        incoming = weight[1]
    unify(group, own)
    summed(inputs, incoming)
    out = own + outputs
    if bias is not None:
        agree(bias[0], out)
    return [*x[: -num - 1], out, *op.held(sizes[-num:])]


def _product(op: Operator) -> Shape:
    return product(op.shape("self", "mat1", "batch1"), op.shape("other", "mat2", "vec", "tensor", "batch2"))


def _added_product(op: Operator) -> Shape:
    out = product(op.shape("mat1", "batch1", "mat"), op.shape("mat2", "batch2", "vec"))
    return broadcast([out, op.shape("self")])


def _bilinear(op: Operator) -> Shape:
    first, second, weight, bias = op.shape("input1"), op.shape("input2"), op.shape("weight"), op.maybe("bias")
    summed(first[-1], weight[1])
    summed(second[-1], weight[2])
    return [*broadcast([first[:-1], second[:-1]]), broadcast([[weight[0]], bias or []])[0]]


def _einsum(op: Operator) -> Shape:
    equation = op.value("equation").replace(" ", "")
    if "." in equation:
        raise Unknown
    read, _, given = equation.partition("->")
    terms = read.split(",")
    if "->" not in equation:
        given = "".join(sorted(label for label in set(read) - {","} if read.count(label) == 1))
    found: dict[str, Dim] = {}
    for term, shape in zip(terms, op.shapes("tensors"), strict=True):
        for label, dim in zip(term, shape, strict=True):
            if dim and found.get(label) and label not in given:
                summed(found[label], dim)
            agree(found.get(label, ()), dim)
            found[label] = found.get(label) or dim
    return [found[label] for label in given]


def _embedding(op: Operator) -> Shape:
    weight = op.shape("weight")
    hold([weight[0]], TOKENS)
    return [*op.shape("indices"), weight[1]]


def _per_channel(op: Operator) -> Shape:
    """Batch and instance norm, PReLU: one number for each channel, the second axis."""
    x = op.shape("input", "self")
    channels = x[min(1, len(x) - 1)]
    for name in ("weight", "bias", "running_mean", "running_var"):
        if (own := op.maybe(name)) is not None:
            agree(own[0] if own else (), channels)
    return x


def _group_norm(op: Operator) -> Shape:
    """The mean and variance of a group do not depend on the order in it, nor on the order of the groups."""
    x = op.shape("input")
    groups = op.value("num_groups", "group")
    channels = sum(op.cut([x[1]], [groups, size_of(x[1]) // groups]), ())
    for name in ("weight", "bias"):
        if (own := op.maybe(name)) is not None:
            unify(own[0], channels)
    return [x[0], channels, *x[2:]]


def _layer_norm(op: Operator) -> Shape:
    x = op.shape("input")
    for name in ("weight", "bias"):
        if (own := op.maybe(name)) is not None:
            broadcast([own, x[-len(own) :]])
    return x


def _weight_norm(op: Operator) -> Shape:
    v = op.shape("v")
    broadcast([v, op.shape("g")])
    return v


def _attention(op: Operator) -> Shape:
    """softmax(q k^T) v: q [..., L, E], k [..., S, E], v [..., S, V]."""
    q, k, v = op.shape("query"), op.shape("key"), op.shape("value")
    if op.value("dropout_p") or op.value("enable_gqa"):
        raise Unknown
    summed(q[-1], k[-1])
    summed(k[-2], v[-2])
    if op.value("is_causal"):
        op.hold([q[-2], k[-2]])
    leading = broadcast([q[:-2], k[:-2], v[:-2]])
    if (mask := op.maybe("attn_mask")) is not None:
        broadcast([mask, [*leading, q[-2], k[-2]]])
    return [*leading, q[-2], v[-1]]


GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}


def _units(op: Operator, below: Dim, weights: Sequence[Shape]) -> Dim:
    """The units of one recurrent layer; its gates are blocks of all of them.

    Args:
        below: what it reads.
        weights: from below [gates * H, I], from its own units [gates * H, H], and biases.
    """
    to_gates, between, *biases = weights
    gates = GATES[op.name.removesuffix("_cell")]
    gate, units = op.cut([to_gates[0]], [gates, size_of(to_gates[0]) // gates])
    op.hold([gate])
    for rows in (between[0], *(bias[0] for bias in biases)):
        unify(rows, gate + units)
    summed(below, to_gates[1])
    summed(units, between[1])
    return units


def _follow(states: Sequence[Shape], layers: Sequence[Dim]) -> None:
    """States that come in have the order of the units; zeros have any."""
    for state in states:
        if any(units.held or not units.is_blank for units in flat(state[-1])):
            for units in layers:
                unify(state[-1], units)


def _recurrent(op: Operator) -> tuple[Shape, ...]:
    """Layers of torch's own recurrent networks in one direction."""
    if "input" not in op.given or op.value("bidirectional") or (op.value("train") and op.value("dropout")):
        raise Unknown
    x, weights = op.shape("input"), op.shapes("params")
    num_layers, per_layer = op.value("num_layers"), 4 if op.value("has_biases") else 2
    if len(weights) != num_layers * per_layer:  # projections
        raise Unknown
    states = op.shapes("hx") if op.name == "lstm" else [op.shape("hx")]
    layers: list[Dim] = []
    for k in range(num_layers):
        layers.append(_units(op, layers[-1] if layers else x[-1], weights[k * per_layer : (k + 1) * per_layer]))
    if any(user.args[1] for user in op.node.users):  # the last states of all layers, as one tensor
        for units in layers[1:]:
            unify(layers[0], units)
    for state in states:
        op.hold([state[0]])
    _follow(states, layers)
    batch = [] if len(x) == 2 else [x[0 if op.value("batch_first") else 1]]
    last = [*op.held([num_layers]), *batch, layers[0]]
    return [*x[:-1], layers[-1]], *[last] * len(states)


def _cell(op: Operator) -> Shape | tuple[Shape, ...]:
    """One step of such a layer."""
    x = op.shape("input")
    states = op.shapes("hx") if op.name == "lstm_cell" else [op.shape("hx")]
    given = (op.maybe(name) for name in ("w_ih", "w_hh", "b_ih", "b_hh"))
    units = _units(op, x[-1], [weight for weight in given if weight is not None])
    _follow(states, [units])
    after = [*x[:-1], units]
    return (after, after) if op.name == "lstm_cell" else after


def rules(names: str, rule: Rule) -> dict[str, Rule]:
    """One rule under several names of operators."""
    return dict.fromkeys(names.split(), rule)


LAYERS: dict[str, Rule] = {
    **rules("linear", _linear),
    **rules("conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d convolution", _conv),
    **rules("mm bmm matmul mv dot vdot", _product),
    **rules("addmm addmv baddbmm", _added_product),
    **rules("bilinear", _bilinear),
    **rules("einsum", _einsum),
    **rules("embedding", _embedding),
    **rules("batch_norm instance_norm prelu native_batch_norm", _per_channel),
    **rules("_native_batch_norm_legit _native_batch_norm_legit_no_training", _per_channel),
    **rules("group_norm native_group_norm", _group_norm),
    **rules("layer_norm native_layer_norm rms_norm _fused_rms_norm", _layer_norm),
    **rules("_weight_norm _weight_norm_interface", _weight_norm),
    **rules("scaled_dot_product_attention", _attention),
    **rules(" ".join(GATES), _recurrent),
    **rules(" ".join(f"{name}_cell" for name in GATES), _cell),
}
