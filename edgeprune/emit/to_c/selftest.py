"""A self-test that is flashed with the model: stored inputs, and what must come out."""

from __future__ import annotations

import numpy as np

from edgeprune.emit.to_c.program import Program, Vectors, c_type
from edgeprune.emit.to_c.writer import array


def write_selftest(program: Program, name: str, vectors: Vectors) -> tuple[str, str]:
    """Header and source of <name>_selftest.

    Args:
        program: the lowered network, with one input and one output.
        name: its C identifier.
        vectors: a few stored cases.

    Returns:
        Text of <name>_selftest.h and of <name>_selftest.c.
    """
    g, p = program.graph, name.upper()
    t_in, t_out = g.types[g.inputs[0]], g.types[g.outputs[0]]
    n = len(vectors.inputs)
    header = f"""#ifndef {p}_SELFTEST_H
#define {p}_SELFTEST_H

#include "{name}.h"

#ifdef __cplusplus
extern "C" {{
#endif

#define {p}_SELFTEST_CASES {n}

/* Runs {n} stored inputs and compares what comes out with what edgeprune computed.
 * arena: {p}_ARENA_BYTES bytes, 4-byte aligned. Returns how many outputs differ: 0 is good; -1: the
 * model did not run. */
int {name}_selftest(void *arena, size_t arena_bytes);

#ifdef __cplusplus
}}
#endif
#endif
"""
    differs = "expected[i] != output[i]"
    helper = ""
    if t_out.dtype.value == "float32":
        differs = "differs(expected[i], output[i])"
        helper = f"""
/* float32: {vectors.tolerance:g} relative, or absolute below 1 */
static int differs(float want, float got)
{{
    const float size = want < 0.0f ? -want : want;
    const float gap = want < got ? got - want : want - got;
    return !(gap <= {vectors.tolerance:g}f * (size > 1.0f ? size : 1.0f));
}}
"""
    source = f"""#include "{name}_selftest.h"

{array("inputs", np.asarray(vectors.inputs), c_type(t_in))}
{array("outputs", np.asarray(vectors.outputs), c_type(t_out))}{helper}
int {name}_selftest(void *arena, size_t arena_bytes)
{{
    int wrong = 0;
    for (int n = 0; n < {p}_SELFTEST_CASES; n++) {{
        {c_type(t_out)} output[{p}_OUTPUT_LEN];
        const {c_type(t_out)} *expected = outputs + (size_t)n * {p}_OUTPUT_LEN;
        if ({name}_run(arena, arena_bytes, inputs + (size_t)n * {p}_INPUT_LEN, output) != EP_OK) {{
            return -1;
        }}
        for (size_t i = 0; i < {p}_OUTPUT_LEN; i++) {{
            wrong += {differs};
        }}
    }}
    return wrong;
}}
"""
    return header, source
