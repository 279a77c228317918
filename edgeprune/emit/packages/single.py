"""One header and one source to paste into any project; assembly, where there is some, in a third.

Files that were compiled one by one become one: headers in the order of their includes, and what is
private to a file under a name of its own. Functions of the runtime get the model's name in front,
so that several such models can be pasted into one project.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from edgeprune.emit.packages.facts import Facts, Files, Parts, parts
from edgeprune.emit.packages.render import package
from edgeprune.kernels.isa import GUARDS

_INCLUDE = re.compile(r'^#include "([^"]+)"\n', re.MULTILINE)
_STATIC = re.compile(r"^(?:EP_\w+ )?static [^=;{(]*?\b(\w+)(?:\(|\[| =|;)", re.MULTILINE)
_TYPE = re.compile(r"^} (\w+);", re.MULTILINE)
_MACRO = re.compile(r"^[ \t]*#define (\w+)", re.MULTILINE)
_PUBLIC = re.compile(r"\b(ep_\w+)\s*\(")
_MACRO_LABEL = re.compile(r"^\s*\.macro (\w+)", re.MULTILINE)

_QUIET = """/* Helpers of the runtime's headers that this model does not need. */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wunused-function"
#endif
"""


def single(files: Files, facts: Facts) -> dict[str, bytes]:
    """``<name>.h`` and ``<name>.c``, with the self-test behind ``<NAME>_SELFTEST``."""
    c = parts(files, facts)
    text = {name: content.decode() for name, content in files.items()}
    public = _functions(text, c)
    rename = {f: f"{facts.name}_{f}" for f in public}
    made = {
        f"{facts.name}.h": _header(text, c, facts),
        f"{facts.name}.c": _words(_source(text, c, facts), rename),
    }
    if c.assembly:
        made[f"{facts.name}_fast.S"] = _words(_assembly(text, c), rename)
    rest = package("single", files, facts, {}, {"selftest_main.c": "single/selftest_main.c"})
    return {f"{facts.name}/{k}": v.encode() for k, v in made.items()} | rest


def _functions(text: dict[str, str], c: Parts) -> set[str]:
    """Functions of the runtime that are not private to a file."""
    found: set[str] = set()
    for name in c.headers:
        if name.startswith("ep_") and name.endswith(".h"):
            for line in re.sub(r"/\*.*?\*/", "", text[name], flags=re.DOTALL).splitlines():
                if re.match(r"(void|int32_t|const|int)\b", line):
                    found |= set(_PUBLIC.findall(line))
    return found


def _words(text: str, rename: dict[str, str]) -> str:
    """Text with identifiers renamed; members of structures keep their names."""
    if not rename:
        return text
    names = "|".join(sorted(map(re.escape, rename), key=len, reverse=True))
    pattern = rf"(?<![\w.])(?<!->)({names})(?!\w|\.[hcS]\b)"
    return re.sub(pattern, lambda m: rename[m.group(1)], text)


def _ordered(text: dict[str, str], roots: Iterable[str]) -> list[str]:
    """Headers of the folder in an order in which each comes after those that it includes."""
    order: list[str] = []

    def visit(name: str) -> None:
        for header in _INCLUDE.findall(text[name]):
            visit(header)
        if name.endswith(".h") and name not in order:
            order.append(name)

    for root in roots:
        visit(root)
    return order


def _header(text: dict[str, str], c: Parts, facts: Facts) -> str:
    """The model's header with what it includes, and the self-test's."""
    own = f"{facts.name}.h"
    inside = [h for h in _ordered(text, [own]) if h != own]
    public = "".join(_bare(text[h]) for h in inside)
    body = _INCLUDE.sub("", text[own])
    marks = f"#define {facts.prefix}_H\n"
    head, tail = body.split(marks, 1)
    tail = tail.replace("#include <stdint.h>\n", f"#include <stdint.h>\n\n{public}", 1)
    selftest = _INCLUDE.sub("", text[c.selftest[0]])
    return f"{head}{marks}{tail}\n{selftest}"


def _source(text: dict[str, str], c: Parts, facts: Facts) -> str:
    """Everything that is compiled, in one file."""
    known = set(_ordered(text, [c.selftest[0]]))
    sources = [s for s in c.sources if s.endswith(".c")]
    headers = [h for h in _ordered(text, sources) if h not in known]
    pieces = {s: _whole(text, s) for s in (*sources, c.selftest[1])}
    out = [f'#include "{facts.name}.h"\n', "#include <string.h>\n", _QUIET]
    out += [_bare(text[h]) for h in headers]
    seen: set[str] = set()
    for name, piece in pieces.items():
        stem = name.rsplit(".", 1)[0].removeprefix("ep_")
        own = [*_STATIC.findall(piece), *_TYPE.findall(piece)]
        private = {m: f"{stem}_{m}" for m in own if m in seen}
        seen |= set(own)
        macros = [m for m in dict.fromkeys(_MACRO.findall(piece)) if m != "EP_PROFILE"]
        body = _words(_bare(piece), private).strip("\n")
        undefined = "".join(f"#undef {m}\n" for m in macros)
        block = f"/* ---- {name} */\n{body}\n{undefined}"
        if faster := _replaced_where(name, pieces):
            block = f"#if !({faster})\n{block}#endif\n"
        if name == c.selftest[1]:
            block = f"#ifdef {facts.prefix}_SELFTEST\n{block}#endif\n"
        out.append(block)
    return "\n".join(out)


def _replaced_where(name: str, sources: Iterable[str]) -> str:
    """The preprocessor's condition for another C file to have this one's function; "": none has.

    In files of their own the linker chooses; in one file there can be only one.
    """
    stem = name.removesuffix(".c")
    guards = [guard for isa, guard in GUARDS.items() if f"{stem}-{isa}.c" in sources]
    return " || ".join(guards)


def _assembly(text: dict[str, str], c: Parts) -> str:
    """All assembly in one file; macros of one piece are forgotten before the next."""
    out = []
    for name in c.assembly:
        whole = _whole(text, name)
        end = whole.rindex("#endif")
        forget = "".join(f"    .purgem {m}\n" for m in _MACRO_LABEL.findall(whole))
        out.append(f"{whole[:end]}{forget}{whole[end:]}")
    return "\n".join(out)


def _whole(text: dict[str, str], name: str) -> str:
    """A source with the bodies in it that it shares with others (``.inc``)."""

    def body(match: re.Match[str]) -> str:
        return _whole(text, match[1]) if match[1].endswith(".inc") else match[0]

    return _INCLUDE.sub(body, text[name])


def _bare(text: str) -> str:
    """Text without includes of files that are in the same file now."""
    return _INCLUDE.sub("", text)
