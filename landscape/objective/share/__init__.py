"""J over some of the batches at a time: the sums of each batch are kept apart, and added in the order of the batches.

A ``Share`` says which part of how many. ``evaluate`` makes the ``Piece`` of each of its batches, or of each block of a
stream, and ``files`` keep them. ``merge`` takes from the files what is there, evaluates what is not, and adds all of it
as one process would have: the bits do not depend on the number of parts, nor on which of them are lost. Where each
point of a path takes statistics over all data first, parts are some of the points instead.
"""

from landscape.objective.share.evaluate import evaluate_share as evaluate_share
from landscape.objective.share.merge import merged as merged
from landscape.objective.share.piece import Piece as Piece
from landscape.objective.share.share import Share as Share
from landscape.objective.share.share import Span as Span
from landscape.objective.share.share import check_shards as check_shards
