"""The proofs behind ``curve`` and ``certified_decrease``, each a line that sympy checks."""

from __future__ import annotations

import sympy as sp

from theory.derivation import Step, Steps, equal

u = sp.Symbol("u", real=True)  # α counted from a kink
delta = sp.Symbol("delta", positive=True)
r0, r1, r2, w, dw = sp.symbols("r_0 r_1 r_2 w w'", real=True)
BEFORE = r0 + r1 * u + r2 * u**2
GAIN = (BEFORE + delta * u * (w + dw * u)) ** 2 - BEFORE**2


def steps() -> Steps:
    """All steps, in order."""
    return {**_pieces(), **_bounds()}


def closed_form() -> dict[str, sp.Basic]:
    """What a kink adds to the squared error of its example, in u = α - α_kink >= 0."""
    gain = sp.expand(GAIN)
    return {
        "J after a kink less J before it, one output": sp.collect(gain, u),
        "jump of J' there": sp.diff(gain, u).subs(u, 0),
    }


def _pieces() -> Steps:
    a, da, c, dc = sp.symbols("a a' c c'", real=True)
    output = (w + dw * u) * (a + da * u) + c + dc * u
    line, top, later = sp.symbols("z' l_1 v", real=True)  # later: t less the kink
    quartic = 2 * r0 * w * u + (2 * (r0 * dw + r1 * w) + delta * w**2) * u**2
    quartic += 2 * (r1 * dw + r2 * w + delta * w * dw) * u**3 + (2 * r2 * dw + delta * dw**2) * u**4
    return {
        "pieces are quartics": Step(
            equal(sp.Derivative(output**2, (u, 5)), sp.Integer(0)),
            "Between kinks one unit adds a product of two linear functions to an output: quadratic, squared quartic.",
        ),
        "a kink adds a positive slope": Step(
            equal(sp.Add((line + sp.Abs(line)) / 2, -(line - sp.Abs(line)) / 2, evaluate=False), sp.Abs(line)),
            "max(z', 0) = (z' + |z'|)/2 right of a zero of z less min(z', 0) left of it: a ReLU gains |z'| "
            "whichever way it switches.",
        ),
        "a maxout unit too": Step(
            equal((top + (top + delta * later) + sp.Abs(delta * later)) / 2, top + delta * (later + sp.Abs(later)) / 2),
            "Where the top line changes, the new one is steeper by some delta > 0: max(l_1, l_2) = "
            "l_1 + delta max(0, v), v = t - t_k.",
        ),
        "what a kink adds to J": Step(
            equal(GAIN, delta * quartic),
            "Expanded about the kink, for each output and example; without a constant, so J is continuous.",
        ),
        "jump of the slope, squared error": Step(
            equal(sp.diff(GAIN, u).subs(u, 0), 2 * delta * r0 * w),
            "The residual times the output weight; of either sign, so a kink can itself be an extremum.",
        ),
    }


def _bounds() -> Steps:
    z = [sp.Function(f"z_{k}")(u) for k in range(3)]  # three classes, the label is the first
    total = sp.Add(*(sp.exp(value) for value in z))
    p = [sp.exp(value) / total for value in z]
    d1, d2 = ([sp.diff(value, u, order) for value in z] for order in (1, 2))
    cost = sp.log(total) - z[0]
    q = sp.symbols("p_1 p_2", positive=True)
    prob = (1 - q[0] - q[1], *q)
    v = sp.symbols("v_0 v_1 v_2", real=True)
    mean = sum(a * b for a, b in zip(prob, v, strict=True))
    variance = sum(a * (b - mean) ** 2 for a, b in zip(prob, v, strict=True))
    about_label = sum(a * (b - v[0]) ** 2 for a, b in zip(prob, v, strict=True))
    top, low, mu = sp.symbols("M m mu", real=True)
    mean_slope = sum(a * b for a, b in zip(p, d1, strict=True))
    others = (p[1] * (d1[1] - d1[0]) + p[2] * (d1[2] - d1[0])) / (p[1] + p[2])
    return {
        "slope, cross-entropy": Step(
            equal(sp.Derivative(cost, u), mean_slope - d1[0]),
            "Right and left of a kink alike: what adds v |z'| to the slopes adds (sum p_k v_k - v_label) |z'| to J'.",
        ),
        "bend, cross-entropy": Step(
            equal(
                sp.diff(cost, u, 2),
                sum(a * b**2 for a, b in zip(p, d1, strict=True))
                - mean_slope**2
                + sum(a * b for a, b in zip(p, d2, strict=True))
                - d2[0],
            ),
            "Between kinks J'' is the variance of z' under p plus (p - e_label) z''.",
        ),
        "variance by the range": Step(
            equal((top - low) ** 2 / 4 - (top - mu) * (mu - low), (mu - (top + low) / 2) ** 2),
            "(M - z)(z - m) >= 0 on average gives variance <= (M - mu)(mu - m), and the right side is not negative: "
            "at most a quarter of the squared spread.",
        ),
        "variance about anything": Step(
            equal(about_label - variance, (mean - v[0]) ** 2),
            "Not negative, so the second moment about any centre bounds the variance.",
        ),
        "a jump by the range": Step(
            equal(mean - v[0], q[0] * (v[1] - v[0]) + q[1] * (v[2] - v[0])),
            "So a jump of J' is at most (1 - p_label) (max v - v_label) |z'|.",
        ),
        "p of the label cannot run away": Step(
            equal(sp.diff(sp.log(p[1] + p[2]), u), p[0] * others),
            "A mean of z'_k - z'_label is at most the spread R: 1 - p_label grows by a factor exp(s R) at most.",
        ),
        "no p can run away": Step(
            equal(sp.diff(sp.log(p[1]), u), d1[1] - mean_slope),
            "At most the spread R in size, hence p_k(x + s) / p_k(x) lies within exp(-s R) and exp(s R).",
        ),
    }
