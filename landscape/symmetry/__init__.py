"""Which hidden units of a network may change places without changing what it computes.

``Axes`` say which axes of which parameters and buffers follow which permutation, and ``permuted`` moves the values.
``axes_of`` (``find``) reads them off the operators that a module runs: every operator has a rule (``layers``,
``shapes``) from the axes of what it reads to those of what it gives, and ``units`` keeps what is known of each group.
``axes_from`` (``given``) takes them from a yaml. Whoever they come from, ``check_axes`` (``check``) tries them.
"""

from landscape.symmetry.axes import Axes as Axes
from landscape.symmetry.axes import Axis as Axis
from landscape.symmetry.axes import Permutation as Permutation
from landscape.symmetry.axes import composed as composed
from landscape.symmetry.axes import identity as identity
from landscape.symmetry.axes import inverse as inverse
from landscape.symmetry.axes import permuted as permuted
from landscape.symmetry.axes import random_permutations as random_permutations
from landscape.symmetry.check import check_axes as check_axes
from landscape.symmetry.find import axes_of as axes_of
from landscape.symmetry.given import axes_from as axes_from
