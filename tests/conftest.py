"""What every test runs under: one thread, no account, no window, and outputs in a folder of its own."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Before numpy or torch start their pools, and inherited by the processes that tests start: the tests already run side
# by side, and pools on top of that fight over the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")
os.environ["MPLBACKEND"] = "Agg"
os.environ["WANDB_MODE"] = "offline"
os.environ["WANDB_ERROR_REPORTING"] = "false"  # offline runs of wandb still call home without this

os.environ.pop("COLUMNS", None)  # pytest-xdist sets it; tables are as wide as in any pipe

# What a shell starts behind an & ignores SIGINT, and would hand that down to the programs that tests interrupt.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:  # so does what nohup starts with SIGHUP
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# No deadline: the first call into torch is slow. The same examples every time where a change is judged.
settings.register_profile("house", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("house")


ROWS_OF_ONE = {
    "cli/test_bad_input.py::test_wrong_input_is_status_2_and_says_what_to_do": 6,
    "cli/test_checkpoints.py::test_wrong_checkpoints_end_with_one_sentence": 3,
    "cli/test_command_line.py::test_a_command_that_cannot_work_ends_before_any_job": 3,
    "cli/test_disk.py::test_a_disk_with_next_to_no_room_is_refused_before_work": 3,
    "cli/test_forecast.py::test_wrong_input_is_told_as_the_run_tells_it": 3,
    "cli/test_found_runs.py::test_wrong_runs_end_with_one_sentence": 3,
    "cli/test_own.py::test_it_is_refused_before_training": 3,
    "cli/test_own_data.py::*": 3,
    "command/test_recipe.py::test_what_cannot_be_measured_is_refused_before_training": 3,
    "endpoints/test_fit.py::test_the_forms_that_people_save_are_one_point": 3,
    "endpoints/test_point.py::test_every_source_is_the_same_point": 3,
    "endpoints/test_run.py::test_what_is_no_run_is_refused_by_name": 3,
    "ground/test_trust.py::*": 3,
    "measurement/test_rounding.py::test_the_floor_is_at_least_the_error_of_float32": 3,
    "measurement/test_rounding.py::test_the_floor_is_that_of_the_precision": 2,
    "measurement/test_slopes.py::test_slopes_that_hold_pass_the_comparison": 3,
    "objective/engine/test_events.py::test_equal_to_one_pass_per_point": 2,
    "objective/engine/test_piecewise.py::test_equal_to_one_pass_per_point": 19,
    "objective/engine/test_prefix.py::test_every_model_of_the_house": 4,
    "objective/engine/test_rows.py::test_a_plane_by_events": 2,
    "objective/engine/test_rows.py::test_what_lies_in_the_kernels_memory_is_not_lost": 3,
    "objective/test_any_module.py::test_j_equals_the_plain_loop_and_nothing_is_touched": 4,
    "objective/test_any_module.py::test_j_is_the_same_from_pairs_from_dicts_and_from_loaders": 4,
    "objective/test_any_module.py::test_slopes_are_those_of_the_plain_loop_or_refused": 4,
    "objective/test_conduct.py::test_stochastic_is_the_training_cost": 2,
    "objective/test_late_faults.py::*": 2,
    "objective/test_resume.py::test_what_was_cut_goes_on_to_the_same_bits": 2,
    "objective/test_slope.py::test_slopes_equal_central_differences": 3,
    "objective/test_streams.py::test_j_is_that_of_a_plain_loop": 2,
    "objective/two_level/test_adversarial.py::test_on_a_line": 3,
    "store/test_store_damage.py::test_an_entry_that_does_not_fit_itself_is_named_and_trained_again": 3,
    "theory/test_derivations.py::test_every_derivation_proves_its_steps_and_holds": 3,
    "theory/test_derivations.py::test_it_says_what_is_known_and_its_checks_hold_elsewhere": 5,
    "theory/test_main.py::test_every_derivation_draws": 3,
    "training/test_batches.py::test_batches_and_validation_are_those_of_the_original": 4,
    "training/test_plain_loop.py::test_trained_as_by_a_plain_loop": 2,
}
"""Long tables that say one law of many things: ``make test`` runs one row of so many, CI's slow stage the others."""


@pytest.hookimpl(tryfirst=True)  # before pytest leaves out what is slow
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what ``ROWS_OF_ONE`` leaves to the slow stage."""
    seen: dict[str, int] = {}
    for item in items:
        file, _, name = item.nodeid.partition("::")
        test = f"{file.removeprefix('tests/')}::{name.partition('[')[0]}"
        every = ROWS_OF_ONE.get(test) or ROWS_OF_ONE.get(f"{test.partition('::')[0]}::*", 1)
        seen[test] = seen.get(test, -1) + 1
        if seen[test] % every and "[" in name:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Holds even where the environment asks for more; theory tests do not pay for importing torch."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(autouse=True)
def _own_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written to the checkout's outputs/, and no test finds what another has trained."""
    monkeypatch.setenv("LANDSCAPE_OUTPUTS", str(tmp_path / "outputs"))


@pytest.fixture
def blank_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are laid out and judged as ever; only their rendering, most of a small command's time, is left out."""
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda self, target, **_: target.write(b"blank"))


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """A command that ran in this process leaves handlers, whose captured streams are closed when its test ends."""
    root = logging.getLogger()
    handlers, level, raises = list(root.handlers), root.level, logging.raiseExceptions
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions = raises
