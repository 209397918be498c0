"""The claims that fit whatever jobs hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from landscape.figure import naming
from landscape.figure.checks import judge_job
from landscape.figure.claims import FROM_START_TO_SOLUTION
from landscape.figure.decided import within_error
from landscape.figure.planes import OF_ANY_PLANE
from landscape.figure.sweep.copies import distinct
from landscape.figure.track import OF_ANY_NET
from landscape.figure.two_solutions import BETWEEN_SOLUTIONS, RANDOM_TO_SOLUTION
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

OF_ENDPOINTS = {
    "between_solutions": BETWEEN_SOLUTIONS,
    "random_to_solution": RANDOM_TO_SOLUTION,
    "init_to_solution": FROM_START_TO_SOLUTION,
}

BENT = ("bezier", "polygon")
"""Paths that were trained to be low: what the paper says of lines is not said of them."""


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """The paper's claims that fit each job's endpoints, and those on its trajectory and its planes that name no net.

    A run that two jobs have is judged once.
    """
    found: list[Verdict] = []
    results = distinct(results)
    for result, name in zip(results, naming.names(results), strict=True):
        is_bent = result.choices.get("path") in BENT
        own = () if is_bent else OF_ENDPOINTS.get(result.choices.get("endpoints", ""), ())
        found += judge_job((*own, *OF_ANY_NET, *OF_ANY_PLANE), result, name)
    if naming.unit_of(results):
        return found
    # The texts of the claims are written for a likelihood.
    return [replace(item, measured=item.measured.replace(" nats", "")) for item in found]
