"""Which networks no other one beats, and the page that shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from edgeprune.report.canvas import PALETTE
from edgeprune.report.figures import DESK, INK, PHONE, Tips, new_figure, to_svg
from edgeprune.report.page import NONE, Section, render_sections, two
from edgeprune.report.words import counted

COSTS = {"flash_bytes": "flash, bytes", "ram_bytes": "RAM, bytes", "macs": "multiply-accumulates"}


@dataclass(frozen=True)
class Point:
    """One built network.

    Attributes:
        dtype: element type, as ``Recipe.form`` says it.
        kernels: the set of kernels it runs on.
        budget_bytes: flash that it was built for; None: not pruned.
        flash_bytes: that it takes.
        ram_bytes: that it takes.
        macs: multiply-accumulates of an inference.
        channels: of every layer with weights.
        validation_accuracy: what decides whether it is on the frontier.
        accuracy: on samples that nothing was chosen by.
        chosen: whether it is on the frontier.
    """

    dtype: str
    kernels: str
    budget_bytes: int | None
    flash_bytes: int
    ram_bytes: int
    macs: int
    channels: Mapping[str, int]
    validation_accuracy: float
    accuracy: float
    chosen: bool = False

    @property
    def _values(self) -> tuple[float, ...]:
        costs = asdict(self)
        return (-self.validation_accuracy, *(float(costs[k]) for k in COSTS))

    def beats(self, other: Point) -> bool:
        """Whether it is nowhere worse, and somewhere better."""
        pairs = list(zip(self._values, other._values, strict=True))
        return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


def mark_frontier(points: Sequence[Point]) -> list[Point]:
    """The same points; chosen are those that no other one beats (Pareto)."""
    return [replace(p, chosen=not any(q.beats(p) for q in points)) for p in points]


def pareto_page(title: str, found: Mapping[str, Any]) -> str:
    """The frontier of a model.

    Args:
        title: the model's name.
        found: from ``pipeline.pareto.pareto_model``.
    """
    source, points = found["accuracy"]["source"], found["points"]
    chosen = [p for p in points if p["chosen"]]
    judged = f"measured on {counted(found['accuracy']['n'])} that nothing was chosen by"
    lines = [
        f"{len(points)} networks were built for {found['target']}; {len(chosen)} are the frontier.",
        "No other one is as accurate on validation data with as little flash, RAM and work.",
        f"Accuracy below is {judged}; the source model's is {100 * source:.2f} %.",
    ]
    sections = [
        Section(
            f"Accuracy against {name}",
            figure=two(*(_figure(points, key, name, source, width) for width in (DESK, PHONE))),
        )
        for key, name in COSTS.items()
    ]
    rows = sorted(points, key=lambda p: (not p["chosen"], -p["flash_bytes"]))
    columns = ("frontier", "type", "kernels", "budget", "flash", "RAM", "MACs", "channels",
               "validation, %", "accuracy, %")  # fmt: skip
    table = Section("All networks", columns=columns, rows=[_row(p) for p in rows])
    return render_sections(f"Frontier of {title}", lines, [*sections, table])


def _row(p: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        "chosen" if p["chosen"] else NONE,
        p["dtype"],
        p["kernels"],
        NONE if p["budget_bytes"] is None else f"{p['budget_bytes']:,}",
        f"{p['flash_bytes']:,}",
        f"{p['ram_bytes']:,}",
        f"{p['macs']:,}",
        ", ".join(str(c) for c in p["channels"].values()),
        f"{100 * p['validation_accuracy']:.2f}",
        f"{100 * p['accuracy']:.2f}",
    )


def _rising(dots: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Those that are more accurate than all that take as little of one cost."""
    line: list[tuple[float, float]] = []
    for x, y in sorted(dots, key=lambda dot: (dot[0], -dot[1])):
        if not line or y > line[-1][1]:
            line.append((x, y))
    return line


def _figure(
    points: Sequence[Mapping[str, Any]], key: str, name: str, source: float, width: float
) -> str:
    from matplotlib.ticker import LogLocator, NullFormatter

    figure, axes = new_figure(width, 3.6)
    tips = Tips(f"pareto-{key}")
    line = _rising([(p[key], 100 * p["accuracy"]) for p in points if p["chosen"]])
    axes.plot(*zip(*line, strict=True), color=PALETTE[2], linewidth=1, alpha=0.6)
    for chosen, colour in ((False, PALETTE[3]), (True, PALETTE[2])):
        some = [p for p in points if p["chosen"] == chosen]
        label = "chosen" if chosen else "rejected"
        for p in some:
            (dot,) = axes.plot(
                [p[key]], [100 * p["accuracy"]], "o" if chosen else "x", color=colour, label=label
            )
            tips.add(dot, f"{p['dtype']}, {p['kernels']}: {p[key]:,}, {100 * p['accuracy']:.2f} %")
            label = ""  # one line of the legend for all
    axes.axhline(100 * source, linestyle=":", linewidth=1, color=PALETTE[0], label="source model")
    sizes = [p[key] for p in points]
    if max(sizes) > 4 * min(sizes):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel(name)
    axes.set_ylabel("accuracy (%)")
    axes.legend(frameon=False, labelcolor=INK)
    return to_svg(figure, f"Accuracy against {name}", tips)
