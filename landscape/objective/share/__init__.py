"""J over some of the batches at a time: the sums of each batch are kept apart, and added in the order of the batches.

A ``Share`` says which part of how many. What a part finds lies in a file; a measurement takes from the files what is
there, evaluates what is not, and adds all of it as one process would have: the bits do not depend on the parts.
"""

from landscape.objective.share.share import Share as Share
from landscape.objective.share.share import check_shards as check_shards
