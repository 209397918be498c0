"""The certificate of a line whose two ends, and the moments of its data, are in an npz file: ``certify FILE.npz``.

Keys of the file:
    weights_0_1, weights_0_2, ...   A_1 ... A_L, the input side first, each [outputs, inputs]: the start
    weights_1_1, weights_1_2, ...   B_1 ... B_L: the end, α = 1
    x [N, D], y [N, C]              inputs and targets; or their moments instead:
    sum_xx [D, D], sum_yx [C, D], sum_yy, count
    interval                        two numbers, optional: where in α; 0 and 1 by default
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from theory import npz
from theory.certificate.certify import Certificate, enclosing
from theory.deep_linear.curve import Line, Moments, line, moments
from theory.derivation import label_axes

DATA = ("x", "y")
SUMS = ("sum_xx", "sum_yx", "sum_yy", "count")


def load(file: Path) -> Line:
    """The line in the file.

    Raises:
        ValueError: not such a file, keys that are missing, contradict each other or are unknown, no line in it.
        OSError: the file cannot be read.
    """
    if not file.is_file():
        raise ValueError(
            f"{file} is no file; give an npz file with the weights of both ends and the data; its "
            "keys are listed at the head of theory/certificate/file.py."
        )
    try:
        arrays = npz.read(file)
    except ValueError as error:
        raise ValueError(f"{file} is no npz file of plain arrays ({error}); write it by numpy.savez.") from error
    start, end = _weights(arrays, 0, file), _weights(arrays, 1, file)
    interval = np.asarray(arrays.pop("interval", np.array([0.0, 1.0])), dtype=np.float64)
    if interval.shape != (2,):
        raise ValueError(f"{file}: interval has shape {interval.shape}; give two numbers, the lower first.")
    data = _moments(arrays, file)
    if arrays:
        unknown = ", ".join(map(npz.spoken, sorted(arrays)))
        raise ValueError(
            f"{file}: {unknown}: no such key; known are weights_0_1, weights_0_2, ..., "
            f"weights_1_1, ..., {', '.join(DATA + SUMS)}, interval."
        )
    return line(start, end, data, (float(interval[0]), float(interval[1])))


def _weights(arrays: dict[str, Any], end: int, file: Path) -> list[Any]:
    names = [key for key in arrays if re.fullmatch(rf"weights_{end}_\d+", key)]
    expected = [f"weights_{end}_{layer}" for layer in range(1, max(len(names), 1) + 1)]
    missing = [name for name in expected if name not in arrays]
    if missing:
        raise ValueError(f"{file} has no {missing[0]}; layers are counted from 1, the input side first, without gaps.")
    return [arrays.pop(name) for name in expected]


def _moments(arrays: dict[str, Any], file: Path) -> Moments:
    given = [key for key in DATA + SUMS if key in arrays]
    if given not in (list(DATA), list(SUMS)):
        raise ValueError(
            f"{file} has of the data {', '.join(given) or 'nothing'}; give x and y, or all of {', '.join(SUMS)}."
        )
    if given == list(DATA):
        return moments(arrays.pop("x"), arrays.pop("y"))
    values = {key: arrays.pop(key) for key in SUMS}
    count = values["count"]
    if values["sum_yy"].size != 1 or count.size != 1 or not float(count.item()).is_integer():
        raise ValueError(f"{file}: sum_yy is one number and count one whole number.")
    _require_moments_of_data(values["sum_xx"], file)
    return Moments(
        int(values["count"].item()),
        values["sum_xx"].astype(np.float64),
        values["sum_yx"].astype(np.float64),
        float(values["sum_yy"].item()),
    )


def _require_moments_of_data(xx: Any, file: Path) -> None:
    """Refuse a matrix that no data can have as its sum of x xᵀ: a proof about it would be about nothing."""
    if xx.ndim != 2 or xx.shape[0] != xx.shape[1] or not np.all(np.isfinite(xx)):
        return  # Moments says what is wrong
    xx = xx.astype(np.float64)
    size = float(np.max(np.abs(xx), initial=0.0))
    if not np.allclose(xx, xx.T, rtol=0, atol=1e-9 * size) or np.linalg.eigvalsh(xx)[0] < -1e-9 * size * len(xx):
        raise ValueError(f"{file}: sum_xx is no sum of x xᵀ over data; it must be symmetric and positive semidefinite.")


def text_of(curve: Line, certificate: Certificate) -> str:
    """The theorem, how it was proven, J at the ends, and each critical point with enclosures of α and J."""
    low, high = certificate.interval
    lines = [certificate.statement, "", f"depth {len(curve.weights_0)}, J of degree {curve.degree} in α"]
    lines += [f"J({float(end):g}) in {enclosing(certificate(end), certificate(end))}" for end in (low, high)]
    for number, point in enumerate(certificate.critical_points, start=1):
        lines += [
            f"critical point {number}: {point.kind}",
            f"    α in {enclosing(point.low, point.high)}",
            f"    J in {enclosing(*certificate.enclosure(point))}",
        ]
    return "\n".join([*lines, "values of J are from exact integers; decimals are rounded outward"])


def latex_of(certificate: Certificate) -> str:
    """The theorem as LaTeX mathematics, one line each."""
    low, high = (f"{float(end):g}" for end in certificate.interval)
    inside = rf"\alpha \in ({low}, {high})"
    if certificate.direction is not None:
        relation = {"decreasing": "<", "increasing": ">", "constant": "="}[certificate.direction]
        zeros = rf"\text{{ but for }} {len(certificate.critical_points)} \text{{ points}}"
        return rf"J'(\alpha) {relation} 0 \quad {inside}" + (zeros if certificate.critical_points else "")
    names = ", ".join(rf"\alpha_{{{k}}}" for k in range(1, len(certificate.critical_points) + 1))
    lines = [rf"\{{{inside} : J'(\alpha) = 0\}} = \{{{names}\}}"]
    for number, point in enumerate(certificate.critical_points, start=1):
        at, value = (_tex(enclosing(*pair)) for pair in ((point.low, point.high), certificate.enclosure(point)))
        lines.append(
            rf"\alpha_{{{number}}} \in {at}, \quad J(\alpha_{{{number}}}) \in {value} \quad \text{{({point.kind})}}"
        )
    return "\n".join(lines)


def _tex(text: str) -> str:
    return re.sub(r"e([+-]\d+)", lambda m: rf" \cdot 10^{{{int(m[1])}}}", text)


def json_of(curve: Line, certificate: Certificate) -> dict[str, Any]:
    """Everything a reader needs to check the proof; rationals and large integers are strings."""
    low, high = certificate.interval
    return {
        "statement": certificate.statement,
        "proven": True,
        "arithmetic": certificate.arithmetic,
        "direction": certificate.direction,
        "interval": [str(end) for end in certificate.interval],
        "depth": len(curve.weights_0),
        "degree": curve.degree,
        "critical_points": [
            {
                "kind": point.kind,
                "alpha": [str(point.low), str(point.high)],
                "objective": enclosing(*certificate.enclosure(point), digits=30)[1:-1].split(", "),
            }
            for point in certificate.critical_points
        ],
        "ends": [enclosing(certificate(end), certificate(end), digits=30)[1:-1].split(", ") for end in (low, high)],
        "coefficients": [hex(c) for c in certificate.coefficients],
        "denominator": hex(certificate.denominator),
        "basis": "J = sum of coefficients[m] t^m (1 - t)^(degree - m) / denominator, hexadecimal; t is 0 and 1 at the "
        "ends of the interval",
    }


def draw(axes: Any, curve: Line, certificate: Certificate) -> None:
    """J over the interval, with every critical point inside marked."""
    alphas = np.linspace(*curve.interval, 801)
    axes.plot(alphas, curve(alphas), color="C0", label=f"J, degree {curve.degree}")
    marks = {"minimum": "v", "maximum": "^", "inflection": "s"}
    for kind, mark in marks.items():
        at = [float((p.low + p.high) / 2) for p in certificate.critical_points if p.kind == kind]
        if at:
            axes.plot(at, curve(np.array(at)), mark, color="C1", label=f"{kind}, proven")
    axes.set_title(f"proven {certificate.direction}" if certificate.direction else "every critical point proven")
    label_axes(axes, "α (fraction of the line)", "J (mean squared error, summed over outputs)")
