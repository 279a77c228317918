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


def effects(changes: Sequence[float]) -> str:
    """What accuracy does when each neuron goes, from most beneficial to most detrimental.

    Args:
        changes: of the accuracy, 0 to 1, in that order.
    """
    figure, axes = _figure(8, 3)
    colours = [PALETTE[2] if c > 0 else PALETTE[3] if c < 0 else PALETTE[0] for c in changes]
    axes.bar(range(1, len(changes) + 1), [100 * c for c in changes], 1.0, color=colours)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_xlabel("neurons, from most beneficial to remove to most detrimental")
    axes.set_ylabel("accuracy change (pt)")
    return _svg(figure, "Neurons")


def gain_curves(
    curves: Sequence[tuple[str, Sequence[float], Sequence[float]]], *, logarithmic: bool
) -> str:
    """The error against the gain of neurons.

    Args:
        curves: (name, gains, errors).
        logarithmic: whether the error's axis is.
    """
    figure, axes = _figure(8, 3.4)
    for i, (name, gains, errors) in enumerate(curves):
        step = max(len(gains) // 500, 1)
        axes.plot(
            gains[::step], errors[::step], color=PALETTE[i % len(PALETTE)], label=_short(name)
        )
    axes.axvline(1, color=INK, linewidth=0.6, linestyle=":")
    if logarithmic:
        axes.set_yscale("log")
    axes.set_xlabel("gain of the neuron's output (0: removed, 1: as trained)")
    axes.set_ylabel("mean error")
    if len(curves) <= 12:
        axes.legend(fontsize=7, frameon=False, ncols=2)
    return _svg(figure, "Error surface")


def activation_picture(rows: Sequence[Sequence[float]], label: str) -> str:
    """Snapshots of a layer: neurons down, samples across, as in the papers' pictures.

    Args:
        rows: for each neuron, its output for each sample.
        label: what the samples show.
    """
    figure, axes = _figure(5, max(1.2, min(0.03 * len(rows), 4)))
    axes.imshow(rows, aspect="auto", cmap="viridis", interpolation="nearest")
    axes.set_ylabel("neuron", fontsize=8)
    axes.set_xlabel(f"samples of {_short(label)}", fontsize=8)
    return _svg(figure, f"Activations for {label}")


def trade_off(
    trends: Mapping[str, Sequence[tuple[float, float, float]]], x_name: str, source: float
) -> str:
    """Accuracy against how much is removed, mean and spread, criteria side by side.

    Args:
        trends: by criterion, (level, mean accuracy, standard deviation).
        x_name: what the levels are.
        source: accuracy of the source model.
    """
    figure, axes = _figure(8, 3.6)
    for i, (name, points) in enumerate(trends.items()):
        colour = PALETTE[i % len(PALETTE)]
        levels = [p[0] for p in points]
        means = [100 * p[1] for p in points]
        spread = [100 * p[2] for p in points]
        axes.errorbar(levels, means, spread, fmt="o-", color=colour, label=name, capsize=3)
    axes.axhline(100 * source, color=INK, linewidth=0.8, linestyle=":")
    axes.set_xlabel(x_name)
    axes.set_ylabel("accuracy (%)")
    axes.legend(fontsize=8, frameon=False)
    return _svg(figure, "Trade-off")
