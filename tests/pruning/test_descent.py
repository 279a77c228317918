"""Laws of the one way down, of any proposer."""

from __future__ import annotations

import numpy as np
import pytest
from pruning.graphs import balanced, mlp

from edgeprune.errors import CannotFitError
from edgeprune.ir import Graph, couple
from edgeprune.progress import silent
from edgeprune.pruning.descent import Descent, Move
from edgeprune.pruning.groups import Mask, channel_names, removable
from edgeprune.pruning.judge import Judge
from edgeprune.pruning.limits import Limits
from edgeprune.pruning.meter import Meter
from edgeprune.pruning.pruned import Pruned

GRAPH = balanced(mlp(6, 12, 9, 4))
COUPLING = couple(GRAPH)
FREE = [int(k) for k in np.flatnonzero(removable(COUPLING))]


class Row:
    """Moves of so many channels each, by number; counts what it is asked."""

    def __init__(self, *sizes: int, whole: bool = False) -> None:
        self.dense = self.master = GRAPH
        self.coupling = COUPLING
        self.removed: Mask = np.zeros(COUPLING.count, bool)
        self.free: Mask = removable(COUPLING)
        self.sizes = list(sizes)
        self.whole = whole
        self.order = FREE
        self.asked = self.applied = 0

    def propose(self) -> Move:
        self.asked += 1
        gone = int(self.removed.sum())
        picks = self.order[gone : gone + (self.sizes.pop(0) if self.sizes else 0)]
        return Move.of(dict.fromkeys(picks, 1.0), whole=self.whole)

    def apply(self, move: Move) -> None:
        self.applied += 1
        self.removed = self.removed.copy()
        self.removed[[*move.channels]] = True

    def snapshot(self) -> Mask:
        return self.removed

    def restore(self, state: Mask) -> None:
        self.removed = state


class Judged(Judge):
    """Gives an accuracy by how many neurons are gone."""

    def __init__(self, *by_gone: float) -> None:
        self.source = GRAPH
        self.by_gone = by_gone

    def accuracy(self, graph: Graph) -> float:
        gone = len(FREE) - int(removable(couple(graph)).sum())
        return self.by_gone[gone]


def neurons(removed: Mask) -> dict[str, float]:
    left = float((removable(COUPLING) & ~removed).sum())
    return {"neurons": left, "params": left}


def meter(limits: Limits) -> Meter:
    return Meter(neurons, np.zeros(COUPLING.count, bool), limits)


def gone(found: Pruned) -> int:
    assert list(found.order) == FREE[: len(found.order)]
    assert found.removed.sum() == len(found.order)
    return len(found.order)


def few(count: int) -> Limits:
    """Limits that want so many neurons gone."""
    return Limits({"neurons": len(FREE) - count})


def solved(graph: Graph, *_: object) -> Graph:
    return graph


@pytest.mark.parametrize("count", range(9))
def test_no_more_of_a_move_goes_than_the_limits_want(count: int) -> None:
    way = Descent(Row(3, 1, 5), None, solve=solved)
    assert gone(way.descend(meter(few(count)), silent)) == count


@pytest.mark.parametrize(("most", "goes"), [(0, 0), (2, 0), (3, 3), (4, 3), (5, 5), (9, 5)])
def test_a_whole_move_goes_as_a_whole_or_not_at_all(most: int, goes: int) -> None:
    for whole in (True, False):
        way = Descent(Row(3, 2, whole=whole), None)
        found = way.descend(meter(Limits(removals=most)), silent)
        assert gone(found) == (goes if whole else min(most, 5))


def test_what_is_known_is_not_asked_or_made_again() -> None:
    row = Row(2, 2, 2, 2)
    way = Descent(row, None, solve=solved)
    way.descend(meter(few(6)), silent)
    before = row.asked, row.applied
    for count in (4, 6, 2):
        assert gone(way.descend(meter(few(count)), silent)) == count
    assert (row.asked, row.applied) == before
    assert gone(way.descend(meter(few(7)), silent)) == 7
    assert row.asked == before[0] + 1


def test_a_floor_is_crept_up_to_where_a_move_can_be_divided() -> None:
    judge = Judged(1.0, 0.9, 0.9, 0.8, 0.6, 0.5, *[0.0] * 9)
    floor = Limits(floor=0.6)
    assert gone(Descent(Row(1, 7), judge).descend(meter(floor), silent)) == 4
    assert gone(Descent(Row(1, 7, whole=True), judge).descend(meter(floor), silent)) == 1


def test_behind_a_network_below_the_floor_only_those_that_pass_it_look() -> None:
    judge = Judged(1.0, 0.5, 0.9, 0.4, 0.3, *[0.0] * 9)
    floor = Limits(floor=0.8)
    ones = [1] * 6
    assert gone(Descent(Row(*ones), judge).descend(meter(floor), silent)) == 0
    found = Descent(Row(*ones), judge, passes=True).descend(meter(floor), silent)
    assert gone(found) == 2
    assert [step.accuracy for step in found.history] == [None, 0.9]


def test_whole_moves_are_looked_at_behind_a_network_that_is_small_enough() -> None:
    judge = Judged(1.0, 1.0, 1.0, 0.5, 0.5, 0.9, 0.4, *[0.0] * 9)
    limits = Limits({"neurons": len(FREE) - 2}, floor=0.8)
    way = Descent(Row(1, 2, 2, 1, whole=True), judge, passes=True)
    found = way.descend(meter(limits), silent)  # three of five come back
    assert [(step.accuracy, step.left) for step in found.history] == [
        (1.0, len(FREE) - 1),
        (1.0, len(FREE) - 2),
    ]  # of two gone, not of the five that went


def test_the_history_behind_what_came_back_is_of_networks_that_there_were() -> None:
    judge = Judged(1.0, 0.98, 0.97, 0.96, 0.95, *[0.94] * 9)
    first, *rest = (k for k in FREE if channel_names(GRAPH, COUPLING)[k].startswith("dense0"))
    other = next(k for k in FREE if channel_names(GRAPH, COUPLING)[k].startswith("dense2"))
    row = Row(*[1] * 4)
    row.order = [first, rest[0], other, rest[1]]

    def weighed(removed: Mask) -> dict[str, float]:  # one of dense2 counts as three of dense0
        left = 10.0 - sum(3 if k == other else 1 for k in np.flatnonzero(removed))
        return {"neurons": left, "params": left}

    limits = Limits({"neurons": 10.0 - 4}, floor=0.9)
    found = Descent(row, judge).descend(
        Meter(weighed, np.zeros(COUPLING.count, bool), limits), silent
    )
    assert found.order == (first, other)
    assert [step.left for step in found.history] == [len(FREE) - 1, len(FREE) - 2]
    assert [step.accuracy for step in found.history] == [0.98, 0.97]


def test_nothing_comes_back_to_a_network_that_is_below_the_floor_with_it() -> None:
    judge = Judged(1.0, 0.5, 0.7, *[0.9] * 9)
    limits = Limits({"neurons": len(FREE) - 2}, floor=0.8)
    found = Descent(Row(3, 1, whole=True), judge).descend(meter(limits), silent)
    assert gone(found) == 3
    assert [step.accuracy for step in found.history] == [None, None, 0.9]


def test_what_is_solved_anew_is_held_to_the_floor_where_the_limits_are_met() -> None:
    judge = Judged(1.0, 0.5, 0.9, 0.4, *[0.0] * 9)
    limits = Limits(few(2).most, floor=0.8)
    way = Descent(Row(1, 1, 1), judge, solve=solved)
    assert gone(way.descend(meter(limits), silent)) == 2
    with pytest.raises(CannotFitError, match=r"with 3 channels removed it is 40\.00%"):
        way.descend(meter(Limits(few(3).most, floor=0.8)), silent)
    with pytest.raises(CannotFitError, match=r"one more and the accuracy is 0\.5000"):
        Descent(Row(1, 1), judge).descend(meter(limits), silent)


def test_channels_come_back_only_where_nothing_made_up_for_them() -> None:
    ends = [FREE[0], FREE[-1]]  # of two layers

    def price(removed: Mask) -> dict[str, float]:
        """The second of them alone is enough."""
        return {"flash": 0.0 if removed[FREE[-1]] else 9.0}

    bound = Meter(price, np.zeros(COUPLING.count, bool), Limits({"flash": 5.0}))
    for solve, left in ((None, ends[1:]), (solved, ends)):
        row = Row(1, 1)
        row.order = ends
        assert [*Descent(row, None, solve=solve).descend(bound, silent).order] == left


def test_the_states_on_the_way_are_those_between_the_moves() -> None:
    way = Descent(Row(2, 3), None, solve=solved)
    way.descend(meter(few(5)), silent)
    assert [int(state.sum()) for state in way.passed] == [0, 2, 5]
    longer = Descent(Row(1, 2, 3), None, solve=solved)
    longer.descend(meter(few(6)), silent)
    assert [int(state.sum()) for state in longer.passed] == [0, 1, 3, 6]
