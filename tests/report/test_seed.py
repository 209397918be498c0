"""One seed's part of a result: the same as the job that had that seed alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from landscape.figure import fig01_maxout
from landscape.report.section import Section, read
from landscape.report.sweep import one_seed, plain_numbers, rows, swept
from landscape.result.saved import Result
from landscape.result.verdict import Verdict


@pytest.mark.parametrize("column", [0, 1, 2])
def test_a_column_alone_is_that_column(make: Any, column: int) -> None:
    """Every array keeps exactly its own column, and theory for all seeds keeps its one."""
    whole = make.result(seeds=3, projections={"trajectory": make.track(seeds=3), "theory": make.track(seeds=1)})
    alone = one_seed(whole, column)
    assert whole.num_columns == 3 and alone.num_columns == 1
    for key, curve in whole.curves.items():
        np.testing.assert_array_equal(alone.curves[key].objective[:, 0], curve.objective[:, column])
        np.testing.assert_array_equal(alone.curves[key].metrics["error"][:, 0], curve.metrics["error"][:, column])
    track, kept = whole.projections["trajectory"], alone.projections["trajectory"]
    np.testing.assert_array_equal(kept.residual_norm[:, 0], track.residual_norm[:, column])
    assert kept.length.tolist() == [track.length[column]]
    np.testing.assert_array_equal(kept.steps, track.steps)
    assert alone.projections["theory"] == whole.projections["theory"]
    assert whole.learning_curve and alone.learning_curve
    assert alone.learning_curve.best_epoch.tolist() == [30.0 - column]
    assert (alone.seeds, plain_numbers(alone)["num_test_errors"]) == ([str(column)], 100.0 + column)


def test_as_many_time_steps_as_seeds_confuses_nothing(make: Any) -> None:
    """steps and epochs are never cut, even when T equals S."""
    track = make.track(seeds=3)
    cut = {name: getattr(track, name)[:3] for name in ("steps", "epochs", "projection", "residual_norm")}
    short = replace(track, **cut, parameter_norm=track.parameter_norm[:3])
    alone = one_seed(make.result(seeds=3, projections={"trajectory": short}), 1)
    assert len(alone.projections["trajectory"].steps) == 3


def test_a_seed_judged_alone_agrees_with_the_job_of_that_seed(make: Any) -> None:
    """Seed 0 of three is judged word for word as a job that had only seed 0."""
    three, one = make.result(seeds=3), make.result(seeds=1)
    assert fig01_maxout.judge([one_seed(three, 0)]) == fig01_maxout.judge([one])


def test_lines_between_solutions_keep_both_ends(make: Any) -> None:
    """Three lines of three trainings: the numbers of a line follow the line, those of trainings its two ends."""
    labels, status = ["0-1", "1-2", "0-2"], ["stopped", "diverged", "max_epochs"]
    whole: Result = make.result(seeds=3, training_status=status)
    numbers = {"train/drop": [5.0, 6.0, 7.0], "length": [10.0, 11.0, 12.0]}
    alone = one_seed(replace(whole, seeds=labels, numbers=numbers), 2)
    assert plain_numbers(alone) == {"train/drop": 7.0, "length[0]": 10.0, "length[1]": 12.0}
    assert (alone.seeds, alone.training_status) == (["0-2"], ["stopped", "max_epochs"])


def test_rows_of_a_sweep(sweep: Path) -> None:
    """A row per job and seed; only the key that tells the jobs apart is swept, and the bad rate's claim fails."""
    found = rows(read(sweep))
    assert [(r.job, r.seed, r.swept) for r in found] == [
        (f"job{k}", str(s), {"optimizer.lr": lr}) for k, lr in enumerate(["0.1", "0.2"]) for s in range(3)
    ]
    monotone = [r.holds["1b", "train, deterministic"] for r in found]
    assert monotone == [True] * 3 + [False] * 3
    assert all(r.count(True) + r.count(False) + r.count(None) == len(r.holds) for r in found)


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
