"""The command line: checked before Hydra reads it, so that no answer is a traceback, and ended with a status."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any, NoReturn

import hydra
import hydra._internal.utils as hydra_utils
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException, ValidationError

from landscape import __version__
from landscape.command.arguments import ELSEWHERE
from landscape.command.choices import SILENT, make_known
from landscape.command.config import names_in, register_grids, wanted_of
from landscape.command.task import job
from landscape.command.unknown import check_added, told
from landscape.errors import Exit, InputError
from landscape.ground.provenance import conf_dir
from landscape.ground.settings import HERE, uses_of
from theory.terminal import ready, stop_status

FLAGS = ("run", "multirun", "cfg", "info", "shell_completion")
MOST_NAMED = 30
_BY_SETTINGS = "a job's folder is named by its settings, so that no result passes for another's; set outputs or name"
REFUSED = {
    "hydra/launcher": "the group compute chooses it here: compute=local, joblib, ray, slurm, or a compute/NAME.yaml",
    "hydra.sweep.subdir": _BY_SETTINGS,
    "hydra.run.dir": _BY_SETTINGS,
    "command": "it is the stamp of a command, which the program sets; leave it out",
}
"""Keys of Hydra's that would break what the command line promises, and what to do instead."""


def main() -> None:
    """Console script; exit status 0 done, 1 a run failed, 2 wrong input, 130 interrupted, 143 terminated."""
    ready()
    if "--version" in sys.argv[1:]:
        print(f"landscape {__version__}, Hydra {hydra.__version__}")
        raise SystemExit(0)
    if any(a.lstrip("+").startswith("experiment=") and "," in a for a in sys.argv[1:]):
        print("+experiment=a,b would lose each experiment's own sweep; run one experiment per command", file=sys.stderr)
        raise SystemExit(2)
    for name in ("LANDSCAPE_OUTPUTS", "LANDSCAPE_DATA"):  # ~ as a job script writes it, quoted
        if os.environ.get(name, "").startswith("~"):
            os.environ[name] = str(Path(os.environ[name]).expanduser())
    try:
        sys.argv[1:] = prepare(sys.argv[1:])
    except InputError as error:
        refuse(error)
    entry = hydra.main(version_base="1.3", config_path=conf_dir(), config_name="config")(job)
    try:
        entry()
    except Exit:
        raise
    except (HydraException, OmegaConfBaseException) as error:  # its help and its lists compose without a net
        if os.environ.get("HYDRA_FULL_ERROR"):
            raise
        refuse(InputError(said(error)))
    except KeyboardInterrupt:
        after = "the same command skips what is done and goes on with each training"
        only = "forecast=only" in sys.argv
        print(f"interrupted; {'nothing was begun but this forecast' if only else after}", file=sys.stderr)
        raise SystemExit(stop_status()) from None
    except SystemExit as stop:
        # Jobs catch their own faults, so a status of 1 from Hydra itself means that composing the config failed.
        raise SystemExit(2 if stop.code == 1 else stop.code) from None


def prepare(arguments: Sequence[str]) -> list[str]:
    """Check the arguments, and make what they add known to Hydra.

    Returns:
        The same arguments, overrides first: Hydra wants them all in one place, wherever options stand between them.

    Raises:
        InputError: an unknown option or one without its value, flags that exclude one another, an override that cannot
            be read, or a group without a name.
    """
    parser = hydra_utils.get_args_parser()
    parser.error = _refused  # type: ignore[method-assign]
    known, unknown = parser.parse_known_intermixed_args(list(arguments))
    if unknown:
        _refused(f"{unknown[0]} is no option")
    given = [flag for flag in FLAGS if getattr(known, flag) not in (None, False)]
    if len(given) > 1:
        raise InputError(f"{' and '.join(f'--{flag}' for flag in given)} exclude one another; give one of them")
    if known.resolve and not known.cfg and not known.help:
        raise InputError("--resolve needs --cfg job, whose values it works out")
    overrides = [_parsed(item) for item in known.overrides]
    folders = [*_folders(known.config_dir, overrides), Path(conf_dir())]
    for override in overrides:
        _check(override, overrides, folders)
    register_grids(folders)
    make_known(folders)
    _speak_plainly(overrides)
    options = [item for item in arguments if item != "--"]
    for item in known.overrides:
        options.remove(item)
    return [*known.overrides, *options]


def _refused(message: str) -> NoReturn:
    raise InputError(f"{message}; --hydra-help lists the options, and what is set is written key=value")


def _parsed(item: str) -> Override:
    try:
        return OverridesParser.create().parse_overrides([item])[0]
    except HydraException as error:
        key, equal, value = item.partition("=")
        if not equal:
            raise InputError(f"{item} is no override; write key=value, or --help for what can be chosen") from error
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{key}={value} cannot be read ({reason}); quote a value with '=', brackets, commas or spaces twice, for "
            f"Hydra and for the shell: '{key}=\"{value}\"'"
        ) from error


def _check(override: Override, overrides: Sequence[Override], folders: Sequence[Path]) -> None:
    key = override.key_or_group
    if not key:
        raise InputError(f"{override.input_line} names no key; write key=value")
    if key in REFUSED and not override.is_delete():
        raise InputError(f"{override.input_line}: {REFUSED[key]}")
    if override.is_sweep_override() and uses_of(key) is HERE and not key.startswith("hydra"):
        raise InputError(
            f"{override.input_line}: {key} changes no result, so all of these would be one job; give one value"
        )
    # Each endpoints has a grid of its name.
    options = sorted(names_in(folders, key) | names_in(folders, "endpoints" if key == "alphas" else key))
    if override.is_delete() or key.startswith("hydra"):
        return
    if not options:
        if (override.is_add() or override.is_force_add()) and "/" not in key and override.package is None:
            check_added(override, overrides, folders[:-1])
        return
    value = override.value()
    for choice in value.list if isinstance(value, ChoiceSweep) else [value]:
        if not isinstance(choice, str | list | dict) and type(choice).__name__ not in ("QuotedString", "Glob"):
            if override.is_sweep_override() and not isinstance(value, ChoiceSweep):
                raise InputError(
                    f"{override.input_line}: {key} is chosen by name, not by a range; one or more of {_listed(options)}"
                )
            spelled = "null" if choice is None else str(choice).lower()
            raise InputError(f"{key}={spelled} is no name of a config; choose one of {_listed(options)}")


def _listed(options: Sequence[str]) -> str:
    return ", ".join(options[:MOST_NAMED]) + " ..." * (len(options) > MOST_NAMED)


def _folders(config_dir: str | None, overrides: Sequence[Override]) -> list[Path]:
    """The folders of ``--config-dir`` and ``hydra.searchpath``; what is not there Hydra says itself."""
    places = [config_dir] if config_dir else []
    for override in overrides:
        value = override.value() if override.key_or_group == "hydra.searchpath" else None
        places += [str(item) for item in value] if isinstance(value, list) else []
    found = []
    for place in places:
        scheme, _, rest = place.rpartition("://")
        try:
            found.append(Path(str(files(rest.replace("/", ".")))) if scheme == "pkg" else Path(rest))
        except (ImportError, TypeError, ValueError):
            continue
    return found


def _speak_plainly(overrides: Sequence[Override]) -> None:
    """Let Hydra end in a sentence whatever its composing or its sweepers raise; ``HYDRA_FULL_ERROR=1`` shows where.

    Hydra prints its own errors as they are, and the stack of any other; nothing of it can be set.
    """
    plain: Any = getattr(hydra_utils.run_and_report, "plain", hydra_utils.run_and_report)

    def run_and_report(func: Callable[[], Any]) -> Any:
        def told() -> Any:
            try:
                return func()
            except Exception as error:
                if os.environ.get("HYDRA_FULL_ERROR"):
                    raise
                refuse(InputError(_of_a_sweep(said(error), overrides)))

        return plain(told)

    run_and_report.plain = plain  # type: ignore[attr-defined]
    hydra_utils.run_and_report = run_and_report


def said(error: BaseException) -> str:
    """A fault of composing or sweeping as one line, without the list of places that were looked at."""
    text = " ".join(str(error).split("Config search path")[0].split())
    cause = error.__cause__
    if lacking := re.search(r"Could not find '([^']+)/([^'/]+)' Available options in '[^']+': (.*)", text):
        group, name, known = lacking[1], lacking[2], [item for item in lacking[3].split() if item not in SILENT]
        close = get_close_matches(name, known, 3)
        meant = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(known)}"
        if not known:
            meant = f"{group} has none: its keys are set one by one, as {group}.KEY=VALUE, and --cfg job shows them"
        return f"{group}/{name} is no choice; {meant}"
    lost = re.match(r"Could not override '([\w.]+)'\. To append to your config use \+?(\S+)", text)
    if lost and lost[1] in ELSEWHERE:
        where = f"it is one {ELSEWHERE[lost[1]]}; in a sweep over endpoints write ++{lost[2]}"
        return f"{lost[2]} is not a key of these endpoints; {where}"
    if isinstance(cause, OmegaConfBaseException):
        reason, _, rest = str(cause).partition("\n")
        given = re.fullmatch(r"Error merging override [+]*([^=]+)=(.*)", text)
        kind = wanted_of(given[1]) if given and isinstance(cause, ValidationError) else ""
        if given and kind:
            return f"{given[1]}={given[2]} must be {kind} ({reason})"
        key = re.search(r"full_key: (\S+)", rest)
        text += f": {reason}" + (f" (key {key[1]})" if key and key[1] not in text + reason else "")
    return text if isinstance(error, HydraException | OmegaConfBaseException) else f"{type(error).__name__}: {text}"


def _of_a_sweep(text: str, overrides: Sequence[Override]) -> str:
    """The same fault, or how to set a key of a group that is swept: Hydra puts it into the group's default as well.

    Of a command that sweeps Hydra tells, of any fault, that it is not sure to be one; then it is looked for.
    """
    swept = [override for override in overrides if override.is_sweep_override()]
    if text.startswith("Ambiguous value"):
        try:
            hydra.compose("config", [str(o.input_line) for o in overrides if o not in swept])
        except HydraException as fault:
            text = said(fault)
    key = re.search(r"(?:Could not override|already at) '([^']+)'", text)
    group = key[1].partition(".")[0] if key else ""
    if key is None or group not in [o.key_or_group for o in swept]:
        return told(text)
    setting = next((str(o.input_line).lstrip("+") for o in overrides if o.key_or_group == key[1]), key[1])
    return f"{setting}: {group} is swept, and {group}'s default has no such key; write ++{setting}, for all of its jobs"


def refuse(error: InputError) -> None:
    """Say what is wrong and leave with the status of wrong input."""
    print(error, file=sys.stderr)
    raise SystemExit(2) from error
