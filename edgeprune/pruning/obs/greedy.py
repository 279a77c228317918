"""One greedy run: rounds of scoring, removing and refitting, from the dense network down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Array, Coupling, Graph, Samples
from edgeprune.ops.linear import linears
from edgeprune.ops.unfuse import unfuse
from edgeprune.pruning.compact import compact
from edgeprune.pruning.descent import Move
from edgeprune.pruning.groups import Mask, Occupancy, candidates
from edgeprune.pruning.inputs import constant_inputs
from edgeprune.pruning.loss import make_loss
from edgeprune.pruning.obs.blocks import Block, Losses
from edgeprune.pruning.obs.head import resolve_head, value_of
from edgeprune.pruning.obs.parts import parts_of, scatter
from edgeprune.pruning.obs.prices import kinds, prices
from edgeprune.pruning.obs.reference import Reference
from edgeprune.pruning.obs.refit import Repair, default_ridge
from edgeprune.pruning.obs.scores import Scorer

if TYPE_CHECKING:
    import torch


Measure = Callable[[Graph], float]
"""Of a network, the better the larger."""

NOTHING = 1e-9  # of the whole network: sums are not exact


@dataclass(frozen=True)
class Effort:
    """How much data and how many steps a run takes.

    Attributes:
        share: bytes that a round removes, as a share of what is there.
        most: channels that a round removes at most; None: any number.
        inputs: whether elements of the input may go too.
        cap: largest share of a kind of channels that a round removes.
        block: channels of a kind that go together at most, as many as save most each: where what
            is paid in falls by steps, one channel saves nothing. 1: each for itself.
        trial: of the samples of a round, one in so many is what blocks are tried with.
        least_trial: samples that they are tried with at the least.
        score_samples: samples of the Hessian in networks with positions.
        vector_scores: samples of the Hessian without positions.
        vector_samples: samples of a run on a network without positions.
        round_samples: samples of the refit within the run, with positions.
        round_positions: positions per sample of the same.
        final_samples: samples of the last refit.
        final_positions: positions per sample of the same.
        sweeps: further solutions in front of a clamp, in the last refit.
    """

    share: float = 0.04
    most: int | None = None
    inputs: bool = True
    cap: float = 0.2
    block: int = 1
    trial: int = 4
    least_trial: int = 100
    score_samples: int = 384
    vector_scores: int = 4000
    vector_samples: int = 20_000
    round_samples: int = 1000
    round_positions: int = 50
    final_samples: int = 3000
    final_positions: int = 60
    sweeps: int = 2


@dataclass(frozen=True)
class Prices:
    """What the channels cost, and for which network that was found out.

    Attributes:
        by_channel: see :func:`prices`.
        total: the cost of the network then.
        expected: the cost after the last round, by these prices.
    """

    by_channel: NDArray[np.float64]
    total: float
    expected: float

    def hold(self, now: float) -> bool:
        """Whether the network is much the same, and the last round saved what it should."""
        return now > 0.9 * self.total and self.total - now >= 0.5 * (self.total - self.expected)


@dataclass(frozen=True)
class Snapshot:
    """The state of a run between two rounds."""

    master: Graph
    removed: Mask
    prices: Prices | None
    round: int


class Greedy:
    """The state of a run. ``master`` has the dense shapes and the present weights.

    Args:
        graph: the dense network, float.
        coupling: of it.
        data: samples to choose and fit with.
        cost: of the network without these channels: what the channels are paid in.
        saving: of one network against a larger one, of what that has too much of; None: of cost.
        per_price: whether a score counts per unit of cost, or as it is.
        measure: of a network, the better the larger; None: what blocks cost is only estimated.
        effort: see :class:`Effort`.
        seed: of samples and draws.
        reference: gives the dense network's values for the samples to fit with; they are asked for
            in every round, so that nothing holds them in between. None: computed once.
    """

    def __init__(
        self,
        graph: Graph,
        coupling: Coupling,
        data: Samples,
        cost: Callable[[Mask], float],
        *,
        saving: Callable[[Mask, Mask], float] | None = None,
        per_price: bool = True,
        measure: Measure | None = None,
        effort: Effort | None = None,
        seed: int = 0,
        reference: Callable[[], Reference] | None = None,
    ) -> None:
        self.dense = graph
        self.coupling = coupling
        self.master = graph
        self.removed: Mask = np.zeros(coupling.count, bool)
        self.data = data
        self.effort = effort or Effort()
        self.seed = seed
        self._cost = cost
        self._saving = saving or (lambda before, after: cost(before) - cost(after))
        self._per_price = per_price
        self._measure = measure
        self._kind = kinds(graph, coupling)
        self._occupancy = Occupancy(coupling)
        self._loss = make_loss(graph, data.first(1))  # its targets do not matter
        self.is_vector = all(lin.positions == 1 for lin in linears(graph).values())
        self._reference = reference or cache(self._own_reference)
        self._answers: torch.Tensor | None = None
        self._round = 0
        self._prices: Prices | None = None
        self._covariances: dict[str, NDArray[np.float64]] = {}  # of the present network

    def _own_reference(self) -> Reference:
        n = self.effort.vector_samples if self.is_vector else self.effort.round_samples
        positions = self.effort.round_positions
        return Reference(unfuse(self.dense), self.data.x[:n], positions=positions, seed=self.seed)

    @property
    def graph(self) -> Graph:
        """The present network."""
        return compact(self.master, self.coupling, self.removed)

    def propose(self) -> Move:
        """The channels of the next round."""
        self._round += 1
        if not self.removed.any() and self.effort.inputs and self.effort.most is None:
            constant = [int(k) for k in np.flatnonzero(self._constant_inputs())]
            if constant:
                return Move.of(dict.fromkeys(constant, 0.0))
        scorer = self._scorer()
        now = self._cost(self.removed)
        if self.effort.block > 1:
            return self._blocks(scorer, now)
        price = self._price(now)
        goal = self.effort.share * now
        free = self.free
        room = {
            int(i): max(1, int(self.effort.cap * (free & (self._kind == i)).sum()))
            for i in np.unique(self._kind[free])
        }
        chosen: dict[int, float] = {}
        spent = 0.0
        most = self.effort.most or int(free.sum())
        while spent < goal and len(chosen) < most and free.any():
            scores = scorer.scores()
            k = self._best(scores, price, free)
            free[k] = False
            if not self._occupancy.can_go(k):
                continue
            scorer.remove(k)
            self._occupancy.remove(k)
            chosen[k] = float(scores[k])
            spent += price[k]
            room[int(self._kind[k])] -= 1
            if room[int(self._kind[k])] == 0:
                free &= self._kind != self._kind[k]
        for k in chosen:
            self._occupancy.put_back(k)
        assert self._prices is not None
        self._prices = replace(self._prices, expected=now - spent)
        return Move.of(chosen)

    @property
    def free(self) -> Mask:
        """Channels that may go."""
        free = candidates(self.coupling, self.removed)
        return free if self.effort.inputs else free & ~self.coupling.inputs

    def _blocks(self, scorer: Scorer, now: float) -> Move:
        """The same in blocks, of which a round takes one of a kind, as they are measured."""
        free, goal = self.free, self.effort.share * now
        spent, chosen, losses = 0.0, dict[int, float](), Losses(self._trials(), goal)
        fresh = {int(i) for i in np.unique(self._kind[free])}
        members = {i: np.flatnonzero(free & (self._kind == i)) for i in fresh}
        found = {i: self._block(scorer, members[i], []) for i in sorted(fresh)}
        while spent < goal:
            found = {i: block for i, block in found.items() if block.scores}
            if not found:
                break
            saving = max(block.saved for block in found.values()) > 0
            best = losses.best([*found.values()], per_price=self._per_price and saving)
            if best.kind not in fresh:  # other kinds have gone since: they may have changed it
                found[best.kind] = self._block(scorer, members[best.kind], [*chosen])
                fresh.add(best.kind)
                continue
            for k in best.scores:
                scorer.remove(k)
                self._occupancy.remove(k)
            chosen |= best.scores
            spent += best.saved
            del found[best.kind]
            fresh = set()
        for k in chosen:
            self._occupancy.put_back(k)
        return Move.of(chosen)

    def _trials(self) -> Callable[[list[int]], float] | None:
        """What measures the loss once some have gone, too, and what is left was refitted.

        That is done with few samples, also before anything goes: their own loss is no block's.
        """
        measure = self._measure
        if measure is None:
            return None
        whole = self._reference()
        few = whole.first(max(self.effort.least_trial, len(whole) // self.effort.trial))

        def value(picks: list[int]) -> float:
            master = self._refitted(picks, few)[0]
            return measure(compact(master, self.coupling, self.after(picks)))

        before = cache(partial(value, []))
        return lambda picks: before() - value(picks)

    def _block(self, scorer: Scorer, members: NDArray[np.int64], chosen: list[int]) -> Block:
        """Of channels of a kind those that go next, with what they cost and save."""
        trial, before = scorer.fork(members), self.after(chosen)
        left = members.tolist()
        scores: dict[int, float] = {}
        kind = int(self._kind[members[0]])
        best = Block(kind, {}, 0.0)
        while left and len(scores) < self.effort.block:
            rise = trial.scores()
            k = left.pop(int(np.argmin(np.nan_to_num(rise[left], nan=np.inf))))
            if not self._occupancy.can_go(k):
                continue
            trial.remove(k)
            self._occupancy.remove(k)
            scores[k] = float(rise[k])
            saved = self._saving(before, self.after([*chosen, *scores]))
            if not best.scores or saved / len(scores) >= best.saved / len(best.scores) - NOTHING:
                best = Block(kind, dict(scores), saved)
        for k in scores:
            self._occupancy.put_back(k)
        return best

    def after(self, picks: list[int]) -> Mask:
        """What is gone once these are gone too."""
        mask = self.removed.copy()
        mask[picks] = True
        return mask

    def snapshot(self) -> Snapshot:
        """What :meth:`restore` needs."""
        return Snapshot(self.master, self.removed.copy(), self._prices, self._round)

    def restore(self, state: Snapshot) -> None:
        """Go to another state of the same run."""
        for k in np.flatnonzero(self.removed & ~state.removed).tolist():
            self._occupancy.put_back(k)
        for k in np.flatnonzero(state.removed & ~self.removed).tolist():
            self._occupancy.remove(k)
        if self.master is not state.master:
            self._covariances = {}
        self.master = state.master
        self.removed = state.removed.copy()
        self._prices, self._round = state.prices, state.round

    def apply(self, move: Move) -> None:
        """Remove channels and refit what is left."""
        picks = [*move.channels]
        constant = self._constant_inputs()
        if constant[picks].all():
            self._fold_constant(picks)
        self.master, done = self._refitted(picks, self._reference())
        self.removed[picks] = True
        for k in picks:
            self._occupancy.remove(k)
        kept = {k: v for k, v in self._covariances.items() if k in done.unmoved}
        self._covariances = {**kept, **done.covariances}

    def _refitted(self, picks: list[int], reference: Reference) -> tuple[Graph, Repair]:
        """The weights, in the dense shapes, when these have gone too and the rest is refitted."""
        removed = self.after(picks)
        graph = unfuse(compact(self.master, self.coupling, removed))
        done = Repair(graph, parts_of(self.dense, self.coupling, removed), reference)
        return scatter(self.master, self.coupling, removed, done.changed), done

    def resolve_head(self) -> None:
        """The last layer solved for the loss, on all data."""
        if self._answers is None:
            self._answers = value_of(self.dense, self.data.x, self._loss.value)
        changed = resolve_head(unfuse(self.graph), self._loss, self.data.x, self._answers)
        self.master = scatter(self.master, self.coupling, self.removed, changed)

    def _scorer(self) -> Scorer:
        reference = self._reference()
        scorer = Scorer(
            unfuse(self.graph),
            parts_of(self.dense, self.coupling, self.removed),
            self.coupling,
            self.removed,
            reference,
            self._loss,
            ridge=default_ridge(len(reference)),
            rows=self.effort.vector_scores if self.is_vector else self.effort.score_samples,
            seed=self.seed + self._round,
            covariances=self._covariances,
        )
        self._covariances = scorer.covariances
        return scorer

    def _price(self, now: float) -> NDArray[np.float64]:
        """What the channels cost; found out anew when the network is another one."""
        if self._prices is None or not self._prices.hold(now):
            found = prices(self.coupling, self.removed, self._kind, self._occupancy, self._cost)
            self._prices = Prices(found, now, now)
        return self._prices.by_channel

    def _best(self, score: NDArray[np.float64], price: NDArray[np.float64], free: Mask) -> int:
        value = score.copy()
        if self._per_price:
            # what is better than free is taken first, the cheapest of it last
            value = np.where(value > 0, value / price, value * price)
        value = np.where(free, value, np.inf)
        return int(np.nanargmin(value))

    @cached_property
    def _constant(self) -> tuple[Mask, dict[str, Array]]:
        return constant_inputs(self.dense, self.coupling, self.data.x)

    def _constant_inputs(self) -> Mask:
        return self._constant[0] & candidates(self.coupling, self.removed)

    def _fold_constant(self, picks: list[int]) -> None:
        """Put constant inputs into the biases exactly, before the refit."""
        mask = np.zeros_like(self.removed)
        mask[picks] = True
        small = compact(self.master, self.coupling, mask, self._constant[1])
        same = {k: v for k, v in small.constants.items() if k in self.master.constants}
        self.master = scatter(self.master, self.coupling, mask, same)
