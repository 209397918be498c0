"""What a fault of the machine looks like in one line."""

from __future__ import annotations

import torch

from landscape.command.collect import one_line


def test_out_of_memory_says_what_was_needed_what_there_was_and_which_keys_lower_it() -> None:
    error = torch.OutOfMemoryError(
        "CUDA out of memory. Tried to allocate 12.00 GiB. GPU 0 has a total capacity of 8.00 GiB of which 3.00 GiB is "
        "free. If reserved but unallocated memory is large try setting PYTORCH_CUDA_ALLOC_CONF=expandable_segments"
    )
    text = one_line(error)
    assert "12.00 GiB" in text and "3.00 GiB is free" in text and "PYTORCH_CUDA_ALLOC_CONF" not in text
    assert "training.batch_size" in text and "objective.batch_size" in text and "\n" not in text


def test_a_lost_device_says_that_the_run_can_go_on() -> None:
    text = one_line(RuntimeError("CUDA error: unspecified launch failure\nCUDA kernel errors might be asynchronous"))
    assert "unspecified launch failure" in text and "goes on from the last checkpoint" in text and "\n" not in text


def test_a_plain_fault_keeps_its_type_and_its_words() -> None:
    assert one_line(KeyError("a  b")) == "KeyError: 'a b'"


def test_a_full_disk_is_recognised_behind_another_fault() -> None:
    try:
        try:
            raise OSError(28, "No space left on device", "checkpoint.pt")
        except OSError:
            raise RuntimeError("unexpected pos 704 vs 598")  # noqa: B904  # as torch.save does
    except RuntimeError as error:
        text = one_line(error)
    assert text.startswith("the disk is full (checkpoint.pt)") and "the same command goes on" in text
