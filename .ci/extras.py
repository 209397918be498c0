"""Does each extra of the wheel bring what it promises? Each is installed by itself over a venv that has the wheel.

Usage: PYTHON .ci/extras.py CONSTRAINTS WHEEL RESULTS, where PYTHON is that venv's and RESULTS a sweep that it has made.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LEFT_OUT = {
    "ray": "large, and make test-ray runs a sweep through it",
    "models": "large; the tests marked models measure what it brings where it is installed",
    "bench": "for make bench, in a checkout",
    "docs": "for make docs, in a checkout",
    "dev": "for make test, in a checkout",
}
"""Extras that are not tried here, and why."""


def ends() -> tuple[Any, Any, dict[str, Any]]:
    """Two small nets, and what measuring between them takes."""
    import torch
    from torch import nn

    before, after = (nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3)) for _ in range(2))
    return before, after, {"data": (torch.randn(40, 5), torch.randint(3, (40,))), "cost": nn.CrossEntropyLoss()}


def interactive(folder: Path, results: str) -> None:
    """A surface as a page that can be turned."""
    import landscape as ls

    net, _, about = ends()
    ls.measure(net, ls.plane(net, seed=0), **about, alphas=3).page(folder / "surface.html")
    assert (folder / "surface.html").stat().st_size > 1e6


def safetensors(folder: Path, results: str) -> None:
    """A line to a file of that format."""
    from safetensors.torch import save_file

    import landscape as ls

    net, other, about = ends()
    save_file(other.state_dict(), folder / "other.safetensors")
    to_file, to_net = (ls.line(net, end) for end in (folder / "other.safetensors", other))
    assert (ls.measure(net, to_file, **about).objective == ls.measure(net, to_net, **about).objective).all()


def curvature(folder: Path, results: str) -> None:
    """Eigenvalues of the Hessian at a point."""
    import landscape as ls

    net, _, about = ends()
    ls.curvature(net, net, num_examples=40, **about)


def pandas(folder: Path, results: str) -> None:
    """A curve as a data frame."""
    import landscape as ls

    net, other, about = ends()
    assert len(ls.measure(net, ls.line(net, other), **about, alphas=3).to_pandas()) == 3


def wandb_report(folder: Path, results: str) -> None:
    """A W&B report of saved results, as a file."""
    from landscape.report.__main__ import main

    sys.argv = ["report", results, "--wandb"]
    if status := main():
        raise RuntimeError(f"no report of wandb-report: status {status}")


def slurm(folder: Path, results: str) -> None:
    """The launcher is there; a machine without SLURM is told so."""
    command = [sys.executable, "-m", "landscape", "compute=slurm", "limits=smoke", "forecast=off", "tracker=none"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if ran.returncode and "no sbatch" not in ran.stderr:
        raise RuntimeError(ran.stderr.strip())


USES: dict[str, Callable[[Path, str], None]] = {
    "interactive": interactive,
    "safetensors": safetensors,
    "curvature": curvature,
    "pandas": pandas,
    "wandb-report": wandb_report,
    "slurm": slurm,
}


def fault_of(name: str, results: str) -> str:
    """Use what an extra brings; how that failed, in a line."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            USES[name](Path(folder), results)
        except (Exception, SystemExit) as fault:
            return f"{type(fault).__name__}: {fault}"
    return ""


def with_extra(name: str, constraints: str, wheel: str, results: str) -> str:
    """The same in a venv of that extra's own, which also sees what this one has."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        (site,) = Path(folder).glob("lib/python*/site-packages")
        (site / "base.pth").write_text(sysconfig.get_path("purelib"))
        python = f"{folder}/bin/python"
        wanted = f"landscape-walk[{name}] @ {Path(wheel).resolve().as_uri()}"
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-c", constraints, wanted], check=True)
        ran = subprocess.run([python, __file__, constraints, wheel, results, name], capture_output=True, text=True)
    return "" if ran.returncode == 0 else (ran.stderr.strip() or "it failed without a word")


def main() -> int:
    """Without an extra its use is refused by a line that names it; with it the use works."""
    constraints, wheel, results, *only = sys.argv[1:]
    if only:
        return f"{fault}" if (fault := fault_of(only[0], results)) else 0
    faults = []
    for name, why in LEFT_OUT.items():
        print(f"-- extra {name} is left out: {why}")
    for name in USES:
        begun = time.monotonic()
        refused, fault = fault_of(name, results), with_extra(name, constraints, wheel, results)
        if name not in refused:
            faults.append(f"without the extra {name} its use should be refused by its name, not: {refused!r}")
        if fault:
            faults.append(f"with the extra {name}: {fault}")
        print(f"-- extra {name}: {time.monotonic() - begun:.0f} s; without it: {refused}", flush=True)
    print("\n".join(faults), file=sys.stderr)
    return len(faults)


if __name__ == "__main__":
    sys.exit(main())
