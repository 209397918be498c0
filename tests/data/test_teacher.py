"""The linear teacher: second moments, singular values, noise, and what is refused."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
import torch

from landscape.data import Dataset, Split
from landscape.data.none import none
from landscape.data.teacher import teacher
from landscape.errors import InputError

SIZES: dict[str, Any] = {"inputs": 5, "outputs": 4, "num_train": 23, "num_valid": 11, "num_test": 7, "seed": 3}


def splits(data: Dataset) -> list[Split]:
    return [data.train, data.valid, data.test]


@pytest.mark.parametrize("strengths", [[3.0, 2.0, 1.0, 0.25], [2.0, 2.0], [0.5]])
def test_whitened_inputs_and_the_singular_values_of_the_teacher(strengths: list[float]) -> None:
    data = teacher(**SIZES, strengths=strengths)
    assert (data.name, data.num_classes) == ("teacher", 4)
    matrices = []
    for split, num in zip(splits(data), (23, 11, 7), strict=True):
        assert split.x.shape == (num, 5) and split.y.shape == (num, 4)
        assert split.x.dtype == split.y.dtype == torch.float64
        x, y = split.x.numpy(), split.y.numpy()
        np.testing.assert_allclose(x.T @ x / num, np.eye(5), atol=1e-14)
        matrices.append(y.T @ x / num)  # of white inputs without noise that is M itself
    wanted = [*strengths, *[0.0] * (4 - len(strengths))]
    for matrix in matrices:
        np.testing.assert_allclose(np.linalg.svd(matrix, compute_uv=False), wanted, atol=1e-13)
        np.testing.assert_allclose(matrix, matrices[0], atol=1e-13)
    assert np.abs(matrices[0]).min() > 1e-3 * np.abs(matrices[0]).max()  # directions of no special axis


def test_without_whitening_the_inputs_are_plain_gaussian() -> None:
    data = teacher(**{**SIZES, "num_train": 4000}, strengths=[1.5, 1.0], whiten=False)
    x, y = data.train.x.numpy(), data.train.y.numpy()
    second = x.T @ x / 4000
    # z = 4: a second moment has variance 1/N off the diagonal, 2/N on it
    assert np.abs(second - np.eye(5)).max() < 4 * math.sqrt(2 / 4000)
    assert np.abs(second - np.eye(5)).max() > 1e-3
    matrix = np.linalg.lstsq(x, y, rcond=None)[0].T
    np.testing.assert_allclose(np.linalg.svd(matrix, compute_uv=False)[:2], [1.5, 1.0], rtol=1e-12)
    teacher(**{**SIZES, "num_test": 1}, whiten=False)  # too few for whitening, and nobody asked for it


@pytest.mark.parametrize("strength", [1.0, -2.5, 3])
@pytest.mark.parametrize("seed", range(4))
def test_of_a_scalar_the_strength_is_the_teacher_itself(strength: float, seed: int) -> None:
    data = teacher(strengths=[strength], seed=seed)
    for split in splits(data):
        torch.testing.assert_close(split.y, strength * split.x, rtol=1e-15, atol=0)
        assert split.x.square().mean().item() == pytest.approx(1, abs=1e-14)


def test_noise_is_added_to_the_targets_alone() -> None:
    clean, some, more = (teacher(**{**SIZES, "num_train": 1000}, noise=noise) for noise in (0.0, 0.3, 0.6))
    for a, b, c in zip(splits(clean), splits(some), splits(more), strict=True):
        assert torch.equal(a.x, b.x)
        torch.testing.assert_close(2 * (b.y - a.y), c.y - a.y, rtol=1e-12, atol=1e-12)
    noise = (some.train.y - clean.train.y) / 0.3  # 4,000 numbers, z = 4
    assert abs(noise.mean()) < 4 / math.sqrt(4000) and abs(noise.var() - 1) < 4 * math.sqrt(2 / 4000)


def test_everything_random_comes_from_the_seed() -> None:
    np.random.seed(1)
    torch.manual_seed(1)
    first = teacher(**SIZES)
    np.random.seed(2)
    torch.manual_seed(2)
    assert teacher(**SIZES).fingerprint == first.fingerprint
    assert teacher(**{**SIZES, "seed": 4}).fingerprint != first.fingerprint
    assert not torch.equal(first.train.x[:7], first.test.x)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"inputs": 0}, "data.inputs=0 must be a whole number"),
        ({"outputs": 1.5}, "data.outputs=1.5 must be a whole number"),
        ({"num_train": True}, "data.num_train=True must be"),
        ({"num_valid": 0}, "data.num_valid=0 must be"),
        ({"num_test": -3}, "data.num_test=-3 must be"),
        ({"seed": -1}, "data.seed=-1 must be"),
        ({"seed": 1.5}, "data.seed=1.5 must be"),
        ({"strengths": []}, "data.strengths=[] must hold 1 to 4 finite numbers"),
        ({"strengths": [1.0] * 5}, "data.strengths=[1.0, 1.0, 1.0, 1.0, 1.0] must hold 1 to 4"),
        ({"strengths": [math.nan]}, "data.strengths=[nan] must hold"),
        ({"noise": -0.1}, "data.noise=-0.1 must be finite and not negative"),
        ({"noise": math.inf}, "data.noise=inf must be"),
        ({"noise": math.nan}, "data.noise=nan must be"),
        ({"num_test": 4}, "data.whiten=true needs at least data.inputs=5 examples in every split but one has 4"),
    ],
)
def test_numbers_out_of_range_are_refused(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=re.escape(text)):
        teacher(**{**SIZES, **changes})


def test_targets_change_their_precision_with_the_inputs() -> None:
    split = teacher(**SIZES).train
    single = split.to("cpu", torch.float32)
    assert single.x.dtype == single.y.dtype == torch.float32
    assert torch.equal(single.y, split.y.float())
    labelled = Split(split.x, torch.arange(23)).to(dtype=torch.float32)
    assert labelled.x.dtype == torch.float32 and labelled.y.dtype == torch.int64


def test_no_data_is_one_example_in_every_split() -> None:
    data = none()
    assert [len(split) for split in splits(data)] == [1, 1, 1] and data.num_classes == 1
    assert data.limited(500) is data and data.fingerprint == none().fingerprint
