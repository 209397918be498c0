"""A result that is not what was written: each kind of damage is named, with its file and what to do."""

import hashlib
import json
import os

import numpy as np
import pytest

from landscape.result.saved import JSON_NAME, NPZ_NAME, Result, ResultError
from tests.forged import forge, forge_arrays
from tests.result.test_result import example, same


def edit(change):
    return lambda folder: forge(folder, change)


def rewrite(name, function):
    def apply(folder):
        path = folder / name
        path.write_bytes(function(path.read_bytes()))

    return apply


def put(before, after):
    return rewrite(JSON_NAME, lambda b: b.replace(before, after))


def not_a_zip(folder):
    (folder / NPZ_NAME).write_bytes(b"plain text")
    edit(lambda d: d["npz"].update(sha256=hashlib.sha256(b"plain text").hexdigest()))(folder)


def arrays(change, num_zeros=0):
    return lambda folder: forge_arrays(folder, change, num_zeros)


def npz_of_another_save(folder):
    example(curves={}).save(folder.parent / "x")
    os.replace(folder.parent / "x" / NPZ_NAME, folder / NPZ_NAME)


IN_JSON = {
    "json missing": (lambda f: (f / JSON_NAME).unlink(), "is missing"),
    "json truncated": (rewrite(JSON_NAME, lambda b: b[: len(b) // 2]), "truncated or damaged"),
    "json not text": (rewrite(JSON_NAME, lambda b: b"\xff\xfe" + b), "truncated or damaged"),
    "json a list": (rewrite(JSON_NAME, lambda b: b"[]"), "schema 'list'"),
    "another number": (put(b"12.25", b"13.25"), "the digest differs"),
    "another text": (put(b"J decreases", b"J increases"), "the digest"),
    "another digest": (put(b'"digest": "', b'"digest": "0'), "digest"),
    "digest misspelt": (put(b'"digest"', b'"digesu"'), "unknown entry"),
    "number without end": (put(b"12.25", b"1e999"), "literal 1e999"),
    "number of 351 digits": (put(b"12.25", b"1" + b"0" * 350), "number of 351 digits"),
    "number of 9000 digits": (put(b"12.25", b"9" * 9000), "9000 digits"),
    "nested": (rewrite(JSON_NAME, lambda b: b"[" * 50_000), "nested too deeply"),
    "nested less": (edit(lambda d: d["config"].update(a=json.loads("[" * 150 + "]" * 150))), "100 levels"),
    "NaN literal": (put(b"12.25", b"NaN"), "literal NaN"),
    "schema": (edit(lambda d: d.update(schema=99)), "schema 99, this version reads 1"),
    "no schema": (edit(lambda d: d.pop("schema")), "schema None"),
    "no sha256": (edit(lambda d: d["npz"].pop("sha256")), "no sha256"),
    "field missing": (edit(lambda d: d.pop("seeds")), "no entry 'seeds'"),
    "field of a wrong type": (edit(lambda d: d.update(caps="none")), "caps is a str, not a list"),
    "curves of a wrong type": (edit(lambda d: d.update(curves=[1])), "does not fit schema"),
    "unknown verdict field": (edit(lambda d: d["verdicts"][0].update(x=1)), "unexpected keyword"),
    "array gone": (
        edit(lambda d: d["curves"]["train/stochastic"].update(alphas={"array": "curve/gone"})),
        "curve/gone",
    ),
}
IN_NPZ = {
    "npz missing": (lambda f: (f / NPZ_NAME).unlink(), "is missing beside"),
    "npz truncated": (rewrite(NPZ_NAME, lambda b: b[:-9]), "sha256 differs"),
    "npz one bit off": (rewrite(NPZ_NAME, lambda b: b[:200] + bytes([b[200] ^ 1]) + b[201:]), "sha256"),
    "npz of another save": (npz_of_another_save, "sha256 differs"),
    "npz not a zip": (not_a_zip, "not an npz"),
    "npz of objects": (arrays(lambda a: a | {"x": np.array([{}])}), "of type object"),
    "npz of the other byte order": (
        arrays(lambda a: {name: values.astype(values.dtype.newbyteorder(">")) for name, values in a.items()}),
        "other arrays than",
    ),
    "npz with one array more": (arrays(lambda a: a | {"x": np.zeros(1)}), "other arrays than"),
    "npz of another shape": (arrays(lambda a: {n: v.reshape(1, *v.shape) for n, v in a.items()}), "other"),
    "npz that unpacks to gigabytes": (arrays(lambda a: a | {"x": np.zeros(1)}, 4 * 10**7), "unpacks to"),
}


@pytest.mark.parametrize("damage", [*IN_JSON, *IN_NPZ])
def test_a_damaged_result_is_named_with_its_fault(tmp_path, damage):
    apply, fault = (IN_JSON | IN_NPZ)[damage]
    folder = tmp_path / "job"
    example().save(folder)
    apply(folder)
    with pytest.raises(ResultError) as caught:
        Result.load(folder)
    message, name = str(caught.value), JSON_NAME if damage in IN_JSON else NPZ_NAME
    assert message.startswith(str(folder / name)) and fault in message and "refresh=true" in message


def test_no_byte_of_the_document_can_change_unseen(tmp_path):
    """Each byte in turn: the result is refused, or, where only blanks changed, it is the same."""
    example(curves={}, projections={}, surfaces={}, components={}, learning_curve=None).save(tmp_path)
    path = tmp_path / JSON_NAME
    whole, wanted = path.read_bytes(), Result.load(tmp_path)
    for place in range(0, len(whole), 7):
        for flip in (0x01, 0x20, 0x80):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
            try:
                same(Result.load(tmp_path), wanted)
            except ResultError:
                continue
