"""What a fault of the machine looks like in one line."""

from __future__ import annotations

import torch

from landscape.command.collect import one_line


def test_a_fault_of_the_machine_says_what_there_was_and_what_to_do() -> None:
    memory = torch.OutOfMemoryError(
        "CUDA out of memory. Tried to allocate 12.00 GiB. GPU 0 has a total capacity of 8.00 GiB of which 3.00 GiB is "
        "free. If reserved but unallocated memory is large try setting PYTORCH_CUDA_ALLOC_CONF=expandable_segments"
    )
    lost = RuntimeError("CUDA error: unspecified launch failure\nCUDA kernel errors might be asynchronous")
    full = RuntimeError("unexpected pos 704 vs 598")  # as torch.save does
    full.__context__ = OSError(28, "No space left on device", "checkpoint.pt")
    says = {
        memory: ["12.00 GiB", "3.00 GiB is free", "training.batch_size", "objective.batch_size"],
        lost: ["unspecified launch failure", "goes on from the last checkpoint"],
        full: ["the disk is full (checkpoint.pt)", "the same command goes on"],
        KeyError("a  b"): ["KeyError: 'a b'"],
    }
    for error, parts in says.items():
        text = one_line(error)
        assert all(part in text for part in parts) and "\n" not in text and "PYTORCH_CUDA_ALLOC_CONF" not in text
