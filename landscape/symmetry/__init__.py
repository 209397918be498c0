"""Which hidden units of a network may change places without changing what it computes."""

from landscape.symmetry.axes import Axes as Axes
from landscape.symmetry.axes import Axis as Axis
from landscape.symmetry.axes import Permutation as Permutation
from landscape.symmetry.axes import permuted as permuted
