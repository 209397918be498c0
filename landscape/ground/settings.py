"""What the keys of a config are for: one table, by which results are named, found again and published."""

from __future__ import annotations

from typing import Any, NamedTuple


class Uses(NamedTuple):
    """Where a key counts.

    Args:
        result: it can change a number, so it is part of a job's key and of what is published.
        name: it tells a run from others, so names, tags, titles and footers say it.
        recipe: it can change what one group of seeds becomes, so the store tells solutions apart by it.
    """

    result: bool = True
    name: bool = True
    recipe: bool = False


NUMBERS_SINCE = "0.1.0"
"""The first version whose jobs and trainings give today's numbers, up to rounding.

Part of every job's key and every trained network's. A change that alters a number raises it to the version at hand:
then everything is measured and trained anew, beside what was there. See docs/versions.md.
"""
HERE = Uses(result=False, name=False)
"""Where and how a job runs, and what becomes of its result."""
SAID = Uses(name=False)
"""Said by the run's group, its scale and the caps that bit."""
TRAINED = Uses(recipe=True)
"""What is trained, on what, for what, and how."""
BESIDE = Uses()
"""Which seeds train, and how many at a time."""

_HERE = """hydra tracker compute device threads isolated jobs_per_gpu outputs command refresh strict forecast optimize
wandb_folder objective.memory objective.alphas_at_once measurement.shards"""
TABLE = {
    **dict.fromkeys(_HERE.split(), HERE),
    **dict.fromkeys(("experiment", "limits", "name"), SAID),
    **dict.fromkeys(("model", "data", "cost", "optimizer", "training"), TRAINED),
    **dict.fromkeys(("training.num_seeds", "training.first_seed", "training._target_"), BESIDE),
    # They change no number beyond rounding: hashed since the first version, but of no recipe.
    **dict.fromkeys(("training.vectorise", "training.measure_batch_size"), BESIDE),
    "training.checkpoint_seconds": SAID,
    "cpu": Uses(result=False, name=False),  # it came late; what of it counts is in limits, resolved
}
"""Every key that does not count everywhere."""
LATER: dict[str, Any] = {
    "endpoints.align": None,
    "endpoints.axes": None,
    "endpoints.rescale": False,
    "endpoints.starts": 1,
    "endpoints.align_seed": 0,
    "objective.tolerance": None,
    "vary.modes": {"both": ["stochastic", "deterministic"], "landscape": {"path": {"PartialLine": ["deterministic"]}}},
}
"""Keys that came when results were known by the others: at these values they count as absent."""


def key_of(override: str) -> str:
    """``"+tracker.mode=offline"`` -> ``"tracker.mode"``."""
    return override.lstrip("+~").partition("=")[0].partition("@")[0]


def uses_of(key: str) -> Uses:
    """Of a dotted key; one that is not in the table counts as an unknown one, but in the recipe as what it lies in.

    What lies below a key that counts nowhere counts nowhere either.
    """
    key = key.replace("/", ".")  # hydra/launcher
    above = (key.rsplit(".", num)[0] for num in range(key.count(".") + 1))  # itself, then outwards
    nearest = next((name for name in above if name in TABLE), "")
    uses = TABLE.get(nearest, Uses())
    return uses if nearest == key or uses is HERE else Uses(recipe=uses.recipe)


def named(overrides: list[str]) -> list[str]:
    """The overrides that tell a run from others."""
    return [item for item in overrides if uses_of(key_of(item)).name]


def without_later(config: dict[str, Any]) -> dict[str, Any]:
    """A resolved config without the keys of ``LATER`` where they have these values."""
    found = dict(config)
    for key, value in LATER.items():
        group, _, name = key.partition(".")
        node = found.get(group)
        if isinstance(node, dict) and name in node and node[name] == value:
            found[group] = {k: v for k, v in node.items() if k != name}
    return found
