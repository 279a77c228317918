"""C text: names, array literals, comments. Names and comments come from untrusted models."""

from __future__ import annotations

import re

import numpy as np

from edgeprune.ir import Array

KEYWORDS = frozenset(
    """auto break case char const continue default do double else enum extern float for goto if
    inline int long register restrict return short signed sizeof static struct switch typedef union
    unsigned void volatile while main and or not xor class new delete this template try catch
    """.split()
)
LINE = 96


def identifier(text: str, fallback: str = "model") -> str:
    """A C identifier that looks like the text: letters, digits and single underscores.

    At most 40 characters; never a keyword, never empty, never with a leading digit or underscore.
    """
    plain = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")[:40].strip("_")
    if not plain:
        return fallback
    if plain[0].isdigit() or plain in KEYWORDS or plain.lower().startswith("ep_"):
        plain = f"m_{plain}"
    return plain


class Names:
    """Gives every layer its own identifier, however alike the user's names are."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def unique(self, text: str, fallback: str = "layer") -> str:
        """An identifier that was not given before (compared without case)."""
        base = identifier(text, fallback)
        name, n = base, 2
        while name.lower() in self._taken:
            name, n = f"{base}_{n}", n + 1
        self._taken.add(name.lower())
        return name


def comment(text: str) -> str:
    """Untrusted text that is safe inside a C comment and on one line."""
    printable = "".join(c if " " <= c <= "~" else "?" for c in text)
    return printable.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?")[:200]


def number(value: float, c_type: str) -> str:
    """A literal that reads back exactly."""
    if c_type == "float":
        if np.isnan(value) or np.isinf(value):
            return f"({'-' if value < 0 else ''}HUGE_VALF)"
        text = np.format_float_scientific(np.float32(value), unique=True, trim="0")
        plain = np.format_float_positional(np.float32(value), unique=True, trim="0")
        return f"{plain if len(plain) <= len(text) else text}f"
    v = int(value)
    if c_type == "int32_t" and v == -(2**31):
        return "(-2147483647 - 1)"
    if c_type == "int16_t" and v == -(2**15):
        return "(-32767 - 1)"
    if c_type == "int64_t":
        return f"INT64_C({v})"
    return f"{v}u" if c_type.startswith("u") else str(v)


def array(name: str, values: Array, c_type: str, attribute: str = "") -> str:
    """A constant array with file scope."""
    flat = values.ravel()
    rows: list[str] = []
    row = "   "
    for v in flat.tolist():
        item = f" {number(v, c_type)},"
        if len(row) + len(item) > LINE:
            rows.append(row)
            row = "   "
        row += item
    rows.append(row)
    space = f" {attribute}" if attribute else ""
    body = "\n".join(rows).rstrip(",")
    return f"static const {c_type} {name}[{len(flat)}]{space} = {{\n{body}\n}};\n"
