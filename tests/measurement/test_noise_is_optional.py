"""Whatever pays for the noise of J can be told not to."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from landscape.ground.provenance import conf_dir
from landscape.measurement import Interpolation

FILES = sorted((Path(conf_dir()) / "measurement").glob("*.yaml"))
MADE = {file.stem: instantiate(OmegaConf.load(file)) for file in FILES}
PAYING = [name for name, made in MADE.items() if isinstance(made, Interpolation)]


@pytest.mark.parametrize("name", PAYING)
def test_noise_is_a_key_of_every_measurement_along_a_line(name: str) -> None:
    config = OmegaConf.load(Path(conf_dir()) / "measurement" / f"{name}.yaml")
    OmegaConf.set_struct(config, True)  # as Hydra does: a key that the file lacks is refused
    assert instantiate(config).noise is True
    config.noise = False
    assert instantiate(config).noise is False


def test_there_are_such_measurements() -> None:
    assert {"interpolation", "closed_form", "gauss_length", "plane"} <= set(PAYING)
