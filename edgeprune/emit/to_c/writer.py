"""C text: names, array literals, comments. Names and comments come from untrusted models."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from edgeprune.ir import Array

KEYWORDS = frozenset(
    """auto break case char const continue default do double else enum extern float for goto if
    inline int long register restrict return short signed sizeof static struct switch typedef union
    unsigned void volatile while main and or not xor class new delete this template try catch
    """.split()
)
HEADERS = frozenset(
    """assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal
    ieeefp
    stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string tgmath threads
    time uchar
    wchar wctype
    aio alloca byteswap cpio dirent dlfcn elf endian envlock err error execinfo fcntl features
    fnmatch ftw getopt glob grp iconv ifaddrs langinfo libgen malloc memory monetary mqueue ndbm
    netdb newlib nl_types picolibc poll pthread pty pwd reent regdef regex sched search semaphore
    spawn strings stropts syslog tar termios tgmath ucontext ulimit unctrl unistd utime utmp utmpx
    values wait wordexp
    arduino main
    aux con nul prn com1 com2 com3 com4 com5 com6 com7 com8 com9 lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7
    lpt8 lpt9
    """.split()
)
"""Headers of C, POSIX and the C libraries of the targets, which may include one another with any
file of that name in their way; and devices of Windows, which no file can be called."""
LINE = 96
LEAST = frozenset({-(2**15), -(2**31)})  # whose digits are too large for the type they are of
FLASH = "__flash"  # the address space of AVR
LARGEST = 32767  # bytes of an object, where pointers have 16 bits


def identifier(text: str, fallback: str = "model") -> str:
    """A C identifier that looks like the text: letters, digits and single underscores.

    At most 40 characters; never a keyword, never empty, never with a leading digit or underscore.
    """
    plain = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")[:40].strip("_")
    if not plain:
        return fallback
    if plain[0].isdigit() or plain in KEYWORDS or f"{plain.lower()}_".startswith("ep_"):
        plain = f"m_{plain}"
    return plain


def model_name(text: str) -> str:
    """An identifier whose header, ``<name>.h``, stands in the way of no other."""
    plain = identifier(text)
    return f"m_{plain}" if plain.lower() in HEADERS else plain


def numbered(word: str, count: int) -> list[str]:
    """The word alone, or numbered where there are several: input0, input1."""
    return [word] if count == 1 else [f"{word}{i}" for i in range(count)]


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


def array(name: str, values: Array, c_type: str, space: str = "") -> str:
    """A constant array with file scope.

    Args:
        name: its identifier.
        values: any shape.
        c_type: element type in C.
        space: address space, e.g. AVR's "__flash".
    """
    if space == FLASH and values.nbytes > LARGEST:
        return _large_array(name, values, c_type, space)
    flat = values.ravel().tolist()
    spelled = _spelled(set(flat), c_type)
    body = "\n".join(_rows("   ", [spelled[v] for v in flat])).rstrip(",")
    words = " ".join(w for w in ("static const", space, c_type) if w)
    return f"{words} {name}[{len(flat)}] = {{\n{body}\n}};\n"


def _spelled(values: set[float], c_type: str) -> dict[float, str]:
    """By value, its literal in a list: most are integers, which are spelled all in one way."""
    if c_type in ("float", "int64_t"):
        return {v: f" {number(v, c_type)}," for v in values}
    end = "u," if c_type.startswith("u") else ","
    plain = {v: f" {v}{end}" for v in values}
    return plain | {v: f" {number(v, c_type)}," for v in values & LEAST}


def _large_array(name: str, values: Array, c_type: str, space: str) -> str:
    """The same in assembly: avr-gcc has no type for it, though its flash has the room."""
    numbers = values.astype(values.dtype.newbyteorder("<")).ravel().view(np.uint8).tolist()
    rows = _rows('    ".byte', [f" {v}," for v in numbers])
    body = "\n".join(f'{row.rstrip(",")}\\n"' for row in rows)
    return (
        f"extern const {space} {c_type} {name}[]; /* {len(values.ravel())} */\n"
        f'__asm__(".pushsection .progmem.data.{name},\\"a\\",@progbits\\n"\n'
        f'    ".global {name}\\n{name}:\\n"\n{body}\n    ".popsection\\n");\n'
    )


def _rows(start: str, items: Sequence[str]) -> list[str]:
    """Items in rows of as many as fit a line, whichever they are."""
    count = max(1, (LINE - len(start)) // max(map(len, items)))
    return [start + "".join(items[i : i + count]) for i in range(0, len(items), count)]
