"""Jobs that caps made alike: each of their runs is drawn, judged and counted once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from landscape.figure import sweep
from landscape.figure.sweep.copies import distinct, fresh, joined, note
from landscape.report.section import Section
from landscape.report.summary import means, rates
from landscape.report.sweep import rows
from landscape.result import Result

from .conftest import noisy


def job(seeds: int = 1, asked: int = 0, caps: list[str] | None = None, **config: Any) -> Result:
    """A job that asked for some number of seeds and got ``seeds``."""
    told = [f"training.num_seeds={asked or seeds}", *(f"{key}={value}" for key, value in config.items())]
    whole = {"training": {"num_seeds": seeds, "first_seed": 0, "max_epochs": 2}, "device": f"cuda:{asked}"}
    for key, value in config.items():
        room, _, name = key.partition(".")
        whole.setdefault(room, {})[name] = value
    return noisy("digits", seeds=seeds, config=whole, overrides=told, caps=caps or [])


@pytest.mark.parametrize(
    ("jobs", "new"),
    [
        ([job(1), job(2), job(2, asked=3)], [[0], [1], []]),
        ([job(2, asked=3), job(2, asked=4)], [[0, 1], []]),
        ([job(**{"optimizer.lr": 0.1}), job(**{"optimizer.lr": 0.2})], [[0], [0]]),
        ([job(**{"endpoints.epoch": 1}), job(**{"endpoints.epoch": 1}), job(**{"endpoints.epoch": 0})], [[0], [], [0]]),
        # A cap that is in force where the grid is made, not in the config.
        ([job(caps=["alphas 30 -> 12"], **{"alphas.num": n}) for n in (30, 40)], [[0], []]),
        ([job(**{"alphas.num": n}) for n in (30, 40)], [[0], [0]]),
        ([replace(job(), seeds=[seed]) for seed in "01"], [[0], [0]]),
    ],
)
def test_a_run_is_known_by_its_settings_after_caps_and_its_seed(jobs: list[Result], new: list[list[int]]) -> None:
    assert fresh(jobs) == new
    kept = distinct(jobs)
    assert [result.seeds for result in kept] == [
        [r.seeds[k] for k in ks] for r, ks in zip(jobs, new, strict=True) if ks
    ]


def test_jobs_that_differ_in_their_seeds_alone_are_one() -> None:
    """Of nets with any numbers of seeds, in the order of the nets; a run that two jobs have once."""
    seeds = [replace(job(**{"training.first_seed": k}), seeds=[str(k)]) for k in range(3)]
    other = job(**{"optimizer.lr": 0.2})
    found = joined([seeds[0], other, *seeds[1:], seeds[2]])
    assert [result.seeds for result in found] == [["0", "1", "2"], ["0"]]
    assert len(joined([seeds[0], replace(seeds[1], scale="reduced")])) == 2
    assert joined([job(3)])[0].num_columns == 3


def test_copies_are_counted_nowhere_and_named_below_the_figure(tmp_path: Path) -> None:
    jobs = [job(1), job(2), job(2, asked=3)]
    assert (
        note(jobs) == "of 3 jobs 1 is a copy of others after caps, 1 has seeds of an earlier one: each run counts once"
    )
    figure = sweep.draw(jobs)
    assert "median of 2 seeds" in figure.legends[0].get_title().get_text()
    assert note(jobs) in figure._supxlabel.get_text()
    found = rows(Section(tmp_path, [tmp_path] * 3, jobs, [], sweep))
    assert len(found) == 5
    assert {mean.count for mean in means(found)} == {2}
    assert {rate.judged for rate in rates(found)} == {2}
