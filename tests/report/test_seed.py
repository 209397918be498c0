"""One seed's part of a result: the same as the job that had that seed alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from landscape.figure import fig01_maxout
from landscape.report.section import Section
from landscape.report.sweep import plain_numbers, rows, swept
from landscape.result.saved import Result
from landscape.result.verdict import Verdict


def test_a_column_alone_is_that_column(make: Any) -> None:
    """Of curves, tracks, trainings and numbers; theory for all seeds keeps its one."""
    whole = make.result(seeds=3, projections={"trajectory": make.track(seeds=3), "theory": make.track(seeds=1)})
    alone = whole.columns([1])
    assert whole.num_columns == 3 and alone.num_columns == 1
    key = "train/stochastic"
    np.testing.assert_array_equal(alone.curves[key].objective[:, 0], whole.curves[key].objective[:, 1])
    assert alone.projections["trajectory"].length.tolist() == [whole.projections["trajectory"].length[1]]
    assert alone.projections["theory"] == whole.projections["theory"]
    assert alone.learning_curve.best_epoch.tolist() == [29.0]
    assert (alone.seeds, plain_numbers(alone)["num_test_errors"]) == (["1"], 101.0)


def test_a_seed_judged_alone_agrees_with_the_job_of_that_seed(make: Any) -> None:
    """Seed 0 of three is judged word for word as a job that had only seed 0."""
    three, one = make.result(seeds=3), make.result(seeds=1)
    assert fig01_maxout.judge([three.columns([0])]) == fig01_maxout.judge([one])


def test_lines_between_solutions_keep_both_ends(make: Any) -> None:
    """Three lines of three trainings: the numbers of a line follow the line, those of trainings its two ends."""
    labels, status = ["0-1", "1-2", "0-2"], ["stopped", "diverged", "max_epochs"]
    whole: Result = make.result(seeds=3, training_status=status)
    numbers = {"train/drop": [5.0, 6.0, 7.0], "length": [10.0, 11.0, 12.0]}
    alone = replace(whole, seeds=labels, numbers=numbers).columns([2])
    assert plain_numbers(alone) == {"train/drop": 7.0, "length[0]": 10.0, "length[1]": 12.0}
    assert (alone.seeds, alone.training_status) == (["0-2"], ["stopped", "max_epochs"])


def test_swept_keys_of_choices_and_dicts(make: Any) -> None:
    """A swept dict counts by its leaves that differ, a choice by its name; how a job ran does not count."""
    jobs = [
        make.result(
            recipe,
            overrides=[f"+vary={{lr:{lr}, mu:0.9}}", f"recipe={recipe}", f"outputs=/{lr}", "tracker=none"],
            config={"vary": {"lr": lr, "mu": 0.9}},
        )
        for recipe, lr in (("maxout", 0.1), ("relu", 0.5))
    ]
    assert swept(jobs) == [{"vary.lr": "0.1", "recipe": "maxout"}, {"vary.lr": "0.5", "recipe": "relu"}]
    assert swept(jobs[:1]) == [{}]


def test_a_claim_whose_subject_names_the_setting_counts_as_one(make: Any, tmp_path: Path) -> None:
    """Where every row has the check once, under its own setting's name, the rows share one claim; else they do not."""
    verdict = Verdict("12a", "c", "s", "lr = 0.1", "m", "e", True, "full")
    both = [verdict, replace(verdict, check="1b", subject="train"), replace(verdict, check="1b", subject="valid")]
    told = {0.1: both, 0.2: [replace(v, holds=False, subject=v.subject.replace("0.1", "0.2")) for v in both]}
    jobs = [make.result(config={"lr": lr}, overrides=[f"lr={lr}"]) for lr in told]
    module = SimpleNamespace(judge=lambda results: told[results[0].config["lr"]])
    found = rows(Section(tmp_path, [tmp_path / "a", tmp_path / "b"], jobs, [], module))  # type: ignore[arg-type]
    keys = [("12a", ""), ("1b", "train"), ("1b", "valid")]
    assert [row.holds for row in found] == [dict.fromkeys(keys, True), dict.fromkeys(keys, False)]
