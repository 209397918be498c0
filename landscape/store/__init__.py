"""Trained networks and where they are kept: each training happens once, whoever asks for it.

``Solutions`` are the points that a training ends with, a ``Trajectory`` is every saved step on the way, read once by
``streaming`` however many things are computed of it. ``Store`` finds them under the hash of what decided them, or has
them trained; ``entry`` is what lies in one folder of it, each file under a digest.
"""

from landscape.store.entry import load as load
from landscape.store.entry import save as save
from landscape.store.store import Entry as Entry
from landscape.store.store import Store as Store
from landscape.store.store import key_of as key_of
