"""One small job with a result whose every value is distinct; also run as a program, to watch a tracker from outside.

``python job.py MODE FOLDER [wait]`` prints one JSON line with seconds; with ``wait`` it stops after the live rows, says
``live`` and goes on when a line comes in; with ``close`` a closing run follows; with ``reused`` its
solution was trained by another.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

from landscape.result.curve import Curve, LearningCurve, Projection
from landscape.result.saved import Result
from landscape.result.verdict import Verdict
from landscape.tracker import Closing, RunInfo, SolutionFiles, Table, Tracker

ALPHAS = np.array([-0.25, 0.0, 0.4, 1.0, 1.3])
NAN = float("nan")


def info(folder: Path, key: str = "k3y") -> RunInfo:
    """The run of this job."""
    config = {"model": {"width": 17}, "training": {"num_seeds": 2}, "seed": 7}
    return RunInfo(key, "recipe=toy", "fig99_toy", "interpolation", ["smoke", "toy"], config, folder)


def verdict(check: str, holds: bool | None) -> Verdict:
    """A verdict of which only the outcome matters."""
    return Verdict(check, f"claim {check}", "section 3", "toy", "0.5 nats", "<= 1", holds, "smoke")


def result() -> Result:
    """Two curves of two seeds, one projection, one learning curve, four verdicts; one NaN in each family."""
    first = np.array([[2.5, 3.5], [2.25, 3.25], [1.125, NAN], [0.5, 0.75], [0.875, 1.0625]])
    error = np.array([[0.9, 0.8], [0.7, 0.6], [0.5, 0.4], [0.3, 0.2], [0.1, 0.0]])
    projection = np.array([[0.0, 0.0], [0.5, 0.75], [2.0, NAN]])
    return Result(
        name="fig99_toy",
        figure="landscape.figure.sweep",
        scale="smoke",
        choices={"recipe": "toy"},
        config={},
        overrides=["recipe=toy"],
        caps=["training.max_epochs 9 -> 3"],
        curves={
            "train/stochastic": Curve(ALPHAS, first, {"error": error}, mode="stochastic"),
            "valid/deterministic": Curve(ALPHAS[1:4], first[1:4] + 0.03125, split="valid"),
        },
        projections={
            "trajectory": Projection(
                steps=np.array([0.0, 20.0, 60.0]),
                epochs=np.array([0.0, 1.0, 3.0]),
                projection=projection,
                residual_norm=np.array([[0.0, 0.0], [0.25, 0.375], [0.0625, NAN]]),
                parameter_norm=np.array([[7.0, 8.0], [7.5, 8.5], [9.0, NAN]]),
                length=np.array([2.0, 0.75]),
                best_epoch=np.array([3.0, 1.0]),
            )
        },
        learning_curve=LearningCurve(
            epochs=np.array([0.0, 1.0, 2.0]),
            channels={"train/objective": np.array([[2.3, 2.4], [1.3, 1.4], [0.3, NAN]])},
            best_epoch=np.array([2.0, 1.0]),
        ),
        numbers={"largest_rise": [0.375, NAN], "ratio": 1.75, "absent": NAN},
        verdicts=[verdict("1a", True), verdict("1b", True), verdict("2", False), verdict("3", None)],
        seeds=["4", "5"],
        seconds=12.5,
    )


LIVE = [
    {"epoch": 0.0, "seed4/train/objective": 2.3, "seed5/train/objective": 2.4},
    {"epoch": 1.0, "seed4/train/objective": 1.3, "seed5/train/objective": 1.4},
]


def files(folder: Path, key: str = "k3y", trained: bool = True) -> tuple[Path, list[SolutionFiles]]:
    """What a job leaves beside the tracker: result files, a figure (returned) and a solution (returned)."""
    job, solution = folder / key, folder / "solutions" / "s0l"
    job.mkdir(parents=True, exist_ok=True)
    solution.mkdir(parents=True, exist_ok=True)
    (job / "result.json").write_text('{"name": "fig99_toy"}')
    np.savez(job / "result.npz", alphas=ALPHAS)
    np.save(solution / "theta.npy", np.arange(6.0))
    Image.new("RGB", (3, 2), "teal").save(job / "figure.png")
    return job / "figure.png", [SolutionFiles("s0l", [solution / "theta.npy"], trained)]


def track(tracker: Tracker, folder: Path, key: str = "k3y", trained: bool = True) -> None:
    """The job from start to finish in this process."""
    figure, solutions = files(folder, key, trained)
    tracker.start(info(folder, key))
    for row in LIVE:
        tracker.epoch(row)
    tracker.record(result(), figure, solutions)
    tracker.finish()


def closing(folder: Path) -> Closing:
    """What a sweep of this one job comes to."""
    rates = Table(["check", "rate", "low"], [["1a", 1.0, 0.206543], ["2", 0.0, None]])
    return Closing(
        folder / "k3y/figure.png",
        {"rates": rates, "means": Table(["number"], [])},
        {"jobs/done": 1, "rate/1a": 1.0},
        result().verdicts,
    )


def main(mode: str, folder: Path, wait: bool = False, close: bool = False, reused: bool = False) -> None:
    """Run the job with a W&B tracker."""
    from landscape.tracker.wandb import WandbTracker

    figure, solutions = files(folder, trained=not reused)
    seconds = {}
    tracker = WandbTracker(mode=mode, finish_timeout=5)  # type: ignore[arg-type]
    began = time.monotonic()

    def lap(name: str) -> None:
        nonlocal began
        seconds[name], began = time.monotonic() - began, time.monotonic()

    tracker.start(info(folder))
    lap("start")
    for row in LIVE:
        tracker.epoch(row)
    if wait:
        print("live", flush=True)
        sys.stdin.readline()
    lap("epoch")
    tracker.record(result(), figure, solutions)
    lap("record")
    tracker.finish()
    lap("finish")
    if close:
        tracker.start(dataclasses.replace(info(folder, "summary-1"), job_type="summary"))
        tracker.conclude(closing(folder))
        tracker.finish()
        lap("close")
    print(json.dumps(seconds), flush=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    main(sys.argv[1], Path(sys.argv[2]), **dict.fromkeys(sys.argv[3:], True))
