"""Bytes as areas, in two levels (squarified treemaps: Bruls, Huizing and van Wijk 2000)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgeprune.report.canvas import DESK, LETTER, PALETTE, Box, Canvas, short

HEIGHT = 420.0
HEADER = 18.0  # of a group
SIZE = 10.5  # of letters


def treemap(groups: Mapping[str, Sequence[tuple[str, int]]], width: float = DESK) -> str:
    """Rectangles whose areas are bytes, the largest first, those of a group side by side.

    Args:
        groups: by name, (name, bytes) of what is in it.
        width: of the drawing.
    """
    canvas = Canvas(width, HEIGHT)
    sums = {g: sum(n for _, n in rows) for g, rows in groups.items()}
    order = sorted((g for g in sums if sums[g] > 0), key=lambda g: -sums[g])
    outer = squarify([sums[g] for g in order], (0.0, 0.0, width, HEIGHT))
    for i, (group, box) in enumerate(zip(order, outer, strict=True)):
        colour = PALETTE[i % len(PALETTE)]
        x, y, w, h = box
        canvas.box(box, colour, edge="#ffffff", tip=f"{group}: {sums[group]:,} bytes")
        letters = int(w / (LETTER * SIZE)) - len(f"  {sums[group]:,}")
        room = h > 2.5 * HEADER and letters >= 3
        if room:
            words = f"{short(group, letters, begin=True)} {sums[group]:,}"
            middle = y + HEADER / 2
            canvas.text(
                x + 5, middle, words, size=SIZE, anchor="start", colour="#000000", bold=True
            )
        rows = sorted((r for r in groups[group] if r[1] > 0), key=lambda r: -r[1])
        top = 3 + HEADER * room
        inside = squarify(
            [n for _, n in rows], (x + 3, y + top, max(w - 6, 0.0), max(h - 3 - top, 0.0))
        )
        for (name, size), inner in zip(rows, inside, strict=True):
            tip = f"{group}, {name}: {size:,} bytes"
            canvas.box(inner, "#ffffff", alpha=0.35, edge="#ffffff", tip=tip)
            _label(canvas, inner, name, size)
    return canvas.svg("Flash by layer and function")


def _label(canvas: Canvas, box: Box, name: str, size: int) -> None:
    x, y, w, h = box
    letters = int(w / (LETTER * SIZE))
    if letters < 7 or h < 28:
        return
    words = short(name, letters, begin=True)
    for line, down in ((words, -6), (f"{size:,}", 6)):
        canvas.text(x + w / 2, y + h / 2 + down, line, size=SIZE, colour="#000000")


def squarify(sizes: Sequence[float], box: Box) -> list[Box]:
    """A box divided into rectangles, as square as may be.

    Args:
        sizes: positive, largest first; areas are in proportion to them.
        box: what is divided.
    """
    x, y, w, h = box
    total = sum(sizes)
    if not total or w <= 0 or h <= 0:
        return [(x, y, 0.0, 0.0) for _ in sizes]
    rest = [s * w * h / total for s in sizes]
    cells: list[Box] = []
    while rest:
        side = min(w, h)
        count = 1
        while count < len(rest) and _worst(rest[: count + 1], side) <= _worst(rest[:count], side):
            count += 1
        row, rest = rest[:count], rest[count:]
        along = sum(row) / side if side > 0 else 0.0
        at = 0.0
        for area in row:
            length = area / along if along else 0.0
            cells.append((x, y + at, along, length) if w >= h else (x + at, y, length, along))
            at += length
        x, y, w, h = (x + along, y, w - along, h) if w >= h else (x, y + along, w, h - along)
    return cells


def _worst(row: Sequence[float], side: float) -> float:
    """The largest ratio of two sides in a row."""
    area = sum(row)
    return max(side**2 * row[0] / area**2, area**2 / (side**2 * row[-1]))
