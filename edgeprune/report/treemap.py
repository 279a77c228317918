"""Bytes as areas, in two levels (squarified treemaps: Bruls, Huizing and van Wijk 2000)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgeprune.report.figures import PALETTE, Tips, new_figure, short, to_svg

Box = tuple[float, float, float, float]  # x, y, width, height

WIDTH, HEIGHT = 9.0, 4.6  # inches
HEADER = 0.2  # of a group, in inches
LETTER = 0.075  # its width, in inches


def treemap(groups: Mapping[str, Sequence[tuple[str, int]]]) -> str:
    """Rectangles whose areas are bytes, the largest first, those of a group side by side.

    Args:
        groups: by name, (name, bytes) of what is in it.
    """
    figure, axes = new_figure(WIDTH, HEIGHT)
    axes.axis("off")
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(0, HEIGHT)
    tips = Tips("flash")
    sums = {g: sum(n for _, n in rows) for g, rows in groups.items()}
    order = sorted((g for g in sums if sums[g] > 0), key=lambda g: -sums[g])
    outer = squarify([sums[g] for g in order], (0.0, 0.0, WIDTH, HEIGHT))
    for i, (group, box) in enumerate(zip(order, outer, strict=True)):
        colour = PALETTE[i % len(PALETTE)]
        x, y, w, h = box
        _cell(axes, tips, box, f"{group}: {sums[group]:,} bytes", colour, 1.0)
        letters = int(w / LETTER) - len(f"  {sums[group]:,}")
        room = h > 2.5 * HEADER and letters >= 3
        if room:
            axes.text(
                x + 0.05,
                y + h - HEADER / 2,
                f"{short(group, letters, begin=True)} {sums[group]:,}",
                va="center",
                fontsize=8,
                fontweight="bold",
                color="#000000",
            )
        rows = sorted((r for r in groups[group] if r[1] > 0), key=lambda r: -r[1])
        inside = squarify(
            [n for _, n in rows],
            (x + 0.03, y + 0.03, max(w - 0.06, 0.0), max(h - 0.06 - HEADER * room, 0.0)),
        )
        for (name, size), inner in zip(rows, inside, strict=True):
            _cell(axes, tips, inner, f"{group}, {name}: {size:,} bytes", "#ffffff", 0.35)
            _label(axes, inner, name, size)
    return to_svg(figure, "Flash by layer and function", tips)


def _cell(axes: object, tips: Tips, box: Box, text: str, colour: str, alpha: float) -> None:
    from matplotlib.patches import Rectangle

    x, y, w, h = box
    patch = Rectangle((x, y), w, h, facecolor=colour, edgecolor="#ffffff", alpha=alpha, lw=0.8)
    tips.add(patch, text)
    axes.add_patch(patch)  # type: ignore[attr-defined]


def _label(axes: object, box: Box, name: str, size: int) -> None:
    x, y, w, h = box
    if w < 7 * LETTER or h < 0.3:
        return
    axes.text(  # type: ignore[attr-defined]
        x + w / 2,
        y + h / 2,
        f"{short(name, int(w / LETTER), begin=True)}\n{size:,}",
        ha="center",
        va="center",
        fontsize=7.5,
        color="#000000",
    )


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
