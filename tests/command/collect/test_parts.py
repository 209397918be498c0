"""The parts of a job: where they run, how far they are, and what becomes of them; without a command."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from landscape.command.collect import Plan, parts
from landscape.command.collect.launched import Launched, outlook
from landscape.command.collect.record import JobRecord
from landscape.command.collect.standing import Job
from landscape.command.launch import hold
from landscape.objective.share import Share
from landscape.result.saved import Result

NOW, BEFORE = "20260102", "20260101"
PLAN = Plan(NOW, False, False, [Job(i, f"key{i}", f"key{i}", [f"optimizer.lr={i}"]) for i in range(2)])


def part(sweep: Path, num: int, share: Share, status: str, command: str = NOW, error: str = "", code: int = 0) -> Path:
    """The folder of one part as that status leaves it."""
    place = parts.place_of(sweep / f"key{num}", share)
    place.mkdir(parents=True)
    JobRecord(place.name, command, num, [], status, error, code).write(place)
    return place


def test_a_part_knows_itself_by_the_folder_that_its_overrides_name() -> None:
    job, share = "0123456789e1", Share(1, 4)
    subdir, none = OverridesParser.create().parse_overrides(parts.overrides_of(job, share))
    folder = Path("/outputs") / str(getattr(subdir.value(), "text", subdir.value()))
    assert folder == parts.place_of(Path("/outputs") / job, share) and none.value() is None
    assert parts.share_of(folder) == share and str(share) == "part 2 of 4"


@pytest.mark.parametrize("folder", ["a1b2", "a1b2/part-2-of-4", "a1b2/shards/part-5-of-4", "a1b2/shards/part-0-of-4"])
def test_any_other_folder_is_a_jobs_own(folder: str) -> None:
    assert parts.share_of(Path(folder)) is None


def test_what_lacks_is_launched_the_first_part_of_every_job_before_the_second_of_any(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    part(tmp_path, 0, Share(1, 3), "done", BEFORE)
    part(tmp_path, 1, Share(0, 3), "failed", BEFORE)
    part(tmp_path, 1, Share(2, 3), "cut", BEFORE)
    watch = Launched(PLAN, tmp_path, True, {"key0": 3, "key1": 3})
    with caplog.at_level("INFO"):
        found = watch.parts([entry.overrides for entry in PLAN.jobs])
    wanted = [(0, Share(0, 3)), (1, Share(0, 3)), (1, Share(1, 3)), (0, Share(2, 3)), (1, Share(2, 3))]
    assert found == [[f"optimizer.lr={num}", *parts.overrides_of(f"key{num}", share)] for num, share in wanted]
    assert caplog.messages == ["2 jobs: measured in 6 parts, 1 of them before, then put together"]
    assert Launched(PLAN, tmp_path, True, {"key0": 0, "key1": 0}).parts([["optimizer.lr=0"]]) == []


def test_a_job_stands_as_its_parts_do_until_it_begins(tmp_path: Path) -> None:
    part(tmp_path, 0, Share(0, 2), "done", BEFORE)
    busy = part(tmp_path, 1, Share(1, 2), "running")
    with hold(busy):
        first, second = (record for _, record in PLAN.standing(tmp_path))
    assert (second.status, second.error) == ("running", "part 2 of 2")
    assert first.status == "cut" and first.error.startswith("1 of 2 parts are measured; the same command measures")
    assert outlook(PLAN, tmp_path)[0] == "of 2 jobs: 2 cut and goes on"
    first.write(tmp_path / "key0")
    assert [record.status for _, record in PLAN.standing(tmp_path)] == ["cut", "cut"]


def test_a_fault_is_told_once_and_wrong_input_by_the_job(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    watch = Launched(PLAN, tmp_path, True, {"key0": 4})
    watch.parts([["optimizer.lr=0"]])
    with caplog.at_level("INFO"), watch.running():
        part(tmp_path, 0, Share(0, 4), "failed", error="RuntimeError: odd", code=1)
        part(tmp_path, 0, Share(1, 4), "failed", error="RuntimeError: odd", code=1)
        part(tmp_path, 0, Share(2, 4), "failed", error="data.x=3 is wrong", code=2)
        part(tmp_path, 0, Share(3, 4), "cut", error="killed by SIGKILL", code=1)
    told = [line for line in caplog.messages if "part " in line]
    assert len(told) == 2 and all(line.startswith("job 1 of 2 [optimizer.lr=0], part ") for line in told)
    assert "RuntimeError: odd" in told[0] and "killed by SIGKILL" in told[1]
    assert parts.refused(tmp_path / "key0", NOW) == "data.x=3 is wrong" and not parts.refused(tmp_path / "key0", BEFORE)


@pytest.mark.parametrize("refresh", [False, True])
def test_parts_outlive_neither_the_result_nor_refresh(refresh: bool, tmp_path: Path) -> None:
    place = part(tmp_path, 0, Share(0, 2), "done", BEFORE)
    if not refresh:
        Result("toy", "landscape.figure.sweep", "full", {}, {}).save(tmp_path / "key0")
    plan = Plan(NOW, refresh, False, PLAN.jobs)
    with hold(place):
        Launched(plan, tmp_path, True).wanted(["optimizer.lr=0"])
        assert place.is_dir()  # a launcher that died left it running
    assert Launched(plan, tmp_path, True).wanted(["optimizer.lr=0"]) == (0 if refresh else None)
    assert not parts.folder_of(tmp_path / "key0").exists()
