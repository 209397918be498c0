"""Caps."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from omegaconf import OmegaConf

from landscape.command.config import composed, job_key, of_scale
from landscape.command.limits import apply_limits, note_cap, scale_of

NO_CAP = {"epochs": None, "examples": None, "measured_examples": None, "alphas": None, "seeds": None, "width": None}
CONFIG: dict[str, Any] = {
    "training": {"max_epochs": 1000, "num_seeds": 3, "batch_size": 100},
    "model": {"widths": [898, 1532, 30], "pieces": 5},
}
EPOCHS = {"training.max_epochs": (1000, 6)}
WIDTHS = {"model.widths": ([898, 1532, 30], [240, 240, 30])}
POINTS = {"start": "a.pt", "end": "b.pt"}

# (limits, what the config says else, key -> (before, after) of each cap that bites)
CASES: list[tuple[dict[str, int], dict[str, Any], dict[str, tuple[Any, Any]]]] = [
    ({"epochs": 6, "seeds": 2, "width": 240}, {}, {**EPOCHS, "training.num_seeds": (3, 2), **WIDTHS}),
    ({}, {}, {}),
    ({"epochs": 1000, "seeds": 3, "width": 1532}, {}, {}),
    ({"epochs": 5000}, {}, {}),
    # One epoch is left after the start of a line.
    ({"epochs": 6}, {"endpoints": {"epoch": 20}}, {**EPOCHS, "endpoints.epoch": (20, 5)}),
    ({"epochs": 6}, {"endpoints": {"epoch": 5}}, EPOCHS),
    ({"epochs": 6}, {"endpoints": {"epoch": 2.5}}, EPOCHS),
    ({"epochs": 1}, {"endpoints": {"epoch": 3}}, {"training.max_epochs": (1000, 1), "endpoints.epoch": (3, 0)}),
    ({}, {"endpoints": {"epoch": 20}}, {}),
    # What is no number is left to whoever takes it.
    ({"epochs": 6}, {"endpoints": {"epoch": "abc"}}, EPOCHS),
    ({"epochs": 6}, {"endpoints": {"epoch": None}}, EPOCHS),
    ({"epochs": 6}, {"endpoints": {"epoch": [1, "a"]}}, EPOCHS),
    ({"width": 32}, {"model": None}, {}),
    ({"width": 32}, {"model": {"width": 64}}, {"model.width": (64, 32)}),
    ({"width": 32}, {"model": {"_target_": "mine.Net"}}, {}),
    (
        {"width": 32},
        {"model": {"dimension": 100_000}, "measurement": {"dimension": 10, "num_steps": 1000}},
        {"model.dimension": (100_000, 32)},
    ),
    (
        {"width": 5},
        {"model": {"dimension": 100_000}, "measurement": {"dimension": 10, "num_steps": 1000}},
        {"model.dimension": (100_000, 5), "measurement.dimension": (10, 5)},
    ),
    # Points that are given say how wide the model is.
    ({"width": 32}, {"endpoints": POINTS}, {}),
]


@pytest.mark.parametrize(("limits", "more", "bites"), CASES)
def test_caps_lower_what_is_above_them_and_say_so(
    limits: dict[str, int], more: dict[str, Any], bites: dict[str, tuple[Any, Any]]
) -> None:
    """Nothing else changes, and the config that was given stays as it is."""
    before = {**copy.deepcopy(CONFIG), "limits": {**NO_CAP, "scale": "full", **limits}, **copy.deepcopy(more)}
    kept = copy.deepcopy(before)
    after, caps = apply_limits(before)
    assert before == kept
    for key, (_, value) in bites.items():
        node, name = key.split(".")
        kept[node][name] = value
    assert after == kept
    assert sorted(caps) == sorted(f"{key} {old} -> {new}" for key, (old, new) in bites.items())


def test_note_cap_speaks_only_of_changes() -> None:
    caps: list[str] = []
    note_cap(caps, "alphas", 20, 20)
    note_cap(caps, "alphas", 20, 12)
    assert caps == ["alphas 20 -> 12"]


@pytest.mark.parametrize(
    ("scale", "cpu", "caps", "called"),
    [
        ("cpu", {}, {}, "full"),
        ("cpu", {}, {"epochs": 6}, "cpu"),
        ("cpu", {"instead": "large -> small"}, {}, "cpu"),
        ("reduced", {"instead": "large -> small"}, {}, "reduced"),
        ("full", {}, {"epochs": 6}, "full"),
        ("mine", {}, {}, "mine"),
    ],
)
def test_at_cpu_what_is_not_cut_is_full(scale: str, cpu: dict[str, str], caps: dict[str, int], called: str) -> None:
    config = {**copy.deepcopy(CONFIG), "limits": {**NO_CAP, "scale": scale, **caps}, "cpu": cpu}
    after, found = apply_limits(config)
    assert scale_of(after["limits"], found) == called
    assert ("recipe large -> small" in found) == (scale == "cpu" and bool(cpu))


def test_what_cpu_means_is_in_no_key_but_by_what_it_does() -> None:
    """Of ``limits=cpu``, which came late, results of other scales know nothing; one's own number of seeds stays."""
    keys = {job_key(_root_=composed(["recipe=maxout", more])) for more in ("limits=none", "cpu.epochs=5")}
    at_cpu = [composed(["recipe=maxout", "limits=cpu", *more]) for more in ([], ["cpu.epochs=5"])]
    assert len(keys) == 1 and len(keys | {job_key(_root_=config) for config in at_cpu}) == 3
    assert [config.training.num_seeds for config in at_cpu] == [3, 3]
    assert composed(["recipe=maxout", "limits=cpu", "training.num_seeds=1"]).training.num_seeds == 1
    assert composed(["recipe=maxout", "limits=reduced"]).training.num_seeds == 1


@pytest.mark.parametrize(("scale", "chosen"), [("full", "a"), ("reduced", "b"), ("cpu", "c"), ("mine", "a")])
def test_an_experiment_chooses_by_scale(scale: str, chosen: str) -> None:
    root = OmegaConf.create({"limits": {"scale": scale}})
    assert of_scale({"full": "a", "reduced": "b"}, "c", _root_=root) == chosen
    assert of_scale({"full": "a", "reduced": "b"}, _root_=root) == chosen.replace("c", "a")
