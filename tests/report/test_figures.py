"""Plots are drawn for a desk and for a phone, with letters of one size."""

from __future__ import annotations

import re

import pytest

from edgeprune.pruning.analyze import Analysis, Neuron
from edgeprune.pruning.pictures import ActivationMap, Surface
from edgeprune.pruning.sweep import Point, Sweep
from edgeprune.report import figures
from edgeprune.report.canvas import DESK, PHONE
from edgeprune.report.explore import analysis_page, sweep_page
from edgeprune.report.frontier import _plot

CURVES = [(f"layer[{i}] after 3", [0.0, 1.0, 2.0], [0.3, 0.1, 0.2]) for i in range(5)]
TRENDS = {"l2": [(0.3, 0.9, 0.01), (0.6, 0.7, 0.02)], "taylor1": [(0.3, 0.95, 0.0)]}


def drawn(svg: str) -> float:
    """Points that a plot is wide."""
    found = re.search(r'<svg[^>]* width="([\d.]+)pt"', svg)
    assert found is not None
    return float(found[1])


@pytest.mark.parametrize("width", [figures.DESK, figures.PHONE])
def test_plots_are_as_wide_as_they_are_asked_for(width: float) -> None:
    plots = [
        figures.effects([0.1, 0.0, -0.2], width),
        figures.gain_curves(CURVES, width, logarithmic=True),
        figures.trade_off(TRENDS, "share of the channels removed", 0.98, width),
        figures.activation_picture([[0.0, 1.0]], "label 0", width),
    ]
    assert [drawn(svg) for svg in plots] == pytest.approx([72 * width] * len(plots))


def test_a_sweeps_page_has_a_plot_that_a_phone_shows_whole() -> None:
    points = tuple(Point("l2", 0, level, 1, 0.9, 0.1) for level in (0.3, 0.6))
    found = Sweep("share", 0.98, points)
    page = sweep_page("net.onnx", found)
    assert page.count('data-of="mean error"') == 2  # rows are cards there
    wide, narrow = page.split('<div class="narrow">')
    assert drawn(wide) * 4 / 3 > 390 > drawn(narrow) * 4 / 3 + 2 * 16


def test_references_in_a_page_of_several_plots_lead_to_their_own_plot() -> None:
    surfaces = [Surface(n, 0, (0.0, 1.0, 2.0), (0.3, 0.1, 0.2)) for n in (' id="a"', '"url(#b)')]
    maps = [
        ActivationMap("dense", k, ((0.0, 1.0), (1.0, 0.5)), (0.5, 0.7), (True, True))
        for k in (0, 1)
    ]
    analysis = analysis_page("net.onnx", Analysis(10, 0.1, 0.9, ()), {}, surfaces, maps)
    points = tuple(Point("l2", 0, level, 1, 0.9, 0.1) for level in (0.3, 0.6))
    for page, count in ((analysis, 10), (sweep_page("net.onnx", Sweep("share", 0.98, points)), 2)):
        plots = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
        assert len(plots) == count
        tags = [re.findall(r"<[a-z][^>]*>", plot) for plot in plots]
        named = [re.findall(r'\sid="([^"]+)"', "".join(some)) for some in tags]
        used = [re.findall(r'(?:href="|url\()#([^")]+)', "".join(some)) for some in tags]
        every = [name for names in named for name in names]
        assert len(every) == len(set(every))
        assert all(used)
        assert all(set(u) <= set(n) for u, n in zip(used, named, strict=True))
    assert ' id="a"' in analysis, "names are shown as they are"
    assert '"url(#b)' in analysis


@pytest.mark.parametrize("favourite", [-1, 2])
def test_a_neuron_has_a_favourite_class_where_there_are_classes(favourite: int) -> None:
    changes = {"error_change": 0.1, "accuracy_change": -0.1, "fixed": 1, "broken": 5}
    chances = {"p_value": 0.2, "q_value": 0.3, "verdict": "indifferent"}
    alike = {"partner": "", "correlation": 0.0, "class_means": ()}
    neuron = Neuron(
        "a[0]", "a", 0, **changes, **chances, **alike, favourite=favourite, selectivity=0.5
    )
    page = analysis_page("net.onnx", Analysis(10, 0.1, 0.9, (neuron,)), {}, [], [])
    assert ("favourite class" in page) == ("selectivity" in page) == (favourite >= 0)
    assert "-1</td>" not in page


LETTER, SIZE, DOT = 0.55, 11, 6  # of digits, in pixels
NUMBER = r'="(-?[\d.]+)"'


@pytest.mark.parametrize("width", [DESK, PHONE])
@pytest.mark.parametrize(
    ("points", "least"),
    [
        ([(980, 0.917), (1060, 1.0), (1182, 1.0), (2660, 1.0)], 4),
        ([(3642, 0.167), (5884, 0.167)], 2),
        ([(1000 + 40 * i, 0.8 + 0.015 * i) for i in range(9)], 9),
        ([(1000 + i, 0.8 + 0.01 * i) for i in range(12)], 12),
        ([(2000 + 1500 * i, 0.97 - 0.3 * 0.7**i) for i in range(10)], 7),
    ],
    ids=["steep", "flat", "many", "rising", "levelling"],
)
def test_accuracies_at_dots_run_over_no_axis_no_dot_and_no_other(
    points: list[tuple[int, float]], least: int, width: float
) -> None:
    """As many as there is room for: beside a dot, where its neighbours are over and under it."""
    svg = _plot([{"flash_bytes": f, "accuracy": a} for f, a in points], width)
    axis = float(re.findall(rf"<line x1{NUMBER}", svg)[0])
    dots = [tuple(map(float, d)) for d in re.findall(rf"cx{NUMBER} cy{NUMBER}", svg)]
    labels = re.findall(rf'<text x{NUMBER} y{NUMBER}[^>]*middle"[^>]*>([\d.]+ %)<', svg)
    assert len(labels) >= least
    boxes = []
    for x, baseline, words in labels:
        half, middle = LETTER * SIZE * len(words) / 2, float(baseline) - 0.35 * SIZE
        left, right = float(x) - half, float(x) + half
        assert left > axis
        assert right <= width
        assert not any(
            left < a + DOT and right > a - DOT and abs(middle - b) < DOT + SIZE / 2 for a, b in dots
        )
        assert not any(left < b and right > a and abs(middle - c) < SIZE for a, b, c in boxes)
        boxes.append((left, right, middle))
