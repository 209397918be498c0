"""How many examples and points are held at once: bytes that may be used (``budget``), what a real batch takes
(``footprint``), and the passes that follow (``passes``).
"""
