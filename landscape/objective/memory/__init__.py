"""How many examples and points are held at once.

``objective.memory`` is so many bytes (``budget``). What a real batch of a few examples takes is counted operator by
operator, and so what one more example or point would (``footprint``). Both make the ``Passes``: examples per pass,
points per pass over the data, and the ``Limit`` of an engine. Nothing here depends on time or chance, so that the same
budget gives the same blocks, and the same bits.
"""
