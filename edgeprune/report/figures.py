"""The plots of what looks at networks, as SVG text in the page's light or dark colours."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from edgeprune.report.canvas import PALETTE, short

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


DESK, PHONE = 8.0, 3.6  # inches that a figure is wide: its letters are as large on both


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


def _label(text: str, width: float) -> str:
    """A name of an axis in as many lines as a figure of so many inches needs."""
    return textwrap.fill(text, int(11 * width))


def effects(changes: Sequence[float], width: float = DESK) -> str:
    """What accuracy does when each neuron goes, from most beneficial to most detrimental.

    Args:
        changes: of the accuracy, 0 to 1, in that order.
        width: inches.
    """
    figure, axes = new_figure(width, 3)
    colours = [PALETTE[2] if c > 0 else PALETTE[3] if c < 0 else PALETTE[0] for c in changes]
    axes.bar(range(1, len(changes) + 1), [100 * c for c in changes], 1.0, color=colours)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_xlabel(_label("neurons, from most beneficial to remove to most detrimental", width))
    axes.set_ylabel("accuracy change (pt)")
    return to_svg(figure, "Neurons")


def gain_curves(
    curves: Sequence[tuple[str, Sequence[float], Sequence[float]]],
    width: float = DESK,
    *,
    logarithmic: bool,
) -> str:
    """The error against the gain of neurons.

    Args:
        curves: (name, gains, errors).
        width: inches.
        logarithmic: whether the error's axis is.
    """
    figure, axes = new_figure(width, 3.4)
    for i, (name, gains, errors) in enumerate(curves):
        step = max(len(gains) // 500, 1)
        axes.plot(gains[::step], errors[::step], color=PALETTE[i % len(PALETTE)], label=short(name))
    axes.axvline(1, color=INK, linewidth=0.6, linestyle=":")
    if logarithmic:
        axes.set_yscale("log")
    axes.set_xlabel(_label("gain of the neuron's output (0: removed, 1: as trained)", width))
    axes.set_ylabel("mean error")
    if len(curves) <= 12:
        axes.legend(fontsize=7, frameon=False, ncols=2 if width > PHONE else 1, labelcolor=INK)
    return to_svg(figure, "Error surface")


def activation_picture(rows: Sequence[Sequence[float]], label: str, width: float = DESK) -> str:
    """Snapshots of a layer: neurons down, samples across, as in the papers' pictures.

    Args:
        rows: for each neuron, its output for each sample.
        label: what the samples show.
        width: inches.
    """
    figure, axes = new_figure(width, max(1.2, min(0.03 * len(rows), 4)))
    axes.imshow(rows, aspect="auto", cmap="viridis", interpolation="nearest")
    axes.set_ylabel("neuron")
    axes.set_xlabel(f"samples of {short(label)}")
    return to_svg(figure, f"Activations for {label}")


def trade_off(
    trends: Mapping[str, Sequence[tuple[float, float, float]]],
    x_name: str,
    source: float,
    width: float = DESK,
) -> str:
    """Accuracy against how much is removed, mean and spread, criteria side by side.

    Args:
        trends: by criterion, (level, mean accuracy, standard deviation).
        x_name: what the levels are.
        source: accuracy of the source model.
        width: inches.
    """
    figure, axes = new_figure(width, 3.6)
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
