"""Write docs/report_keys.md: every key of report.json, from the types that it is read by.

python scripts/report_keys.py
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from edgeprune.report.schema import Report
from edgeprune.schema import Range

PAGE = Path(__file__).parents[1] / "docs" / "report_keys.md"
HEAD = """\
# Keys of report.json

What [a report](report.md) of schema 1 holds; `scripts/report_keys.py` makes this page from the
types that it is checked against when it is read. `[]` stands for every row of a list, `.*` for
every name. More keys may stand beside these.

| key | value |
| --- | --- |
"""
WORDS: Mapping[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    type(None): "null",
}


def page() -> str:
    """The whole page."""
    return HEAD + "".join(f"| `{key}` | {value} |\n" for key, value in keys(Report))


def keys(table: type, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every key of a ``TypedDict`` and of those in it, with what its value is."""
    for name, kind in get_type_hints(table, include_extras=True).items():
        optional = get_origin(kind) is NotRequired
        yield from _key(f"{prefix}{name}", get_args(kind)[0] if optional else kind, optional)


def _key(name: str, kind: Any, optional: bool) -> Iterator[tuple[str, str]]:
    suffix, tables = inner(kind)
    words = value(kind) + ("; may be absent" if optional else "")
    told = words if tables is None else f"{words}: {(tables.__doc__ or '').splitlines()[0]}"
    yield name, told
    if tables is not None:
        yield from keys(tables, f"{name}{suffix}.")


def inner(kind: Any) -> tuple[str, Any]:
    """The table in a type, if any, and what stands for its rows or names."""
    if is_typeddict(kind):
        return "", kind
    suffix = {list: "[]", dict: ".*"}.get(get_origin(kind), "")
    for part in get_args(kind):
        deeper, table = inner(part)
        if table is not None:
            return suffix + deeper, table
    return "", None


def value(kind: Any) -> str:
    """What a value of a type is, in words."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return value(arguments[0]) + _bounds(arguments[0], arguments[1])
    if origin in (Union, types.UnionType):
        return " or ".join(map(value, arguments))
    if origin is Literal:
        return " or ".join(f"`{a}`" for a in arguments)
    if origin is list:
        return f"list: {value(arguments[0])}"
    if origin is dict:
        return f"by name: {value(arguments[1])}"
    return WORDS.get(kind, "table")


def _bounds(kind: Any, bounds: Range) -> str:
    """Of a number; lengths of texts and lists are no matter for who reads."""
    if kind not in (int, float) or bounds == Range():
        return ""
    high = f" to {bounds.high:g}" if bounds.high != float("inf") else ""
    return f" from {bounds.low:g}{high}" if high else f" >= {bounds.low:g}"


if __name__ == "__main__":
    PAGE.write_text(page())
