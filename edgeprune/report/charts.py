"""The charts of a build's page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from edgeprune.report.canvas import PALETTE, Chart, short

WIDE = 90  # letters that fit the width of a chart
THIN = 1000  # about so many pixels and more are not told apart


def memory_over_time(steps: Sequence[Mapping[str, Any]], arena: int, bound: int) -> str:
    """Bytes that are alive in each step, with the arena and the lower bound.

    Args:
        steps: "step": name of the layer, "live": bytes by buffer name.
        arena: size of the arena in bytes.
        bound: the largest sum in one step.
    """
    chart = _over_steps([s["step"] for s in steps], (-0.6, len(steps) - 0.4), max(arena, 1))
    names = list(dict.fromkeys(b for s in steps for b in s["live"]))
    letters = WIDE // max(len(steps), 1)  # that fit a bar
    for x, step in enumerate(steps):
        bottom = 0
        for name, size in step["live"].items():
            colour = PALETTE[names.index(name) % len(PALETTE)]
            tip = f"{step['step']}: {name}, {size:,} bytes"
            at = chart.span((x - 0.46, x + 0.46), (bottom, bottom + size))
            chart.box(at, colour, alpha=0.85, tip=tip)
            if size > 0.07 * arena and letters >= 5:
                _inside(chart, x, bottom + size / 2, short(name, letters))
            bottom += size
    for y, dotted in ((arena, False), (bound, True)):
        chart.line(chart.at(-0.6, y), chart.at(len(steps) - 0.4, y), dotted=dotted)
    chart.ticks("live bytes")
    chart.heading(f"solid: the arena, {arena:,} bytes; dotted: lower bound, {bound:,}")
    return chart.svg("Memory over time")


def _over_steps(names: Sequence[str], x: tuple[float, float], top: float) -> Chart:
    """A chart over the steps of a network."""
    slant = len(names) > 6
    chart = Chart(x, (0, 1.05 * top), (830, 400 if slant else 330), below=104 if slant else 30)
    chart.steps([short(name, 16) for name in names])
    return chart


def _inside(chart: Chart, x: float, y: float, words: str) -> None:
    """Words in a coloured box."""
    chart.text(*chart.at(x, y), words, size=9.5, colour="#000000")


def arena_map(buffers: Sequence[Mapping[str, Any]], steps: Sequence[str]) -> str:
    """Every buffer as a rectangle: when it lives, and where.

    Args:
        buffers: "name", "offset", "bytes", "first", "last".
        steps: names of the steps.
    """
    top = max([1, *(int(b["offset"]) + int(b["bytes"]) for b in buffers)])
    chart = _over_steps(steps, (-1.6, len(steps) + 0.6), top)
    for i, b in enumerate(buffers):
        first, last = max(int(b["first"]), -1), min(int(b["last"]), len(steps))
        start, end = int(b["offset"]), int(b["offset"]) + int(b["bytes"])
        colour = PALETTE[i % len(PALETTE)]
        tip = f"{b['name']}: bytes {start:,} to {end:,}"
        at = chart.span((first - 0.5, last + 0.5), (start, end))
        chart.box(at, colour, alpha=0.8, edge="currentColor", tip=tip)
        letters = int(WIDE * (last - first + 1) / (len(steps) + 2.2))
        if b["bytes"] > 0.05 * top and letters >= 5:
            _inside(chart, (first + last) / 2, (start + end) / 2, short(b["name"], letters))
    chart.ticks("offset in the arena")
    return chart.svg("The arena: offset and life of every buffer")


def importance(removed: Sequence[Mapping[str, Any]], kept: Sequence[Mapping[str, Any]]) -> str:
    """The score of every group of channels: the removed ones as they went, then what is left.

    Heights are logarithms of scores, down to a thousandth of the largest.

    Args:
        removed: "name" and "score", in order of removal.
        kept: likewise, least important first.
    """
    rows = [*removed, *kept]
    scores = [float(r["score"]) for r in rows]
    largest = max(map(abs, scores), default=0.0) or 1.0

    def height(score: float) -> float:
        """0 to 4: linear up to a thousandth of the largest, logarithmic beyond."""
        share = abs(score) / largest * 1000
        return math.copysign(share if share <= 1 else 1 + math.log10(share), score)

    low = min([0.0, *map(height, scores)])
    chart = Chart((0.5, max(len(rows), 1) + 0.5), (low * 1.05, 4.2))
    few = len(rows) <= THIN // 2
    for i, (row, score) in enumerate(zip(rows, scores, strict=True), start=1):
        colour = PALETTE[3] if i <= len(removed) else PALETTE[0]
        ends = sorted((0.0, height(score)))
        tip = f"{row['name']}: {score:.4g}" if few else ""  # thinner than a pixel, each
        chart.box(chart.span((i - 0.5, i + 0.5), (ends[0], ends[1])), colour, tip=tip)
    chart.line(chart.at(len(removed) + 0.5, low), chart.at(len(removed) + 0.5, 4.2))
    chart.line(chart.at(0.5, 0), chart.at(len(rows) + 0.5, 0))
    marks = [s * largest for s in (1, 0.1, 0.01, 0.001, 0, -0.001, -0.01, -0.1, -1)]
    shown = [(height(s), f"{s:.2g}") for s in marks if low <= height(s)]
    chart.ticks("score", marks=shown)
    words = "left of the line: removed, in that order; right: what is left, least first"
    chart.ticks(words, horizontal=True)
    return chart.svg("Importance of every group of channels")


def frontier(points: Sequence[Mapping[str, Any]], chosen: int | None) -> str:
    """Accuracy against bytes of flash.

    Args:
        points: "flash_bytes", "accuracy", "label".
        chosen: number of the point that was built.
    """
    xs = [float(p["flash_bytes"]) for p in points]
    ys = [100 * float(p["accuracy"]) for p in points]
    wide, high = max(xs) - min(xs) or 0.1 * max(xs), max(ys) - min(ys) or 1.0
    chart = Chart(
        (min(xs) - 0.35 * wide, max(xs) + 0.35 * wide), (min(ys) - 0.2 * high, max(ys) + 0.2 * high)
    )
    for i, (p, x, y) in enumerate(zip(points, xs, ys, strict=True)):
        built = i == chosen
        at = chart.at(x, y)
        chart.dot(*at, 6 if built else 4, PALETTE[3 if built else 0])
        words = f"{short(p['label'], 60)}{', built' if built else ''}"
        chart.text(at[0] + 9, at[1] - 9, words, size=10, anchor="start")
    chart.ticks("accuracy on validation data (%)")
    chart.ticks("bytes of flash", horizontal=True)
    return chart.svg("Accuracy against size")
