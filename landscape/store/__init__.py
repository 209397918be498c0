"""Trained networks and where they are kept: the points (``solutions``), every saved step (``trajectory``, read once by
``streaming``), and the folder that holds them under the hash of what decided them (``store``).
"""

from landscape.store.entry import load as load
from landscape.store.entry import save as save
from landscape.store.store import Entry as Entry
from landscape.store.store import Store as Store
from landscape.store.store import key_of as key_of
