"""Every measurement along a path has slopes and noise, by the same keys."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from landscape.cost import SquaredError
from landscape.data.teacher import teacher
from landscape.ground.provenance import conf_dir
from landscape.measurement import Interpolation, OnPath, stage_of
from landscape.model import DeepLinear
from landscape.objective import Objective
from tests.measurement.conftest import ends_of, on_path

FOLDER = Path(conf_dir()) / "measurement"
ALONG = [file.stem for file in sorted(FOLDER.glob("*.yaml")) if stage_of(instantiate(OmegaConf.load(file))) is OnPath]


def test_there_are_such_measurements() -> None:
    assert {"interpolation", "closed_form", "gauss_length", "plane"} == set(ALONG)


@pytest.mark.parametrize("name", ALONG)
def test_slopes_and_noise_are_keys_of_each_and_its_curves_those_of_interpolation(name: str) -> None:
    third = torch.tensor([[0.3, 1.6]], dtype=torch.float64)
    points = (torch.tensor([point], dtype=torch.float64) for point in ([0.2, -0.4], [1.3, 0.9]))
    ends = ends_of(*points, theta_2=third if name == "plane" else None)
    subject = on_path(
        DeepLinear(1, 1, depth=2),
        SquaredError(),
        teacher(),
        ends=ends,
        alphas=np.linspace(0, 1, 7),
        objective=lambda *given, **more: Objective(*given, dtype="float64", **more),
    )
    config: Any = OmegaConf.load(FOLDER / f"{name}.yaml")
    OmegaConf.set_struct(config, True)  # as Hydra does: a key that the file lacks is refused
    config.splits, config.slopes, config.noise = ["train"], 2, False
    if "modes" in config:
        config.modes = ["deterministic"]
    if name == "gauss_length":  # needs one row of several outputs: its curve alone is looked at
        config.num_examples = 5
    measurement = instantiate(config)
    measurement.check(subject)
    seen = measurement(subject).curves["train/deterministic"]
    plain = Interpolation(["train"], ["deterministic"], slopes=2, noise=False)(subject).curves["train/deterministic"]
    assert seen.metrics.keys() == plain.metrics.keys() == {"slope", "curvature"} and not seen.noise
    for key, values in plain.metrics.items():
        np.testing.assert_array_equal(seen.metrics[key], values)
    config.slopes, config.noise = 0, True
    loud = instantiate(config)(replace(subject, alphas=subject.alphas[::2])).curves["train/deterministic"]
    assert "slope" not in loud.metrics and {"floor", "errors"} <= loud.noise.keys()
