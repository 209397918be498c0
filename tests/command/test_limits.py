"""Caps."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from landscape.command.limits import apply_limits, note_cap

NO_CAP = {"epochs": None, "examples": None, "measured_examples": None, "alphas": None, "seeds": None, "width": None}


def config(**limits: int) -> dict[str, Any]:
    return {
        "training": {"max_epochs": 1000, "num_seeds": 3, "batch_size": 100},
        "model": {"widths": [898, 1532, 30], "pieces": 5},
        "limits": {**NO_CAP, "scale": "full", **limits},
    }


def test_caps_lower_what_is_above_them_and_say_so() -> None:
    before = config(epochs=6, seeds=2, width=240)
    kept = copy.deepcopy(before)
    after, caps = apply_limits(before)
    assert before == kept  # a copy was changed
    assert after["training"] == {"max_epochs": 6, "num_seeds": 2, "batch_size": 100}
    assert after["model"] == {"widths": [240, 240, 30], "pieces": 5}
    assert caps == [
        "training.max_epochs 1000 -> 6",
        "training.num_seeds 3 -> 2",
        "model.widths [898, 1532, 30] -> [240, 240, 30]",
    ]


def test_a_cap_above_or_absent_changes_nothing() -> None:
    for limits in ({}, {"epochs": 1000, "seeds": 3, "width": 1532}, {"epochs": 5000}):
        after, caps = apply_limits(config(**limits))
        assert after == config(**limits) and caps == []


@pytest.mark.parametrize(("epochs", "epoch", "kept"), [(6, 20, 5), (6, 5, 5), (6, 2.5, 2.5), (1, 3, 0), (None, 20, 20)])
def test_a_cap_on_epochs_leaves_one_after_the_start_of_a_line(epochs: int | None, epoch: float, kept: float) -> None:
    before = {**config(**({} if epochs is None else {"epochs": epochs})), "endpoints": {"epoch": epoch}}
    after, caps = apply_limits(before)
    assert after["endpoints"] == {"epoch": kept}
    assert ("endpoints.epoch 20 -> 5" in caps) == (epochs == 6 and epoch == 20)


@pytest.mark.parametrize("model", [None, {"width": 64}, {"_target_": "mine.Net"}])
def test_other_models_are_capped_by_width_or_left_alone(model: dict[str, Any] | None) -> None:
    before = {**config(width=32), "model": model}
    after, caps = apply_limits(before)
    assert after["model"] == ({"width": 32} if model == {"width": 64} else model)
    assert len(caps) == (model == {"width": 64})


def test_note_cap_speaks_only_of_changes() -> None:
    caps: list[str] = []
    note_cap(caps, "alphas", 20, 20)
    note_cap(caps, "alphas", 20, 12)
    assert caps == ["alphas 20 -> 12"]


@pytest.mark.parametrize("cap", [32, 5])
def test_width_caps_dimensions_of_model_and_measurement(cap: int) -> None:
    before = {**config(width=cap), "model": {"dimension": 100_000}, "measurement": {"dimension": 10, "num_steps": 1000}}
    after, caps = apply_limits(before)
    assert after["model"] == {"dimension": cap}
    assert after["measurement"] == {"dimension": min(10, cap), "num_steps": 1000}
    wanted = [f"model.dimension 100000 -> {cap}", *(["measurement.dimension 10 -> 5"] if cap == 5 else [])]
    assert caps == wanted


def test_points_that_are_given_say_how_wide_the_model_is() -> None:
    before = {**config(width=32), "endpoints": {"start": "a.pt", "end": "b.pt"}}
    after, caps = apply_limits(before)
    assert after["model"] == before["model"] and caps == []


@pytest.mark.parametrize("epoch", ["abc", None, [1, "a"]])
def test_what_is_no_number_is_left_to_whoever_takes_it(epoch: object) -> None:
    after, caps = apply_limits({**config(epochs=6), "endpoints": {"epoch": epoch}})
    assert after["endpoints"] == {"epoch": epoch} and caps == ["training.max_epochs 1000 -> 6"]
