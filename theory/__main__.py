"""Read, check and draw derivations: ``python -m theory`` lists them.

``python -m theory NAME [key=value ...]`` prints one with its self-check; ``certify FILE.npz`` proves where the line of
a deep linear network has its critical points; ``page FILE.md`` writes all derivations as a page.
"""

from __future__ import annotations

from theory.terminal import ready

if __name__ == "__main__":
    ready()  # before the imports below, which take a while

import argparse
import importlib
import inspect
import json
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

from theory.command import draw, json_of, parameters, text_of

NAMES = {
    "scalar": "theory.deep_linear.scalar",
    "deep_linear": "theory.deep_linear.curve",
    "plane": "theory.deep_linear.plane",
    "statistics": "theory.deep_linear.statistics",
    "logits": "theory.deep_linear.logits",
    "dynamics": "theory.deep_linear.dynamics",
    "balanced": "theory.deep_linear.balanced",
    "hessian": "theory.deep_linear.hessian",
    "homogeneous": "theory.smooth.homogeneous",
    "relu_exact": "theory.piecewise.curve",
    "kernel": "theory.smooth.kernel",
    "taylor": "theory.smooth.taylor",
    "conjectures": "theory.conjectures",
    "random_walk": "theory.walk.random_walk",
    "walk_variants": "theory.walk.variants",
    "thales": "theory.walk.thales",
    "pca_null": "theory.walk.principal",
    "quadratic": "theory.quadratic.law",
    "noise": "theory.quadratic.multiplicative_noise",
}


ABOUT = """Read, check and draw the closed forms behind the figures; neither torch nor landscape is needed.
Without a NAME the list of them. Exit status 0 every step and check holds, 1 one fails, 2 wrong input."""
EXAMPLES = """examples:
  python -m theory scalar --latex                       steps with reasons, closed form, self-check
  python -m theory random_walk dimension=100 --json     with a parameter of its own
  python -m theory quadratic lr=0.5 --figure walk.png   drawn
  python -m theory certify FILE.npz                     a proof about your own deep linear line
  python -m theory page FILE.md                         all derivations as a page"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; exit status 0 if every step and check holds, 1 if one fails, 2 for wrong input."""
    parser = argparse.ArgumentParser(
        prog="python -m theory",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, max_help_position=18, width=100),
    )
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help=f"of a derivation ({', '.join(NAMES)}), or certify or page"
    )
    parser.add_argument("parameters", nargs="*", metavar="key=value", help="or FILE after certify and page")
    parser.add_argument("--latex", action="store_true", help="print the mathematics as LaTeX")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="draw into FILE")
    arguments = parser.parse_intermixed_args(argv)
    try:
        if arguments.latex and arguments.json:
            raise ValueError("--latex and --json are two forms of one answer; give one of them")
        if arguments.name is None:
            if arguments.latex or arguments.json or arguments.figure:
                raise ValueError("--latex, --json and --figure are of one derivation; give its NAME before them")
            return _list()
        if arguments.name in COMMANDS:
            return COMMANDS[arguments.name](arguments)
        if arguments.name not in NAMES:
            raise ValueError(f"{arguments.name} is no derivation; choose one of {', '.join([*NAMES, *COMMANDS])}")
        module = importlib.import_module(NAMES[arguments.name])
        given = parameters(module, arguments.parameters)
        derivation = module.derive(**given)
        checks = derivation.check()
        if arguments.figure is not None:
            draw(lambda axes: module.draw(axes, **given), arguments.figure)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except Exception as error:
        if not arguments.parameters:
            raise
        reason = " ".join(str(error).split())
        print(
            f"error: {' '.join(arguments.parameters)}: no number comes of this ({type(error).__name__}: {reason}); "
            "try values nearer to the usual ones, which python -m theory lists",
            file=sys.stderr,
        )
        return 2
    if arguments.json:
        print(json_of(arguments.name, given, derivation, checks))
    else:
        print(text_of(derivation, checks, arguments.latex))
    broken = [name for name, step in derivation.steps.items() if step.proven and not step.holds()]
    for name in broken:
        print(f"step {name} is not proven by this sympy", file=sys.stderr)
    return 1 if broken or not all(c.holds for c in checks) else 0


def _list() -> int:
    print("python -m theory NAME [key=value ...] prints one; below each are its parameters as they are without")
    for name, module_name in NAMES.items():
        module = importlib.import_module(module_name)
        defaults = " ".join(f"{n}={p.default}" for n, p in inspect.signature(module.derive).parameters.items())
        _tell(name, (module.__doc__ or "").strip().splitlines()[0], defaults)
    for name, command in COMMANDS.items():
        _tell(name, command.__doc__ or "")
    return 0


def _tell(name: str, *lines: str) -> None:
    """A name and what is said of it, in at most 100 columns."""
    for head, line in zip([name, ""], filter(None, lines), strict=False):
        print(
            textwrap.fill(line, 100, initial_indent=f"{head:<15}", subsequent_indent=" " * 15, break_on_hyphens=False)
        )


def _file(arguments: argparse.Namespace, example: str) -> Path:
    if len(arguments.parameters) != 1:
        raise ValueError(f"{arguments.name} takes one file, such as: python -m theory {arguments.name} {example}")
    return Path(arguments.parameters[0])


def _certify(arguments: argparse.Namespace) -> int:
    """FILE.npz: prove every critical point of J along the line in the file (keys: theory/certificate/file.py)."""
    from theory.certificate import file as certificate_file
    from theory.certificate.certify import certificate_of

    curve = certificate_file.load(_file(arguments, "line.npz"))
    certificate = certificate_of(curve)
    if arguments.figure is not None:
        draw(lambda axes: certificate_file.draw(axes, curve, certificate), arguments.figure)
    if arguments.json:
        print(json.dumps(certificate_file.json_of(curve, certificate), indent=1, allow_nan=False))
    elif arguments.latex:
        print(certificate_file.latex_of(certificate))
    else:
        print(certificate_file.text_of(curve, certificate))
    return 0


def _page(arguments: argparse.Namespace) -> int:
    """FILE.md: write all derivations as a page of Markdown, the mathematics as LaTeX."""
    from theory.page import write

    if arguments.latex or arguments.json or arguments.figure:
        raise ValueError("page takes a file and no options")
    write(_file(arguments, "docs/theory.md"), NAMES)
    return 0


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {"certify": _certify, "page": _page}


if __name__ == "__main__":
    sys.exit(main())
