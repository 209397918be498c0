"""The steps that ``theory.deep_linear.dynamics`` derives, each proven by sympy unless it says otherwise."""

from __future__ import annotations

import sympy as sp

from theory.derivation import Step, Steps, equal

s, tau, t = sp.symbols("s tau t", positive=True)
k = sp.Symbol("k", real=True)
g, g0, g1, q = sp.symbols("g g_0 g_1 q", positive=True)
alpha, kappa = sp.symbols("alpha kappa", real=True)
rho, big, small = sp.symbols("varrho S M", positive=True)
SLOPE = sp.sqrt(2) * sp.sqrt(g0**2 * g1**2 + k**2)
RESIDUAL = sp.Abs(k) * sp.Abs(g - g0) * sp.Abs(g1 - g) / (g * SLOPE)
KAPPA = (rho - 1) / (rho + 1) * (big**2 - small**2 / rho**2) / (big**2 + small**2 / rho**2)
GROWTH = (2 * s + sp.sqrt(4 * s**2 + big**2 * small**2)) / big**2


def steps(depth: int) -> Steps:
    """All steps, those for any depth written out at ``depth``."""
    return {**_one_mode(depth), **_geometry(), **_deep(depth), **_many_modes(), **_flow_line(), **_refuted()}


def closed_form(depth: int) -> dict[str, sp.Basic]:
    """Name -> formula."""
    c, a, a0 = sp.Symbol("C", real=True), sp.Symbol("a", positive=True), sp.Symbol("a_0", positive=True)
    u0 = sp.Symbol("u_0", positive=True)
    decay = sp.exp(-q * t / tau)
    left = sp.Rational(2 - depth, depth)

    def primitive(x: sp.Expr) -> sp.Expr:
        return x ** (2 - depth) / (2 - depth) * sp.hyper((1, left), (left + 1,), x**depth / s)

    deep = (
        tau / s * (primitive(a) - primitive(a0))
        if depth > 2
        else (tau / (2 * s) * sp.log(a**2 * (s - a0**2) / (a0**2 * (s - a**2))))
    )
    return {
        "G at depth 2, q² = k² + 4s², C = (G_0 - 2s - q)/(G_0 - 2s + q)": (
            (2 * s + q - (2 * s - q) * c * decay) / (1 - c * decay)
        ),
        "a, if a + b > 0": (g + k / g) / 2,
        "b, if a + b > 0": (g - k / g) / 2,
        "u = ab, if balanced (k = 0)": s * sp.exp(2 * s * t / tau) / (sp.exp(2 * s * t / tau) - 1 + s / u0),
        "residual at depth 2": RESIDUAL,
        "projection at depth 2": sp.Abs(g - g0) * (g0 * g1 + k**2 / (g * g0)) / SLOPE,
        "largest residual at depth 2, at g² = g_0 g_1": (sp.Abs(k) * (sp.sqrt(g1) - sp.sqrt(g0)) ** 2 / SLOPE),
        "time at any depth, balanced, from a_0 to a": deep,
        "J on the line to the end of the flow, over J(0)": (1 - alpha) ** 2 * (1 + kappa * alpha) ** 2,
        "κ of that line, ϱ = growth of |u + v| = S": KAPPA,
        "ϱ² at strength s, M = |u - v|": GROWTH,
    }


def _one_mode(depth: int) -> Steps:
    w = sp.symbols(f"w1:{depth + 1}", real=True)
    p = sp.Mul(*w)
    with sp.evaluate(False):  # else sympy has subtracted before anybody can read it
        first, last = 2 * w[0] * ((s - p) * (p / w[0]) / tau), 2 * w[-1] * ((s - p) * (p / w[-1]) / tau)
    a, b = sp.symbols("a b", real=True)
    a_rate, b_rate = b * (s - a * b) / tau, a * (s - a * b) / tau
    total, difference = (a + b) ** 2, a**2 - b**2
    kk, c = q**2 - 4 * s**2, sp.Symbol("C", real=True)
    decay = sp.exp(-q * t / tau)
    found = (2 * s + q - (2 * s - q) * c * decay) / (1 - c * decay)
    u0, e = sp.Symbol("u_0", positive=True), sp.exp(2 * s * t / tau)
    balanced = found.subs(q, 2 * s).subs(c, 1 - s / u0) / 4
    return {
        "squared weights move together": Step(
            equal(first, last),
            "the rates of w_1² and w_L², and so of any two: w_i² - w_j² is conserved; at depth 2 it is k = a² - b²",
        ),
        "Riccati equation": Step(
            equal(
                tau * (total.diff(a) * a_rate + total.diff(b) * b_rate), 2 * s * total - (total**2 - difference**2) / 2
            ),
            "with G = (a + b)² and k conserved: τ G' = 2sG - (G² - k²)/2, an equation for G alone",
        ),
        "solution of the Riccati equation": Step(
            equal(tau * found.diff(t), 2 * s * found - (found**2 - kk) / 2),
            "put in; q² = k² + 4s², and its fixed points are 2s ± q",
        ),
        "its start": Step(
            equal(found.subs(t, 0).subs(c, (g**2 - 2 * s - q) / (g**2 - 2 * s + q)), g**2),
            "C = (G_0 - 2s - q)/(G_0 - 2s + q) makes G the start's; C < 1, so G stays finite",
        ),
        "fixed points": Step(
            equal((2 * s + q) * (2 * s - q), -kk),
            "their product is -k²: the lower one is not above 0 and is computed as -k²/(2s + q), without cancellation",
        ),
        "what is left": Step(
            equal(2 * s + q - found, -2 * q * c * decay / (1 - c * decay)),
            "the distance of G from its end decays as exp(-qt/τ) and is computed without cancellation",
        ),
        "weights from G": Step(
            equal(((g + k / g) / 2) ** 2 - ((g - k / g) / 2) ** 2, k),
            "a + b = ± √G keeps its sign and a - b = k/(a + b)",
        ),
        "balanced: the sigmoid": Step(equal(balanced, s * e / (e - 1 + s / u0)), "k = 0 has q = 2s, and u = ab = G/4"),
    }


def _geometry() -> Steps:
    x, y, z = sp.symbols("x y z", positive=True)
    size = sp.Symbol("k", positive=True)
    on = {v: sp.sqrt(size) * root**2 for v, root in ((g, z), (g0, x), (g1, y))}
    rational = (k * (g - g0) * (g1 - g) / (g * SLOPE)).subs(k, size).subs(on, simultaneous=True)

    def cosh(exponential: sp.Expr) -> sp.Expr:
        return (exponential + 1 / exponential) / 2

    hyperbolic = sp.sqrt(size) * (cosh(y / x) - cosh(z**2 / (x * y))) / sp.sqrt(cosh(x**2 * y**2))
    along = (g - g0) * (g0 * g1) - k * (k / g - k / g0)
    return {
        "chord of the hyperbola": Step(
            equal(k * g + g0 * g1 * (k / g) - k * (g0 + g1), k * (g - g0) * (g - g1) / g),
            "with a + b = g and a - b = k/g the line through start and end is kx + g_0 g_1 y = k (g_0 + g_1); over "
            "√2 √(g_0² g_1² + k²) the left side is the distance to it: the residual, zero if balanced, k = 0",
        ),
        "projection on the chord": Step(
            equal(along, (g - g0) * (g0 * g1 + k**2 / (g * g0))),
            "the chord has the direction (g_0 g_1, -k); g runs from g_0 to g_1, so the projection never turns back",
        ),
        "largest residual": Step(
            equal((z**2 - x**2) * (y**2 - z**2) / z**2, (y - x) ** 2 - (z - x * y / z) ** 2),
            "with g_0 = x², g_1 = y², g = z² the residual is largest at z² = xy, then |k| (y - x)² over the root",
        ),
        "the same in hyperbolic angles": Step(
            equal(rational, hyperbolic),
            "k > 0, (a, b) = √k (cosh θ, sinh θ); with θ = 2 ln z and 2 ln x, 2 ln y at the ends the residual is "
            "√k (cosh δ - cosh(θ - m))/√cosh 2m, m the mean and δ half the difference of the angles at the ends",
        ),
    }


def _deep(depth: int) -> Steps:
    a, u = sp.symbols("a u", positive=True)
    n, order = sp.symbols("n L", positive=True)
    w = sp.symbols(f"w1:{depth + 1}", real=True, nonzero=True)
    p = sp.Mul(*w)
    with sp.evaluate(False):
        speed = 2 * w[0] * ((s - p) * (p / w[0]) / tau)
    term = a ** (2 - order + n * order) / (2 - order + n * order)
    c = sp.Symbol("c", positive=True)
    return {
        "any depth, any imbalance: one quadrature": Step(
            equal(speed, 2 * p * (s - p) / tau),
            "z = w_1² moves at this speed and w_i = ± √(z + const), so the path is explicit and the time is "
            "∫ τ dz / (2p (s - p)); projection and residual need no time at all",
        ),
        "balanced, depth 2: time": Step(
            equal((tau / (2 * s) * sp.log(a**2 / (s - a**2))).diff(a), tau / (a * (s - a**2))),
            "the time is the integral of τ da / (a^{L-1} (s - a^L)); equal weights stay equal, so the path is straight",
        ),
        "balanced, any depth: time, term by term": Step(
            equal(term.diff(a), a ** (1 - order) * a ** (n * order)),
            "1/(a^{L-1} (1 - a^L/s)) is the sum of these over s^n, n >= 0; at L = 2 the term n = 0 is a logarithm",
        ),
        "which sums to a hypergeometric function": Step(
            equal(sp.rf(c, n) / sp.rf(c + 1, n), c / (c + n)),
            "with c = (2 - L)/L the terms are those of ₂F₁(1, c; c + 1; a^L/s) a^{2-L}/(2 - L)",
        ),
        "depth to infinity: time": Step(
            equal((sp.log(u / (s - u)) / s**2 - 1 / (s * u)).diff(u), 1 / (u**2 * (s - u))),
            "the product obeys τ u' = L u^{2-2/L} (s - u), which tends to L u² (s - u)",
        ),
    }


def _many_modes() -> Steps:
    d, left = sp.symbols("d1:4", positive=True), sp.symbols("g1:4", real=True)
    length = sp.Add(*(x**2 for x in d))
    mean = sp.Add(*(x**2 * y for x, y in zip(d, left, strict=True))) / length
    square = sp.Add(*(x**2 * y**2 for x, y in zip(d, left, strict=True))) / length
    along = sp.Add(*(x * (x - x * y) for x, y in zip(d, left, strict=True))) / length
    moved = sp.Add(*((x - x * y) ** 2 for x, y in zip(d, left, strict=True))) / length
    x, y = sp.symbols("x y", real=True)
    return {
        "many aligned balanced modes: projection": Step(
            equal(along, 1 - mean),
            "(three here) mode k has the share g_k of its way d_k left; with w_k = d_k²/R² this is 1 - E_w g. Each of "
            "L layers holds the same d_k, so w_k is the same at any depth",
        ),
        "many aligned balanced modes: residual": Step(
            equal(moved - along**2, square - mean**2),
            "the residual over R is the standard deviation of g under w",
        ),
        "inside the Thales semicircle": Step(
            equal((1 - x) * x - (y - x**2), x - y),
            "x = E g, y = E g²; as 0 <= g <= 1, E g - E g² is not negative: α (1 - α) is at least ρ²/R²",
        ),
    }


def _flow_line() -> Steps:
    p0 = (big**2 - small**2) / 4
    gap = ((rho * big) ** 2 - (small / rho) ** 2) / 4 - p0  # s - u·v at the start, as the end has u·v = s
    cross = (((rho - 1) * big) ** 2 - ((1 - 1 / rho) * small) ** 2) / 4
    x, y = sp.symbols("x y", positive=True)
    shape = (1 - alpha) ** 2 * (1 + kappa * alpha) ** 2
    return {
        "any width: the end of the flow": Step(
            equal(GROWTH * big**2 - small**2 / GROWTH, 4 * s),
            "u' = (s - u·v) v and v' = (s - u·v) u scale u + v by ϱ and u - v by 1/ϱ; the left side is 4 u·v at the "
            "end, S = |u + v| and M = |u - v| at the start",
        ),
        "κ of the line to it": Step(
            equal(cross / gap, KAPPA),
            "κ = Δu·Δv/(s - u·v), by the polarisation 4 x·y = |x + y|² - |x - y|²",
        ),
        "κ is below one": Step(
            equal(1 - ((x - y) / (x + y)) ** 2, 4 * x * y / (x + y) ** 2),
            "the second factor of κ is (x - y)/(x + y), at most 1 in size; the first is below 1 in size",
        ),
        "bound on κ": Step(
            equal(sp.tanh(sp.log(rho) / 2).rewrite(sp.exp), (rho - 1) / (rho + 1)),
            "|κ| <= tanh(|ln ϱ|/2): the farther the flow goes, the nearer to the zero start's κ = 1 the line may come",
        ),
        "the line only falls": Step(
            equal(
                shape.diff(alpha),
                -2 * (1 - alpha) * (1 + kappa * alpha) * ((1 - alpha) * (1 - kappa) + alpha * (1 + kappa)),
            ),
            "with |κ| < 1 all factors are positive before the end: J falls strictly from any start, at any width; so "
            "do the sums over aligned modes of any imbalance",
        ),
    }


def _refuted() -> Steps:
    size, slope = sp.Symbol("epsilon", positive=True), sp.Symbol("J'_0", real=True)
    first, others = -(1 - alpha) * size + alpha, (1 - alpha) * size + alpha
    return {
        "FALSE at depth 3: the line to the end of the flow is monotone": Step(
            equal((first * others**2).diff(alpha).subs(alpha, 0), size**2 * (3 * size - 1)),
            "from (-ε, ε, ε) the product first falls on the way to (1, 1, 1) for ε < 1/3, so J rises: one weight has "
            "the wrong sign; theory.conjectures proves it for the flow's own end from (-0.2, 0.22, 0.22), -0.2 as the "
            "smallest weight keeping the flow off the saddle",
        ),
        "FALSE at depth 2 without alignment": Step(
            sp.StrictGreaterThan(slope, 0),
            "J rises at the start of the line to the end of the flow from flow_limit.COUNTEREXAMPLE, two white inputs, "
            "three hidden units, target I; the end is that of an accurate ODE: checked numerically, not proven",
            proven=False,
        ),
    }
