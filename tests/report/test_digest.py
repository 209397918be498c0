"""The sentences on top of the page, read off verdicts that were made by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from landscape.report.digest import MAX_SHOWN, Digest, digest
from landscape.report.section import Section
from landscape.report.sweep import rows
from landscape.result.verdict import Verdict

from .conftest import job

FLAT = Verdict(
    "1d",
    "The line is flat",
    "Fig. 1",
    "digits, train",
    "0.1 of the drop (worst; in 0 of 3 seeds)",
    "<= 0.02",
    False,
    "full",
    miss=5.0,
)
FALLS = replace(FLAT, check="1b", claim="J falls", miss=0.0)


def told(*groups: list[Verdict], left_out: int = 0) -> Digest:
    sections = [
        Section(Path(f"s{k}"), [Path("job0")], [job(0.1, seeds=3)], ["job 9 failed"] * left_out, None, found)
        for k, found in enumerate(groups)
    ]
    return digest(sections, [rows(section) for section in sections], [f"part{k}" for k in range(len(sections))])


def test_what_fails_is_said_once_per_claim_the_largest_miss_first() -> None:
    other = replace(FLAT, subject="digits, valid", miss=2.0)
    found = told([replace(FALLS, miss=1.5), other, FLAT, replace(FLAT, subject="digits, test", holds=True)])
    assert [item.check for item in found.fails] == ["1d", "1b"]
    flat = found.fails[0].text
    assert flat.startswith(
        "does not hold in 2 of 3 cases, worst on train: 0.1 of the drop (in 0 of 3 seeds); expected <= 0.02"
    )
    assert "misses by a factor of 5." in flat and found.fails[1].text.startswith("does not hold on train:")


def test_what_holds_holds_in_all_sections_and_identities_are_apart() -> None:
    holds, law = replace(FALLS, holds=True), replace(FALLS, holds=True, identity=True)
    found = told([holds, replace(holds, subject="b"), law], [holds])
    (item,) = found.holds
    assert item.text == "holds in all 3 cases, in 2 sections." and found.identities == 1
    assert item.name == "my_sweep, full" and not told([holds], [FALLS]).holds
    assert told([holds]).holds[0].text == "holds." and told([holds]).holds[0].name == ""


def test_what_is_open_is_one_line_for_each_reason() -> None:
    open_ = replace(FALLS, holds=None, note="too short")
    found = told([open_, replace(open_, check="1c"), replace(open_, note="", measured="no sample")])
    assert [(item.check, item.claim, item.text) for item in found.opens] == [
        ("1b, 1c", "2 verdicts", "too short."),
        ("1b", "1 verdict", "no sample."),
    ]


def test_what_was_done_and_what_is_left_out() -> None:
    found = told([FALLS], left_out=2)
    assert found.done[0].startswith(
        "my_sweep: 1 job, 3 runs (one seed of one job each), seeds 0, 1, 2, at full scale; 7.5 s"
    )
    assert "2 jobs failed or left nothing, and are not counted." in found.done[0]
    many = told([replace(FALLS, check=str(k), claim=str(k), miss=float(k)) for k in range(MAX_SHOWN + 3)])
    assert len(many.fails) == MAX_SHOWN and many.more_fails == 3 and many.fails[0].check == str(MAX_SHOWN + 2)


def test_a_sweep_says_where_its_numbers_are_least_and_largest() -> None:
    numbers = {"test_error": [0.01] * 3}, {"test_error": [0.05] * 3}
    jobs = [replace(job(lr, seeds=3), numbers=own) for lr, own in zip((0.1, 0.2), numbers, strict=True)]
    section = Section(Path("s"), [Path("job0"), Path("job1")], jobs, [])
    (line,) = digest([section], [rows(section)], ["part1"]).numbers
    assert (
        line == "test error [%], mean over the runs of a setting: from 1 at optimizer.lr=0.1 to 5 at optimizer.lr=0.2."
    )
