"""conf/data: what the yaml says is what the loader gives."""

from __future__ import annotations

import inspect
import math
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import get_method, instantiate
from omegaconf import DictConfig

from landscape.data import Dataset
from landscape.data.teacher import teacher

if TYPE_CHECKING:  # fixtures come from conftest whatever way pytest imports it
    from tests.data.conftest import TinyMnist

CONF = Path(__file__).parents[2] / "conf"


def composed(name: str, *overrides: str) -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(overrides=[f"+data={name}", *overrides])


@pytest.mark.parametrize(("name", "image"), [("digits", [1, 8, 8]), ("mnist", [1, 28, 28]), ("cifar10", [3, 32, 32])])
def test_keys_are_arguments(name: str, image: list[int]) -> None:
    config = composed(name)
    assert set(config) == {"data", "dimensions"}
    assert dict(config.dimensions) == {"inputs": math.prod(image), "image": image, "classes": 10}
    arguments = {key: value for key, value in config.data.items() if key != "_target_"}
    parameters = inspect.signature(get_method(config.data._target_)).parameters
    assert arguments == {key: parameters[key].default for key in arguments}  # the yaml repeats the code's defaults


def test_the_teacher_has_the_dimensions_of_the_net() -> None:
    config = composed("teacher").data
    defaults = {key: p.default for key, p in inspect.signature(teacher).parameters.items()}
    assert {**config, "strengths": tuple(config.strengths)} == {**defaults, "_target_": config._target_}
    wide = composed("teacher", "dimensions.inputs=8", "dimensions.classes=4").data
    assert (wide.inputs, wide.outputs) == (8, 4)


def test_digits_have_the_promised_dimensions() -> None:
    config = composed("digits", "data.seed=4")
    data: Dataset = instantiate(config.data)
    assert data.train.x.shape[1] == config.dimensions.inputs
    assert data.num_classes == config.dimensions.classes


def test_mnist_takes_a_folder(tiny: TinyMnist, tmp_path: Path) -> None:
    config = composed("mnist", f"data.folder={tiny.write(tmp_path)}")
    data: Dataset = instantiate(config.data, _partial_=True)(archive=tiny.archive)  # Hydra would turn it into a config
    assert data.train.y.tolist() == tiny.arrays["train-labels-idx1-ubyte.gz"][: -tiny.num_valid].tolist()
