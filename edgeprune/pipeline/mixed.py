"""Finds the network with weights of few bits that fits the budget and loses least.

Bytes are saved by channels or by bits. Some networks on the way down, which take up to five times
the bytes with eight bits, get as few bits as the budget wants; the nearest to the source model on
validation samples is what is built. They are rungs of one ladder, whatever the budget, so that a
larger one chooses among the same networks with more bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property

from edgeprune.compiler.compile import Compiled, Recipe
from edgeprune.compiler.measure import Footprint
from edgeprune.errors import EdgePruneError
from edgeprune.ir import Graph
from edgeprune.ops.unfuse import unfuse
from edgeprune.pipeline.fitter import SLACK, Fitter
from edgeprune.pipeline.forms import Candidate
from edgeprune.pipeline.mix import Mix, Mixer, Roundings
from edgeprune.pruning.costs import Prices, nothing_removed
from edgeprune.pruning.limits import Limits
from edgeprune.pruning.obs.parts import parts_of
from edgeprune.pruning.pruned import Pruned
from edgeprune.pruning.search import smallest
from edgeprune.pruning.teacher import Teacher
from edgeprune.quantize.rounding import roundable, rounded_plainly

STEP = 1.4
"""From one rung to the next: constants in eight bits, STEP^rung bytes."""
MIDDLE = 2.5
"""Constants of the network in the middle, in eight bits, as a multiple of the budget."""
RUNGS = (2, 1, 0, -1, -2, -3, -4)
"""Those that may be looked at, from that one; on the way down, so that no more channels go than
have to be seen gone: finding the next of them takes longer than giving bits."""
NEAR = 1.1
"""Times the loss of the best one, up to which one of fewer channels is solved in its place: solving
all layers together, the dearest step, does more for it."""
FILLS = 2
"""Tries to fill the bytes that are left with channels."""
SEEN_LOSS = 0.02
"""Nats, about half a point of accuracy: more of them tell forms apart."""
CLEARLY = 0.8
"""Of what another form loses: less is likely to stay less when both are solved and settled."""
BEFORE = 0.5
"""Of the epochs that are asked for: before weights get few values, where channels have gone."""
MOST_MORE = 4
"""Times as many of them at the most: what is left may be more than there was for eight bits."""


@dataclass(frozen=True)
class Found:
    """A network on the way down, in as many bits as fit.

    Attributes:
        loss: against the source model.
        rung: what tells its bytes in eight bits.
        mix: with its bits.
        left: bytes that it leaves.
        pruned: as it came about.
        like: the network whose layers told what bits cost.
    """

    loss: float
    rung: float
    mix: Mix
    left: float
    pruned: Pruned
    like: Graph


@dataclass(frozen=True)
class Explored:
    """What was looked at before anything was solved.

    Attributes:
        mixer: gives bits.
        mixed: the network of a rung with its bits; None where it cannot fit.
        room: bytes for constants.
        best: that loses least; None where none fits.
    """

    mixer: Mixer
    mixed: Callable[[float], Found | None]
    room: float
    best: Found | None


@dataclass
class MixedFitter(Fitter):
    """Prunes, chooses bits by layer, and measures for one form.

    Attributes:
        roundings: of networks; shared by all forms.
    """

    roundings: Roundings = field(kw_only=True)

    @property
    def promise(self) -> float:
        """What the best network loses before it is solved; infinite where none can be had."""
        try:
            best = self._explored.best
        except EdgePruneError:
            return math.inf  # making it says why
        return math.inf if best is None else best.loss

    def is_outdone(self, others: Sequence[Fitter]) -> bool:
        """Whether one of as many bits, of a form with less code, promises clearly more.

        What it promises is known at a small part of what solving and settling a network takes.
        """
        if self.promise < SEEN_LOSS:
            return False
        return any(
            isinstance(f, MixedFitter) and f.promise < CLEARLY * self.promise for f in others
        )

    @cached_property
    def _explored(self) -> Explored:
        """Some networks on the way down, each with as few bits as fit."""
        recipe, prices, spare, _ = self._begun
        least = self._least(prices)
        room = max(self.limits.most["flash"] - spare["flash"], 1.0)
        mixer = Mixer(recipe, self.roundings, self._excess)
        known: dict[bytes, Found | None] = {}  # where another limit binds, rungs are one network

        @cache
        def mixed(rung: float) -> Found | None:
            left = self.limits.less(spare)
            left = replace(left, most={**left.most, "flash": STEP**rung})
            if not left.hold(least):
                return None
            pruned = self._wide(recipe, prices, left)
            gone = pruned.removed.tobytes()
            if gone not in known:
                made = mixer.mix(pruned.graph)
                like = pruned.graph
                known[gone] = made and Found(made[0].loss, rung, *made, pruned, like)
            found = known[gone]
            return found and replace(found, rung=rung)

        middle = round(math.log(MIDDLE * room, STEP))
        whole = math.ceil(math.log(prices(nothing_removed(self._coupling))["flash"], STEP))
        # those above the whole network are that network
        rungs = [middle + k for k in RUNGS if middle + k <= whole] or [whole]
        best = lowest(mixed, rungs) or mixed(math.log(least["flash"] + 1, STEP))
        return Explored(mixer, mixed, room, best)

    def _within(
        self, recipe: Recipe, prices: Prices, spare: dict[str, float], whole: Footprint
    ) -> Candidate:
        """Of some networks on the way down, each with as few bits as fit, what loses least."""
        mixer, best = self._explored.mixer, self._explored.best
        if best is None:
            raise self._floor(recipe, prices)
        smaller = self._explored.mixed(best.rung - 1)
        fuller = self._fuller(best)
        solved = fuller
        if smaller is not None and smaller.loss < NEAR * fuller.loss:
            solved = smaller
        ends = [fuller, self._finished(mixer, solved)]
        return self._settled(recipe, prices, mixer, min(ends, key=_loss), whole)

    def _least_of(self, recipe: Recipe, pruned: Pruned, whole: Footprint) -> Candidate:
        counts = dict.fromkeys(roundable(pruned.graph), min(self.roundings.counts))
        mix = self.roundings.mix(pruned.graph, counts)
        fewest = self._finish(replace(recipe, levels=mix.levels), mix.graph, pruned, whole)
        ways = [super()._least_of(recipe, pruned, whole), replace(fewest, float_graph=pruned.graph)]
        return min(ways, key=lambda made: made.size.flash_bytes)

    def _fuller(self, best: Found) -> Found:
        """With more channels for the bytes that are left, where that brings it nearer."""
        room = self._explored.room
        for _ in range(FILLS):
            if best.left <= SLACK * room:
                break
            taken = max(room - best.left, room / MOST_MORE)
            more = self._explored.mixed(best.rung + math.log(room / taken, STEP))
            if more is None or more.loss >= best.loss:
                break
            best = more
        return best

    def _finished(self, mixer: Mixer, found: Found) -> Found:
        """With all layers solved together, then fine-tuned, as far as that brings it nearer."""
        solved, ends = self._solved(found.pruned), [found]
        for epochs in dict.fromkeys((0.0, self._epochs(solved)[0])):
            graph = self._trained(solved, epochs)
            again = mixer.mix(graph, found.like) if graph is not found.like else None
            if again is not None:
                mix, left = again
                done = replace(solved, graph=graph)
                ends.append(replace(found, loss=mix.loss, mix=mix, left=left, pruned=done))
        return min(ends, key=_loss)

    def _epochs(self, pruned: Pruned) -> tuple[float, float]:
        """Of those that are asked for, how many are before weights get few values, and after."""
        epochs = self.options.finetune
        before = BEFORE * epochs if pruned.removed.any() else 0.0  # nothing has gone: it is as good
        return before, epochs - before

    def _settled(
        self, recipe: Recipe, prices: Prices, mixer: Mixer, chosen: Found, whole: Footprint
    ) -> Candidate:
        """As it is linked with scales of its own, with fewer bits where those take too much.

        That is looked at before it is settled, which takes longer, and after.
        """
        mix, pruned, epochs = chosen.mix, chosen.pruned, self.options.finetune
        source, is_settled = self.prepared.float_graph, False
        while True:
            found = self._finish(replace(recipe, levels=mix.levels), mix.graph, pruned, whole)
            over = self.limits.excess(found.size.taken)
            if over:
                mixer.reserve(int(over.get("flash", 0)))
                again = mixer.mix(pruned.graph, chosen.like) if "flash" in over else None
                while again is None:  # its fewest bits are too many: a network of fewer channels
                    smaller = self._explored.mixed(chosen.rung - 1) if "flash" in over else None
                    if smaller is None:
                        raise self._floor(recipe, prices)
                    chosen, pruned = smaller, smaller.pruned
                    again = mixer.mix(pruned.graph)
                mix, is_settled = again[0], False
                continue
            before = mix
            if not is_settled:
                mix, is_settled = self.roundings.settled(mix, pruned.graph, source), True
                if epochs:
                    mix = self._taught(mix, pruned)
            if mix is before:  # and is linked as it was
                return replace(found, float_graph=pruned.graph, epochs=epochs)

    def _taught(self, mix: Mix, pruned: Pruned) -> Mix:
        """A network on its levels after the training that is left for it."""
        source, x = self.prepared.float_graph, self.prepared.learned.x
        parts = parts_of(self.prepared.float_graph, pruned.coupling, pruned.removed)
        teacher = Teacher(unfuse(pruned.graph), parts, source, x)
        return self.roundings.trained(mix, source, x, self._epochs(pruned)[1], teacher.error)

    def _smallest(self, recipe: Recipe) -> Compiled:
        graph = smallest(self.prepared.float_graph, inputs=self._drops_inputs).graph
        ways = [super()._smallest(recipe)]
        fewest = dict.fromkeys(roundable(graph), min(self.roundings.counts))
        made, levels = rounded_plainly(graph, fewest)
        ways.append(replace(recipe, levels=levels).compile(made))
        return min(ways, key=lambda c: self._meter.footprint(c, tells=False).flash_bytes)

    def _wide(self, recipe: Recipe, prices: Prices, left: Limits) -> Pruned:
        """A network on the way down; the same for all forms, which want about as much for each."""
        key = tuple(sorted(left.most.items()))
        if key not in self.roundings.ladder:
            self.roundings.ladder[key] = self._prune(recipe, prices, left)
        return self.roundings.ladder[key]

    def _excess(self, compiled: Compiled) -> dict[str, float]:
        """By how much a network is over each limit; negative: what is left."""
        compiled, found = self._meter.by_rows(compiled, tells=False)
        now = {**self._meter.taken(found, compiled), "near": compiled.near_bytes}
        return {k: -left for k, left in self.limits.left(now).items()}


def _loss(found: Found) -> float:
    return found.loss


def lowest(look: Callable[[float], Found | None], row: Sequence[float]) -> Found | None:
    """The lowest of a row that falls and then rises; the last of those that are one network.

    Args:
        look: gives what stands at a number; None: nothing.
        row: of numbers, from the first on.
    """
    best: Found | None = None
    for found in filter(None, map(look, row)):
        same = best is not None and found.pruned is best.pruned
        if best is not None and found.loss >= best.loss and not same:
            break
        best = found
    return best
