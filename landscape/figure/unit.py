"""The unit of J: nats where the cost is a negative log likelihood, none where nothing is known of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from landscape.result.saved import Result

LIKELIHOODS = {
    "landscape": ("CrossEntropy", "Adversarial", "MultiPrediction"),
    "torch": (
        "CrossEntropyLoss",
        "NLLLoss",
        "BCELoss",
        "BCEWithLogitsLoss",
        "cross_entropy",
        "nll_loss",
        "binary_cross_entropy",
        "binary_cross_entropy_with_logits",
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


def of_costs(costs: Iterable[str]) -> str:
    """``"nats"`` where every one of these is a negative log likelihood, else nothing; nothing of none."""
    units = {name.rpartition(".")[2] in LIKELIHOODS.get(name.partition(".")[0], ()) for name in costs}
    return "nats" if units == {True} else ""


def of(results: Sequence[Result]) -> str:
    """The unit of these jobs' J."""
    return of_costs(map(cost_of, results))


def after(unit: str) -> str:
    """`` nats`` behind a value."""
    return f" {unit}" if unit else ""


def bracketed(costs: Iterable[str]) -> str:
    """`` [nats]`` behind the name of an axis, nothing without a unit; where they differ and one has none, that."""
    names = set(costs)
    unit = of_costs(names)
    return f" [{unit}]" if unit else " [costs differ]" if len(names) > 1 else ""
