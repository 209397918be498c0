"""A whole command in parts, seen as if its launcher ran them side by side; one of them fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from landscape.measurement import Interpolation
from tests.cli.conftest import ONE_JOB, QUICK, Cli, cli

__all__ = ["cli"]
pytestmark = pytest.mark.usefixtures("blank_figures")


def arrays(job: Path) -> dict[str, bytes]:
    with np.load(job / "result.npz") as found:
        return {name: found[name].tobytes() for name in found.files}


def test_a_job_in_parts_is_one_job_with_the_bits_of_one(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    command = [*QUICK, "objective.batch_size=9", "training.max_epochs=1"]
    plain, shared, trained = Interpolation.share, list[int](), list[bool]()

    def share(self: Any, on_path: Any, share: Any, folder: Path) -> None:
        if share.number == 1:
            raise RuntimeError("odd")
        shared.append(share.number)
        plain(self, on_path, share, folder)

    with monkeypatch.context() as patch:
        patch.setattr("landscape.command.launch.launcher.LOCAL", "somewhere else")
        # No look falls between the end of the parts and that of the job, which takes their records away.
        patch.setattr("landscape.command.collect.launched.SECONDS_BETWEEN_LOOKS", 30.0)
        patch.setattr(Interpolation, "share", share)
        patch.setattr(
            "landscape.command.task.SolutionFiles", lambda key, files, trained_here: trained.append(trained_here)
        )
        ran = cli(*command, "measurement.shards=2")
    assert ran.status == 0 and shared == [0], ran.out
    assert "part 2 of 2 failed" in ran.out and "1 job done, 0 done before, 0 failed" in ran.out
    assert trained == [True]  # what a part trained the tracker calls the job's
    (job,) = ran.jobs
    assert [file.name for file in job.iterdir() if file.is_dir()] == [".hydra"]
    in_parts = arrays(job)
    whole = cli(*command, ONE_JOB, "refresh=true")
    assert whole.status == 0 and whole.jobs == [job] and arrays(job) == in_parts
