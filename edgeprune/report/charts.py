"""The charts of a build's page."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from edgeprune.report.canvas import DESK, PALETTE, PHONE, Chart, short

LETTER = 6.3  # pixels of one in a box
THIN = 1000  # about so many pixels and more are not told apart
FLAT = 0.1  # height of a score of nothing


def memory_over_time(
    steps: Sequence[Mapping[str, Any]], arena: int, bound: int, width: float = DESK
) -> str:
    """Bytes that are alive in each step, with the arena and the lower bound.

    Args:
        steps: "step": name of the layer, "live": bytes by buffer name.
        arena: size of the arena in bytes.
        bound: the largest sum in one step.
        width: of the drawing.
    """
    top = max([arena, 1, *(sum(s["live"].values()) for s in steps)])
    chart = _over_steps([s["step"] for s in steps], (-0.6, len(steps) - 0.4), top, width)
    names = list(dict.fromkeys(b for s in steps for b in s["live"]))
    letters = int(0.92 * chart.step / LETTER)  # that fit a bar
    for x, step in enumerate(steps):
        bottom = 0
        for name, size in step["live"].items():
            colour = PALETTE[names.index(name) % len(PALETTE)]
            tip = f"{step['step']}: {name}, {size:,} bytes"
            at = chart.span((x - 0.46, x + 0.46), (bottom, bottom + size))
            chart.box(at, colour, alpha=0.85, tip=tip)
            if size > 0.07 * top and letters >= 5:
                _inside(chart, x, bottom + size / 2, short(name, letters))
            bottom += size
    for y, dotted in ((arena, False), (bound, True)):
        chart.line(chart.at(-0.6, y), chart.at(len(steps) - 0.4, y), dotted=dotted)
    chart.ticks("live bytes")
    chart.heading(f"solid: the arena, {arena:,} bytes; dotted: bound, {bound:,}")
    return chart.svg("Memory over time")


def _over_steps(names: Sequence[str], x: tuple[float, float], top: float, width: float) -> Chart:
    """A chart over the steps of a network."""
    return Chart(x, (0, 1.05 * top), (width, 330), names=[short(name, 16) for name in names])


def _inside(chart: Chart, x: float, y: float, words: str) -> None:
    """Words in a coloured box."""
    chart.text(*chart.at(x, y), words, size=9.5, colour="#000000")


def arena_map(
    buffers: Sequence[Mapping[str, Any]], steps: Sequence[str], width: float = DESK
) -> str:
    """Every buffer as a rectangle: when it lives, and where.

    Args:
        buffers: "name", "offset", "bytes", "first", "last".
        steps: names of the steps.
        width: of the drawing.
    """
    top = max([1, *(int(b["offset"]) + int(b["bytes"]) for b in buffers)])
    chart = _over_steps(steps, (-1.6, len(steps) + 0.6), top, width)
    for i, b in enumerate(buffers):
        first, last = max(int(b["first"]), -1), min(int(b["last"]), len(steps))
        start, end = int(b["offset"]), int(b["offset"]) + int(b["bytes"])
        colour = PALETTE[i % len(PALETTE)]
        tip = f"{b['name']}: bytes {start:,} to {end:,}"
        at = chart.span((first - 0.5, last + 0.5), (start, end))
        chart.box(at, colour, alpha=0.8, edge="currentColor", tip=tip)
        letters = int((last - first + 1) * chart.step / LETTER)
        if b["bytes"] > 0.05 * top and letters >= 5:
            _inside(chart, (first + last) / 2, (start + end) / 2, short(b["name"], letters))
    chart.ticks("offset in the arena")
    return chart.svg("The arena: offset and life of every buffer")


def importance(
    removed: Sequence[Mapping[str, Any]],
    kept: Sequence[Mapping[str, Any]],
    inputs: Sequence[str] = (),
    width: float = DESK,
) -> str:
    """The score of every group of channels: the removed ones as they went, then what is left.

    Heights are logarithms of scores, down to a thousandth of the largest.

    Args:
        removed: "name" and "score", in order of removal.
        kept: likewise, least important first.
        inputs: names of the network's inputs, whose elements have a colour of their own.
        width: of the drawing.
    """
    rows = [*removed, *kept]
    scores = [float(r["score"]) for r in rows]
    largest = max(map(abs, scores), default=0.0) or 1.0

    def height(score: float) -> float:
        """0 to 4: linear up to a thousandth of the largest, logarithmic beyond."""
        share = abs(score) / largest * 1000
        return math.copysign(share if share <= 1 else 1 + math.log10(share), score)

    low = min([0.0, *map(height, scores)])
    chart = Chart((0.5, max(len(rows), 1) + 0.5), (min(low * 1.05, -0.15), 4.2), (width, 330))
    few = len(rows) <= THIN // 2
    for i, (row, score) in enumerate(zip(rows, scores, strict=True), start=1):
        is_input = row["name"].rpartition("[")[0] in inputs
        colour = PALETTE[0] if i > len(removed) else PALETTE[1 if is_input else 3]
        ends = sorted((0.0, height(score)))
        tip = f"{row['name']}: {score:.4g}" if few else ""  # thinner than a pixel, each
        chart.box(chart.span((i - 0.5, i + 0.5), (ends[0], ends[1])), colour, tip=tip)
        if i <= len(removed) and ends[1] - ends[0] < FLAT:  # what cost nothing is there, too
            chart.box(chart.span((i - 0.5, i + 0.5), (-FLAT, 0)), colour, tip=tip)
    chart.line(chart.at(len(removed) + 0.5, low), chart.at(len(removed) + 0.5, 4.2))
    chart.line(chart.at(0.5, 0), chart.at(len(rows) + 0.5, 0))
    marks = [s * largest for s in (1, 0.1, 0.01, 0.001, 0, -0.001, -0.01, -0.1, -1)]
    shown = [(height(s), f"{s:.2g}") for s in marks if low <= height(s)]
    chart.ticks("score", marks=shown)
    is_narrow = width <= PHONE
    words = "left of the line: removed" + (
        "" if is_narrow else ", in that order; right: what is left"
    )
    chart.ticks(words, horizontal=True)
    gone = {r["name"].rpartition("[")[0] in inputs for r in removed}
    keys = ((PALETTE[1], "inputs that went", True in gone),
            (PALETTE[3], "channels that went", False in gone),
            (PALETTE[0], "kept", bool(kept)))  # fmt: skip
    chart.key([(colour, words) for colour, words, is_there in keys if is_there])
    return chart.svg("Importance of every group of channels")


def frontier(
    points: Sequence[Mapping[str, Any]],
    chosen: int | None,
    visited: Sequence[Mapping[str, Any]] = (),
    budget: int | None = None,
    width: float = DESK,
) -> str:
    """Accuracy against bytes of flash.

    Args:
        points: "flash_bytes", "accuracy", "label": of networks that were built.
        chosen: number of the point that is the result.
        visited: "flash_bytes", "accuracy", "neurons", "inputs": of networks on the way.
        budget: bytes that were allowed.
        width: of the drawing.
    """
    xs = [float(p["flash_bytes"]) for p in (*points, *visited)]
    ys = [100 * float(p["accuracy"]) for p in (*points, *visited)]
    wide, high = max(xs) - min(xs) or 0.1 * max(xs), max(ys) - min(ys) or 1.0
    chart = Chart(
        (max(min(xs) - 0.12 * wide, 0), max(xs) + 0.12 * wide),
        (min(ys) - 0.2 * high, max(ys) + 0.2 * high),
        (width, 330),
    )
    ends = (min(ys) - 0.2 * high, max(ys) + 0.2 * high)
    if budget is not None and min(xs) - 0.12 * wide < budget < max(xs) + 0.12 * wide:
        chart.line(chart.at(budget, ends[0]), chart.at(budget, ends[1]), dotted=True)
    way = sorted((float(v["flash_bytes"]), 100 * float(v["accuracy"])) for v in visited)
    for start, end in itertools.pairwise(way):
        chart.line(chart.at(*start), chart.at(*end), faint=True)
    for v in visited:
        tip = f"{v['flash_bytes']:,} bytes, {100 * v['accuracy']:.2f} %, {v['neurons']:,} channels"
        tip += f" and {v['inputs']:,} inputs" if v["inputs"] else ""
        at = chart.at(float(v["flash_bytes"]), 100 * float(v["accuracy"]))
        chart.dot(*at, 3.5, PALETTE[0], tip=tip)
    for i, p in enumerate(points):
        x, y = float(p["flash_bytes"]), 100 * float(p["accuracy"])
        colour = PALETTE[3] if i == chosen else PALETTE[1]
        tip = f"{p['label']}: {p['flash_bytes']:,} bytes, {y:.2f} %"
        chart.dot(*chart.at(x, y), 6 if i == chosen else 4.5, colour, tip=tip)
    chart.ticks("accuracy, validation data (%)")
    chart.ticks("bytes" if budget is None else "bytes; dotted: the budget", horizontal=True)
    keys = ((PALETTE[3], "built", True), (PALETTE[1], "other forms", len(points) > 1),
            (PALETTE[0], "on the way", bool(visited)))  # fmt: skip
    chart.key([(colour, words) for colour, words, is_there in keys if is_there])
    return chart.svg("Accuracy against size")
