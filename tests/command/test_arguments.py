"""A node of a config beside the annotations of what it targets."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from landscape.command.arguments import check_arguments, check_finite, fits, shown, wanted
from landscape.command.config import conf_dir, register
from landscape.errors import InputError

KINDS = [
    (int, [0, -3], [1.5, 2.0, True, "3", None, [1]], "a whole number"),
    (float, [0, 1.5, float("inf")], [True, "", "0.1", None, {}], "a number"),
    (bool, [True, False], [0, 1, "maybe", None], "true or false"),
    (str, ["", "a"], [3, None, ["a"]], "a text"),
    (int | None, [None, 2], ["", 2.5], "a whole number or null"),
    (str | int | None, ["25%", 1, None], [1.5, True], "a text or a whole number or null"),
    (Sequence[float], [[], [1, 2.5]], [3, "ab", None, ["a"], [[1]]], "a list of numbers"),
    (tuple[int, int], [[1, 2]], [[1], [1, 2, 3], [1, "a"]], "a list of 2 whole numbers"),
    (list[str] | None, [None, ["train"]], ["train", [3]], "a list of texts or null"),
    (Literal["a", "b"], ["a"], ["c", 1, None], "one of a, b"),
]


@pytest.mark.parametrize(("kind", "good", "bad", "words"), KINDS, ids=[row[-1] for row in KINDS])
def test_what_an_annotation_takes(kind: Any, good: list[Any], bad: list[Any], words: str) -> None:
    assert all(fits(value, kind) for value in good)
    assert not any(fits(value, kind) for value in bad)
    assert wanted(kind) == words


@pytest.mark.parametrize("kind", [Any, object, Path, dict[str, int], "later"])
def test_a_kind_that_no_yaml_holds_takes_everything(kind: Any) -> None:
    assert all(fits(value, kind) for value in (None, 1, "a", [1], {"a": 1}))


@pytest.mark.parametrize(
    ("node", "says"),
    [
        ({"_target_": "torch.optim.SGD", "lr": ""}, "x.lr='' must be a number"),
        ({"_target_": "torch.optim.SGD", "rate": 2}, "x.rate=2 is not a key of torch.optim.SGD; it takes lr, "),
        ({"_target_": "torch.optim.Adam", "betas": [0.9]}, "x.betas=[0.9] must be a list of 2 numbers"),
        ({"_target_": "landscape.measurement.Interpolation", "splits": "train"}, "such as x.splits=[train]"),
        ({"_target_": "landscape.data.mnist.mnist", "folder": 2015}, "x.folder=2015 must be a text or null"),
        ({"deep": [{"_target_": "landscape.alphas.fractions", "num": 2.5}]}, "x.deep[0].num=2.5 must be a whole"),
    ],
)
def test_the_key_and_what_it_wants_are_named(node: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as caught:
        check_arguments(node, "x")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("target", "key", "value", "is_fine"),
    [
        ("landscape.cost.Adversarial", "epsilon", float("inf"), False),
        ("landscape.path.BiasSchedule", "power", float("nan"), False),
        ("landscape.model.MLP", "scale", [1.0, float("inf")], False),
        ("landscape.measurement.Descent", "stop_projection", float("inf"), True),  # never stops early
        ("landscape.measurement.Descent", "stop_projection", float("nan"), False),
        ("landscape.model.MLP", "max_norms", [1.0, float("inf")], True),
        ("torch.nn.Hardtanh", "min_val", float("-inf"), True),  # others know what they take
    ],
)
def test_numbers_that_are_not_finite(target: str, key: str, value: Any, is_fine: bool) -> None:
    with nullcontext() if is_fine else pytest.raises(InputError, match=f"x.{key}=.* must be finite"):
        check_finite({"_target_": target, key: value}, "x")


def test_an_annotation_of_others_may_be_looser_than_its_code() -> None:
    """``def f(width: int = None)`` and ``def f(rate: int = 0.5)`` are common; what they default to, they take."""
    check_arguments({"_target_": f"{__name__}.Loose", "width": None, "rate": 0.25, "anything": object()})


class Loose:
    """A constructor as people write them."""

    def __init__(self, width: int = None, rate: int = 0.5, **others: int) -> None:  # type: ignore[assignment]  # noqa: RUF013
        pass


@pytest.mark.slow
@pytest.mark.parametrize("group", ["recipe", "model", "measurement", "endpoints", "alphas", "data", "optimizer"])
def test_every_yaml_fits_what_it_targets(group: str) -> None:
    register()
    missing = {"points", "checkpoints", "run", "explicit"}  # want values from the command line
    names = sorted(file.stem for file in (Path(conf_dir()) / group).glob("*.yaml") if file.stem not in missing)
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        for name in names:
            config = OmegaConf.to_container(compose("config", [f"{group}={name}"]), resolve=True)
            check_arguments(config[group] if group != "recipe" else config)  # type: ignore[index, call-overload]


@pytest.mark.parametrize(("value", "text"), [(None, "null"), (True, "true"), ("", "''"), ([1, [None]], "[1,[null]]")])
def test_values_are_shown_as_the_command_line_takes_them(value: Any, text: str) -> None:
    assert shown(value) == text
