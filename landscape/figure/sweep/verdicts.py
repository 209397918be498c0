"""The claims that fit whatever jobs hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from landscape.figure import claims, fig05_two_solutions, naming
from landscape.figure import fig13_maxout_residual as residual
from landscape.figure.sweep.copies import distinct
from landscape.result.saved import Result
from landscape.result.verdict import Verdict


def judge(results: Sequence[Result]) -> list[Verdict]:
    """The paper's claims that fit each job's endpoints, and those on its trajectory that name no particular net.

    A run that two jobs have is judged once.
    """
    found: list[Verdict] = []
    results = distinct(results)
    for result, name in zip(results, naming.names(results), strict=True):
        ends = result.choices.get("endpoints")
        if ends == "between_solutions":
            found += fig05_two_solutions.between_solutions(result, name)
        elif ends == "random_to_solution":
            found += fig05_two_solutions.random_to_solution(result, name)
        elif ends == "init_to_solution":
            found += claims.from_start_to_solution(result, name)
        for claim, read in (residual.ENDS, residual.TAIL, residual.NORM, residual.THALES):
            found += residual.on_tracks(claim, read, result, name)
    if naming.unit_of(results):
        return found
    # The texts of the claims are written for a likelihood.
    return [replace(item, measured=item.measured.replace(" nats", "")) for item in found]
