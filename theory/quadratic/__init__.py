"""Convex quadratics under gradient descent with momentum: one mode at a time (``modes``), summed over a spectrum
(``spectra``, ``law``; unknown spectra by ``lanczos``), and with gradient noise (``multiplicative_noise``).
"""

from theory.quadratic.law import derive as derive
from theory.quadratic.law import descent as descent
from theory.quadratic.law import draw as draw
from theory.quadratic.law import flow as flow
from theory.quadratic.law import noisy as noisy
from theory.quadratic.law import random_start as random_start
from theory.quadratic.law import residual_bound as residual_bound
from theory.quadratic.law import track as track
