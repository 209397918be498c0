"""``python -m landscape.figure DIR``: redraw and rejudge from saved results; nothing is trained."""

from __future__ import annotations

from theory.terminal import ready

if __name__ == "__main__":
    ready()  # before the imports below, which take a while

import os
import sys
from collections.abc import Sequence

from landscape.errors import InputError
from landscape.figure.redraw import add_figure_option, named, parser_of, redraw
from landscape.ground.files.text import plain
from landscape.ground.progress import console
from landscape.result.saved import ResultError

ABOUT = """Draw and judge saved results again, and print the verdicts; nothing is trained, torch is not needed.
The figure of the folder and that of each job in it are replaced.
Exit status 0 drawn, 1 not, 2 wrong input."""
EXAMPLES = """  python -m landscape.figure outputs/quickstart/full
  python -m landscape.figure outputs/lr_width/full --number best_epoch --number test_error
  python -m landscape.figure outputs/quickstart/full --publish my_results/quickstart"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status: 0 drawn, 1 these results cannot be drawn, 2 wrong input; one message."""
    parser = parser_of("python -m landscape.figure", ABOUT, EXAMPLES)
    words = "folder of a sweep or of one job; several are one figure, which --publish takes"
    parser.add_argument("folders", metavar="DIR", type=named, nargs="+", help=words)
    parser.add_argument(
        "--publish", metavar="TARGET", type=named, help="also write a page with figure, verdicts and arrays into TARGET"
    )
    parser.add_argument(
        "--number",
        metavar="NAME",
        action="append",
        default=[],
        help="what the maps of a sweep over two keys show, for example test_error; may be given again",
    )
    add_figure_option(parser)
    arguments = parser.parse_args(argv)
    try:
        redraw(arguments.folders, console(), arguments.publish, arguments.number, arguments.figure)
    except (InputError, ResultError, OSError) as error:
        print(f"error: {plain(error)}", file=sys.stderr)
        return 2
    except Exception as error:  # a result may hold what no figure expects
        if os.environ.get("HYDRA_FULL_ERROR"):
            raise
        print(f"error: these results could not be drawn ({plain(f'{type(error).__name__}: {error}')})", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
