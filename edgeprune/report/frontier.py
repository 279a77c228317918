"""The page on which people move limits over the frontier of a model, and take a command."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from edgeprune.pruning.limits import Limits
from edgeprune.report import answers
from edgeprune.report.canvas import DESK, PALETTE, PHONE, Chart
from edgeprune.report.network import network
from edgeprune.report.page import fill, two
from edgeprune.report.words import about_accuracy

SLIDERS = (
    ("flash", "flash_bytes", "bytes of flash"),
    ("ram", "ram_bytes", "bytes of RAM"),
    ("ms", "ms", "milliseconds"),
)
"""What can be limited: its name, the key of a network, and its unit."""

DOT, AWAY, HIGH, GAP = 6.0, 16.0, 13.0, 4.0
"""Radius of a dot, from it to its label, the height of that, and the room beside, in pixels."""


def frontier_page(found: Mapping[str, Any], *, builds: bool = False) -> str:
    """The page: self-contained, for a browser without a network.

    Args:
        found: from ``pipeline.frontier.explore_model``.
        builds: whether who serves it builds what is shown, see ``pipeline.serve``.
    """
    from markupsafe import Markup

    points = found["points"]
    clock = found["clock_hz"]
    shown = [
        {
            **p,
            "network": Markup(network({**p, "size": p, "run": {"clock_hz": clock}})),
            "shown": answers.shown({**p, "labels": found["labels"]}),
            "boards": [(b, _fits(p, b)) for b in found["boards"]],
        }
        for p in points
    ]
    sliders = []
    for name, key, unit in SLIDERS:
        values = sorted({p[key] for p in points if p[key] is not None})
        if len(values) > 1:
            sliders.append({"name": name, "unit": unit, "least": values[0], "most": values[-1]})
    plot = two(_plot(points, DESK), _plot(points, PHONE))
    return fill(
        "frontier.html.j2",
        f=found,
        points=shown,
        sliders=sliders,
        plot=Markup(plot),
        builds=builds,
        about_accuracy=about_accuracy(found["accuracy"]),
    )


def _fits(point: Mapping[str, Any], board: Mapping[str, Any]) -> str:
    """Whether a network fits a board, and else what it is over by."""
    limits = Limits.of(flash=board["flash_bytes"], ram=board["ram_bytes"])
    over = limits.excess({"flash": point["flash_bytes"], "ram": point["ram_bytes"]})
    return ", ".join(f"{n:,} {limits.title(k)} over" for k, n in over.items())


def _plot(points: Sequence[Mapping[str, Any]], width: float) -> str:
    """Accuracy against flash; each dot can be clicked."""
    xs = [p["flash_bytes"] for p in points]
    ys = [100 * p["accuracy"] for p in points]
    wide, high = max(xs) - min(xs) or 1, max(ys) - min(ys) or 1.0
    chart = Chart(
        (max(min(xs) - 0.06 * wide, 0), max(xs) + 0.06 * wide),
        (min(ys) - 0.1 * high, max(ys) + 0.1 * high),
        (width, 260),
    )
    order = sorted(range(len(points)), key=lambda i: xs[i])
    for a, b in itertools.pairwise(order):
        chart.line(chart.at(xs[a], ys[a]), chart.at(xs[b], ys[b]), faint=True)
    for i in order:
        tip = f"{xs[i]:,} bytes, {ys[i]:.2f} %"
        chart.dot(*chart.at(xs[i], ys[i]), DOT, PALETTE[0], tip=tip, mark=i)
    _write_labels(chart, [(*chart.at(xs[i], ys[i]), f"{ys[i]:.1f} %") for i in order])
    chart.ticks("accuracy (%)")
    chart.ticks("bytes of flash", horizontal=True)
    return chart.svg("Accuracy against flash")


def _write_labels(chart: Chart, dots: Sequence[tuple[float, float, str]]) -> None:
    """Write what there is room for over its dot, or else under or beside it: a phone shows no tips.

    Args:
        chart: where.
        dots: x and y of each in pixels, and its label, from the left on.
    """
    taken = [(x - DOT, x + DOT, y, 2 * DOT) for x, y, _ in dots]
    for x, y, words in dots:
        left, right = chart.beside(x, words)
        aside = (right - left) / 2 + DOT + GAP
        for along, down in ((0, -AWAY), (0, AWAY), (-aside, 0), (aside, 0)):
            left, right = chart.beside(x + along, words)
            middle = y + down
            if middle + HIGH / 2 < chart.bottom and not any(
                a < right and b > left and abs(at - middle) < (high + HIGH) / 2
                for a, b, at, high in taken
            ):
                chart.text((left + right) / 2, middle, words, colour="var(--soft)")
                taken.append((left, right, middle, HIGH))
                break
