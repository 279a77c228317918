"""What a model keeps from call to call, in C: a struct that the caller owns, and its reset."""

from __future__ import annotations

import numpy as np

from edgeprune.emit.to_c.program import c_type
from edgeprune.emit.to_c.writer import Names, array, comment
from edgeprune.ir import Graph, initial_value

STEP = [
    " * state: what the last call left; every stream of inputs has its own, begun by _reset.",
]
"""What the comment of the entry point says more."""


def members_of(graph: Graph) -> dict[str, str]:
    """By the input of a state, its member of the struct."""
    names = Names()
    return {v: names.unique(graph.said(v), "state") for v in graph.states}


def declaration(graph: Graph, name: str) -> list[str]:
    """The struct and the function that begins it; nothing where there is no state."""
    if not graph.states:
        return []
    members = members_of(graph)
    lines = [
        f"#define {name.upper()}_STATE_BYTES sizeof({name}_state)",
        "",
        "/* What is kept from one call to the next: one for each stream of inputs. */",
        "typedef struct {",
    ]
    for v in sorted(graph.states, key=lambda v: -graph.types[v].dtype.bits):
        t = graph.types[v]
        dims = "".join(f"[{d}]" for d in t.shape)
        what = f"{c_type(t)} {dims}; named '{comment(graph.said(v))}'"
        lines.append(f"    {c_type(t)} {members[v]}[{t.size}]; /* {what} */")
    return [
        *lines,
        f"}} {name}_state;",
        "",
        "/* The state before the first call. */",
        f"{_prototype(name)};",
        "",
    ]


def reset(graph: Graph, name: str) -> list[str]:
    """The function that begins a state; nothing where there is none."""
    if not graph.states:
        return []
    data, body = [], []
    for v, member in members_of(graph).items():
        value, to = initial_value(graph, v), f"state->{member}"
        raw = set(np.ascontiguousarray(value).tobytes())
        if len(raw) == 1:
            body.append(f"    memset({to}, 0x{raw.pop():02x}, {value.nbytes}u);")
            continue
        first = f"{name}_{member}_first"
        data.append(array(first, value, c_type(graph.types[v])))
        body.append(f"    memcpy({to}, {first}, {value.nbytes}u);")
    return [*data, _prototype(name), "{", *body, "}", ""]


def _prototype(name: str) -> str:
    return f"void {name}_reset({name}_state *state)"
