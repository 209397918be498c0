"""Where ``Borrowed`` was before measuring took it up too."""

from landscape.borrowed import Borrowed

__all__ = ["Borrowed"]
