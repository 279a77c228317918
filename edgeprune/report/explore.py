"""Pages of what was found out about a network: its neurons, its trade-offs, its sub-networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgeprune.pruning.analyze import Analysis
from edgeprune.pruning.groups import kept_words
from edgeprune.pruning.pictures import ActivationMap, Surface
from edgeprune.pruning.sweep import Sweep
from edgeprune.report import figures
from edgeprune.report.page import NONE, Section, render_sections, two

WIDTHS = (figures.DESK, figures.PHONE)


def analysis_page(
    title: str,
    found: Analysis,
    kept: Mapping[str, str],
    surfaces: Sequence[Surface],
    maps: Sequence[ActivationMap],
) -> str:
    """The census of a network's neurons.

    Args:
        title: the model's name.
        found: the census.
        kept: by layer of which no channel can go, why.
        surfaces: errors over gains.
        maps: activations per label.
    """
    changes = [n.accuracy_change for n in found.neurons]
    rotten = sum(n.verdict == "harmful" for n in found.neurons)
    helps = sum(n.accuracy_change > 0 for n in found.neurons)
    lines = [
        (
            f"{len(found.neurons)} neurons, each taken out alone, on {found.samples:,} samples; "
            f"all together: accuracy {100 * found.accuracy:.2f} %, mean error {found.error:.5f}."
        ),
        (
            f"Accuracy rises without {helps} of them; beyond chance (McNemar's exact test, "
            f"of numbers a sign test; false discovery rate 5 %) without {rotten}."
        ),
        *([f"No channel can go of {kept_words(kept)}."] if kept else []),
    ]
    sections = [
        Section(
            "From beneficial to detrimental",
            figure=two(*(figures.effects(changes, width) for width in WIDTHS)),
        ),
        _every_neuron(found),
    ]
    if surfaces:
        curves = [(f"{s.name} after {s.removed_before}", s.gains, s.errors) for s in surfaces]
        for scale in (False, True):
            sections.append(
                Section(
                    f"Error over the gain, {'logarithmic' if scale else 'linear'}",
                    figure=two(
                        *(figures.gain_curves(curves, w, logarithmic=scale) for w in WIDTHS)
                    ),
                )
            )
    for m in maps:
        shown = f"label {m.label}" if m.label >= 0 else "all samples"
        sections.append(
            Section(
                f"{m.layer}, {shown}",
                f"{sum(m.active)} of {len(m.active)} neurons are active.",
                two(*(figures.activation_picture(m.snapshots, shown, w) for w in WIDTHS)),
            )
        )
    return render_sections(f"Neurons of {title}", lines, sections)


def _every_neuron(found: Analysis) -> Section:
    # classes of a sample have a favourite among them; numbers, and labels by position, have none
    by_class = any(n.favourite >= 0 for n in found.neurons)
    columns = (
        "neuron", "accuracy change, pt", "error change", "fixed", "broken", "p", "q",
        "verdict", "most redundant with", "correlation",
    )  # fmt: skip
    rows = []
    for n in found.neurons:
        row = (
            n.name, f"{100 * n.accuracy_change:+.3f}", f"{n.error_change:+.6f}",
            str(n.fixed), str(n.broken), f"{n.p_value:.3g}", f"{n.q_value:.3g}",
            n.verdict, n.partner, f"{n.correlation:.3f}",
        )  # fmt: skip
        rows.append((*row, str(n.favourite), f"{n.selectivity:.3f}") if by_class else row)
    return Section(
        "Every neuron",
        "fixed and broken: samples that become right and wrong (numbers: nearer and farther) "
        "without the neuron.",
        columns=(*columns, "favourite class", "selectivity") if by_class else columns,
        rows=rows,
    )


def sweep_page(title: str, found: Sweep) -> str:
    """The trade-off between size and accuracy.

    Args:
        title: the model's name.
        found: the sweep.
    """
    trends: dict[str, list[tuple[float, float, float]]] = {}
    for t in found.trends:
        trends.setdefault(t.criterion, []).append((t.level, t.accuracy, t.accuracy_std))
    name = "share of the channels removed" if found.of == "share" else f"largest {found.of}"
    plots = (figures.trade_off(trends, name, found.source_accuracy, w) for w in WIDTHS)
    return render_sections(
        f"Trade-off of {title}",
        [f"The source model: {100 * found.source_accuracy:.2f} %."],
        [
            Section("Accuracy", figure=two(*plots)),
            Section(
                "Figures",
                columns=("criterion", name, "runs", "accuracy, %", "spread, pt", "mean error"),
                rows=[
                    (
                        t.criterion, f"{t.level:g}", str(t.runs), f"{100 * t.accuracy:.2f}",
                        f"{100 * t.accuracy_std:.2f}", f"{t.error:.5f}",
                    )
                    for t in found.trends
                ],
            ),
        ],
    )  # fmt: skip


def extract_page(title: str, found: dict[str, Any]) -> str:
    """Sub-networks of labels.

    Args:
        title: the model's name.
        found: from ``pipeline.explore.extract_model``.
    """

    def percent(v: float) -> str:
        return f"{100 * v:.2f}"

    return render_sections(
        f"Sub-networks of {title}",
        [
            "Recall alone says little: a network that always answers a label has all of it.",
            "Beside it stand specificity and balanced accuracy, on samples that chose nothing.",
        ],
        [
            Section(
                "One label each",
                columns=(
                    "label", "zeta", "neurons", "parameters", "recall, %", "specificity, %",
                    "balanced, %", "detector: recall, %", "specificity, %", "balanced, %",
                ),
                rows=[
                    (
                        str(r["label"]), f"{r['zeta']:.3g}", str(r["neurons"]),
                        f"{r['parameters']:,}",
                        *(percent(r["classifier"][k]) for k in KEYS),
                        *(percent(r["detector"][k]) for k in KEYS),
                    )
                    for r in found["labels"]
                ],
            ),
            Section(
                "Integrated, label by label",
                columns=("labels", "neurons", "parameters", "accuracy on all samples, %"),
                rows=[
                    (
                        ", ".join(map(str, r["labels"])), str(r["neurons"]),
                        f"{r['parameters']:,}", percent(r["accuracy"]),
                    )
                    for r in found["cumulative"]
                ],
            ),
        ],
    )  # fmt: skip


def fit_page(title: str, found: dict[str, Any]) -> str:
    """Which targets a model fits.

    Args:
        title: the model's name.
        found: from ``pipeline.fit.fit_model``.
    """
    accuracy, rows = found["accuracy"], found["targets"]
    counts = [
        f"{sum(r['fits'] == verdict for r in rows)} {verdict}"
        for verdict in ("as it is", "after pruning", "never")
    ]
    return render_sections(
        f"Where {title} fits",
        [
            (
                f"{len(rows)} targets: {', '.join(counts)}. The source model is right for "
                f"{100 * accuracy['source']:.2f} % of {accuracy['n']:,} samples that chose nothing."
            ),
            "Flash and RAM are those of the part, less what bootloader and framework take.",
        ],
        [
            Section(
                "Targets",
                columns=("target", "fits", "type", "accuracy, %", "flash", "RAM", "why"),
                rows=[
                    (
                        r["target"], r["fits"], r["dtype"] or NONE, _share(r["accuracy"]),
                        f"{_count(r['flash_bytes'])} of {_count(r['flash_limit_bytes'])}",
                        f"{_count(r['ram_bytes'])} of {_count(r['ram_limit_bytes'])}", r["why"],
                    )
                    for r in rows
                ],
            )
        ],
    )  # fmt: skip


def _share(value: float | None) -> str:
    return NONE if value is None else f"{100 * value:.2f}"


def _count(value: int | None) -> str:
    return NONE if value is None else f"{value:,}"


KEYS = ("recall", "specificity", "balanced_accuracy")
