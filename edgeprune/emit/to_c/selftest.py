"""A self-test that is flashed with the model: stored inputs, and what must come out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeprune.emit.to_c.feed import feed_of
from edgeprune.emit.to_c.program import Program, Vectors, c_type
from edgeprune.emit.to_c.writer import array, numbered
from edgeprune.ir import split_rows


def write_selftest(program: Program, name: str, vectors: Vectors) -> tuple[str, str]:
    """Header and source of <name>_selftest.

    Args:
        program: the lowered network.
        name: its C identifier.
        vectors: a few stored cases; rows where there are several inputs or outputs.

    Returns:
        Text of <name>_selftest.h and of <name>_selftest.c.
    """
    return _header(program, name, len(vectors.inputs)), _source(program, name, vectors)


def _state(program: Program, name: str) -> str:
    """The parameter in front of the others of a model that keeps states."""
    return f"{name}_state *state, " if program.graph.states else ""


def _header(program: Program, name: str, n: int) -> str:
    p = name.upper()
    state, order = _state(program, name), ", one after the other" if program.graph.states else ""
    feeds = feed_of(program) is not None
    fed = f"; in {p}_FEED_ARENA_BYTES they come row by row too" if feeds else ""
    return f"""#ifndef {p}_SELFTEST_H
#define {p}_SELFTEST_H

#include "{name}.h"

#ifdef __cplusplus
extern "C" {{
#endif

#define {p}_SELFTEST_CASES {n}

/* Runs {n} stored inputs{order} and compares what comes out with what edgeprune computed.
 * arena: {p}_ARENA_BYTES bytes, 4-byte aligned{fed}.
 * Returns how many outputs differ: 0 is good; -1: the model did not run. */
int {name}_selftest({state}void *arena, size_t arena_bytes);

#ifdef __cplusplus
}}
#endif
#endif
"""


def _source(program: Program, name: str, vectors: Vectors) -> str:
    g, p = program.graph, name.upper()
    ins, outs = numbered("input", len(g.arguments)), numbered("output", len(g.results))
    begin = f"    {name}_reset(state);\n" if g.states else ""
    lead = "state, " if g.states else ""
    types = {a: g.types[v] for a, v in zip((*ins, *outs), (*g.arguments, *g.results), strict=True)}
    kinds = {a: c_type(t) for a, t in types.items()}
    is_real = any(kinds[a] == "float" for a in outs)
    placed = {a: program.plan.has_place(v) for a, v in zip(ins, g.arguments, strict=True)}
    places = "\n".join(
        f"    {kinds[a]} *const {a} = ({kinds[a]} *)(void *)(start + {p}_{a.upper()}_OFFSET);"
        for a in (*ins, *outs)
        if placed.get(a, True)
    )
    fill = "\n".join(_given(a, f"{p}_{a.upper()}_LEN", kinds[a], copied=placed[a]) for a in ins)
    # kernels that read an input where it is stored have no pointers into flash
    spaces = {a: "SPACE" if placed.get(a, True) else "" for a in (*ins, *outs)}
    given = split_rows(np.asarray(vectors.inputs), [types[a] for a in ins])
    wanted = split_rows(np.asarray(vectors.outputs), [types[a] for a in outs])
    stored = "\n".join(
        array(f"{a}s", np.ascontiguousarray(x, types[a].dtype.numpy), kinds[a], spaces[a])
        for a, x in zip((*ins, *outs), (*given, *wanted), strict=True)
    )
    begun = "\n".join(
        f"    const {f'{spaces[a]} '.lstrip()}{kinds[a]} *from_{a} = {a}s;" for a in (*ins, *outs)
    )
    compare = "\n".join(_compared(a, f"{p}_{a.upper()}_LEN", kinds[a]) for a in outs)
    again = _fed(name, ins, outs, compare) if feed_of(program) is not None else ""
    return f"""#include "{name}_selftest.h"

#ifdef __AVR__ /* constants stay in flash */
#define SPACE __flash
#else
#define SPACE
#endif

{stored}{_differs(vectors.tolerance) if is_real else ""}
int {name}_selftest({_state(program, name)}void *arena, size_t arena_bytes)
{{
    uint8_t *const start = (uint8_t *)arena;
{places}
{begun}
    int wrong = 0;
    if (arena_bytes < {p}_ARENA_BYTES) {{
        return -1;
    }}
{begin}    for (int n = 0; n < {p}_SELFTEST_CASES; n++) {{
{fill}
        if ({name}_run({lead}arena, arena_bytes, {", ".join((*ins, *outs))}) != EP_OK) {{
            return -1;
        }}
{compare}{again}
    }}
    return wrong;
}}
"""


def _differs(tolerance: float) -> str:
    """C that compares floats."""
    return f"""
/* float32: a hundred thousandth of the larger of 1 and the largest answer */
static int differs(float want, float got)
{{
    const float gap = want < got ? got - want : want - got;
    return !(gap <= {tolerance:e}f);
}}
"""


def _fed(name: str, ins: Sequence[str], outs: Sequence[str], compare: str) -> str:
    """The same case once more, row by row, where the arena has the bytes for that."""
    p, given = name.upper(), ins[0]
    back = "\n".join(f"            from_{v} -= {p}_{v.upper()}_LEN;" for v in outs)
    again = compare.replace("\n", "\n    ")
    return f"""
        if (arena_bytes >= {p}_FEED_ARENA_BYTES) {{
{back}
            if ({name}_begin(arena, arena_bytes) != EP_OK) {{
                return -1;
            }}
            for (int row = 0; row < {p}_FEED_ROWS; row++) {{
                {name}_feed_rows(arena, {given} + (size_t)row * {p}_FEED_ROW_LEN, 1);
            }}
            if ({name}_end(arena, {", ".join(outs)}) != EP_OK) {{
                return -1;
            }}
    {again}
        }}"""


def _compared(name: str, length: str, kind: str) -> str:
    """Elements of an output that are not the stored ones, counted."""
    wrong = f"*from_{name} != {name}[i]"
    if kind == "float":
        wrong = f"differs(*from_{name}, {name}[i])"
    return f"""        for (size_t i = 0; i < {length}; i++, from_{name}++) {{
            wrong += {wrong};
        }}"""


def _given(name: str, length: str, kind: str, *, copied: bool) -> str:
    """An input of the next case: copied to its place in the arena, or read where it is stored."""
    if not copied:
        return f"""        const {kind} *const {name} = from_{name};
        from_{name} += {length};"""
    return f"""        for (size_t i = 0; i < {length}; i++) {{
            {name}[i] = *from_{name}++;
        }}"""
