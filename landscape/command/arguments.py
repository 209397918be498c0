"""A config node beside the constructor that it targets: its annotations are the schema of the node.

A node whose keys depend on what was chosen has no schema for Hydra to hold it against. Python itself finds a wrong type
late or never: a text counts as true, and 1.5 seeds fail after the training.
"""

from __future__ import annotations

import inspect
import math
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, Union

from hydra._internal.utils import _locate

from landscape.errors import InputError

OWN_KEYS = ("_target_", "_partial_", "_args_", "_recursive_", "_convert_")
"""Keys that are Hydra's."""
OF_ANOTHER = {"data": ("name",)}
"""Keys of nodes that this house reads itself, also where another's constructor does not take them."""
ELSEWHERE = dict.fromkeys(
    (f"endpoints.{key}" for key in ("align", "axes", "rescale", "starts", "align_seed")),
    "of a line between two networks: endpoints=between_solutions, checkpoints or points",
)
"""Keys of which it helps to know what else takes them."""
RANGES = {"objective.tolerance": ("a number above 0 and below 1, or null", "1e-3")}
"""Keys of which a type says less than their range, and an example of each."""
UNBOUNDED = ("max_", "stop_")
"""How keys begin that may be infinite: ``model.max_norms``, ``measurement.stop_projection``."""
NAMES = {
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    bool: ("true or false", "true or false"),
    str: ("a text", "texts"),
    type(None): ("null", "nulls"),
}
"""One and several, as a message calls them."""


def check_arguments(config: Any, key: str = "") -> None:
    """Hold every node of a resolved config that has a ``_target_`` against the constructor that it names.

    A key that the constructor does not take, and a value of another type than its annotation, are wrong. What is not
    annotated, or with types that no yaml holds, is for the constructor to judge.

    Args:
        config: plain containers. key: where they stand, as ``"model"``; empty for a whole config.

    Raises:
        InputError: the first such key, its value and what it wants; with a ``key`` also a ``_target_`` that cannot be
            imported: of a whole config not all is made.
    """
    for where, node in _nodes(config, key):
        _check_node(node, where, is_made=bool(key))


def check_finite(config: Any, key: str) -> None:
    """Refuse numbers that are not finite in the nodes of this project's own constructors.

    A constructor says better itself what it wants of a number; this is for those that do not.

    Raises:
        InputError: the first such key; a bound (``UNBOUNDED``) may be infinite, and then bounds nothing.
    """
    for where, node in _nodes(config, key):
        for name, value in node.items():
            if node["_target_"].startswith("landscape.") and not _is_finite(value, str(name).startswith(UNBOUNDED)):
                raise InputError(f"{where}.{name}={shown(value)} must be finite")


def _nodes(config: Any, key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(where, node) of all that is to be instantiated, outer ones first."""
    if isinstance(config, list | tuple):
        for k, item in enumerate(config):
            yield from _nodes(item, f"{key}[{k}]")
    if not isinstance(config, Mapping):
        return
    if isinstance(config.get("_target_"), str) and not config.get("_args_"):
        yield key, config
    for name, value in config.items():
        yield from _nodes(value, f"{key}.{name}" if key else str(name))


def _located(path: str, key: str) -> Any:
    # Not hydra.utils.get_object, which logs every failure besides raising it.
    try:
        return _locate(path)
    except ImportError as error:
        reason, advice = (*str(error).splitlines()[1:], "", "")[:2]
        advice = advice.removeprefix("Are you sure that ").rstrip("?")
        raise InputError(
            f"{key}._target_={path} cannot be imported ({reason or error}); check "
            + (f"that {advice}" if advice else "that module")
            + (", or take tracker=none" if key == "tracker" else "")
        ) from error


def _check_node(node: Mapping[str, Any], key: str, is_made: bool) -> None:
    try:
        target: Callable[..., Any] = _located(node["_target_"], key)
        parameters = inspect.signature(target).parameters
    except InputError:
        if is_made:
            raise
        return
    except Exception:  # no such target, or one in C: instantiating it says what is wrong
        return
    try:
        hints = typing.get_type_hints(target.__init__ if isinstance(target, type) else target)  # type: ignore[misc]
    except Exception:  # names that only a type checker knows
        hints = {}
    named = {n: p for n, p in parameters.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    is_own = str(getattr(target, "__module__", "")).split(".")[0] == "landscape"
    for name, value in node.items():
        if name in OWN_KEYS:
            continue
        if name not in named:
            if takes_all or (not is_own and name in OF_ANOTHER.get(key, ())):
                continue
            known = ", ".join(n for n in named if not _is_given_by_code(named[n], hints.get(n)))
            raise InputError(
                f"{key}.{name}={shown(value)} is not a key of {node['_target_']}; it takes {known or 'none'}"
                + (f"; it is one {ELSEWHERE[where]}" if (where := f"{key}.{name}") in ELSEWHERE else "")
            )
        kind, default = hints.get(name, Any), named[name].default
        if not is_own and default is not inspect.Parameter.empty and type(value) is type(default):
            continue  # another's annotation may be looser than what its code takes
        if not fits(value, kind):
            lists = any(map(_is_list, (kind, *typing.get_args(kind))))
            one = lists and not isinstance(value, list | tuple) and fits([value], kind)
            example = f", such as {key}.{name}=[{shown(value)}]" if one else _example(f"{key}.{name}", kind, default)
            if isinstance(value, int | float) and not isinstance(value, bool) and fits(str(value), kind):
                example = f"; quoted it is one: '{key}.{name}=\"{value}\"'"
            words, good = RANGES.get(f"{key}.{name}", (wanted(kind), ""))
            example = f", such as {key}.{name}={good}" if good else example
            told = f"{value!r} (a text)" if _is_quoted(value) else shown(value)
            raise InputError(f"{key}.{name}={told} must be {words}{example}")


def _is_quoted(value: Any) -> bool:
    """Whether a text would have been a number without its quotes."""
    try:
        return isinstance(value, str) and math.isfinite(float(value))
    except ValueError:
        return False


def _example(key: str, kind: Any, default: Any) -> str:
    """``, such as KEY=VALUE``: the constructor's own default, or any value that fits; empty for a text or a node."""
    good = (v for v in (default, 0.1, 1, [16], [0.1]) if isinstance(v, int | float | list | tuple) and fits(v, kind))
    value = next(good, None)
    return "" if value is None else f", such as {key}={shown(value)}"


def _is_given_by_code(parameter: inspect.Parameter, kind: Any) -> bool:
    """Whether no yaml could give it, as the parameters of an optimizer."""
    return parameter.default is parameter.empty and kind is not None and not is_known(kind)


def is_known(kind: Any) -> bool:
    """Whether a type says something about values of a yaml."""
    origin = typing.get_origin(kind)
    if origin in (Union, types.UnionType):
        return any(is_known(k) for k in typing.get_args(kind) if k is not type(None))
    return kind in NAMES or origin is Literal or _is_list(kind)


def _is_list(kind: Any) -> bool:
    base = typing.get_origin(kind) or kind
    return base in (list, tuple, Sequence)


def fits(value: Any, kind: Any) -> bool:
    """Whether a value of a config is of an annotation's kind; of a kind that no yaml holds everything is."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if not is_known(kind):
        return True
    if isinstance(value, Mapping):  # a node makes what it makes
        return "_target_" in value
    if origin in (Union, types.UnionType):
        return any(fits(value, k) for k in parts if k is type(None) or is_known(k))
    if origin is Literal:
        return value in parts
    if _is_list(kind):
        if not isinstance(value, list | tuple):
            return False
        of_each = [k for k in parts if k is not Ellipsis]
        if (origin or kind) is tuple and Ellipsis not in parts and parts:
            return len(value) == len(parts) and all(map(fits, value, parts))
        return all(fits(item, k) for item in value for k in of_each)
    if kind in (int, float) and isinstance(value, bool):
        return False
    return isinstance(value, (int, float) if kind is float else kind)


def wanted(kind: Any) -> str:
    """An annotation in words: ``"a whole number or null"``, ``"a list of 2 numbers"``."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        known = [k for k in parts if k is not type(None) and is_known(k)]
        return " or ".join([*dict.fromkeys(map(wanted, known)), *["null"] * (type(None) in parts)])
    if origin is Literal:
        return f"one of {', '.join(map(shown, parts))}"
    if _is_list(kind):
        each = next((k for k in (parts[:1] and (parts[0], *typing.get_args(parts[0]))) if k in NAMES), Any)
        many = NAMES[each][1] if each in NAMES else "values"
        exact = (origin or kind) is tuple and Ellipsis not in parts and parts
        return f"a list of {len(parts)} {many}" if exact else f"a list of {many}"
    return NAMES[kind][0]


def shown(value: Any) -> str:
    """A value as the command line takes it: ``null``, ``true``, ``''``, ``[1,2.5]``."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | tuple):
        return f"[{','.join(map(shown, value))}]"
    if isinstance(value, Mapping):
        return f"{{{','.join(f'{k}:{shown(v)}' for k, v in value.items())}}}"
    return "''" if value == "" else str(value)


def _is_finite(value: Any, or_inf: bool) -> bool:
    """Whether all numbers in plain containers are finite, or infinite where that is allowed."""
    if isinstance(value, list | tuple):
        return all(_is_finite(item, or_inf) for item in value)
    return not isinstance(value, float) or math.isfinite(value) or (or_inf and value == math.inf)
