"""A self-test that is flashed with the model: stored inputs, and what must come out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeprune.emit.to_c.feed import feed_of
from edgeprune.emit.to_c.program import Program, Vectors, c_type
from edgeprune.emit.to_c.writer import array, numbered


def write_selftest(program: Program, name: str, vectors: Vectors) -> tuple[str, str]:
    """Header and source of <name>_selftest.

    Args:
        program: the lowered network.
        name: its C identifier.
        vectors: a few stored cases; rows where there are several inputs or outputs.

    Returns:
        Text of <name>_selftest.h and of <name>_selftest.c.
    """
    g, p = program.graph, name.upper()
    t_in, t_out = g.types[g.arguments[0]], g.types[g.results[0]]
    n = len(vectors.inputs)
    ins, outs = numbered("input", len(g.arguments)), numbered("output", len(g.results))
    state = f"{name}_state *state, " if g.states else ""
    order = ", one after the other" if g.states else ""
    begin = f"    {name}_reset(state);\n" if g.states else ""
    lead = "state, " if g.states else ""
    feeds = feed_of(program) is not None
    fed = f"; in {p}_FEED_ARENA_BYTES they come row by row too" if feeds else ""
    header = f"""#ifndef {p}_SELFTEST_H
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
    differs = "*expected != {}[i]"
    helper = ""
    if t_out.dtype.value == "float32":
        differs = "differs(*expected, {}[i])"
        helper = f"""
/* float32: {vectors.tolerance:g} relative, or absolute below 1 */
static int differs(float want, float got)
{{
    const float size = want < 0.0f ? -want : want;
    const float gap = want < got ? got - want : want - got;
    return !(gap <= {vectors.tolerance:g}f * (size > 1.0f ? size : 1.0f));
}}
"""
    kinds = c_type(t_in), c_type(t_out)
    placed = {v: program.plan.has_place(a) for v, a in zip(ins, g.arguments, strict=True)}
    places = "\n".join(
        f"    {kind} *const {v} = ({kind} *)(void *)(start + {p}_{v.upper()}_OFFSET);"
        for kind, values in zip(kinds, (ins, outs), strict=True)
        for v in values
        if placed.get(v, True)
    )
    fill = "\n".join(_given(v, f"{p}_{v.upper()}_LEN", kinds[0], copied=placed[v]) for v in ins)
    # kernels that read an input where it is stored have no pointers into flash
    space = "SPACE " if all(placed.values()) else ""
    compare = "\n".join(
        f"""        for (size_t i = 0; i < {p}_{v.upper()}_LEN; i++, expected++) {{
            wrong += {differs.format(v)};
        }}"""
        for v in outs
    )
    source = f"""#include "{name}_selftest.h"

#ifdef __AVR__ /* constants stay in flash */
#define SPACE __flash
#else
#define SPACE
#endif

{array("inputs", np.asarray(vectors.inputs), kinds[0], space.strip())}
{array("outputs", np.asarray(vectors.outputs), kinds[1], "SPACE")}{helper}
int {name}_selftest({state}void *arena, size_t arena_bytes)
{{
    uint8_t *const start = (uint8_t *)arena;
{places}
    const {space}{kinds[0]} *from = inputs;
    const SPACE {kinds[1]} *expected = outputs;
    int wrong = 0;
    if (arena_bytes < {p}_ARENA_BYTES) {{
        return -1;
    }}
{begin}    for (int n = 0; n < {p}_SELFTEST_CASES; n++) {{
{fill}
        if ({name}_run({lead}arena, arena_bytes, {", ".join((*ins, *outs))}) != EP_OK) {{
            return -1;
        }}
{compare}{_fed(name, ins, outs, compare) if feeds else ""}
    }}
    return wrong;
}}
"""
    return header, source


def _fed(name: str, ins: Sequence[str], outs: Sequence[str], compare: str) -> str:
    """The same case once more, row by row, where the arena has the bytes for that."""
    p, given = name.upper(), ins[0]
    back = " + ".join(f"{p}_{v.upper()}_LEN" for v in outs)
    again = compare.replace("\n", "\n    ")
    return f"""
        if (arena_bytes >= {p}_FEED_ARENA_BYTES) {{
            expected -= {back};
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


def _given(name: str, length: str, kind: str, *, copied: bool) -> str:
    """An input of the next case: copied to its place in the arena, or read where it is stored."""
    if not copied:
        return f"        const {kind} *const {name} = from;\n        from += {length};"
    return f"""        for (size_t i = 0; i < {length}; i++) {{
            {name}[i] = *from++;
        }}"""
