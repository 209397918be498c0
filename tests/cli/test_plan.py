"""The plan of a command names the very folders that its jobs then fill."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import landscape.command.collect as collect, landscape.command.plan as plan
from landscape.__main__ import main
start = collect.Collect.on_multirun_start
def planned(self, config, **kwargs):
    start(self, config, **kwargs)
    for job in plan.jobs_of(config):
        print("PLAN", job.num, job.key, *job.overrides)
collect.Collect.on_multirun_start = planned
main()
"""


def test_the_plan_names_the_folders_of_the_jobs(tmp_path: Path) -> None:
    arguments = ["+experiment=fig12_quadratic", "limits=smoke", "tracker=none", f"outputs={tmp_path}",
                 "vary={lr:0.1,momentum:0.0},{lr:1.0,momentum:0.0}"]  # fmt: skip
    done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith("PLAN ")]
    assert [line[1] for line in lines] == ["0", "1"]
    # The command line's two values, not the six of the experiment's own sweep.
    assert [line[3] for line in lines] == ["vary={lr:0.1,momentum:0.0}", "vary={lr:1.0,momentum:0.0}"]
    folders = {path.parent.name for path in tmp_path.glob("*/smoke/*/result.json")}
    assert {line[2] for line in lines} == folders
