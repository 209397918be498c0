"""``python -m landscape.report DIR…``: one HTML page and two tables over saved runs and sweeps; nothing is trained.

``--wandb`` also makes a W&B report of them: a file, and at the server where there is one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from landscape.errors import InputError
from landscape.figure.redraw import add_figure_option, named, parser_of
from landscape.ground.files import temporary
from landscape.ground.files.text import plain
from landscape.report import wandb_report
from landscape.report.page import DATA, render
from landscape.report.section import Section, fault_of, read_all
from landscape.report.sweep import Row, rows
from landscape.report.tables import summary_table, sweep_table, write
from landscape.result.saved import ResultError

W_AND_B = "wandb_report.json"
ABOUT = """Write one HTML page and two tables over saved jobs and sweeps; nothing is trained.
Exit status 0 written, 1 written but a part of it failed, which the page names, 2 wrong input."""
EXAMPLES = """  python -m landscape.report outputs/lr_width/full      one sweep: report.html, sweep.csv in it
  python -m landscape.report outputs                    everything, with a table of contents
  python -m landscape.report outputs/a outputs/b --output page.html --csv all.csv"""


def report(sections: Sequence[Section], output: Path, table: Path) -> list[str]:
    """Write the page, the table of rows and its summary; returns what could not be drawn, one sentence each.

    Raises:
        InputError: a target is a folder, cannot be made, or is a file that is needed. OSError: no room to write.
    """
    for path in (output, table):
        if path.is_dir() or path.name == "..":
            raise InputError(f"{path} is a folder; give the name of a file in it")
    summary = table.with_name(f"{table.stem}_summary{table.suffix or '.csv'}")
    _require_apart(output, table, summary)
    for path in (output, table):
        temporary.sweep(path.parent)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"{path} cannot be written ({error.strerror}); give --output and --csv in a folder that can be made"
            ) from error
    sections, groups = zip(*map(_with_rows, sections), strict=True)
    text, faults = render(sections, groups, output, [table, summary])
    write(sweep_table(groups), table)
    write(summary_table(groups), summary)
    temporary.write_text(output, text)
    lost = [f"{section.folder}: {line}" for section in sections for line in section.damaged]
    return lost + [f"{section.folder}: {section.fault}" for section in sections if section.fault] + faults


def _require_apart(*targets: Path) -> None:
    """Refuse one file for two, and the files of a run, which are no report."""
    for path in targets:
        if path.name in DATA:
            raise InputError(f"{path} has the name of a run's own file; give the report and its tables other names")
    if len({path.resolve() for path in (*targets, targets[0].with_name(W_AND_B))}) <= len(targets):
        names = ", ".join(map(str, dict.fromkeys(targets)))
        raise InputError(
            f"the page, the table, its summary and {W_AND_B} would be one file ({names}); give --output "
            "and --csv names that differ"
        )


def _with_rows(section: Section) -> tuple[Section, list[Row]]:
    """A section and its rows; a judge that fails on one seed alone is the section's fault."""
    try:
        return section, rows(section)
    except Exception as error:
        if section.module is None or section.fault:
            raise
        return _with_rows(replace(section, fault=fault_of(section.module, error)))


def _places(folders: Sequence[Path], output: Path | None, table: Path | None) -> tuple[Path, Path]:
    """Where page and table go: into the folder, or into the one that holds all the folders."""
    if output is None:
        common = Path(os.path.commonpath([folder.resolve() for folder in folders]))
        if len(folders) > 1 and common == Path(common.anchor):
            raise InputError("these folders have nothing in common; say where the page goes: --output report.html")
        output = (folders[0] if len(folders) == 1 else common) / "report.html"
    return output, table or output.parent / "sweep.csv"


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status: 0 written, 1 written but a part of it failed, 2 wrong input."""
    parser = parser_of("python -m landscape.report", ABOUT, EXAMPLES)
    parser.add_argument("folders", metavar="DIR", type=named, nargs="+", help="folder of a job, a sweep or many sweeps")
    parser.add_argument("--output", metavar="FILE", type=named, help="the page; DIR/report.html without it")
    parser.add_argument("--csv", metavar="FILE", type=named, help="a row per job and seed; sweep.csv beside the page")
    parser.add_argument(
        "--wandb",
        action="store_true",
        help="also a W&B report: wandb_report.json beside the page, "
        "and saved at the server if there is an API key and the server answers",
    )
    add_figure_option(parser)
    arguments = parser.parse_args(argv)
    folders = list({folder.resolve(): folder for folder in arguments.folders}.values())
    try:
        output, table = _places(folders, arguments.output, arguments.csv)
        if arguments.wandb:
            wandb_report.require()
        sections = read_all(folders, arguments.figure)
        if arguments.wandb:
            wandb_report.home_of(sections)
        faults = report(sections, output, table)
    except (InputError, ResultError, OSError) as error:
        print(f"error: {plain(error)}", file=sys.stderr)
        return 2
    except Exception as error:  # a result may hold what nothing here expects
        if os.environ.get("HYDRA_FULL_ERROR"):
            raise
        print(
            f"error: no report can be made of these results ({plain(f'{type(error).__name__}: {error}')})",
            file=sys.stderr,
        )
        return 1
    for fault in faults:
        print(f"not drawn: {plain(fault)}", file=sys.stderr)
    print(f"report: {output}\ntable: {table}")
    status = 1 if faults else 0
    return max(status, _wandb(sections, output.with_name(W_AND_B))) if arguments.wandb else status


def _wandb(sections: Sequence[Section], target: Path) -> int:
    """Make the W&B report and say where it is."""
    try:
        address = wandb_report.publish(sections, target)
    except (InputError, RuntimeError, OSError) as error:
        print(f"error: {plain(error)}", file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1
    print(f"W&B report: {target}")
    print(f"W&B: {address}" if address else "W&B: not saved at a server (no API key, no answer, or WANDB_MODE=offline)")
    return 0
