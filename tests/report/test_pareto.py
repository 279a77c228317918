"""The frontier of built networks."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprune.report.figures import DESK, PHONE
from edgeprune.report.pareto import COSTS, Point, _rising, mark_frontier, pareto_page
from tests.report.test_figures import drawn

SMALL = st.integers(0, 4)


@st.composite
def points(draw: st.DrawFn) -> list[Point]:
    """Networks of few different sizes and accuracies, so that there are ties."""
    drawn = draw(st.lists(st.tuples(SMALL, SMALL, SMALL, SMALL), min_size=1, max_size=12))
    return [
        Point("int8", "portable", None, flash, ram, macs, {}, right / 4, 0.5)
        for flash, ram, macs, right in drawn
    ]


@given(points())
def test_what_is_chosen_is_beaten_by_nothing_and_the_rest_by_something_chosen(
    networks: list[Point],
) -> None:
    marked = mark_frontier(networks)
    chosen = [p for p in marked if p.chosen]
    assert chosen
    for p in marked:
        assert p.chosen != any(q.beats(p) for q in chosen)


def test_accuracy_that_nothing_may_be_chosen_by_decides_nothing() -> None:
    a = Point("int8", "portable", None, 10, 10, 10, {}, 0.9, 0.1)
    b = Point("int8", "portable", None, 11, 10, 10, {}, 0.9, 0.9)
    assert [p.chosen for p in mark_frontier([a, b])] == [True, False]


def test_a_plot_joins_what_nothing_beats_in_its_own_cost() -> None:
    dots = [(996, 96.3), (968, 96.1), (1076, 97.8), (968, 97.7)]
    assert _rising(dots) == [(968, 97.7), (1076, 97.8)]


def test_the_page_of_a_frontier_has_plots_that_a_phone_shows_whole() -> None:
    kept = Point("int8", "portable", None, 10, 10, 10, {"a": 3}, 0.9, 0.8, chosen=True)
    found = {"accuracy": {"n": 9, "source": 0.9}, "target": "cortex-m4", "points": [asdict(kept)]}
    plots = pareto_page("net.onnx", found).split('<div class="narrow">')
    assert len(plots) == 1 + len(COSTS)
    assert [drawn(plot) for plot in plots] == pytest.approx([72 * DESK, *[72 * PHONE] * len(COSTS)])
