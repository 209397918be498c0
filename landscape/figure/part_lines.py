"""Lines of some parameters alone beside the line of all: which jobs belong together, and whose share is whose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from landscape.figure import naming
from landscape.figure.reading import covers
from landscape.ground.settings import key_of
from landscape.result.curve import Curve, drop, value_at
from landscape.result.saved import Result

CALLED = {"decoder.bias": "the output's bias"}
"""Parameters of our nets, for a reader."""
BESIDE = ("path", "measurement")
"""Keys in which the line of some parameters may differ from that of all."""


@dataclass(frozen=True)
class Lines:
    """One net's line, and the lines of some of its parameters alone.

    Args:
        whole: the job of the line.
        name: its.
        parts: ``(whose, job)`` of the others.
    """

    whole: Result
    name: str
    parts: tuple[tuple[str, Result], ...] = ()

    @property
    def is_part(self) -> bool:
        """Whether the line is one of some parameters, whose whole was not measured."""
        return moving(self.whole) is not None

    def shares(self, part: Result, curve: Curve, s: int, alpha: float) -> tuple[float, float] | None:
        """What a part brings by alpha: of the drop of a column of the line, on the same split and in the same mode; of
        its own.

        None where the part was not measured from the start to its end, or its seed is not usable.
        """
        own, names = part.curves.get(f"{curve.split}/{curve.mode}"), self.whole.seed_names(curve.objective.shape[1])
        if own is None or not covers(own, 0, 1):
            return None
        known = part.seed_names(own.objective.shape[1])
        columns = [k for k in part.usable(own.objective)[0] if known[k] == names[s]]
        if not columns:
            return None
        line = own.alphas, own.objective[:, columns[0]]
        lost, falls = (
            value_at(*line, 0.0) - value_at(*line, alpha),
            (drop(curve.alphas, curve.objective[:, s]), drop(*line)),
        )
        return (lost / falls[0], lost / falls[1]) if min(falls) > 0 else None


def lines_of(results: Sequence[Result]) -> list[Lines]:
    """Every line with those of its parts; a part whose whole is not there is a line by itself."""
    whole = [result for result in results if moving(result) is None]
    parts = [result for result in results if moving(result) is not None]
    found = list[Lines]()
    for result, name in zip(whole, naming.names([_plain(one) for one in whole]), strict=True):
        own = [one for one in parts if _kind(one) == _kind(result)]
        parts = [one for one in parts if not any(one is other for other in own)]
        found.append(Lines(result, name, tuple((str(moving(one)), one) for one in own)))
    return found + [Lines(one, f"{naming.net(one)}, {moving(one)}") for one in parts]


def moving(result: Result) -> str | None:
    """Whose line it is, of one of some parameters; else None."""
    path = result.config.get("path") or {}
    only, without = ([CALLED.get(name, name) for name in path.get(key) or ()] for key in ("only", "without"))
    if not str(path.get("_target_", "")).endswith(".PartialLine") or not (only or without):
        return None
    who = ", ".join(only)
    return f"{who or 'all'} but {', '.join(without)}" if without else f"{who} alone"


def _plain(result: Result) -> Result:
    """Without the choice of its path, by which a sweep tells the whole line from its parts."""
    return replace(result, overrides=[item for item in result.overrides if key_of(item) != "path"])


def _kind(result: Result) -> tuple[object, ...]:
    """What a line and its parts have in common: the net, its seeds, and all else that they were told."""
    told = sorted(item for item in naming.plain_overrides(result) if not key_of(item).startswith(BESIDE))
    return naming.recipe(result), result.scale, result.choices.get("endpoints"), *result.seeds, *told
