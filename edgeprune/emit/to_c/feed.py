"""Functions that take an input row by row: the network's own input is never there as a whole.

Offered where the first layers run by rows, the first of them reads the input and nothing else does,
and what they make is no output of the network. Rows that are still to be read lie behind the arena,
and behind them how far it has got.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from edgeprune.emit.to_c.program import Program, c_type
from edgeprune.emit.to_c.writer import array, numbered
from edgeprune.planner.plan import round_up

STATE_BYTES = 16
"""Turns that have run, rows that were fed, elements that are held, elements that were made."""


@dataclass(frozen=True)
class Feed:
    """What there is of an input that comes row by row.

    Attributes:
        value: the input.
        result: what the layers that run by rows make of it.
        needs: by turn, rows that must have come.
        held: the most rows that are there at once.
        height: rows that there are in all.
        row: elements of a row.
        c_type: their type.
        row_bytes: bytes of a row.
    """

    value: str
    result: str
    needs: tuple[int, ...]
    held: int
    height: int
    row: int
    c_type: str
    row_bytes: int

    @property
    def ring_bytes(self) -> int:
        """Of the rows that are there at once."""
        return round_up(self.held * self.row_bytes, 4)

    @property
    def extra_bytes(self) -> int:
        """Beside the arena."""
        return self.ring_bytes + STATE_BYTES


def feed_of(program: Program) -> Feed | None:
    """How the input is fed; None where that is not offered."""
    span, graph = program.plan.span, program.graph
    if span is None or len(graph.inputs) != 1:
        return None
    value = graph.inputs[0]
    home = program.plan.home
    if {home[value], home[span.result]} & {home.get(v) for v in graph.outputs}:
        return None  # what is given at the end must be there, in whatever shape, before it
    readers = graph.users[value]
    first = program.plan.order[0] == span.nodes[0].name
    if not first or span.read != {value} or [n.name for n in readers] != [span.nodes[0].name]:
        return None
    operand = readers[0].inputs.index(value)
    reads = [t.made.get(readers[0].name) for t in span.turns]
    rows = [None if made is None else made[1].rows[operand] for made in reads]
    needs = tuple(accumulate((0 if r is None else r.stop for r in rows), max))
    starts: list[int] = []
    for r in reversed(rows):  # the first row that is read from a turn on
        later = starts[-1] if starts else needs[-1]
        starts.append(later if r is None else r.start)
    starts.reverse()
    if starts[0] or any(s > n for s, n in zip(starts[1:], needs, strict=False)):
        return None  # rows that nothing reads come first, or in between
    held = max(n - s for n, s in zip(needs, starts, strict=True))
    t = graph.types[value]
    row = t.size // t.shape[0]
    return Feed(value, span.result, needs, held, t.shape[0], row, c_type(t), t.nbytes // t.shape[0])


def feed_macros(feed: Feed, prefix: str) -> list[str]:
    """What a caller has to know."""
    return [
        f"#define {prefix}_FEED_ARENA_BYTES ({prefix}_ARENA_BYTES + {feed.extra_bytes}u)",
        f"#define {prefix}_FEED_ROWS {feed.height}",
        f"#define {prefix}_FEED_ROW_LEN {feed.row}u",
    ]


def feed_prototypes(program: Program, feed: Feed, name: str) -> list[str]:
    """The three functions, and what they are for."""
    p = name.upper()
    begin, rows, end = _prototypes(program, feed, name)
    return [
        "/* The same, of an input that comes row by row, as a camera hands it over, and is never",
        f" * there as a whole: begin, {p}_FEED_ROWS rows of {p}_FEED_ROW_LEN values, any",
        f" * number at a time, end. arena: at least {p}_FEED_ARENA_BYTES bytes, 4-byte",
        " * aligned, the same in all calls and left alone between them. Rows may be overwritten",
        " * when a call returns. */",
        f"{begin};",
        f"{rows};",
        f"{end}; /* EP_ROWS_MISSING: some have not come */",
    ]


def _prototypes(program: Program, feed: Feed, name: str) -> tuple[str, str, str]:
    g = program.graph
    outputs = "".join(
        f", {c_type(g.types[v])} *{arg}"
        for v, arg in zip(g.outputs, numbered("output", len(g.outputs)), strict=True)
    )
    return (
        f"ep_status {name}_begin(void *arena, size_t arena_bytes)",
        f"void {name}_feed_rows(void *arena, const {feed.c_type} *rows, int32_t count)",
        f"ep_status {name}_end(void *arena{outputs})",
    )


def feed_text(program: Program, feed: Feed, name: str) -> str:
    """The functions; ``<name>_turn`` and ``<name>_rest`` are there."""
    p = name.upper()
    begin, rows, end = _prototypes(program, feed, name)
    turns = len(feed.needs)
    made = c_type(program.graph.types[feed.result])
    outputs = "".join(f", {a}" for a in numbered("output", len(program.graph.outputs)))
    state = f"(int32_t *)(void *)((uint8_t *)arena + {p}_ARENA_BYTES + {feed.ring_bytes})"
    needs = array(f"{name}_needs", np.asarray(feed.needs, np.uint16), "uint16_t", "")
    return f"""{needs}
{begin}
{{
    if (arena_bytes < {p}_FEED_ARENA_BYTES) {{
        return EP_ARENA_SMALL;
    }}
    if (((uintptr_t)arena & 3u) != 0) {{
        return EP_BAD_ALIGN;
    }}
    memset({state}, 0, {STATE_BYTES});
    return EP_OK;
}}

{rows}
{{
    uint8_t *const arena_ = (uint8_t *)arena;
    {feed.c_type} *const held = ({feed.c_type} *)(void *)(arena_ + {p}_ARENA_BYTES);
    {made} *const result = ({made} *)(void *)(arena_ + {program.plan.offset_of(feed.result)});
    int32_t *const state = {state};
    for (; count > 0 && state[0] < {turns}; count--) {{
        memcpy(held + state[2], rows, {feed.row_bytes}u);
        rows += {feed.row};
        state[2] += {feed.row};
        state[1]++;
        while (state[0] < {turns} && {name}_needs[state[0]] <= state[1]) {{
            const {feed.c_type} *x = held;
            {made} *y = result + state[3];
            {name}_turn(arena_, state[0], &x, &y);
            state[0]++;
            state[2] -= (int32_t)(x - held);
            state[3] = (int32_t)(y - result);
            memmove(held, x, (size_t)state[2] * sizeof *held);
        }}
    }}
}}

{end}
{{
    const int32_t *const state = {state};
    if (state[0] < {turns}) {{
        return EP_ROWS_MISSING;
    }}
    {name}_rest((uint8_t *)arena{outputs});
    return EP_OK;
}}
"""
