"""Trained networks and where they are kept: the points (``solutions``), every saved step (``trajectory``, read once by
``streaming``), and the folder that holds them under the hash of what decided them (``store``).
"""

from landscape.store.store import Entry as Entry
from landscape.store.store import Store as Store
