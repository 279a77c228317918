"""The plots of the report, as SVG text that follows the page's light or dark colours."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

# Colours that read on white and on dark grey; text and axes take the page's own colour.
PALETTE = ("#3b82f6", "#f59e0b", "#10b981", "#ef4444", "#8b5cf6", "#06b6d4", "#ec4899", "#84cc16")
INK = "#010203"  # replaced by the page's text colour


def _figure(width: float, height: float) -> tuple[Any, Any]:
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib.figure import Figure

    with mpl.rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "edgeprune",
            "font.family": "sans-serif",
            "font.size": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
            **{
                key: INK
                for key in (
                    "text.color",
                    "axes.labelcolor",
                    "axes.edgecolor",
                    "xtick.color",
                    "ytick.color",
                )
            },
        }
    ):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.add_subplot()
    figure.patch.set_alpha(0)
    axes.patch.set_alpha(0)
    return figure, axes


def _svg(figure: Any, title: str) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Title": title})
    text = buffer.getvalue()
    return text[text.index("<svg") :].replace(INK, "currentColor")


def _short(name: str, length: int = 18) -> str:
    plain = "".join(c if " " <= c <= "~" else "?" for c in name).replace("$", "")
    return plain if len(plain) <= length else "…" + plain[-length + 1 :]


def memory_over_time(steps: Sequence[Mapping[str, Any]], arena: int, bound: int) -> str:
    """Bytes that are alive in each step, with the arena and the lower bound.

    Args:
        steps: "step": name of the layer, "live": bytes by buffer name.
        arena: size of the arena in bytes.
        bound: the largest sum in one step.
    """
    figure, axes = _figure(8, 3.2)
    names = list(dict.fromkeys(b for s in steps for b in s["live"]))
    bottom = [0.0] * len(steps)
    for i, name in enumerate(names):
        heights = [float(s["live"].get(name, 0)) for s in steps]
        axes.bar(
            range(len(steps)), heights, 0.9, bottom, color=PALETTE[i % len(PALETTE)], alpha=0.85
        )
        bottom = [b + h for b, h in zip(bottom, heights, strict=True)]
    axes.axhline(arena, color=INK, linewidth=1.2)
    axes.axhline(bound, color=INK, linewidth=1, linestyle=":")
    axes.set_xticks(range(len(steps)), [_short(s["step"], 14) for s in steps])
    axes.tick_params(axis="x", rotation=60 if len(steps) > 6 else 0, labelsize=8)
    axes.set_ylabel("live bytes")
    axes.set_title("solid: arena; dotted: lower bound", fontsize=9)
    return _svg(figure, "Memory over time")


def arena_map(buffers: Sequence[Mapping[str, Any]], steps: Sequence[str]) -> str:
    """Every buffer as a rectangle: when it lives, and where.

    Args:
        buffers: "name", "offset", "bytes", "first", "last".
        steps: names of the steps.
    """
    from matplotlib.patches import Rectangle

    figure, axes = _figure(8, 3.2)
    top = 1
    for i, b in enumerate(buffers):
        first, last = max(int(b["first"]), -1), min(int(b["last"]), len(steps))
        box = Rectangle(
            (first - 0.5, b["offset"]),
            last - first + 1,
            b["bytes"],
            facecolor=PALETTE[i % len(PALETTE)],
            edgecolor=INK,
            linewidth=0.6,
            alpha=0.8,
        )
        axes.add_patch(box)
        top = max(top, int(b["offset"]) + int(b["bytes"]))
        if last - first >= 0:
            axes.text(
                (first + last) / 2,
                b["offset"] + b["bytes"] / 2,
                _short(b["name"], 12),
                ha="center",
                va="center",
                fontsize=7,
                color="#000000",
            )
    axes.set_xlim(-1.6, len(steps) + 0.6)
    axes.set_ylim(0, top * 1.05)
    axes.set_xticks(range(len(steps)), [_short(s, 14) for s in steps])
    axes.tick_params(axis="x", rotation=60 if len(steps) > 6 else 0, labelsize=8)
    axes.set_ylabel("offset in the arena")
    return _svg(figure, "Arena")


def treemap(items: Sequence[tuple[str, int]]) -> str:
    """Rectangles whose areas are bytes, largest first (squarified: Bruls et al. 2000).

    Args:
        items: (name, bytes).
    """
    from matplotlib.patches import Rectangle

    figure, axes = _figure(8, 4)
    axes.axis("off")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    shown = [(n, v) for n, v in sorted(items, key=lambda kv: -kv[1]) if v > 0]
    total = sum(v for _, v in shown)
    cells = _squarify([v / total for _, v in shown], 0.0, 0.0, 1.0, 1.0) if total else []
    for i, ((name, size), (x, y, w, h)) in enumerate(zip(shown, cells, strict=True)):
        axes.add_patch(
            Rectangle((x, y), w, h, facecolor=PALETTE[i % len(PALETTE)], edgecolor="#ffffff")
        )
        if w > 0.07 and h > 0.05:
            axes.text(
                x + w / 2,
                y + h / 2,
                f"{_short(name, max(int(w * 90), 6))}\n{size:,}",
                ha="center",
                va="center",
                fontsize=8,
                color="#000000",
            )
    return _svg(figure, "Flash")


def _squarify(
    shares: Sequence[float], x: float, y: float, w: float, h: float
) -> list[tuple[float, float, float, float]]:
    cells: list[tuple[float, float, float, float]] = []
    rest = list(shares)
    while rest:
        side = min(w, h)
        row = [rest[0]]
        while len(row) < len(rest) and _worst([*row, rest[len(row)]], side) <= _worst(row, side):
            row.append(rest[len(row)])
        rest = rest[len(row) :]
        area = sum(row)
        along = area / side if side else 0.0
        at = 0.0
        for share in row:
            length = share / along if along else 0.0
            cells.append((x, y + at, along, length) if w >= h else (x + at, y, length, along))
            at += length
        if w >= h:
            x, w = x + along, w - along
        else:
            y, h = y + along, h - along
    return cells


def _worst(row: Sequence[float], side: float) -> float:
    area = sum(row)
    return max(side**2 * max(row) / area**2, area**2 / (side**2 * min(row) + 1e-12))


def importance(rows: Sequence[Mapping[str, Any]]) -> str:
    """The score of every removed neuron in the order of removal, and where it stopped.

    Args:
        rows: "score", in order of removal.
    """
    figure, axes = _figure(8, 2.8)
    scores = [float(r["score"]) for r in rows]
    axes.bar(range(1, len(scores) + 1), scores, 1.0, color=PALETTE[0])
    axes.axvline(len(scores) + 0.5, color=PALETTE[3], linewidth=1.5)
    axes.set_xlabel("removals, in order; the red line is the cut")
    axes.set_ylabel("score when removed")
    return _svg(figure, "Importance")


def frontier(points: Sequence[Mapping[str, Any]], chosen: int | None) -> str:
    """Accuracy against bytes of flash.

    Args:
        points: "flash_bytes", "accuracy", "label".
        chosen: number of the point that was built.
    """
    figure, axes = _figure(8, 3.2)
    axes.plot(
        [p["flash_bytes"] for p in points],
        [100 * p["accuracy"] for p in points],
        "o",
        color=PALETTE[0],
    )
    if chosen is not None:
        p = points[chosen]
        axes.plot([p["flash_bytes"]], [100 * p["accuracy"]], "o", color=PALETTE[3], markersize=10)
    axes.set_xlabel("bytes of flash")
    axes.set_ylabel("accuracy (%)")
    return _svg(figure, "Frontier")
