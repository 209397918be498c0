"""Second derivatives of J at one point, and how its gradient scatters over the examples.

``operator``: the Hessian of J as a linear operator of curvlinops, whose model is the house's own forward pass, theta as
one flat parameter [P], and whose loss is the mean of the examples' costs: what is differentiated is J. ``spectrum``:
its eigenvalues by scipy's ``eigsh``, trace and density by curvlinops. ``gradient``: the gradient and the variance of
the examples' own. ``check``: what has no second derivatives is refused before any work.

curvlinops is the extra ``curvature``; it is imported when the first Hessian is made.
"""

from landscape.objective.curvature.check import check_curvature, require_extra
from landscape.objective.curvature.gradient import Scatter, scatter_of
from landscape.objective.curvature.spectrum import Eigenpairs, extremes, leading_directions, trace_of

__all__ = [
    "Eigenpairs",
    "Scatter",
    "check_curvature",
    "extremes",
    "leading_directions",
    "require_extra",
    "scatter_of",
    "trace_of",
]
