"""Data from a linear teacher: inputs of known second moments and targets y = M x + noise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from landscape.data.dataset import Dataset, Split
from landscape.data.keys import truth, whole
from landscape.errors import InputError


def teacher(
    inputs: int = 1,
    outputs: int = 1,
    strengths: Sequence[float] = (1.0,),
    num_train: int = 100,
    num_valid: int = 100,
    num_test: int = 100,
    noise: float = 0.0,
    whiten: bool = True,
    seed: int = 0,
) -> Dataset:
    """y = M x + noise, M with the given singular values between random orthonormal directions, x Gaussian.

    With one input, one output and strength 1 a deep linear net has the paper's J = (1 - w_1 w_2)^2 on it.

    Args:
        inputs, outputs: D and C.
        strengths: singular values of M, at most min(D, C) of them; of a scalar, M itself.
        num_train, num_valid, num_test: N of each split.
        noise: standard deviation of what is added to each target.
        whiten: make the mean of x xᵀ the identity on every split to float64 rounding, which needs N >= D examples.
        seed: of everything random here, config key ``data.seed``.

    Returns:
        A data set in float64.

    Raises:
        InputError: a number out of range, with its key.

    Source: paper, section 5 and figure 9; Saxe, McClelland & Ganguli (arXiv 1312.6120) for the matrix teacher.
    """
    counts = {
        "inputs": inputs,
        "outputs": outputs,
        "num_train": num_train,
        "num_valid": num_valid,
        "num_test": num_test,
    }
    for key, value in counts.items():
        whole(f"data.{key}", value, least=1)
    whole("data.seed", seed, least=0)
    truth("data.whiten", whiten)
    if not _are_numbers(strengths):
        raise InputError(f"data.strengths={strengths!r} must be a list of numbers, for example [1.0]")
    if not 0 < len(strengths) <= min(inputs, outputs) or not np.isfinite(np.asarray(strengths, dtype=float)).all():
        raise InputError(
            f"data.strengths={list(strengths)} must hold 1 to {min(inputs, outputs)} finite numbers, at "
            f"most one per input and output (data.inputs={inputs}, data.outputs={outputs})"
        )
    if not _are_numbers([noise]) or not 0 <= noise < float("inf"):
        raise InputError(f"data.noise={noise!r} must be finite and not negative, a number")
    fewest = min(num_train, num_valid, num_test)
    if whiten and fewest < inputs:
        raise InputError(
            f"data.whiten=true needs at least data.inputs={inputs} examples in every split but one has {fewest}; raise "
            "data.num_train, data.num_valid and data.num_test, or set data.whiten=false"
        )
    rng = np.random.default_rng(seed)
    rank = len(strengths)
    left, right = (_orthonormal(rng, size, rank) for size in (outputs, inputs))
    matrix = left * np.asarray(strengths, dtype=float) @ right.T  # [C, D]
    if inputs == outputs == 1:
        matrix = np.abs(matrix) * np.sign(strengths[0])  # a direction in one dimension would only be a random sign

    def split(num: int) -> Split:
        x = rng.standard_normal((num, inputs))
        if whiten:
            x = np.linalg.qr(x)[0] * np.sqrt(num)
        y = x @ matrix.T + noise * rng.standard_normal((num, outputs))
        return Split(torch.from_numpy(x), torch.from_numpy(y))

    train, valid, test = (split(num) for num in (num_train, num_valid, num_test))
    return Dataset("teacher", train, valid, test, num_classes=outputs)


def _are_numbers(values: object) -> bool:
    if not isinstance(values, Iterable) or isinstance(values, str | Mapping):
        return False
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _orthonormal(rng: np.random.Generator, size: int, rank: int) -> NDArray[np.float64]:
    """Random orthonormal columns [size, rank]."""
    return np.asarray(np.linalg.qr(rng.standard_normal((size, rank)))[0])
