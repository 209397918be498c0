"""Convex quadratics under gradient descent with and without momentum: any step of a run, without running it.

Along each eigenvector the error is multiplied by a factor g_t(λ) that costs the same for every t (``modes``). A start
is a share of the squared distance per eigenvalue (``spectra``; ``lanczos`` finds a small one that stands for a matrix
known by its products alone). ``law`` puts the two together: projection and residual are one minus the mean of g_t
over the spectrum, and its standard deviation. Noise that grows with the gradient couples the modes, so
``multiplicative_noise`` carries second moments instead, and ``multiplicative_noise_runs`` draws runs to compare.
"""

from theory.quadratic.law import derive as derive
from theory.quadratic.law import descent as descent
from theory.quadratic.law import draw as draw
from theory.quadratic.law import flow as flow
from theory.quadratic.law import noisy as noisy
from theory.quadratic.law import random_start as random_start
from theory.quadratic.law import residual_bound as residual_bound
from theory.quadratic.law import track as track
