"""Where bytes lie: of the arena in every step, and of flash by function and constant."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from edgeprune.compiler import Compiled, Footprint
from edgeprune.compiler.measure import MEASURED
from edgeprune.emit.to_c import file_name
from edgeprune.emit.to_c.feed import feed_of
from edgeprune.emit.to_c.model import layer_prefixes
from edgeprune.report.schema_network import ByRows, Flash, Memory

# Where flash goes that no single layer causes.
ENTRY, SHARED, REST = "(entry point)", "(shared by layers)", "(C library, padding)"


def memory_of(compiled: Compiled) -> Memory:
    """Live buffers of every step, and where each lies."""
    plan = compiled.plan
    return {
        "steps": [
            {
                "step": name,
                "live": {b.name: b.nbytes for b in plan.buffers if b.first <= i <= b.last},
            }
            for i, (name, _) in enumerate(plan.steps)
        ],
        "buffers": [
            {
                "name": b.name,
                "offset": plan.offsets[b.name],
                "bytes": b.nbytes,
                "first": b.first,
                "last": b.last,
            }
            for b in plan.buffers
        ],
        "by_rows": _by_rows(compiled),
    }


def _by_rows(compiled: Compiled) -> ByRows | None:
    """What runs by rows: what each value keeps, and what that saves and costs (estimated)."""
    span, whole = compiled.plan.span, compiled.whole
    if span is None or whole is None:
        return None
    types, feed = compiled.graph.types, feed_of(compiled.program)
    return {
        "layers": [n.name for n in span.nodes],
        "turns": len(span.turns),
        "values": [
            {
                "name": n.output,
                "rows": span.height(n.output),
                "of": types[n.output].shape[0],
                "bytes": types[n.output].nbytes // types[n.output].shape[0] * span.height(n.output),
                "whole_bytes": types[n.output].nbytes,
            }
            for n in span.nodes[:-1]
        ],
        "fed_by_rows": [v for v in compiled.graph.inputs if not compiled.plan.has_place(v)],
        "feed_bytes": None if feed is None else feed.extra_bytes,
        "arena_bytes_whole": whole.plan.arena_bytes,
        "more_work": compiled.work / whole.work - 1 if whole.work else None,
    }


def flash_rows(compiled: Compiled, size: Footprint) -> list[Flash]:
    """Bytes by function and constant, from the linker's map, with the layer that they are for."""
    if size.size is None:
        return []
    prefixes = sorted(
        ((prefix, layer) for layer, prefix in layer_prefixes(compiled.program, MEASURED).items()),
        key=lambda row: -len(row[0]),
    )
    users: dict[str, set[str]] = {}
    for layer, call in compiled.calls.items():
        for source in (*call.sources, *call.drop_ins):
            users.setdefault(Path(file_name(source)).stem, set()).add(layer)
    rows: Counter[tuple[str, str]] = Counter()
    for c in size.size.contributions:
        own = next((row for row in prefixes if c.symbol.startswith(f"{row[0]}_")), None)
        by = users.get(Path(c.object).stem, set()) or {
            layer
            for layer, call in compiled.calls.items()
            if any(f"({c.symbol}," in link.instance for link in call.chain)
        }
        if own is not None:
            layer, name = own[1], c.symbol[len(own[0]) + 1 :]
        elif c.symbol in (f"{MEASURED}_run", f"{MEASURED}_reset"):
            layer, name = ENTRY, c.symbol.removeprefix(f"{MEASURED}_")
        elif len(by) == 1:
            layer, name = next(iter(by)), c.symbol or c.object
        else:
            layer = SHARED if by or c.object.startswith("ep_") else REST
            name = c.symbol or c.object or "padding"
        rows[layer, name] += c.bytes
    rows[REST, "padding"] += size.flash_bytes - sum(rows.values())
    return [{"layer": layer, "name": name, "bytes": n} for (layer, name), n in rows.most_common()]
