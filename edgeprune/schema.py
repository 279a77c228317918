"""Checks what came from outside against the types that the code relies on.

From outside are JSON and TOML files, and the arguments of the Python interface. The types are those
that mypy checks the code with: ``TypedDict`` for a table, ``Literal`` for one of several words,
``Annotated[int, Range(0)]`` for a number with bounds. What was checked can be used without another
look.
"""

from __future__ import annotations

import math
import numbers
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import numpy as np

from edgeprune.errors import EdgePruneError

_T = TypeVar("_T")
LARGEST = 1 << 53  # of a number: beyond it, JSON of other programs is not exact
_WORDS: dict[Any, str] = {
    dict: "a table",
    Mapping: "a table",
    list: "a list",
    tuple: "a tuple",
    Sequence: "a list",
    Iterable: "a list",
    Callable: "a function",
    str: "a string",
    Path: "a path",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}
_SEVERAL: dict[Any, str] = {str: "strings", Path: "paths", int: "whole numbers", float: "numbers"}
_ACCEPTED: dict[Any, Any] = {int: numbers.Integral, float: numbers.Real, bool: (bool, np.bool_)}
_KNOWN_LENGTH = (list, tuple, set, frozenset, range)  # and what may be looked at more than once


@dataclass(frozen=True)
class Range:
    """Bounds of a number, or of how many elements a list has; both may be reached."""

    low: float = -math.inf
    high: float = math.inf


Count = Annotated[int, Range(0)]
"""A whole number from 0 on."""
Share = Annotated[float, Range(0, 1)]
"""From 0 to 1."""
Real = Annotated[float, Range(0)]
"""A number from 0 on."""
Figure = Count | None
"""A count; None: it was not measured."""
Text = Annotated[str, Range(0, 1 << 16)]
"""Names, paths and what people write."""


def checked(value: object, kind: type[_T], where: str, *, closed: bool = False) -> _T:
    """A value that is what the type says, itself.

    Args:
        value: of strings, numbers, booleans, None, lists and dictionaries; from Python, anything.
        kind: a ``TypedDict``, a class, or another type made of these.
        where: what messages call the value.
        closed: whether tables may have only the keys of their type.

    Raises:
        EdgePruneError: it is something else; the text has the path of the key.
    """
    _check(value, kind, where, closed)
    return cast(_T, value)


def _check(value: object, kind: Any, where: str, closed: bool) -> None:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return
    if origin in (Required, NotRequired):
        _check(value, arguments[0], where, closed)
    elif origin is Annotated:
        _check(value, arguments[0], where, closed)
        _check_range(value, arguments[1], where)
    elif origin in (Union, types.UnionType):
        _check_union(value, arguments, where, closed)
    elif origin is Literal:
        if isinstance(value, bool) or not isinstance(value, str | int) or value not in arguments:
            allowed = ", ".join(map(str, arguments))
            raise EdgePruneError(where, f"must be one of {allowed}, is {_shown(value)}")
    elif is_typeddict(kind):
        _check_table(_of(value, dict, where), kind, where, closed)
    elif origin in (list, tuple, Sequence, Iterable):
        _check_list(value, origin, arguments[0], where, closed)
    elif origin in (dict, Mapping):
        for key, item in _of(value, origin, where).items():
            _check(item, arguments[1], f"{where}: {key}", closed)
    else:
        _of(value, origin or kind, where)


def _of(value: object, kind: type[Any], where: str) -> Any:
    """The value, which is of a kind; a whole number is a number too, true and false are none."""
    wrong_bool = isinstance(value, bool) and kind in (int, float)
    if wrong_bool or not isinstance(value, _ACCEPTED.get(kind, kind)):
        raise EdgePruneError(where, f"must be {_phrase(kind)}, is {_shown(value)}")
    if isinstance(value, int) and abs(value) > LARGEST:
        raise EdgePruneError(where, f"must be {_phrase(kind)} up to {LARGEST}, is larger")
    return value


def _check_list(value: object, origin: Any, item: Any, where: str, closed: bool) -> None:
    """Elements too, unless they can be had only once."""
    found = value.tolist() if hasattr(value, "tolist") else value  # of numpy, torch, pandas
    if isinstance(found, str | bytes | Mapping):
        raise EdgePruneError(where, f"must be {_phrase(origin)}, is {_shown(value)}")
    rows = _of(found, origin, where)
    if isinstance(rows, _KNOWN_LENGTH):
        for i, row in enumerate(rows):
            _check(row, item, f"{where}[{i}]", closed)


def _phrase(kind: Any) -> str:
    """What a value of a type is, in words."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _phrase(arguments[0])
    if origin is Literal:
        return f"one of {', '.join(map(str, arguments))}"
    if origin in (Sequence, Iterable) and arguments[0] in _SEVERAL:
        return f"a list of {_SEVERAL[arguments[0]]}"
    plain = origin or kind
    return _WORDS.get(plain) or f"a {plain.__name__}"


def _shown(value: object) -> str:
    if value is None or isinstance(value, dict | list):
        return _WORDS[type(value)]
    plain = isinstance(value, str | bytes | int | float | Path | np.generic)
    return repr(value) if plain else f"a {type(value).__name__}"


def _check_range(value: Any, bounds: Range, where: str) -> None:
    if value is None:
        return
    size = len(value) if isinstance(value, list | str | dict) else value
    if not bounds.low <= size <= bounds.high:
        what = "" if size is value else " elements"
        raise EdgePruneError(
            where, f"must lie between {bounds.low:g} and {bounds.high:g}, is {size:.6g}{what}"
        )


def _check_union(value: object, kinds: tuple[Any, ...], where: str, closed: bool) -> None:
    if value is None and type(None) in kinds:
        return
    others = [k for k in kinds if k is not type(None)]
    for kind in others:
        try:
            _check(value, kind, where, closed)
        except EdgePruneError:
            if len(others) == 1:  # it alone says what is wrong
                raise
        else:
            return
    allowed = " or ".join(map(_phrase, others))
    raise EdgePruneError(where, f"must be {allowed}, is {_shown(value)}")


def _check_table(rows: Mapping[Any, object], kind: Any, where: str, closed: bool) -> None:
    hints = _hints(kind)
    missing = [k for k, h in hints.items() if get_origin(h) is not NotRequired and k not in rows]
    if missing:
        raise EdgePruneError(where, f"lacks {', '.join(missing)}")
    unknown = sorted(k for k in rows if k not in hints)
    if closed and unknown:
        known = f"known keys are {', '.join(sorted(hints))}"
        raise EdgePruneError(where, f"unknown keys {unknown}", known)
    for key, hint in hints.items():
        if key in rows:
            _check(rows[key], hint, f"{where}: {key}", closed)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)
