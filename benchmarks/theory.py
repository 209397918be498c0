"""``python -m benchmarks.theory``: closed forms against what they replace, each ratio within one run.

1. The line of a deep linear net at 200 alphas: second moments and a polynomial, against 200 forward passes.
2. The certificate of a line, by depth: Descartes' rule against sympy's isolation on the same coefficients, and the
   whole proof by float64 bounds against exact integers.
3. A random walk's curve: the exact sampler, by dimension, against walking it.
4. Heavy ball on 20,000 eigenvalues to step 2,000: the closed form at 20 steps, against simulating all of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from benchmarks.outcome import parser, show
from benchmarks.timing import interleaved
from theory import deep_linear, quadratic
from theory.arithmetic import descartes
from theory.certificate import certify
from theory.quadratic import modes, spectra
from theory.walk import sampler


def matrix_line(num: int) -> list[list[Any]]:
    """784-256-256-10 on ``num`` examples."""
    rng = np.random.default_rng(0)
    shapes = [(256, 784), (256, 256), (10, 256)]
    start, end = ([rng.standard_normal(s) / np.sqrt(s[1]) for s in shapes] for _ in range(2))
    x, y = rng.random((num, 784)), np.eye(10)[rng.integers(10, size=num)]
    alphas = np.linspace(0, 1, 200)

    def passes(count: int) -> Any:
        values = []
        for alpha in alphas[:count]:
            h = x.T
            for a, b in zip(start, end, strict=True):
                h = ((1 - alpha) * a + alpha * b) @ h
            values.append(np.mean(np.sum((h.T - y) ** 2, axis=1)))
        return np.array(values)

    def polynomial() -> Any:
        return deep_linear.line(start, end, deep_linear.moments(x, y))(alphas)

    seconds = interleaved({"4 forward passes": lambda: passes(4), "polynomial, moments included": polynomial})
    slow, fast = seconds["4 forward passes"] * 50, seconds["polynomial, moments included"]
    error = float(np.max(np.abs(polynomial()[:4] / passes(4) - 1)))
    return [
        [
            f"784-256-256-10, {num} examples x 200 alphas",
            "forward passes (4, scaled to 200)",
            slow,
            fast,
            slow / fast,
            error,
        ]
    ]


def certificates(depths: list[int]) -> list[list[Any]]:
    """Width 4, random float64 weights: all extrema from the same integer coefficients, and the whole proof."""
    rows: list[list[Any]] = []
    t = sympy.Symbol("t")
    for depth in depths:
        rng = np.random.default_rng(depth)
        start, end = ([rng.standard_normal((4, 4)) for _ in range(depth)] for _ in range(2))
        data = deep_linear.moments(rng.standard_normal((20, 4)), rng.standard_normal((20, 4)))
        c = certify.certify(start, end, data, try_float=False).coefficients
        n = len(c) - 1
        slope = [(m + 1) * c[m + 1] - (n - m) * c[m] for m in range(n)]  # scaled Bernstein coefficients of J'
        j = sympy.Poly(sum(v * t**m * (1 - t) ** (n - m) for m, v in enumerate(c)), t, domain="ZZ")

        def ours(slope: Any = slope) -> Any:
            return descartes.critical_points(slope)[0]

        def isolation(j: Any = j) -> Any:
            return j.diff().intervals(inf=0, sup=1)

        def proof(kind: bool, start: Any = start, end: Any = end, data: Any = data) -> Any:
            return certify.certify(start, end, data, try_float=kind)

        seconds = interleaved(
            {"ours": ours, "sympy": isolation, "float": lambda: proof(True), "exact": lambda: proof(False)}
        )
        off = float(len(isolation()) - len(ours()))
        rows.append(
            [
                f"critical points, depth {depth} (degree {n})",
                "sympy Poly.intervals",
                seconds["sympy"],
                seconds["ours"],
                seconds["sympy"] / seconds["ours"],
                off,
            ]
        )
        rows.append(
            [
                f"certificate, depth {depth}, float64 where it decides",
                "exact integers throughout",
                seconds["exact"],
                seconds["float"],
                seconds["exact"] / seconds["float"],
                0.0,
            ]
        )
    return rows


def walks(dimensions: list[int]) -> list[list[Any]]:
    """One walk of 1,000 steps seen from step 900; the error is that of the mean residual at step 450, in units of R."""
    rows: list[list[Any]] = []
    for dimension in dimensions:
        rng = np.random.default_rng(0)

        def sampled(dimension: int = dimension, rng: Any = rng) -> Any:
            return sampler.sample(dimension, np.arange(1001), 1, rng)

        def simulated(dimension: int = dimension, rng: Any = rng) -> Any:
            steps = np.vstack([np.zeros((1, dimension)), rng.standard_normal((1000, dimension))]).cumsum(axis=0)
            axis = steps[900] / np.linalg.norm(steps[900])
            x = steps @ axis
            return x, np.linalg.norm(steps - x[:, None] * axis, axis=1)

        if dimension <= 100_000:
            seconds = interleaved({"walk": simulated, "sampler": sampled})
            x, r = simulated()
            off = abs(r[450] / x[900] - 0.5)
            rows.append(
                [
                    f"random walk, dimension {dimension:,}",
                    "walking it in numpy",
                    seconds["walk"],
                    seconds["sampler"],
                    seconds["walk"] / seconds["sampler"],
                    float(off),
                ]
            )
        else:
            seconds = interleaved({"sampler": sampled})
            rows.append(
                [f"random walk, dimension {dimension:,}", "too large to walk", "-", seconds["sampler"], "-", "-"]
            )
    return rows


def heavy_ball(num: int = 20_000, last: int = 2_000) -> list[list[Any]]:
    """lr 0.1, momentum 0.9 on a log-uniform spectrum."""
    rng = np.random.default_rng(0)
    h, solution = 0.01 ** rng.random(num), rng.standard_normal(num)
    method, spectrum = modes.heavy_ball(0.1, 0.9), spectra.from_start(h, -solution)
    steps = np.linspace(0, last, 20).round()

    def closed() -> Any:
        return quadratic.track(method, spectrum, steps)

    def simulated() -> Any:
        theta, velocity, found = np.zeros(num), np.zeros(num), []
        axis = solution / np.linalg.norm(solution)
        wanted = set(steps.astype(int).tolist())
        for t in range(last + 1):
            if t in wanted:
                along = theta @ axis
                found.append((along, np.linalg.norm(theta - along * axis)))
            velocity = 0.9 * velocity - 0.1 * h * (theta - solution)
            theta = theta + velocity
        return np.array(found).T / np.linalg.norm(solution)

    seconds = interleaved({"simulated": simulated, "closed": closed})
    track, run = closed(), simulated()
    error = float(max(np.abs(track.projection - run[0]).max(), np.abs(track.residual - run[1]).max()))
    rows = [
        [
            f"heavy ball, {num:,} eigenvalues, 20 of {last:,} steps",
            "simulation in numpy",
            seconds["simulated"],
            seconds["closed"],
            seconds["simulated"] / seconds["closed"],
            error,
        ]
    ]
    binned = spectrum.binned(400)
    seconds = interleaved({"simulated": simulated, "binned": lambda: quadratic.track(method, binned, steps)})
    track = quadratic.track(method, binned, steps)
    error = float(max(np.abs(track.projection - run[0]).max(), np.abs(track.residual - run[1]).max()))
    rows.append(
        [
            "the same, spectrum in 400 bins",
            "simulation in numpy",
            seconds["simulated"],
            seconds["binned"],
            seconds["simulated"] / seconds["binned"],
            error,
        ]
    )
    return rows


def main() -> None:
    """Run all four and print one table."""
    small = parser("theory", __doc__, rounds=None).parse_args().small
    rows = matrix_line(500 if small else 20_000)
    rows += certificates([2, 3] if small else [2, 3, 4, 5, 6, 8, 10])
    rows += walks([10, 1_000] if small else [10, 1_000, 100_000, 10**9])
    rows += heavy_ball(2_000, 500) if small else heavy_ball()
    columns = ["work", "against", "its seconds", "our seconds", "ratio", "difference of the values"]
    show("theory: closed forms against what they replace", columns, rows, "theory", small=small)


if __name__ == "__main__":
    main()
