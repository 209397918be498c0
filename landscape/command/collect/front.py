"""``python -m landscape.collect DIR``: what a sweep's last command has done so far, drawn and judged.

For a sweep whose launcher is gone, or still running: exit status 0 all jobs done, 1 some are not, 2 wrong input.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from landscape.command.collect import Plan, collect, one_line
from landscape.command.config import conf_dir, register
from landscape.errors import InputError
from landscape.figure.redraw import add_figure_option, named
from landscape.ground.files.text import plain


def main() -> None:
    """List done, failed, cut and missing jobs; write ``sweep.json`` and the figure again."""
    parser = argparse.ArgumentParser(prog="python -m landscape.collect", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=named, metavar="DIR", help="a sweep's folder, such as outputs/quickstart/full")
    parser.add_argument(
        "overrides",
        metavar="tracker=NAME",
        nargs="*",
        help="also write the sweep's closing run: "
        "tracker=wandb tracker.project=... as the command itself takes them; none without",
    )
    add_figure_option(parser)
    arguments = parser.parse_intermixed_args()
    folder: Path = arguments.folder
    try:
        tracker = _tracker(arguments.overrides)
        plan = Plan.read(folder)
        status = collect(folder, plan, plan.command, plan.strict, tracker, arguments.figure)
    except InputError as error:
        print(plain(error), file=sys.stderr)
        raise SystemExit(2) from error
    except Exception as error:  # what lies in the folder may be anything
        if os.environ.get("HYDRA_FULL_ERROR"):
            raise
        print(f"the results could not be collected: {plain(one_line(error))}", file=sys.stderr)
        raise SystemExit(1) from error
    raise SystemExit(1 if status == 2 else status)  # the input of this command was right


def _tracker(overrides: Sequence[str]) -> Any:
    """The config of the tracker that this command names: a result names one too, and is not asked.

    Raises:
        InputError: another key, or one that no tracker has.
    """
    for item in overrides:
        if item.lstrip("+~").partition("=")[0].split(".")[0] != "tracker":
            raise InputError(f"{item} is no setting of a tracker; give tracker=NAME and tracker.KEY=VALUE alone")
    if not overrides:
        return None
    register()
    try:
        with initialize_config_dir(conf_dir(), version_base="1.3", job_name="collect"):
            return compose("config", list(overrides)).tracker
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(" ".join(str(error).split())) from error
