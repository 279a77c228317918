"""The model's own .h: what an application knows of it."""

from __future__ import annotations

from edgeprune import __version__
from edgeprune.emit.to_c.feed import feed_macros, feed_of, feed_prototypes
from edgeprune.emit.to_c.program import Program, c_type
from edgeprune.emit.to_c.state import STEP, declaration
from edgeprune.emit.to_c.writer import comment, number, numbered
from edgeprune.ir import DType, Graph
from edgeprune.kernels.isa import GUARDS
from edgeprune.ops.embedding import rows_of


def banner(program: Program) -> str:
    """The comment that both files begin with."""
    digest = f" (sha256 {program.sha256[:16]})" if program.sha256 else ""
    lines = [
        f"/* Made by edgeprune {__version__} from {comment(program.title)}{digest},",
        f" * target {comment(program.target)}. Do not edit.",
    ]
    if program.command:
        lines.append(f" * {comment(program.command)}")
    return "\n".join([*lines, " */"])


def prototype(program: Program, name: str) -> str:
    """The head of the function of one inference."""
    g = program.graph
    inputs = "".join(
        f", const {c_type(g.types[v])} *{arg}"
        for v, arg in zip(g.arguments, numbered("input", len(g.arguments)), strict=True)
    )
    outputs = "".join(
        f", {c_type(g.types[v])} *{arg}"
        for v, arg in zip(g.results, numbered("output", len(g.results)), strict=True)
    )
    state = f"{name}_state *state, " if g.states else ""
    return f"ep_status {name}_run({state}void *arena, size_t arena_bytes{inputs}{outputs})"


def _port_macros(prefix: str, word: str, graph: Graph, value: str) -> list[str]:
    t, port = graph.types[value], graph.ports.get(value)
    dims = "".join(f"[{d}]" for d in t.shape)
    said = [f"{c_type(t)} {dims}"]
    if layout := graph.layout(value):
        said.append(layout)
    if t.is_index:
        said.append(f"numbers of rows, 0 to {rows_of(graph, value) - 1}")
    if t.quant is not None:
        scale, zero = t.quant.scalar
        said.append(f"real = {number(scale, 'float')} * (q - ({zero}))")
    if port is not None:
        said.append(f"the model's '{comment(port.name)}'")
    p = f"{prefix}_{word}"
    lines = [
        f"#define {p}_LEN {t.size}u /* {'; '.join(said)} */",
        f"#define {p}_BYTES {t.nbytes}u",
        f"#define {p}_RANK {len(t.shape)}",
    ]
    lines += [f"#define {p}_DIM{i} {d}" for i, d in enumerate(t.shape)]
    if t.quant is not None:
        lines += [
            f"#define {p}_SCALE {number(scale, 'float')}",
            f"#define {p}_ZERO_POINT ({zero})",
        ]
        of_bytes = (scale, zero) == (1.0, -128) or (port is not None and port.dtype is DType.UINT8)
        if word.startswith("INPUT") and t.dtype is DType.INT8 and of_bytes:
            of = f"{p}_OF_BYTE(byte) ((int8_t)((int)(byte) - 128))"
            lines.append(f"#define {of} /* from 0 to 255, as in an image */")
    return lines


def _offsets(program: Program, prefix: str) -> list[str]:
    g = program.graph
    return [
        f"#define {prefix}_{w}_OFFSET {program.plan.offset_of(v)}u"
        for values, word in ((g.arguments, "INPUT"), (g.results, "OUTPUT"))
        for v, w in zip(values, numbered(word, len(values)), strict=True)
        if program.plan.has_place(v)
    ]


def guard(program: Program) -> str:
    """The preprocessor's condition under which the program's own kernels are built."""
    isas = {isa for call in program.calls.values() for isa in call.isas}
    return " && ".join(GUARDS[isa] for isa in sorted(isas))


def _arena(program: Program, prefix: str) -> list[str]:
    """What the arena must hold with the kernels that are built."""
    sizes = [form.plan.arena_bytes for form in (program, program.fallback) if form is not None]
    lines = [f"#define {prefix}_ARENA_BYTES {n}u /* 4-byte aligned, no state */" for n in sizes]
    if len(set(sizes)) == 1:
        return lines[:1]
    return [f"#if {guard(program)}", lines[0], "#else", lines[1], "#endif"]


def write_header(program: Program, name: str) -> str:
    """The text of <name>.h."""
    g, p, feed = program.graph, name.upper(), feed_of(program)
    lines = [
        banner(program),
        f"#ifndef {p}_H",
        f"#define {p}_H",
        "",
        "#include <stddef.h>",
        "#include <stdint.h>",
        "",
        '#include "ep_status.h"',
        "",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "",
        *_arena(program, p),
        *(feed_macros(feed, p) if feed else []),
        *declaration(g, name),
    ]
    for values, word in ((g.arguments, "INPUT"), (g.results, "OUTPUT")):
        for v, w in zip(values, numbered(word, len(values)), strict=True):
            lines += _port_macros(p, w, g, v)
    lines.append("/* Places in the arena that are free for input and output. */")
    if program.fallback is not None:
        lines += [f"#if {guard(program)}", *_offsets(program, p), "#else"]
        lines += [*_offsets(program.fallback, p), "#endif"]
    else:
        lines += _offsets(program, p)
    if program.labels:
        quoted = ", ".join(f'"{_c_string(label)}"' for label in program.labels)
        lines += [f"#define {p}_CLASSES {len(program.labels)}", f"#define {p}_LABELS {quoted}"]
    lines += [
        "",
        "/* One inference. arena: working memory of at least " + f"{p}_ARENA_BYTES bytes, 4-byte",
        " * aligned; nothing in it must be kept between calls. input and output may lie anywhere,",
        *_where(program, p),
        *(STEP if g.states else []),
        " * Values are in the order of the comments above, last index fastest. */",
        f"{prototype(program, name)};",
        "",
        *([*feed_prototypes(program, feed, name), ""] if feed else []),
        "#ifdef __cplusplus",
        "}",
        "#endif",
        "#endif",
        "",
    ]
    return "\n".join(lines)


def _where(program: Program, prefix: str) -> list[str]:
    """Where input and output may lie, as a part of a comment."""
    g = program.graph
    if not all(map(program.plan.has_place, g.arguments)):
        last = " * also in the arena at their _OFFSET; an input without one must lie outside of it."
    elif len(g.arguments) == len(g.results) == 1:
        places = f"{prefix}_INPUT_OFFSET and {prefix}_OUTPUT_OFFSET"
        last = f" * also in the arena at {places}, which saves their memory."
    else:
        last = " * also in the arena at their _OFFSET, which saves their memory."
    return [last]


def _c_string(text: str) -> str:
    """What stands between the quotes of a literal: UTF-8, at most 64 characters."""
    plain = set(range(32, 127)) - set(b'"?\\')
    return "".join(chr(b) if b in plain else f"\\{b:03o}" for b in text[:64].encode())
