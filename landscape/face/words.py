"""What the house says of the keys of its config, said of the arguments of Python."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from landscape.errors import InputError

PHRASES = {
    "measurement.modes=[deterministic]": "mode='deterministic'",
    "give Objective(calibration=...)": "give calibration=...",
    "uses those of the trained model everywhere": "uses those of a line's end or a plane's last point everywhere",
    "use path.num_bends=1 or more, or path=linear": "use num_bends=1 or more, or ls.line(a, b)",
    "another point of it, so bends cannot be trained; use path=linear": (
        "another point of it, so bends cannot be trained; use ls.line(a, b)"
    ),
    "use path=linear": "use path='linear'",
    "use path=corners_plane": "give three points, plane(a, b, c)",
    ", or path=corners_plane": ", or give three points, plane(a, b, c)",
    "path=given_plane: ": "",
    "path=trajectory_plane: ": "",
    " (a random point has none, nor have solutions stored by an older version: refresh=true)": "",
    " (a published sum is training.gradient_scale times that in training)": "",
    "null evaluates every point": "None evaluates every point",
    "mend the labels or dimensions.classes": "mend the labels, or give the net an output for each class",
    '+cost.classes=last or +cost.classes=first, in Python CrossEntropy(classes="first")': (
        "landscape.cost.CrossEntropy(classes='last') or (classes='first')"
    ),
    '+cost.classes=first (in Python CrossEntropy(classes="first"))': "landscape.cost.CrossEntropy(classes='first')",
    "cost=cross_entropy with +cost.classes=first": "landscape.cost.CrossEntropy(classes='first')",
    "landscape.cost.CrossEntropy(), cost=cross_entropy, or": "landscape.cost.CrossEntropy(), or",
    "+cost.output=NAME (a key or a position; in Python CrossEntropy(output=NAME))": (
        "landscape.cost.CrossEntropy(output=NAME), a key or a position"
    ),
    "cost.shift=false compares": "shift=False compares",
    "(cost=multi_prediction for model=mpdbm) ": "",
    "data.resample_train=false": "is_resampled=False in the Split",
}
"""Whole phrases first."""
COSTS = {
    "squared_error": "SquaredError",
    "cross_entropy": "CrossEntropy",
    "binary_cross_entropy": "BinaryCrossEntropy",
    "causal_lm": "CausalLM",
    "masked_lm": "MaskedLM",
}
RULES: list[tuple[str, str]] = [
    (r"set \+?cost\.\w+=\S+, in Python (\w+\()", r"use landscape.cost.\1"),
    *((rf"\bcost={name}\b", f"landscape.cost.{kind}()") for name, kind in COSTS.items()),
    (r"\bmodel=(?=[A-Z_])", "net="),
    (r"\balign=(weights|activations|random)\b", r"by='\1'"),
    (r"(?<![\w./])\+?(?:objective|measurement|alphas|cost|endpoints|path)\.(?=[a-z_]+\b(?!\.py))", ""),
    (r"'ignore=\[([^\]]*)\]'", r"ignore=['\1']"),
    (r"\b(running_statistics|dtype|mode|entry|missing|one_axis)=(?!None\b)([\w.]*\w)", r"\1='\2'"),
    (r"\bmemory=([\d.]+[A-Za-z%]+)", r"memory='\1'"),
    (r"=true\b", "=True"),
    (r"=false\b", "=False"),
    (r"=null\b", "=None"),
    (r"\bor null\b", "or None"),
    (r"\bnull is\b", "None is"),
    (r"\bmust be true or false\b", "must be True or False"),
]
"""Then keys and values one by one: a word is quoted, and no key has its group before it."""


def in_python_words(text: str) -> str:
    """A message with arguments in place of keys.

    >>> in_python_words("objective.memory=10 is too little; set objective.memory=2MiB or more")
    "memory=10 is too little; set memory='2MiB' or more"
    """
    for phrase, words in PHRASES.items():
        text = text.replace(phrase, words)
    for pattern, words in RULES:
        text = re.sub(pattern, words, text)
    return text


@contextmanager
def translated() -> Iterator[None]:
    """An ``InputError`` of the block speaks of arguments."""
    try:
        yield
    except InputError as error:
        raise InputError(in_python_words(str(error))) from error
