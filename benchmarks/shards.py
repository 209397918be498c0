"""``python -m benchmarks.shards``: one measurement in four parts on two cores, against the same in one process.

Whole commands, from the first import to the figure, each with one thread a process: ``compute=local``, and with
``measurement.shards=4`` two at a time through joblib and, where it is installed, through Ray. The network is trained
before; what is left is a line over random examples, a tanh net with two hidden layers, whose batches all take as
long. The results are compared bit by bit. Two cores must be free for it: a part that waits for a core is a part that
is late.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.outcome import SHARED, parser, show, target
from benchmarks.timing import have, interleaved

INPUTS, CLASSES, BATCH, PARTS, LEAST = 64, 10, 1024, 4, 1.7
METHODS = {
    "one": ("one job, compute=local", ["compute=local"]),
    "joblib": (f"{PARTS} parts, joblib", ["compute=joblib", "hydra.launcher.n_jobs=2", f"measurement.shards={PARTS}"]),
    "ray": (
        f"{PARTS} parts, Ray",
        ["compute=ray", "+hydra.launcher.ray.init.num_cpus=2", f"measurement.shards={PARTS}"],
    ),
}


def examples(num: int, seed: int) -> dict[str, tuple[Tensor, Tensor]]:
    """Random numbers with random labels, as ``data._target_`` asks for them; a few for validation and test."""
    draw = torch.Generator().manual_seed(seed)
    x, y = torch.randn(num, INPUTS, generator=draw), torch.randint(CLASSES, (num,), generator=draw)
    return {"train": (x, y), "valid": (x[:64], y[:64]), "test": (x[:64], y[:64])}


def command(outputs: Path, num: int, width: int, points: int, more: list[str]) -> str:
    """Run one command; what it said.

    Raises:
        RuntimeError: it failed.
    """
    given = [
        *[f"outputs={outputs}", "tracker=none", "forecast=off", "threads=1", "device=cpu"],
        *[
            "data._target_=benchmarks.shards.examples",
            "~data.resample_train",
            f"+data.num={num}",
            f"+data.name=random-{num}",
        ],
        *[f"dimensions.inputs={INPUTS}", f"dimensions.classes={CLASSES}", "dimensions.image=null"],
        *["model=tanh", f"model.widths=[{width},{width}]", "training.max_epochs=1", "training.num_seeds=1"],
        *["measurement.splits=[train]", "measurement.modes=[deterministic]"],
        *[f"objective.batch_size={BATCH}", f"alphas.num={points}", f"alphas.divisions={points - 1}"],
    ]
    done = subprocess.run(
        [sys.executable, "-m", "landscape", *given, *more],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    return done.stdout


def arrays(outputs: Path) -> dict[str, bytes]:
    """Every array of the only result."""
    (file,) = outputs.glob("*/*/*/result.npz")
    with np.load(file) as found:
        return {name: found[name].tobytes() for name in found.files}


def main() -> None:
    """One table."""
    options = parser("shards", __doc__, rounds=1)
    options.add_argument("--examples", type=int, default=16 * BATCH)
    options.add_argument("--alphas", type=int, default=201)
    given = options.parse_args()
    num, width, points, rounds = (
        (4 * BATCH, 16, 5, 1) if given.small else (given.examples, 1024, given.alphas, given.rounds)
    )
    methods = {key: value for key, value in METHODS.items() if key != "ray" or have("ray")}
    with tempfile.TemporaryDirectory() as folder:
        trained, found, said = Path(folder, "trained"), dict[str, dict[str, bytes]](), dict[str, str]()
        command(trained, num, width, 2, [])

        def run(key: str) -> None:
            outputs = Path(folder, key)
            shutil.rmtree(outputs, ignore_errors=True)
            shutil.copytree(trained / "solutions", outputs / "solutions")
            said[key] = command(outputs, num, width, points, methods[key][1])
            found[key] = arrays(outputs)

        seconds = interleaved({key: lambda key=key: run(key) for key in methods}, rounds, warm=lambda key: False)
    rows: list[list[Any]] = []
    goals = []
    for key, (title, _) in methods.items():
        ratio = seconds["one"] / seconds[key]
        same = sum(found[key].get(name) == value for name, value in found["one"].items())
        rows.append([title, seconds[key], ratio, f"{same} of {len(found['one'])}"])
        if key != "one":
            why = "" if ratio >= LEAST else spent(said[key])
            goals.append(target(f"{title}: times the one job", ratio, least=LEAST, why=why))
            goals.append(target(f"{title}: arrays of other bits", float(len(found["one"]) - same), most=0.0))
    notes = [SHARED, f"{num:,} examples x {points} points, tanh net {INPUTS}-{width}-{width}-{CLASSES}."]
    notes += ["Ray is not installed here."] * ("ray" not in methods)
    columns = ["method", "seconds", "x the one job", "arrays of the same bits"]
    show("one measurement in parts, on two cores", columns, rows, "shards", goals, notes=notes, small=given.small)


def spent(text: str) -> str:
    """Where the time of a command went, by its own lines."""
    parts, (job,) = (
        re.findall(r"part \d+ of \d+ done in ([^;\n]+)", text),
        re.findall(r"1 of 1 done in ([^;\n]+)", text),
    )
    return f"the parts took {', '.join(parts)}, the job {job}; the rest is start and figure"


if __name__ == "__main__":
    main()
