"""``python -m benchmarks [NAME ...] [--small]``: the short set one after the other, then docs/performance.md.

A benchmark that fails is said at the end, and the exit status is 1; the others run, and the page is written of what
there is.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from benchmarks import report

SHORT = [
    "line",
    "surface",
    "any_module",
    "loader",
    "shards",
    "plane",
    "candidates",
    "profile_events",
    "seeds",
    "trajectory",
    "theory",
    "gpu",
]
"""In this order, those that are there."""


def main() -> None:
    """Run each in a process of its own, so that none inherits another's warm caches and pools."""
    here = Path(__file__).parent
    present = [name for name in SHORT if (here / f"{name}.py").exists()]
    arguments = sys.argv[1:]
    small = ["--small"] if "--small" in arguments else []
    wanted = [name for name in arguments if name != "--small"] or present
    unknown = [name for name in wanted if name not in present]
    if unknown:
        print(f"benchmarks: {', '.join(unknown)} unknown; known are {', '.join(present)}, and --small", file=sys.stderr)
        raise SystemExit(2)
    spent: dict[str, float] = {}
    failed = []
    for name in wanted:
        print(f"\n== python -m benchmarks.{' '.join([name, *small])}", flush=True)
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *small], check=False)
        spent[name] = time.perf_counter() - start
        if done.returncode:
            failed.append(f"{name} (exit {done.returncode})")
    print("\nseconds:", ", ".join(f"{name} {seconds:.0f}" for name, seconds in spent.items()), end="")
    print(f"; {sum(spent.values()):.0f} in all")
    if not small:
        report.main()
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
        raise SystemExit(1)


if __name__ == "__main__":
    main()
