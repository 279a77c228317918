"""Whether the C types of a kernel's parameters hold the numbers that are written to them."""

from __future__ import annotations

import re
from functools import cache

from edgeprune.kernels.call import KernelCall
from edgeprune.resources import runtime_dir

_STRUCT = re.compile(r"typedef struct \w* ?\{(.*?)\} (\w+);", re.DOTALL)
_ALIAS = re.compile(r"^typedef (\w+_params) (\w+);", re.MULTILINE)
_FIELD = re.compile(r"\b(u?)int(\d+)_t (\w+);")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def holds(call: KernelCall) -> bool:
    """Whether every integer parameter of a call fits its field; else C would silently wrap it.

    Members of nested structs, which are text, are not looked at.
    """
    return all(_fits(c.params_type, c.params) for c in call.chain)


def _fits(params_type: str, params: tuple[tuple[str, int | float | str], ...]) -> bool:
    fields = _fields()[params_type] if params_type else {}
    return all(v in fields[k] for k, v in params if isinstance(v, int) and k in fields)


@cache
def _fields() -> dict[str, dict[str, range]]:
    """What the integer fields of every struct of the runtime hold."""
    files = sorted(runtime_dir().rglob("*.h"))
    text = _COMMENT.sub("", "\n".join(f.read_text() for f in files))
    found = {
        name: {field: _range(int(bits), bool(u)) for u, bits, field in _FIELD.findall(body)}
        for body, name in _STRUCT.findall(text)
    }
    return found | {name: found[kind] for kind, name in _ALIAS.findall(text)}


def _range(bits: int, unsigned: bool) -> range:
    return range(2**bits) if unsigned else range(-(2 ** (bits - 1)), 2 ** (bits - 1))
