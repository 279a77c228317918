"""Checks what came out of a JSON or TOML file against the types that the code relies on.

The types are those that mypy checks the code with: ``TypedDict`` for a table, ``Literal`` for one
of several words, ``Annotated[int, Range(0)]`` for a number with bounds. What was checked can be
used without another look.
"""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
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

from edgeprune.errors import EdgePruneError

_T = TypeVar("_T")
LARGEST = 1 << 53  # of a number: beyond it, JSON of other programs is not exact
_WORDS = {
    dict: "table",
    list: "list",
    str: "string",
    int: "whole number",
    float: "number",
    bool: "true or false",
    type(None): "null",
}


@dataclass(frozen=True)
class Range:
    """Bounds of a number, or of how many elements a list has; both may be reached."""

    low: float = -math.inf
    high: float = math.inf


Count = Annotated[int, Range(0)]
"""A whole number from 0 on."""
Share = Annotated[float, Range(0, 1)]
"""From 0 to 1."""


def checked(value: object, kind: type[_T], where: str, *, closed: bool = False) -> _T:
    """A value that is what the type says, itself.

    Args:
        value: of strings, numbers, booleans, None, lists and dictionaries.
        kind: a ``TypedDict`` or another type made of the above.
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
        if value not in arguments or isinstance(value, bool):
            allowed = ", ".join(map(str, arguments))
            raise EdgePruneError(where, f"must be one of {allowed}, is {value!r}")
    elif is_typeddict(kind):
        _check_table(_of(value, dict, where), kind, where, closed)
    elif origin is list:
        for i, item in enumerate(_of(value, list, where)):
            _check(item, arguments[0], f"{where}[{i}]", closed)
    elif origin is dict:
        for key, item in _of(value, dict, where).items():
            _check(item, arguments[1], f"{where}: {key}", closed)
    else:
        _of(value, kind, where)


def _of(value: object, kind: type[Any], where: str) -> Any:
    """The value, which is of a kind; a whole number is a number too, true and false are none."""
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise EdgePruneError(where, f"must be a {_WORDS[kind]}, is {_shown(value)}")
    if isinstance(value, int) and abs(value) > LARGEST:
        raise EdgePruneError(where, f"must be a {_WORDS[kind]} up to {LARGEST}, is larger")
    return value


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return f"a {_WORDS[type(value)]}"
    return "null" if value is None else repr(value)


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
    assert len(others) == 1, "of several types none says what is wrong"
    _check(value, others[0], where, closed)


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
