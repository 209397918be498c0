"""Data sets as plain tensors: three splits in a fixed order. One file per data set."""

from landscape.data.dataset import Dataset, Split

__all__ = ["Dataset", "Split"]
