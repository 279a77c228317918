"""The plots of the report, as SVG text that follows the page's light or dark colours."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

# Colours that read on white and on dark grey; text and axes take the page's own colour.
PALETTE = ("#3b82f6", "#f59e0b", "#10b981", "#ef4444", "#8b5cf6", "#06b6d4", "#ec4899", "#84cc16")
INK = "#010203"  # replaced by the page's text colour


_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "edgeprune",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def new_figure(width: float, height: float) -> tuple[Any, Any]:
    """An empty figure and its axes, sizes in inches."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.add_subplot()
    figure.patch.set_alpha(0)
    axes.patch.set_alpha(0)
    return figure, axes


class Tips:
    """Texts that a browser shows over the parts of a figure.

    Args:
        prefix: of the identifiers; unique in a page.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.texts: dict[str, str] = {}

    def add(self, artist: Any, text: str) -> None:
        """Show a text, untrusted, over an artist."""
        gid = f"{self._prefix}-{len(self.texts)}"
        artist.set_gid(gid)
        self.texts[gid] = text


def to_svg(figure: Any, title: str, tips: Tips | None = None) -> str:
    """A figure as SVG text, in the colours of the page.

    Args:
        figure: from :func:`new_figure`.
        title: what it shows, for those who do not see it.
        tips: of its parts.
    """
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context(_STYLE):  # names and fonts are settled when it is written
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Title": title})
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    text = text.replace("<svg", f'<svg role="img" aria-label="{escape(title)}"', 1)
    for gid, tip in (tips.texts if tips is not None else {}).items():
        text = text.replace(f'<g id="{gid}">', f'<g id="{gid}"><title>{escape(tip)}</title>', 1)
    return text


def short(name: str, length: int = 18, *, begin: bool = False) -> str:
    """A name, printable, and where it is too long its end, or its beginning."""
    plain = "".join(c if " " <= c <= "~" else "?" for c in name).replace("$", "")
    if len(plain) <= length:
        return plain
    return plain[: length - 1] + "…" if begin else "…" + plain[-length + 1 :]


def memory_over_time(steps: Sequence[Mapping[str, Any]], arena: int, bound: int) -> str:
    """Bytes that are alive in each step, with the arena and the lower bound.

    Args:
        steps: "step": name of the layer, "live": bytes by buffer name.
        arena: size of the arena in bytes.
        bound: the largest sum in one step.
    """
    figure, axes = new_figure(9, 3.6)
    tips = Tips("memory")
    names = list(dict.fromkeys(b for s in steps for b in s["live"]))
    letters = int(90 / max(len(steps), 1))  # that fit a bar
    for x, step in enumerate(steps):
        bottom = 0
        for name, size in step["live"].items():
            colour = PALETTE[names.index(name) % len(PALETTE)]
            (bar,) = axes.bar(x, size, 0.92, bottom, color=colour, alpha=0.85)
            tips.add(bar, f"{step['step']}: {name}, {size:,} bytes")
            if size > 0.07 * arena and letters >= 5:
                axes.text(x, bottom + size / 2, short(name, letters), **_INSIDE)
            bottom += size
    axes.axhline(arena, color=INK, linewidth=1.2)
    axes.axhline(bound, color=INK, linewidth=1, linestyle=":")
    _step_axis(axes, [s["step"] for s in steps])
    axes.set_ylabel("live bytes")
    title = f"solid: the arena, {arena:,} bytes; dotted: lower bound, {bound:,}"
    axes.set_title(title, fontsize=9)
    return to_svg(figure, "Memory over time", tips)


_INSIDE = {"ha": "center", "va": "center", "fontsize": 7, "color": "#000000"}


def _step_axis(axes: Any, steps: Sequence[str]) -> None:
    few = len(steps) <= 6
    axes.set_xticks(
        range(len(steps)),
        [short(s, 16) for s in steps],
        rotation=0 if few else 45,
        ha="center" if few else "right",
        rotation_mode="anchor",
        fontsize=8,
    )


def arena_map(buffers: Sequence[Mapping[str, Any]], steps: Sequence[str]) -> str:
    """Every buffer as a rectangle: when it lives, and where.

    Args:
        buffers: "name", "offset", "bytes", "first", "last".
        steps: names of the steps.
    """
    from matplotlib.patches import Rectangle

    figure, axes = new_figure(9, 3.6)
    tips = Tips("arena")
    top = max([1, *(int(b["offset"]) + int(b["bytes"]) for b in buffers)])
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
        end = int(b["offset"]) + int(b["bytes"])
        tips.add(box, f"{b['name']}: bytes {b['offset']:,} to {end:,}")
        axes.add_patch(box)
        letters = int(90 * (last - first + 1) / (len(steps) + 2.2))
        if b["bytes"] > 0.05 * top and letters >= 5:
            middle = b["offset"] + b["bytes"] / 2
            axes.text((first + last) / 2, middle, short(b["name"], letters), **_INSIDE)
    axes.set_xlim(-1.6, len(steps) + 0.6)
    axes.set_ylim(0, top * 1.05)
    _step_axis(axes, steps)
    axes.set_ylabel("offset in the arena")
    return to_svg(figure, "The arena: offset and life of every buffer", tips)


def importance(removed: Sequence[Mapping[str, Any]], kept: Sequence[Mapping[str, Any]]) -> str:
    """The score of every group of channels: the removed ones as they went, then what is left.

    Args:
        removed: "name" and "score", in order of removal.
        kept: likewise, least important first.
    """
    figure, axes = new_figure(9, 3.2)
    rows = [*removed, *kept]
    scores = [float(r["score"]) for r in rows]
    tips = Tips("importance")
    gone = len(removed)
    colours = [PALETTE[3]] * gone + [PALETTE[0]] * len(kept)
    if len(rows) <= 400:
        bars = axes.bar(range(1, len(rows) + 1), scores, 1, color=colours)
        for bar, row in zip(bars, rows, strict=True):
            tips.add(bar, f"{row['name']}: {row['score']:.4g}")
    else:  # thinner than a pixel, each: lines in one piece are a small file
        axes.vlines(range(1, len(rows) + 1), 0, scores, colors=colours, linewidth=0.7)
    axes.axvline(gone + 0.5, color=INK, linewidth=1.5)
    axes.axhline(0, color=INK, linewidth=0.6)
    largest = max((abs(float(r["score"])) for r in rows), default=0.0)
    if largest > 0:
        axes.set_yscale("symlog", linthresh=largest / 1000)
    axes.set_xlabel("left of the line: removed, in that order; right: what is left, least first")
    axes.set_ylabel("score")
    return to_svg(figure, "Importance of every group of channels", tips)


def frontier(points: Sequence[Mapping[str, Any]], chosen: int | None) -> str:
    """Accuracy against bytes of flash.

    Args:
        points: "flash_bytes", "accuracy", "label".
        chosen: number of the point that was built.
    """
    figure, axes = new_figure(9, 3.2)
    for i, p in enumerate(points):
        built = i == chosen
        x, y = p["flash_bytes"], 100 * p["accuracy"]
        axes.plot([x], [y], "o", color=PALETTE[3 if built else 0], markersize=10 if built else 7)
        text = f" {short(p['label'], 60)}{', built' if built else ''}"
        axes.annotate(text, (x, y), (6, 6), textcoords="offset points", fontsize=8, color=INK)
    axes.margins(0.35, 0.2)
    axes.set_xlabel("bytes of flash")
    axes.set_ylabel("accuracy on validation data (%)")
    return to_svg(figure, "Accuracy against size", None)


def effects(changes: Sequence[float]) -> str:
    """What accuracy does when each neuron goes, from most beneficial to most detrimental.

    Args:
        changes: of the accuracy, 0 to 1, in that order.
    """
    figure, axes = new_figure(8, 3)
    colours = [PALETTE[2] if c > 0 else PALETTE[3] if c < 0 else PALETTE[0] for c in changes]
    axes.bar(range(1, len(changes) + 1), [100 * c for c in changes], 1.0, color=colours)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_xlabel("neurons, from most beneficial to remove to most detrimental")
    axes.set_ylabel("accuracy change (pt)")
    return to_svg(figure, "Neurons")


def gain_curves(
    curves: Sequence[tuple[str, Sequence[float], Sequence[float]]], *, logarithmic: bool
) -> str:
    """The error against the gain of neurons.

    Args:
        curves: (name, gains, errors).
        logarithmic: whether the error's axis is.
    """
    figure, axes = new_figure(8, 3.4)
    for i, (name, gains, errors) in enumerate(curves):
        step = max(len(gains) // 500, 1)
        axes.plot(gains[::step], errors[::step], color=PALETTE[i % len(PALETTE)], label=short(name))
    axes.axvline(1, color=INK, linewidth=0.6, linestyle=":")
    if logarithmic:
        axes.set_yscale("log")
    axes.set_xlabel("gain of the neuron's output (0: removed, 1: as trained)")
    axes.set_ylabel("mean error")
    if len(curves) <= 12:
        axes.legend(fontsize=7, frameon=False, ncols=2, labelcolor=INK)
    return to_svg(figure, "Error surface")


def activation_picture(rows: Sequence[Sequence[float]], label: str) -> str:
    """Snapshots of a layer: neurons down, samples across, as in the papers' pictures.

    Args:
        rows: for each neuron, its output for each sample.
        label: what the samples show.
    """
    figure, axes = new_figure(5, max(1.2, min(0.03 * len(rows), 4)))
    axes.imshow(rows, aspect="auto", cmap="viridis", interpolation="nearest")
    axes.set_ylabel("neuron", fontsize=8)
    axes.set_xlabel(f"samples of {short(label)}", fontsize=8)
    return to_svg(figure, f"Activations for {label}")


def trade_off(
    trends: Mapping[str, Sequence[tuple[float, float, float]]], x_name: str, source: float
) -> str:
    """Accuracy against how much is removed, mean and spread, criteria side by side.

    Args:
        trends: by criterion, (level, mean accuracy, standard deviation).
        x_name: what the levels are.
        source: accuracy of the source model.
    """
    figure, axes = new_figure(8, 3.6)
    for i, (name, points) in enumerate(trends.items()):
        colour = PALETTE[i % len(PALETTE)]
        levels = [p[0] for p in points]
        means = [100 * p[1] for p in points]
        spread = [100 * p[2] for p in points]
        axes.errorbar(levels, means, spread, fmt="o-", color=colour, label=name, capsize=3)
    axes.axhline(100 * source, color=INK, linewidth=0.8, linestyle=":")
    axes.set_xlabel(x_name)
    axes.set_ylabel("accuracy (%)")
    axes.legend(fontsize=8, frameon=False, labelcolor=INK)
    return to_svg(figure, "Trade-off")
