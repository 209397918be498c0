"""A published page says what was run, what was found, and carries the arrays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from landscape.figure import sweep
from landscape.figure.__main__ import main
from landscape.figure.publish import command_of, page, publish, verdict_rows
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

from . import conftest as make


def jobs() -> list[Result]:
    result = make.result("maxout", overrides=["recipe=maxout", "threads=1", "+experiment=fig01_maxout"])
    other = replace(result, overrides=["recipe=relu", "threads=1", "+experiment=fig01_maxout"])
    return [replace(r, config={**r.config, "outputs": "elsewhere"}, caps=["a 2 -> 1"]) for r in (result, other)]


def test_the_command_leaves_the_experiments_own_sweep_to_the_experiment() -> None:
    assert command_of(jobs()) == "python -m landscape +experiment=fig01_maxout"
    assert command_of(jobs()[:1]) == "python -m landscape +experiment=fig01_maxout recipe=maxout"
    mine = [replace(jobs()[0], overrides=["model=mine", "optimizer=adam", "+training/lr_schedule=my_own"])]
    whose = "# yaml of your own: +training/lr_schedule=my_own, model=mine; add --config-dir with the folder that has it"
    assert command_of(mine).splitlines()[1:] == [whose]


def test_the_command_of_a_sweep_from_the_command_line_gives_its_jobs_again() -> None:
    """Every combination of the values, quoted for the shell; a line per job where some combination is missing."""
    told = [[f"optimizer.lr={lr}", f"model.widths=[{w},{w}]", "training.num_seeds=4"] for lr in (1, 2) for w in (8, 9)]
    found = [make.result("digits", overrides=overrides) for overrides in told]
    assert command_of(found) == ("python -m landscape training.num_seeds=4 optimizer.lr=1,2 'model.widths=[8,8],[9,9]'")
    lines = command_of(found[:3]).split("\n")
    ends = ["1 'model.widths=[8,8]'", "1 'model.widths=[9,9]'", "2 'model.widths=[8,8]'"]
    assert lines == [f"python -m landscape training.num_seeds=4 optimizer.lr={end}" for end in ends]


def test_what_the_command_line_sweeps_over_an_experiment_is_told() -> None:
    own = ["endpoints=between_solutions", "endpoints=random_to_solution"]  # swept by fig05 itself
    told = [[end, f"optimizer.lr={lr}", "+experiment=fig05_two_solutions"] for end in own for lr in (1, 2)]
    found = [make.result("digits", overrides=overrides) for overrides in told]
    assert command_of(found) == "python -m landscape +experiment=fig05_two_solutions optimizer.lr=1,2"


def test_nets_with_different_numbers_of_seeds_are_a_line_each() -> None:
    """Left to the experiment, the recipe would be all of its recipes."""
    told = [["recipe=maxout", "training.num_seeds=3"], ["recipe=sigmoid"]]
    found = [make.result("digits", overrides=[*overrides, "+experiment=fig03_overlay"]) for overrides in told]
    head = "python -m landscape +experiment=fig03_overlay"
    assert command_of(found).split("\n") == [f"{head} recipe=maxout training.num_seeds=3", f"{head} recipe=sigmoid"]


def test_the_page_and_its_arrays(tmp_path: Path) -> None:
    results = jobs()
    results[1].overrides.append("outputs=/home/somebody/there")
    verdicts = [Verdict("1a", "a | b", "s", "maxout", "0.5", "<= 0.1", False, "full", "<= 1", True, "why")]
    text = publish(results, verdicts, sweep.draw(results), tmp_path / "page").read_text()
    assert "| 1a | maxout | a \\| b | 0.5 | <= 0.1 | **no** (why) | <= 1: yes |" in text
    assert "0 hold, 1 do not hold, 0 not judged" in text and "a 2 -> 1" in text
    assert (tmp_path / "page" / "figure.png").stat().st_size > 1_000
    loaded = Result.load(tmp_path / "page" / "job1")
    assert "outputs" not in loaded.config and loaded.overrides == results[1].overrides[:-1]
    for name, curve in results[1].curves.items():
        np.testing.assert_array_equal(loaded.curves[name].objective, curve.objective)


def test_a_page_of_two_scales_says_which_net_was_cut() -> None:
    """Of figure 1 at ``limits=cpu`` one row is the paper's and calls itself full, the other is not."""
    cut = make.result("maxout_adversarial", scale="cpu", caps=["training.max_epochs 500 -> 60"])
    told = page([cut, make.result("maxout")], [])
    assert told.startswith("# fig01_maxout, cpu and full scale")
    assert "caps of this scale: training.max_epochs 500 -> 60 (adversarially trained maxout)" in told


def test_seconds_of_training_are_told_where_they_are_known() -> None:
    """A line of 79 s is no training of 186 epochs; results of earlier versions do not say."""
    job = replace(make.result("maxout"), seconds=79.0)
    assert "| job | device | seconds | best epoch |" in page([job], [])
    known = page([job, replace(job, seconds=2146.0, seconds_training=2067.0)], [])
    assert "| job | device | seconds | of these training | best epoch |" in known
    assert "| 79 | 0 |" in known and "| 2146 | 2067 |" in known


def test_every_verdict_is_a_row() -> None:
    verdict = Verdict("1a", "c", "s", "x", "m", "e", None, "smoke")
    assert len(verdict_rows([verdict] * 3)) == 5


def test_redrawing_a_page_draws_its_figure_and_nothing_more(tmp_path: Path) -> None:
    results, place = jobs(), tmp_path / "page"
    publish(results, [], sweep.draw(results), place)
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    (place / "figure.png").unlink()
    assert main([str(place)]) == 0
    assert {path for path in place.rglob("*") if path.is_file()} == set(before)
    assert all(path.read_bytes() == content for path, content in before.items() if "figure" not in path.name)
