"""A drawing of the network: layer by layer, how wide it was and is, and what takes from what.

Layers stand under each other with their connections on the left; widths are bars. It is HTML with
the connections as SVG, so that it is as readable on a phone as on a desk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from edgeprune.report.canvas import short

LANE = 12
"""Pixels between two lines."""
MOST_LANES = 8
LONG = 24
"""Blocks from which on the drawing scrolls in itself."""
FAMILIES = {
    "sum": ("conv2d", "depthwise_conv2d", "conv_transpose2d", "dense", "matmul"),
    "pool": ("avg_pool2d", "max_pool2d", "mean"),
    "join": ("add", "sub", "mul", "div", "concat", "maximum", "minimum", "keep"),
    "move": ("gather", "slice", "reshape", "transpose", "pad", "resize"),
}
"""Operators by what they are drawn as; all others act on each element alone."""


@dataclass
class Block:
    """A layer with what acts on its elements alone right behind it, as one box.

    Attributes:
        name: of the layer; of an input, its own.
        kinds: operators.
        before: channels in the source model.
        after: channels.
        feeds: numbers of the blocks that it takes from.
        bits: of a weight before and after; None: there are none.
        flash: bytes of constants.
        cycles: of an inference; None: not known.
        note: what else is to be said.
        turns: so many layers of a loop it stands for; its figures are of all of them.
        port: what a box without operators is called.
    """

    name: str
    kinds: list[str]
    before: int
    after: int
    feeds: list[int]
    bits: tuple[float | None, float | None] = (None, None)
    flash: int = 0
    cycles: int | None = None
    note: str = ""
    turns: int = 1
    port: str = "input"
    shape: list[int] = field(default_factory=list)

    @property
    def family(self) -> str:
        """What it is drawn as."""
        kinds = {k: family for family, names in FAMILIES.items() for k in names}
        return "port" if not self.kinds else kinds.get(self.kinds[0], "each")


def network(report: Mapping[str, Any]) -> str:
    """The drawing, as trusted HTML.

    Args:
        report: the content of report.json.
    """
    blocks = blocks_of(report)
    lanes = _lanes(blocks)
    count = 1 + max((lane for _, _, lane in lanes), default=0)
    widest = max((max(b.before, b.after) for b in blocks), default=1)
    sums = {
        "flash": report["size"]["flash_bytes"],
        "cycles": sum(b.cycles or 0 for b in blocks),
    }
    clock = report["run"].get("clock_hz")
    place = f"padding: .22rem 0 .22rem {LANE * count + 6}px"
    rows = [
        f'<li class="block {b.family}" style="{place}">{_wires(i, blocks, lanes, count)}'
        f"{_box(b, widest, sums, clock)}</li>"
        for i, b in enumerate(blocks)
    ]
    long = " long" if len(blocks) > LONG else ""
    return f'<ol class="net{long}">\n' + "\n".join(rows) + "\n</ol>"


def blocks_of(report: Mapping[str, Any]) -> list[Block]:
    """Inputs and layers as they are drawn, in order of execution.

    Args:
        report: the content of report.json; of an older one, every layer takes from the one above.
    """
    layers, ends = report["layers"], report["interface"]
    ports = [*ends["inputs"], *ends.get("states", ())]
    taken = [row.get("inputs", [i - 1]) for i, row in enumerate(layers)]
    users: dict[int, int] = {}
    for feeds in taken:
        for source in feeds:
            users[source] = users.get(source, 0) + 1
    blocks = [_port(p) for p in ports]
    for block in blocks[len(ends["inputs"]) :]:
        block.port = "state"
    place = {-1 - i: i for i in range(len(ports))}
    at: dict[str, int] = {}
    for i, (row, feeds) in enumerate(zip(layers, taken, strict=True)):
        if (first := at.get(row.get("turn_of") or "")) is not None:
            place[i] = first
            _turn(blocks[first], row)
            continue
        last = blocks[-1]
        follows = len(feeds) == 1 and place[feeds[0]] == len(blocks) - 1 and users[feeds[0]] == 1
        if follows and last.kinds and _is_elementwise(row, last):
            last.kinds.append(row["op"])
            last.flash += row.get("constant_bytes", 0)
            last.cycles = _sum(last.cycles, row["cycles"])
            place[i] = at[row["name"]] = len(blocks) - 1
            continue
        place[i] = at[row["name"]] = len(blocks)
        blocks.append(_block(row, list(dict.fromkeys(place[f] for f in feeds))))
    return blocks


def _turn(block: Block, row: Mapping[str, Any]) -> None:
    """Add another turn of a loop to the block of the first one."""
    block.turns += row["turn_of"] == block.name
    block.flash += row.get("constant_bytes", 0)
    block.cycles = _sum(block.cycles, row["cycles"])


def _port(port: Mapping[str, Any]) -> Block:
    shape = port["shape"]
    size = 1
    for n in shape:
        size *= n
    ranges = port.get("read")
    read = size if ranges is None else sum(count for _, count in ranges)
    note = " × ".join(map(str, shape)) if len(shape) > 1 else ""
    return Block(port["name"], [], size, read, [], note=note, shape=list(shape))


def _block(row: Mapping[str, Any], feeds: list[int]) -> Block:
    return Block(
        row["name"],
        [row["op"]],
        row["channels_before"],
        row["channels_after"],
        feeds,
        (row.get("bits_before"), row.get("bits")),
        row.get("constant_bytes", row["weight_bytes"]),
        row["cycles"],
        shape=list(row.get("shape", [])),
    )


def _is_elementwise(row: Mapping[str, Any], last: Block) -> bool:
    known = any(row["op"] in names for names in FAMILIES.values())
    return not known and not row["macs"] and row.get("shape", []) == last.shape


def _sum(a: int | None, b: int | None) -> int | None:
    return b if a is None else a if b is None else a + b


def _lanes(blocks: Sequence[Block]) -> list[tuple[int, int, int]]:
    """Connections that pass by other blocks: (from, to, lane), the shortest nearest."""
    long = [(s, i) for i, b in enumerate(blocks) for s in b.feeds if i - s > 1]
    placed: list[tuple[int, int, int]] = []
    for source, to in sorted(long, key=lambda edge: edge[1] - edge[0]):
        used = {lane for s, t, lane in placed if s < to and source < t}
        free = next((n for n in range(1, MOST_LANES) if n not in used), MOST_LANES)
        placed.append((source, to, free))
    return placed


def _wires(
    at: int, blocks: Sequence[Block], lanes: Sequence[tuple[int, int, int]], count: int
) -> str:
    """The connections beside a block: lane 0 is the nearest to it."""
    width = LANE * count + 6
    end = width - LANE / 2

    def line(x1: float, y1: int, x2: float, y2: int) -> str:
        return f'<line x1="{x1:g}" y1="{y1}%" x2="{x2:g}" y2="{y2}%"/>'

    parts = []
    if at + 1 < len(blocks) and at in blocks[at + 1].feeds:
        parts.append(line(end, 50, end, 100))
    if at and at - 1 in blocks[at].feeds:
        parts.append(line(end, 0, end, 50))
    for source, to, lane in lanes:
        x = end - LANE * lane
        if source < at < to:
            parts.append(line(x, 0, x, 100))
        elif at == source:
            parts += [line(x, 50, end, 50), line(x, 50, x, 100)]
        elif at == to:
            parts += [line(x, 0, x, 50), line(x, 50, end, 50)]
    dot = f'<circle cx="{end:g}" cy="50%" r="4"/>'
    return f'<svg class="wire" width="{width}" aria-hidden="true">{"".join(parts)}{dot}</svg>'


def _box(b: Block, widest: int, sums: Mapping[str, int], clock: int | None) -> str:
    kinds = " + ".join(k.replace("_", " ") for k in b.kinds) or b.port
    whole = 100 * (max(b.before, b.after) / widest) ** 0.5
    left = 100 * min(b.after / max(b.before, 1), 1.0)
    cut = b.after < b.before
    unit = "elements" if not b.kinds else "channels" if b.family != "move" else "kept"
    width = f"{b.before:,} → {b.after:,}" if cut else f"{b.after:,}"
    facts = [f'<span class="{"cut" if cut else ""}">{width} {unit}</span>']
    if b.note:
        facts.append(f"<span>{escape(b.note)}</span>")
    if b.turns > 1:
        facts.append(f"<span>× {b.turns:,}</span>")
    if b.bits[1]:
        was = f"{b.bits[0]:g} → " if b.bits[0] and b.bits[0] != b.bits[1] else ""
        facts.append(f"<span>{was}{b.bits[1]:g} bits</span>")
    if b.flash:
        share = 100 * b.flash / max(sums["flash"], 1)
        facts.append(f"<span>{b.flash:,} byte{'s' * (b.flash != 1)}, {share:.0f} %</span>")
    if b.cycles:
        share = 100 * b.cycles / max(sums["cycles"], 1)
        time = f"{1e3 * b.cycles / clock:.3g} ms" if clock else f"{b.cycles:,} cycles"
        facts.append(f"<span>{time}, {share:.0f} %</span>")
    return (
        f'<div class="box"><div class="top"><b>{escape(kinds)}</b> '
        f'<span title="{escape(b.name)}">{escape(short(b.name, 40))}</span></div>'
        f'<div class="width" style="width: {whole:.1f}%"><i style="width: {left:.1f}%"></i></div>'
        f'<div class="facts">{"".join(facts)}</div></div>'
    )
