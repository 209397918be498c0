"""The steps that ``theory.deep_linear.balanced`` derives; matrices are symbols that do not commute."""

from __future__ import annotations

import sympy as sp

from theory.derivation import Step, Steps, equal

t = sp.Symbol("t", positive=True)
F, B, BT, X = sp.symbols("F B B^T N^-1", commutative=False)  # N⁻¹ stands for itself: its derivative is -N⁻¹N'N⁻¹
W1, W1T, W2, W2T, M, MT = sp.symbols("W_1 W_1^T W_2 W_2^T M M^T", commutative=False)


def closed_form() -> dict[str, sp.Basic]:
    """Name -> formula."""
    i = sp.Symbol("i", integer=True)
    n = sp.Symbol("n", integer=True, positive=True)
    c, mu = sp.IndexedBase("c"), sp.IndexedBase("mu")
    size = 1 + sp.Sum(c[i] ** 2 * (sp.exp(2 * mu[i] * t) - 1) / (2 * mu[i]), (i, 1, n))
    k = sp.Symbol("k", integer=True)
    lam, sigma = sp.symbols("lambda sigma", real=True)
    return {
        "one unit: (a; b) along the k-th eigenvector of F": c[k] * sp.exp(mu[k] * t) / sp.sqrt(size),
        "any width: QQᵀ": B * X * BT,
        "fastest growth of F, σ the largest singular value of M": sp.sqrt(lam**2 / 4 + sigma**2),
    }


def steps() -> Steps:
    """From the flow to its solutions."""
    lam, sigma, x = sp.symbols("lambda sigma x", real=True)
    half = sp.Rational(1, 2)
    gap, gap_t = M - W2 * W1, MT - W1T * W2T
    d_w1, d_w2, d_w1t, d_w2t = W2T * gap, gap * W1T, gap_t * W2, W1 * gap_t
    with sp.evaluate(False):  # else sympy has cancelled before anybody can read it
        grown, shrunk = d_w2t * W2 + W2T * d_w2, d_w1 * W1T + W1 * d_w1t
    mean = half * (W1 * W1T + W2T * W2)  # ½ QᵀQ
    excess = W2T * W2 - W1 * W1T - lam
    gram = B * X * BT
    y, y_rate, n_rate = sp.symbols("Y Y' N'", commutative=False)
    with sp.evaluate(False):
        gram_rate = F * gram + gram * F - B * (X * (BT * B) * X) * BT
    q, q_t = sp.symbols("Q Q^T", commutative=False)
    q_rate, q_t_rate = F * q - half * q * q_t * q, q_t * F - half * q_t * q * q_t
    mu, c = sp.symbols("mu1:4", positive=True), sp.symbols("c1:4", real=True)
    size = 1 + sp.Add(*(y**2 * (sp.exp(2 * v * t) - 1) / (2 * v) for y, v in zip(c, mu, strict=True)))
    unit = [y * sp.exp(v * t) / sp.sqrt(size) for y, v in zip(c, mu, strict=True)]
    square = sp.Add(*(y**2 for y in unit))
    one, growth = sp.symbols("c mu", positive=True)
    alone = one**2 * sp.exp(2 * growth * t) / (1 + one**2 * (sp.exp(2 * growth * t) - 1) / (2 * growth))
    root = sp.sqrt(lam**2 / 4 + sigma**2)
    block = sp.Matrix([[-lam / 2, sigma], [sigma, lam / 2]])
    return {
        "balance is conserved": Step(
            equal(grown, shrunk),
            "the rates of W_2ᵀW_2 and W_1W_1ᵀ: if their difference is λ I at the start it stays so; for one unit it is "
            "a number",
        ),
        "flow of W_1 in terms of F": Step(
            equal(d_w1t - (-lam / 2 * W1T + MT * W2 - W1T * mean), -half * W1T * excess),
            "zero if balanced: these are the upper rows of Q' = F Q - ½ Q QᵀQ",
        ),
        "flow of W_2 in terms of F": Step(
            equal(d_w2 - (M * W1T + lam / 2 * W2 - W2 * mean), half * W2 * excess),
            "and its lower rows",
        ),
        "flow of QQᵀ": Step(
            equal(q_rate * q_t + q * q_t_rate, F * q * q_t + q * q_t * F - q * q_t * q * q_t),
            "a matrix Riccati equation: P' = F P + P F - P²",
        ),
        "solution for QQᵀ": Step(
            equal(gram_rate, F * gram + gram * F - gram * gram),
            "B' = F B, N' = BᵀB and (N⁻¹)' = -N⁻¹N'N⁻¹ make the left side the rate of B N⁻¹ Bᵀ; it starts at Q_0Q_0ᵀ",
        ),
        "the weights themselves": Step(
            equal(y_rate, -half * X * n_rate * y),
            "Q = B Y solves the flow with this Y, which starts at I and keeps Y Yᵀ = N⁻¹; it is N^{-1/2} where the "
            "N(t) commute, as for one unit, and has no closed form known here; checked against the weights numerically",
            proven=False,
        ),
        "one unit from any start": Step(
            equal(unit[0].diff(t), mu[0] * unit[0] - square * unit[0] / 2),
            "(three eigenvectors of F, with growth mu_i and c_i the start's part; negative growth is the same algebra) "
            "N is a number, so the weights are e^{Ft} Q_0/√N",
        ),
        "growth": Step(
            equal((x * sp.eye(2) - block).det(), (x - root) * (x + root)),
            "a pair of singular vectors of M is invariant under F, with eigenvalues ± √(λ²/4 + σ²); the rest: ± λ/2",
        ),
        "end of one unit": Step(
            equal(sp.Limit(alone, t, sp.oo), 2 * growth),
            "the fastest growth mu wins: the end is the start's part along it, scaled to |a|² + |b|² = 2 mu",
        ),
    }
