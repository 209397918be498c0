"""What every room may stand on, and nothing of which knows what a network or a curve is.

``files`` are replaced whole and read as data; ``progress`` and ``words`` speak to a terminal; ``streams`` has each
seed's random numbers by purpose, ``precision`` their digits; ``settings`` says what each key of a config counts for,
``provenance`` where configs lie and what they name outside; ``former`` keeps the first edition's names of modules.
"""
