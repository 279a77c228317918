"""One greedy run from the dense network down to its bounds, and what it ends in."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from edgeprune.errors import CannotFitError
from edgeprune.ir import Graph
from edgeprune.progress import Progress
from edgeprune.pruning.groups import Mask, candidates, channel_names, removable
from edgeprune.pruning.limits import FLOOR_HINT
from edgeprune.pruning.obs.greedy import Greedy, Snapshot
from edgeprune.pruning.obs.judge import Judge
from edgeprune.pruning.obs.meter import Meter
from edgeprune.pruning.pruned import Pruned, Step


@dataclass
class _Round:
    """A round that was made: the state before it, its picks, and the states after some of them.

    Attributes:
        before: where it starts.
        picks: its channels, in order.
        after: by how many of the picks have gone; limits near each other end in the same ones.
    """

    before: Snapshot
    picks: list[int]
    after: dict[int, Snapshot] = field(default_factory=dict)


Solve = Callable[[Graph, Mask], Graph]
"""A network without some channels, after all its layers were solved together."""


class Descent:
    """One greedy run and its rounds so far."""

    def __init__(self, greedy: Greedy) -> None:
        self.greedy = greedy
        self._rounds: list[_Round] = []
        self._values: dict[bytes, float] = {}

    def descend(self, meter: Meter, judge: Judge, solve: Solve, progress: Progress) -> None:
        """From the dense network down until the limits are met or another bound stops it."""
        greedy, limits = self.greedy, meter.limits
        if self._rounds:
            greedy.restore(self._rounds[0].before)
        if not limits.most and limits.removals is None and limits.floor is None:
            return
        if limits.most and meter.is_met(greedy.removed):
            return

        def accuracy() -> float:
            """As it is or, where that is too little, as it can be made."""
            now = judge.accuracy(greedy.graph)
            if limits.allow(now):
                return now
            return max(now, judge.accuracy(solve(greedy.graph, greedy.removed)))

        def holds() -> bool:
            return limits.floor is None or limits.allow(accuracy())

        start = meter.total(greedy.removed)
        free = candidates(greedy.coupling, greedy.removed)
        most = int((free if greedy.effort.inputs else free & ~greedy.coupling.inputs).sum())
        for number in itertools.count():
            made = self._round(number)
            picks = made.picks
            if limits.removals is not None:
                picks = picks[: limits.removals - len(greedy.order)]
            if limits.most:
                picks = _shortest(picks, lambda p: meter.is_met(greedy.after(p)))
            if not picks:
                break
            self._advance(made, picks)
            if not limits.most and not holds():
                greedy.restore(made.before)
                _creep(greedy, picks, holds)
                break
            left = meter.total(greedy.removed)
            gone = len(greedy.order)
            needed = round(gone * start / max(start - left, 1e-9))  # if the rest goes as these did
            progress("rank", gone, max(gone, min(needed, most)))
            if limits.most and meter.is_met(greedy.removed):
                if holds():
                    return
                raise _too_little(greedy, accuracy(), limits.floor or 0.0)
            if len(picks) < len(made.picks):
                break
        if limits.most:
            raise limits.refusal(meter.prices(greedy.removed), len(greedy.order))

    @property
    def passed(self) -> list[Snapshot]:
        """The states between the rounds, from the dense network on."""
        states = [made.before for made in self._rounds]
        ends = [made.after.get(len(made.picks)) for made in self._rounds[-1:]]
        return [*states, *(end for end in ends if end is not None)]

    def end(self, meter: Meter, judge: Judge) -> tuple[float, Pruned]:
        """The network that the run is at, and its value."""
        key = self.greedy.removed.tobytes()
        if key not in self._values:
            self._values[key] = judge.value(self.greedy.graph)
        return self._values[key], _result(self.greedy, meter)

    def _round(self, number: int) -> _Round:
        if number == len(self._rounds):
            before = self.greedy.snapshot()
            self._rounds.append(_Round(before, self.greedy.picks()))
        return self._rounds[number]

    def _advance(self, made: _Round, picks: list[int]) -> None:
        count = len(picks)
        if count not in made.after:
            self.greedy.advance(picks)
            made.after[count] = self.greedy.snapshot()
        self.greedy.restore(made.after[count])


def _creep(greedy: Greedy, picks: list[int], holds: Callable[[], bool]) -> None:
    """As much of a round as the accuracy floor allows, by halving."""
    before = greedy.snapshot()
    low, high = 0, len(picks)  # low fits, high does not
    while high - low > 1:
        middle = (low + high) // 2
        greedy.restore(before)
        greedy.advance(picks[:middle])
        if holds():
            low = middle
        else:
            high = middle
    greedy.restore(before)
    if low:
        greedy.advance(picks[:low])


def _shortest(picks: list[int], enough: Callable[[list[int]], bool]) -> list[int]:
    """The fewest of the picks, from the first on, that are enough; all if none are."""
    if not enough(picks):
        return picks
    low, high = 0, len(picks)
    while high - low > 1:
        middle = (low + high) // 2
        if enough(picks[:middle]):
            high = middle
        else:
            low = middle
    return picks[:high]


def _too_little(greedy: Greedy, accuracy: float, floor: float) -> CannotFitError:
    what = f"with {len(greedy.order)} channels removed it is {accuracy:.2%} on validation data"
    return CannotFitError("accuracy", f"{what}, asked are {floor:.2%}", FLOOR_HINT)


def _result(greedy: Greedy, meter: Meter) -> Pruned:
    names = channel_names(greedy.dense, greedy.coupling)
    left = int(removable(greedy.coupling).sum())
    steps = []
    for k, score in zip(greedy.order, greedy.scores, strict=True):
        left -= not greedy.coupling.inputs[k]
        steps.append(Step(k, names[k], score, left))
    graph = greedy.graph
    return Pruned(
        graph,
        greedy.coupling,
        greedy.removed.copy(),
        tuple(steps),
        meter.prices(greedy.removed),
    )
