"""The one way down: remove until the limits are met, or as far as another bound allows."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, TypeVar

from edgeprune.errors import CannotFitError
from edgeprune.ir import Coupling, Graph
from edgeprune.progress import Progress
from edgeprune.pruning.compact import compact
from edgeprune.pruning.groups import Mask, channel_names, kept_whole, kept_words, removable
from edgeprune.pruning.judge import Judge
from edgeprune.pruning.limits import Limits
from edgeprune.pruning.meter import Meter
from edgeprune.pruning.pruned import Pruned, Step

State = TypeVar("State")


@dataclass(frozen=True)
class Move:
    """What goes next.

    Attributes:
        channels: in the order in which they go; none where nothing is left that can.
        scores: of each of them: the loss that is expected, or what a criterion says.
        whole: whether it goes as a whole or not at all; else its first channels may go alone.
    """

    channels: tuple[int, ...] = ()
    scores: tuple[float, ...] = ()
    whole: bool = False

    @staticmethod
    def of(scores: Mapping[int, float], *, whole: bool = False) -> Move:
        """Of channels with their scores, in order."""
        return Move(tuple(scores), tuple(scores.values()), whole)

    def __len__(self) -> int:
        return len(self.channels)

    def first(self, count: int) -> Move:
        """What may go of it where no more than so many channels may."""
        if count >= len(self):
            return self
        kept = 0 if self.whole else count
        return replace(self, channels=self.channels[:kept], scores=self.scores[:kept])


class Proposer(Protocol[State]):
    """Says what goes next, and takes it out.

    Attributes:
        dense: the network before anything went.
        coupling: of it.
        removed: by its channels, whether they are gone.
        master: the present weights, in the shapes of the dense network.
    """

    dense: Graph
    coupling: Coupling
    removed: Mask
    master: Graph

    @property
    def free(self) -> Mask:
        """Channels that may go."""

    def propose(self) -> Move:
        """The next move; asked once in a state, of the last one that there was."""

    def apply(self, move: Move) -> None:
        """Take channels out."""

    def snapshot(self) -> State:
        """The present state, which nothing changes any more."""

    def restore(self, state: State) -> None:
        """Go to another state."""


@dataclass
class _Round(Generic[State]):
    """A proposal, the state that it was made in, and the states after some of its channels.

    Attributes:
        before: where it starts.
        move: what was proposed.
        limits: that it was proposed for.
        span: of what is limited, from where to where it was looked at what a block saves: of that
            counts what is still too much.
        after: by how many of its channels have gone; limits near each other end in the same ones.
    """

    before: State
    move: Move
    limits: Limits
    span: Mapping[str, tuple[float, float]]
    after: dict[int, State] = field(default_factory=dict)

    def serves(self, limits: Limits) -> bool:
        """Whether the same is proposed for others: none is met, or not by what was looked at."""
        pairs = {k: (self.limits.most[k], limits.most[k]) for k in self.span}
        return all(
            len({*pairs[k]}) == 1 or max(pairs[k]) <= low or min(pairs[k]) >= high
            for k, (low, high) in self.span.items()
        )


Solve = Callable[[Graph, Mask, float | None], Graph]
"""A network without some channels as good as it can be made, where this accuracy is asked for."""


class Descent(Generic[State]):
    """A way down and its rounds so far: asked again, only what is new is computed.

    What is proposed may depend on the limits where these come into reach. From the first round on
    that another limit changes, the rounds are those of the limits that were asked for last.

    Limits are looked at after every move. So is the floor of accuracy, unless what is left is
    solved anew: that makes up for much, and the floor counts where the limits are met.

    Args:
        proposer: at the whole network.
        judge: what accuracy is measured by; None: no limits have a floor.
        solve: makes up for what went; None: nothing does, and what is left stays as it is.
        passes: whether a network below the floor is passed, as a smaller one may be above it.
    """

    def __init__(
        self,
        proposer: Proposer[State],
        judge: Judge | None,
        *,
        solve: Solve | None = None,
        passes: bool = False,
    ) -> None:
        self._proposer = proposer
        self._judge = judge
        self._solve = solve
        self._passes = passes
        self._names = channel_names(proposer.dense, proposer.coupling)
        self._free = int(proposer.free.sum())
        self._rounds: list[_Round[State]] = []
        self._accuracy: dict[bytes, float] = {}  # by what is gone
        self._steps: list[Step] = []

    def descend(self, meter: Meter, progress: Progress) -> Pruned:
        """From the whole network down until the limits are met, or another bound stops it.

        Raises:
            CannotFitError: the limits cannot be met, or not within the other bounds.
        """
        proposer, limits = self._proposer, meter.limits
        if self._rounds:
            proposer.restore(self._rounds[0].before)
        self._steps = []
        self._refuse_floor(limits)
        if not limits.is_empty and not meter.is_met(proposer.removed):
            refused = self._go(meter, progress)
            if limits.most and not meter.is_met(proposer.removed):
                raise self._refusal(meter, refused)
        removed = proposer.removed.copy()
        if limits.most and self._solve is None:
            removed = self._put_back(meter)
        graph = compact(proposer.master, proposer.coupling, removed)
        steps = tuple(self._steps)
        return Pruned(graph, proposer.coupling, removed, steps, meter.prices(removed))

    @property
    def passed(self) -> list[State]:
        """The states between the rounds, from the whole network on."""
        states = [made.before for made in self._rounds]
        ends = [made.after.get(len(made.move)) for made in self._rounds[-1:]]
        return [*states, *(end for end in ends if end is not None)]

    def _go(self, meter: Meter, progress: Progress) -> float | None:
        """Move after move.

        Returns:
            The accuracy of the last network that was below the floor; None: there was none.
        """
        proposer, limits = self._proposer, meter.limits
        held, waiting = proposer.snapshot(), list[Move]()  # what the floor allows, and went since
        refused: float | None = None
        for number in itertools.count():
            made = self._round(number, meter)
            move = self._wanted(made.move, len(self._steps) + sum(map(len, waiting)), meter)
            if not move:
                break
            self._advance(made, move)
            waiting.append(move)
            reached = self._reached(meter)
            if reached is None or limits.allow(reached):
                self._take(waiting, reached)
                held, waiting = proposer.snapshot(), []
                self._tell(meter, progress)
                if meter.is_met(proposer.removed) or len(move) < len(made.move):
                    break
                continue
            refused = reached
            if not self._passes:
                if limits.most and self._solve is not None:
                    raise limits.too_little(reached, len(self._steps) + len(move))
                proposer.restore(made.before)
                self._creep(move, meter)
                return refused
        proposer.restore(held)
        return refused

    def _round(self, number: int, meter: Meter) -> _Round[State]:
        limits = meter.limits
        if number == len(self._rounds) or not self._rounds[number].serves(limits):
            before = self._proposer.snapshot()
            meter.span.clear()
            move = self._proposer.propose()
            self._rounds[number:] = [_Round(before, move, limits, dict(meter.span))]
            self._accuracy.clear()  # of what is gone: by another way it has other weights
        return self._rounds[number]

    def _wanted(self, move: Move, gone: int, meter: Meter) -> Move:
        """As much of a move as may go, and of what can be divided as little as the limits want."""
        if meter.limits.removals is not None:
            move = move.first(meter.limits.removals - gone)
        if move.whole:
            return move

        def enough(count: int) -> bool:
            removed = self._proposer.removed.copy()
            removed[list(move.first(count).channels)] = True
            return meter.is_met(removed)

        return move.first(_fewest(len(move), enough)) if enough(len(move)) else move

    def _advance(self, made: _Round[State], move: Move) -> None:
        count = len(move)
        if count not in made.after:
            self._proposer.apply(move)
            made.after[count] = self._proposer.snapshot()
        self._proposer.restore(made.after[count])

    def _creep(self, move: Move, meter: Meter) -> None:
        """Make as much of a move as the floor allows."""
        proposer = self._proposer
        before = proposer.snapshot()

        def too_much(count: int) -> bool:
            proposer.restore(before)
            proposer.apply(move.first(count))
            reached = self._reached(meter)
            return reached is not None and not meter.limits.allow(reached)

        part = move.first(0 if move.whole else _fewest(len(move), too_much) - 1)
        proposer.restore(before)
        if part:
            proposer.apply(part)
            self._take([part], self._reached(meter))

    def _reached(self, meter: Meter) -> float | None:
        """The accuracy, made as good as it has to be; None: the floor is not looked at here."""
        proposer, floor = self._proposer, meter.limits.floor
        if floor is None:
            return None
        if self._solve is not None and meter.limits.most and not meter.is_met(proposer.removed):
            return None
        assert self._judge is not None
        now = self._accuracy_without(proposer.removed)
        if self._solve is None or meter.limits.allow(now):
            return now
        graph = compact(proposer.master, proposer.coupling, proposer.removed)
        return max(now, self._judge.accuracy(self._solve(graph, proposer.removed, floor)))

    def _accuracy_without(self, removed: Mask) -> float:
        """Of the present weights without these channels, as they are."""
        assert self._judge is not None
        key = removed.tobytes()
        if key not in self._accuracy:
            graph = compact(self._proposer.master, self._proposer.coupling, removed)
            self._accuracy[key] = self._judge.accuracy(graph)
        return self._accuracy[key]

    def _take(self, moves: list[Move], reached: float | None) -> None:
        """Note what went."""
        for move in moves:
            for k, score in zip(move.channels, move.scores, strict=True):
                self._note(Step(k, self._names[k], score, 0))
        self._look(reached)

    def _look(self, reached: float | None) -> None:
        """Note the accuracy of what is left behind the last step."""
        if self._steps:
            self._steps[-1] = replace(self._steps[-1], accuracy=reached)

    def _note(self, step: Step) -> None:
        """Add a step, with what is left behind it."""
        coupling = self._proposer.coupling
        before = self._steps[-1].left if self._steps else int(removable(coupling).sum())
        left = before - (not coupling.inputs[step.channel])
        self._steps.append(replace(step, left=left))

    def _put_back(self, meter: Meter) -> Mask:
        """What has to be gone: the last to go, the most useful, come back where limits allow it.

        The network that this gives was not on the way. Where a floor is asked for it is looked at,
        and nothing comes back where it is below: more channels need not be more accurate.
        """
        removed = self._proposer.removed.copy()
        steps = self._steps.copy()
        full: set[str] = set()  # one more channel of these layers is too much
        for step in self._steps[::-1]:
            layer = step.name.rpartition("[")[0]
            if step.score <= 0 or layer in full:
                continue
            removed[step.channel] = False
            if meter.is_met(removed):
                steps.remove(step)
            else:
                removed[step.channel] = True
                full.add(layer)
        reached = None if meter.limits.floor is None else self._accuracy_without(removed)
        if reached is not None and not meter.limits.allow(reached):
            return self._proposer.removed.copy()
        if len(steps) < len(self._steps):
            same = next((i for i, s in enumerate(steps) if s is not self._steps[i]), len(steps))
            self._steps = self._steps[:same]
            for step in steps[same:]:  # their networks were never made, but for the last
                self._note(replace(step, accuracy=None))
            self._look(reached)
        return removed

    def _tell(self, meter: Meter, progress: Progress) -> None:
        """How far it is, if the rest goes as these did."""
        gone, limits = len(self._steps), meter.limits
        saved = meter.whole - meter.total(self._proposer.removed)
        needed = round(gone * meter.whole / max(saved, 1e-9))
        most = self._free if limits.removals is None else min(self._free, limits.removals)
        progress("rank", gone, max(gone, min(needed, most)))

    def _refuse_floor(self, limits: Limits) -> None:
        """Refuse a floor that is above the source model, where nothing makes up for what goes."""
        if limits.floor is None or self._solve is not None:
            return
        assert self._judge is not None
        source = self._judge.accuracy(self._judge.source)
        if not limits.allow(source):
            raise limits.unreachable(source)

    def _refusal(self, meter: Meter, refused: float | None) -> CannotFitError:
        proposer, more = self._proposer, ""
        if refused is not None:
            more = f"; one more and the accuracy is {refused:.4f}, "
            more += f"at least {meter.limits.floor:.4f} is asked for"
        if not self._free:
            kept = kept_whole(proposer.dense, proposer.coupling)
            more += f"\n  nothing can go: {kept_words(kept)}"
        return meter.limits.refusal(meter.prices(proposer.removed), len(self._steps), more)


def _fewest(count: int, enough: Callable[[int], bool]) -> int:
    """The fewest, 1 to count, that are enough, by halving: count is."""
    low, high = 0, count
    while high - low > 1:
        middle = (low + high) // 2
        if enough(middle):
            high = middle
        else:
            low = middle
    return high
