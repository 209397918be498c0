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


def main(argv: Sequence[str] | None = None) -> int:
    """The command; exit status 0 if every step and check holds, 1 if one fails, 2 for wrong input."""
    parser = argparse.ArgumentParser(
        prog="python -m theory", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help=f"one of: {', '.join([*NAMES, *COMMANDS])}")
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
    for name, module_name in NAMES.items():
        module = importlib.import_module(module_name)
        defaults = " ".join(f"{n}={p.default}" for n, p in inspect.signature(module.derive).parameters.items())
        print(f"{name:<14}{(module.__doc__ or '').strip().splitlines()[0]}\n{'':<14}{defaults}")
    for name, command in COMMANDS.items():
        print(f"{name:<14}{command.__doc__}")
    return 0


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
