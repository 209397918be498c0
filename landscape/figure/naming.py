"""How a drawing or a verdict calls what it speaks of: nets and jobs, the caps on them, and the unit of J."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from landscape.ground.settings import key_of, named
from landscape.result.saved import Result

# Their values show in the choices, so an override of one of them adds nothing to a name.
CHOSEN = ("recipe", "endpoints", "alphas")


def rank(word: object, order: Iterable[object]) -> int:
    """The place of a word in an order, behind its end for any that it lacks."""
    known = list(order)
    return known.index(word) if word in known else len(known)


def recipe(result: Result) -> str:
    """The recipe's name, or the experiment's when nothing was trained."""
    return result.choices.get("recipe", result.name)


def recipes(results: Sequence[Result]) -> str:
    """Of several jobs for a reader, each once."""
    return " and ".join(dict.fromkeys(read_out(recipe(result)) for result in results))


def net(result: Result) -> str:
    """What was trained, for a reader: the model that the command chose, else the recipe's name."""
    chosen = any(key_of(item) == "model" for item in result.overrides)
    return result.choices.get("model", recipe(result)) if chosen else recipe(result)


RECIPES = {
    "sigmoid": "sigmoid",
    "relu_dropout": "ReLU with dropout",
    "relu": "ReLU without dropout",
    "relu_adam": "ReLU, by Adam",
    "relu_shallow": "a shallow ReLU net",
    "maxout_adversarial": "adversarially trained maxout",
    "deep_linear": "a linear net of two weights",
    "deep_linear_images": "deep linear nets",
}
"""For a reader, where its name is not a word."""


def read_out(words: str) -> str:
    """A name that begins with a recipe's, with the recipe for a reader."""
    first, comma, rest = words.partition(",")
    return f"{RECIPES.get(first, first)}{comma}{rest}"


def unit_of_columns(result: Result) -> str:
    """What its columns are: ``seeds``, or ``pairs`` of them where its lines lie between two seeds' solutions."""
    is_pair = [any(dash in name[1:] for dash in "-–") for name in result.seeds]
    return "pairs" if is_pair and all(is_pair) else "seeds"


def caps_of(result: Result) -> list[str]:
    """Its caps that bit.

    A cap on a training is none of a job that trained nothing, such as a line between checkpoints; one on alphas none of
    a job without a line.
    """
    has_line = bool(result.curves) or not (result.surfaces or result.components or result.projections)
    found = [cap for cap in dict.fromkeys(result.caps) if has_line or not cap.startswith("alphas")]
    return [cap for cap in found if result.training_status or not cap.startswith("training.")]


def caps(results: Sequence[Result]) -> list[str]:
    """The caps that bit, each with how many jobs it is of where it is not of all; whose, where others are not cut."""
    found: dict[str, list[Result]] = {}
    for result in results:
        for cap in caps_of(result):
            found.setdefault(cap, []).append(result)
    mixed = len({result.scale for result in results}) > 1
    of = {cap: recipes(some) if mixed else f"{len(some)} of {len(results)} jobs" for cap, some in found.items()}
    return [cap if len(some) == len(results) else f"{cap} ({of[cap]})" for cap, some in found.items()]


def num_classes(result: Result) -> int:
    """C of ``config["dimensions"]["classes"]``, else the ten of MNIST."""
    dimensions = result.config.get("dimensions") or {}
    return int(dimensions.get("classes") or 10)


def knows_classes(result: Result) -> bool:
    """Whether its config does not leave C open, as somebody's own data may."""
    return (result.config.get("dimensions") or {}).get("classes") != 0


def plain_overrides(result: Result) -> list[str]:
    """The overrides that say something new: no choice of recipe, endpoints or alphas, and nothing on how to run."""
    return [item for item in named(result.overrides) if key_of(item) not in CHOSEN]


def by_key(overrides: Iterable[str]) -> dict[str, list[str]]:
    """``["a=1", "b=2", "a=3"]`` -> the values of each key, each once and in their order."""
    values: dict[str, dict[str, None]] = {}
    for key, _, value in (item.partition("=") for item in overrides):
        values.setdefault(key, {})[value] = None
    return {key: list(found) for key, found in values.items()}


def names(results: Sequence[Result], brief: bool = False) -> list[str]:
    """One name per job: its ``net`` and whatever tells it apart from the others.

    Args:
        brief: leave the first out where it is the same everywhere and something else tells the jobs apart.
    """
    differing = [key for key in CHOSEN if len({result.choices.get(key, "") for result in results}) > 1]
    shared = set.intersection(*(set(plain_overrides(result)) for result in results)) if results else set()
    several, found = len({net(result) for result in results}) > 1, []
    for result in results:
        chosen = [result.choices[key] for key in differing if key in result.choices]
        extra = [word for word in dict.fromkeys(chosen) if word != net(result)]  # a grid is called as its ends are
        extra += [item for item in plain_overrides(result) if item not in shared and key_of(item) != "model"]
        keep_recipe = not (brief and extra and not several)
        found.append(", ".join([net(result)] * keep_recipe + extra))
    if len(set(found)) == len(found):
        return found
    return [f"{name} (job {k + 1})" if found.count(name) > 1 else name for k, name in enumerate(found)]


def same_line(one: Result, other: Result, *grid: str) -> bool:
    """Whether two jobs sample the same line: all they were told is the same but for the keys of their grids."""

    def told(result: Result) -> tuple[dict[str, str], set[str], list[str]]:
        plain = {item for item in plain_overrides(result) if not item.lstrip("+").startswith(grid)}
        return {key: value for key, value in result.choices.items() if key != "alphas"}, plain, result.seeds

    return told(one) == told(other)


LIKELIHOODS = {
    "landscape": ("CrossEntropy", "Adversarial", "MultiPrediction"),
    "torch": (
        *("CrossEntropyLoss", "NLLLoss", "BCELoss", "BCEWithLogitsLoss"),
        *("cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits"),
    ),
}
"""The last part of a cost's name, by the library that the name begins with."""


def cost_of(result: Result) -> str:
    """The dotted name of a job's cost, empty where its config names none."""
    cost = result.config.get("cost")
    if not isinstance(cost, dict):
        return ""
    name = str(cost.get("_target_", ""))
    return str(cost.get("path", "")) if name.startswith("hydra.utils.get_") else name


def unit_of_costs(costs: Iterable[str]) -> str:
    """``"nats"`` where every one of these is a negative log likelihood, else nothing; nothing of none."""
    units = {name.rpartition(".")[2] in LIKELIHOODS.get(name.partition(".")[0], ()) for name in costs}
    return "nats" if units == {True} else ""


def unit_of(results: Sequence[Result]) -> str:
    """The unit of these jobs' J."""
    return unit_of_costs(map(cost_of, results))


def after_value(unit: str) -> str:
    """`` nats`` behind a value."""
    return f" {unit}" if unit else ""


def bracketed_unit(costs: Iterable[str]) -> str:
    """`` [nats]`` behind the name of an axis, nothing without a unit; where they differ and one has none, that."""
    names = set(costs)
    unit = unit_of_costs(names)
    return f" [{unit}]" if unit else " [costs differ]" if len(names) > 1 else ""
