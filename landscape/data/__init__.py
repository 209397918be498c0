"""Data sets as plain tensors: a ``Dataset`` is three ``Split``s in a fixed order, known by a hash of every byte.

There is one file per data set. Whatever else people have is read by ``reading``, held as a ``Split`` or batch by batch
as a ``Stream``, whose random numbers are ``draws``; ``own`` makes a data set of what a function of theirs returns.
Official files lie where ``location`` says, come by ``download`` and are parsed by ``idx``, ``records`` or ``text``;
what takes long to compute is ``cached``; ``keys`` refuses what a config cannot mean.
"""

from landscape.data.dataset import Dataset, Split

__all__ = ["Dataset", "Split"]
