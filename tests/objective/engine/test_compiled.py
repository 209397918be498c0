"""What is kept on disk of the kernels goes with every file that they are made from."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from landscape.objective.engine.events import vectors as compiled


def test_a_change_in_any_of_the_files_is_seen(tmp_path: Path) -> None:
    folder = Path(compiled.__file__).parent
    for name in compiled.STAMPED:
        shutil.copy(folder / f"{name}.py", tmp_path)
    before = compiled.stamp(tmp_path)
    for n, name in enumerate(compiled.STAMPED):
        with (tmp_path / f"{name}.py").open("a") as file:
            file.write("# changed\n")
        after = compiled.stamp(tmp_path)
        assert [m for m in range(len(before)) if after[m] != before[m]] == [n]
        before = after


def test_the_kernels_carry_the_stamp_and_import_nothing_that_it_leaves_out() -> None:
    from landscape.objective.engine.events import kernel as sweep
    from landscape.objective.engine.events import switches as bucket
    from landscape.objective.engine.events.relu import bucket_relu

    folder = Path(compiled.__file__).parent
    for kernel in (bucket.bucket, bucket.bucket_cuts, bucket_relu, sweep.sweep, sweep.sweep_on):
        assert kernel._cache._cache_file._source_stamp == compiled.stamp(folder)
    for name in compiled.STAMPED:
        read = re.findall(r"(?:from|import) landscape\.(\S+)", (folder / f"{name}.py").read_text())
        assert set(read) <= {f"objective.engine.events.{stamped}" for stamped in compiled.STAMPED}
        assert bool(read) == (name != "vectors")


def test_without_a_place_on_disk_it_compiles_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    original = compiled.njit

    def njit(**numbers: bool) -> object:
        asked.append(numbers)
        if numbers.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return original(**numbers)

    monkeypatch.setattr(compiled, "njit", njit)
    assert compiled.compiled(lambda x: x + 1)(2) == 3
    assert [numbers.get("cache") for numbers in asked] == [True, None]
