"""The models as their yaml makes them."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from torch import nn

from landscape.command.config import conf_dir, register


@cache  # composing takes a third of a second
def published(name: str, *overrides: str, device: str = "meta") -> Any:
    """The net of conf/model/<name>.yaml under these overrides; without memory unless a device is named."""
    register()
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        config = compose("config", overrides=[f"model={name}", *overrides])
    with torch.device(device), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = instantiate(config.model)()
    assert isinstance(module, nn.Module)
    return module
