"""No two purposes share a stream, and those in use keep their numbers."""

from __future__ import annotations

from itertools import product

from landscape.ground import streams
from landscape.ground.streams import stream_seed

PLAIN = ("INIT", "ORDER", "DROPOUT", "ENDPOINT", "MODULE", "WALK", "NOISE", "RESAMPLE")
NUMBERED = {"MEASURE": 2, "MEASURE_SAMPLE": 1}  # further numbers in the key of such a stream


def test_every_stream_in_use_has_a_seed_of_its_own() -> None:
    keys = [(seed, getattr(streams, name)) for seed in range(4) for name in PLAIN]
    for name, more in NUMBERED.items():
        keys += [(seed, getattr(streams, name), *rest) for seed in range(4) for rest in product(range(4), repeat=more)]
    assert len({stream_seed(*key) for key in keys}) == len(keys)


def test_numbers_and_seeds_never_change() -> None:
    names = ("INIT", "ORDER", "DROPOUT", "MEASURE", "ENDPOINT", "MODULE", "WALK", "NOISE", "RESAMPLE", "MEASURE_SAMPLE")
    assert [getattr(streams, name) for name in names] == list(range(10))
    assert stream_seed(3, 8) == 2828272309339296825 and stream_seed(3, 3, 1, 2) == 4989968299762849246
