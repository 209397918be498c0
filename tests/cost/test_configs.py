"""Costs as a yaml and the page on costs have them: of the house, of torch, and functions of one's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor, nn

from landscape.command.prepare import make
from landscape.cost import BinaryCrossEntropy, CausalLM, MaskedLM
from tests.cost.loop import over
from tests.twin import normal

ROOT = Path(__file__).parents[2]
CONF, PAGE = ROOT / "conf" / "cost", ROOT / "docs" / "costs.md"
X, Y = normal(7, 3, seed=1), torch.arange(7) % 4
NET = nn.Linear(3, 4).double()


def focal(outputs: Tensor, batch: dict[str, Tensor], gamma: float = 0.0) -> Tensor:
    each = nn.functional.cross_entropy(outputs, batch["y"], reduction="none")
    return (1 - (-each).exp()) ** gamma * each


@pytest.mark.parametrize(
    ("name", "kind"),
    [("causal_lm", CausalLM), ("masked_lm", MaskedLM), ("binary_cross_entropy", BinaryCrossEntropy)],
)
def test_the_house_s(name: str, kind: type) -> None:
    assert type(make(yaml.safe_load((CONF / f"{name}.yaml").read_text()), "cost")) is kind


OWN: list[tuple[dict[str, Any], float]] = [
    ({"_target_": "torch.nn.CrossEntropyLoss"}, 0.0),
    ({"_target_": "torch.nn.functional.cross_entropy", "_partial_": True}, 0.0),
    ({"_target_": "hydra.utils.get_method", "path": f"{__name__}.focal"}, 0.0),
    ({"_target_": f"{__name__}.focal", "_partial_": True, "gamma": 2.0}, 2.0),
]


@pytest.mark.parametrize(("node", "gamma"), OWN, ids=range(len(OWN)))
def test_torch_s_and_one_s_own(node: dict[str, Any], gamma: float) -> None:
    batch = {"x": X, "y": Y}
    found = over(make(node, "cost"), NET, [(X, Y, batch)])
    assert found["objective"] == pytest.approx(focal(NET(X), batch, gamma).mean().item(), rel=1e-12)


def blocks(language: str) -> list[str]:
    """What the page has in this language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_every_function_of_the_page_is_a_cost() -> None:
    (code,) = blocks("python")
    names: dict[str, Any] = {}
    exec(code, names)
    weight = torch.arange(7).double()
    batch = {"x": X, "y": Y, "weight": weight}
    each = nn.functional.cross_entropy(NET(X), Y, reduction="none").detach()
    plain, weighed = each.mean().item(), ((weight * each).sum() / weight.sum()).item()
    parts = [{name: v[part] for name, v in batch.items()} for part in (slice(0, 5), slice(5, 7))]
    for name, right in (("values", plain), ("weighed", weighed), ("channels", weighed), ("of_batch", plain)):
        found = over(names[name], NET, [(part["x"], part["y"], part) for part in parts])
        assert found["objective"] == pytest.approx(right, rel=1e-12), name


def test_every_yaml_of_the_page_is_a_cost() -> None:
    batch = {"x": X, "y": Y}
    for text in blocks("yaml"):
        node = yaml.safe_load(text.replace("my_package.losses", __name__))
        assert over(make(node, "cost"), NET, [(X, Y, batch)])["objective"] > 0
