"""landscape shows what an optimiser walked through.

An experiment trains a recipe, picks two endpoints, lays a path between them, takes a measurement along it, and
draws a figure with a verdict on each claim.
"""

from landscape.ground.former import install

install()
