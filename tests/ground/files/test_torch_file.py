"""No file of torch.save takes memory that it does not bring: what its pickle would call is weighed before."""

from __future__ import annotations

import codecs
import io
import pickle
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from landscape.endpoints.file import content_of
from landscape.errors import InputError
from landscape.ground.files.torch_file import require_bounded
from landscape.training import checkpoint

HUGE = 5 * 10**9
LIST = [0] * 20_000


class Runs:
    """An object whose pickle calls a function."""

    def __init__(self, call: Callable[..., Any], *arguments: Any, state: Any = None) -> None:
        self.called = (call, arguments) if state is None else (call, arguments, state)

    def __reduce__(self) -> Any:
        return self.called


def nested(times: int) -> Any:
    """A text that doubles with each coding."""
    value: Any = b"ab"
    for _ in range(times):
        value = Runs(codecs.encode, value, "hex")
    return value


SMALL = torch.ones(2)
REBUILD, STORAGE = torch._utils._rebuild_tensor_v2, SMALL.storage()
GREEDY: dict[str, Any] = {
    "bytearray": Runs(bytearray, HUGE),
    "in a list": [1, {"a": Runs(bytearray, HUGE)}],
    "a tensor of a size": Runs(torch.Tensor, HUGE),
    "a typed tensor": Runs(torch.FloatTensor, 10**5, 10**5),
    "a storage": Runs(torch.UntypedStorage, HUGE),
    "through a function": Runs(torch._tensor._rebuild_from_type_v2, bytearray, bytearray, (HUGE,), {}),
    "codes in codes": nested(32),
    "longer than its storage": Runs(REBUILD, STORAGE, 0, (HUGE,), (1,), False, OrderedDict()),
    "one number too long": Runs(REBUILD, STORAGE, 0, (3,), (1,), False, OrderedDict()),
    "off its storage": Runs(REBUILD, STORAGE, HUGE, (1,), (1,), False, OrderedDict()),
    "converted": Runs(
        torch._utils._rebuild_device_tensor_from_cpu_tensor, torch.ones(1).expand(HUGE), torch.float64, "cpu", False
    ),
    "copies of one list": [Runs(set, LIST) for _ in range(2000)],
    "counts of one list": [Runs(Counter, LIST) for _ in range(2000)],
    "a size that is a list": Runs(REBUILD, STORAGE, 0, [HUGE], [1], False, OrderedDict()),
    "set again by a list": Runs(torch.Tensor, state=[STORAGE, 0, (HUGE,), (1,)]),
    "set again by keys": Runs(torch.Tensor, state={STORAGE: 0, 0: 0, (HUGE,): 0, (1,): 0}),
    "sparse by a list": Runs(
        torch._utils._rebuild_sparse_tensor,
        torch.sparse_coo,
        [torch.zeros(1, 1, dtype=torch.long).expand(1, HUGE), torch.ones(1).expand(HUGE), (3,), False],
    ),
    "set again": Runs(torch.Tensor, state=(STORAGE, 0, (HUGE,), (1,))),
}


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("case", GREEDY)
def test_a_small_file_that_takes_much_is_refused_before_it_takes_it(tmp_path: Path, case: str, zipped: bool) -> None:
    file = tmp_path / "a.pt"
    torch.save({"state": {"w": SMALL}, "x": GREEDY[case]}, file, _use_new_zipfile_serialization=zipped)
    with pytest.raises(InputError, match=r"it calls|it copies|copies more|of it|broken") as caught:
        content_of(str(file), "endpoints.start")
    assert "is no state dict" in str(caught.value) and str(caught.value).startswith("endpoints.start=")


def test_a_storage_that_claims_more_than_its_record_is_refused(tmp_path: Path) -> None:
    torch.save({"w": torch.ones(1000)}, tmp_path / "a.pt")
    with zipfile.ZipFile(tmp_path / "a.pt") as whole, zipfile.ZipFile(tmp_path / "b.pt", "w") as cut:
        for info in whole.infolist():
            cut.writestr(info.filename, b"" if "data/0" in info.filename else whole.read(info))
    with pytest.raises(InputError, match="claims 4000 bytes, and there are 0"):
        content_of(str(tmp_path / "b.pt"), "endpoints.end")


def test_a_training_goes_on_from_no_such_file(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.pt"
    checkpoint.save_atomically({"epoch": 1, "x": Runs(bytearray, HUGE)}, file)
    with pytest.raises(checkpoint.Unusable, match=r"calls builtins\.bytearray"):
        checkpoint.load(file)
    assert checkpoint.epoch_of(file) is None


@pytest.mark.parametrize("zipped", [True, False])
def test_what_people_save_is_let_through(tmp_path: Path, zipped: bool) -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.ones(5, 3)).sum().backward()
    optimizer.step()
    shared = torch.arange(12.0)
    named = torch.ones(3)
    named.told = "yes"  # type: ignore[attr-defined]
    content = {
        "net": net.state_dict(),
        "optimizer": optimizer.state_dict(),
        "views": [shared[2:5], shared[::3], shared[:0]],
        "turned": shared.reshape(3, 4).T,
        "wide": torch.zeros(1).expand(10**6, 10**6),
        "none": torch.empty(0, 5),
        "half": shared.bfloat16(),
        "parameter": nn.Parameter(shared),
        "named": named,
        "size": torch.Size([2, 3]),
        "sparse": torch.eye(4).to_sparse(),
        "set": {1, 2},
        "bytes": bytes(range(256)) * 9,
        "array": bytearray(b"abc"),
        "count": Counter("abca"),
        "complex": torch.ones(2) + 1j,
        "number": 1j,
        "numpy": np.ones(3),
        "type": torch.int8,
        "quantised": torch.quantize_per_tensor(torch.ones(5), 0.1, 0, torch.qint8),
        "long": 2**200,
        "random": torch.get_rng_state(),
        "meta": torch.ones(3, device="meta"),
        "many": [(1, 2)] * 10_000,
        "odd": torch.ones(2, dtype=torch.uint16),
    }
    torch.save(content, tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    require_bounded(tmp_path / "a.pt")


def test_a_pickle_that_cannot_be_followed_is_not_left_to_torch(tmp_path: Path) -> None:
    stream = io.BytesIO()
    pickle.dump({"a": 1}, stream, protocol=4)
    (tmp_path / "a.pt").write_bytes(stream.getvalue())
    with pytest.raises(ValueError, match="broken, or not of torch"):
        require_bounded(tmp_path / "a.pt")
