"""Contrast normalisation and whitening of CIFAR-10 against a plain twin; what is kept of it, and its fingerprint."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
import torch
from numpy.typing import NDArray

from landscape.data import whitening
from landscape.data.cifar10 import OFFICIAL, cifar10
from tests.data.tiny_cifar10 import D, Tiny, tiny_cifar10


@pytest.fixture
def tiny() -> Tiny:
    return tiny_cifar10()


def whitened_by_hand(train: NDArray[np.uint8], test: NDArray[np.uint8]) -> tuple[NDArray[np.float64], ...]:
    """Image by image, and C^(-1/2) as a matrix power; also C."""

    def normalised(row: NDArray[np.uint8]) -> list[float]:
        values = [float(p) for p in row[1:]]
        mean = sum(values) / D
        centred = [v - mean for v in values]
        norm = sum(v * v for v in centred) ** 0.5
        return [v * 55 / norm if norm > 1e-6 else v for v in centred]

    a, b = (np.array([normalised(row) for row in part]) for part in (train, test))
    m = a.mean(axis=0)
    C = sum(np.outer(row - m, row - m) for row in a) / len(a) + 0.1 * np.eye(D)
    P = scipy.linalg.fractional_matrix_power(C, -0.5)
    return np.array([P @ (row - m) for row in a]), np.array([P @ (row - m) for row in b]), C


def test_whitened_images_equal_the_twin(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("landscape.data.cifar10.CHUNK", 37)  # no divisor of 200 nor of 240
    data = tiny.load(tiny.write(tmp_path), tmp_path / "cache", "gcn_zca")
    train, test, C = whitened_by_hand(*tiny.both)
    found = torch.cat([data.train.x, data.valid.x])
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), train, rtol=2e-6, atol=2e-6)  # the float32 at the very end
    np.testing.assert_allclose(data.test.x.numpy(), test, rtol=2e-6, atol=2e-6)
    # White but for the regularizer: P (C - 0.1 I) P = I - 0.1 C^-1, on all 200 training images and no test image.
    covariance = np.cov(found.double().numpy(), rowvar=False, bias=True)
    np.testing.assert_allclose(covariance, np.eye(D) - 0.1 * np.linalg.inv(C), atol=1e-5)
    (kept,) = (tmp_path / "cache").glob("*.npz")
    with np.load(kept) as arrays:
        assert arrays["mean"].dtype == arrays["matrix"].dtype == np.float64
        np.testing.assert_allclose(arrays["matrix"] @ C @ arrays["matrix"], np.eye(D), atol=1e-10)


def test_every_normalised_image_has_norm_55_and_mean_0_but_a_constant_one() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (7, 300), dtype=np.uint8)
    pixels[2] = 9
    x = whitening.contrast_normalized(pixels)
    np.testing.assert_allclose(x.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), [55, 55, 0, 55, 55, 55, 55], atol=1e-12)


def test_whitening_does_not_depend_on_the_batches() -> None:
    x = np.random.default_rng(1).standard_normal((50, 6)) @ np.random.default_rng(2).standard_normal((6, 6)) + 3
    whole = whitening.zca(lambda: [x])
    parts = whitening.zca(lambda: iter((x[:7], x[7:11], x[11:])))
    np.testing.assert_allclose(parts.matrix, whole.matrix, rtol=1e-11)
    np.testing.assert_allclose(whole.matrix, whole.matrix.T, rtol=1e-13)  # the symmetric root, not any other
    np.testing.assert_allclose(parts(x), whole(x), atol=1e-11)


def test_whitened_once_and_kept(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, cache = tiny.write(tmp_path / "data"), tmp_path / "cache"
    first = tiny.load(folder, cache, "gcn_zca")
    (kept,) = cache.glob("*.npz")
    assert {path.suffix for path in cache.iterdir()} <= {".npz", ".lock"}
    with monkeypatch.context() as patch:
        patch.setattr("landscape.data.cifar10.zca", lambda batches: pytest.fail("whitened again"))
        again = tiny.load(folder, cache, "gcn_zca")
    assert torch.equal(again.train.x, first.train.x) and again.fingerprint == first.fingerprint
    assert [path.name for path in folder.iterdir()] == [tiny.archive.name]  # a named folder is left as it is
    kept.write_bytes(kept.read_bytes()[:-1000])
    assert torch.equal(tiny.load(folder, cache, "gcn_zca").train.x, first.train.x)
    with np.load(kept) as arrays:
        assert set(arrays.files) == {"images", "mean", "matrix"}  # whole again
    tiny.records[tiny.archive.train[2]][0, 5] ^= 1  # one bit of one pixel
    other = tiny.load(tiny.unpack(tmp_path / "other"), cache, "gcn_zca")
    assert len(list(cache.glob("*.npz"))) == 2 and other.fingerprint != first.fingerprint


def test_a_cache_that_cannot_be_written_costs_time_only(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tiny.write(tmp_path / "data")
    expected = tiny.load(folder, tmp_path / "cache", "gcn_zca").train.x
    (tmp_path / "file").write_bytes(b"")
    with caplog.at_level(logging.WARNING, "landscape"):
        found = tiny.load(folder, tmp_path / "file" / "cache", "gcn_zca").train.x
        assert torch.equal(found, expected) and "set data.cache to a folder" in caplog.text

        def full(*args: object, **kwargs: object) -> None:
            raise OSError(28, os.strerror(28))

        caplog.clear()
        monkeypatch.setattr("landscape.data.cached.np.savez", full)
        assert torch.equal(tiny.load(folder, tmp_path / "new", "gcn_zca").train.x, expected)
        assert os.strerror(28) in caplog.text
    assert {path.suffix for path in (tmp_path / "new").iterdir()} <= {".lock"}  # no temporary file stays


def test_the_fingerprint_is_of_the_source_and_of_what_was_done(tiny: Tiny, tmp_path: Path) -> None:
    folder, cache = tiny.write(tmp_path), tmp_path / "cache"
    plain, white = (tiny.load(folder, cache, preprocess) for preprocess in ("none", "gcn_zca"))
    few = white.limited(9)
    assert len({plain.fingerprint, white.fingerprint, few.fingerprint, plain.limited(9).fingerprint}) == 4
    assert torch.equal(few.train.x, white.train.x[:9])  # fitted on all images, whatever the cap
    # The last bit of a whitened pixel is the machine's: it must not start a training anew.
    moved = replace(white, train=replace(white.train, x=white.train.x * (1 + 2e-7)))
    assert moved.fingerprint == white.fingerprint
    tiny.records[tiny.archive.test][-1, 0] = (tiny.records[tiny.archive.test][-1, 0] + 1) % 10
    assert tiny.load(tiny.unpack(tmp_path / "b"), cache).fingerprint != plain.fingerprint


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("LANDSCAPE_DATA"), reason="LANDSCAPE_DATA is not set")
def test_real_cifar10_is_white_after_preprocessing(tmp_path: Path) -> None:
    base = Path(os.environ["LANDSCAPE_DATA"])
    here = [base / place / name for place in ("", "cifar10") for name in (OFFICIAL.name, OFFICIAL.test)]
    if not any(path.is_file() for path in here):
        pytest.skip("LANDSCAPE_DATA holds no CIFAR-10")
    data = cifar10(cache=str(tmp_path))
    assert [tuple(s.x.shape) for s in (data.train, data.valid, data.test)] == [
        (n, 3072) for n in (40_000, 10_000, 10_000)
    ]
    labels = torch.cat([data.train.y, data.valid.y])
    assert labels.bincount().tolist() == [5000] * 10 and data.test.y.bincount().tolist() == [1000] * 10
    (kept,) = tmp_path.glob("*.npz")
    with np.load(kept) as arrays:
        P = arrays["matrix"]
    x = torch.cat([data.train.x, data.valid.x]).numpy()
    rows = np.random.default_rng(0).choice(3072, 200, replace=False)
    covariance = (x[:, rows].T.astype(np.float64) @ x[:, rows]) / len(x)
    np.testing.assert_allclose(covariance, np.eye(200) - 0.1 * P[rows] @ P[:, rows], atol=1e-5)
