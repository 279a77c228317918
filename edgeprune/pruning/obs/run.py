"""The strategy ``obs``: greedy runs, finished with all the data; the better one."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial
from threading import Lock
from typing import TYPE_CHECKING

from edgeprune import heap
from edgeprune.errors import CannotFitError
from edgeprune.ir import Graph, Samples, couple
from edgeprune.ops.linear import linears
from edgeprune.ops.unfuse import unfuse
from edgeprune.progress import Progress, silent
from edgeprune.pruning.costs import Prices, nothing_removed
from edgeprune.pruning.descent import Descent
from edgeprune.pruning.groups import Mask
from edgeprune.pruning.judge import Judge
from edgeprune.pruning.limits import Limits
from edgeprune.pruning.loss import Loss, make_loss
from edgeprune.pruning.meter import Meter
from edgeprune.pruning.obs.enlarge import enlarge
from edgeprune.pruning.obs.greedy import Effort, Greedy, Snapshot
from edgeprune.pruning.obs.head import value_of
from edgeprune.pruning.obs.joint import together
from edgeprune.pruning.obs.parts import parts_of
from edgeprune.pruning.obs.reference import Reference
from edgeprune.pruning.pruned import Pruned
from edgeprune.pruning.strategy import Strategy

if TYPE_CHECKING:
    import torch

VALIDATION = 0.2
"""Share of the data that chooses between runs, and is not fitted."""


SCORED = 3 * 2**24
"""Elements of all values of all samples that a round takes its Hessians from."""
FEWEST = 128
"""Samples that it takes them from in any case: large images have many positions each."""

FINAL_MACS = 20_000_000_000
FINAL = 1000
"""Multiply-accumulates of the samples that the last solution sees, and samples in any case: of
fewer images it looks at more positions."""

HELD = 2**24
"""Elements of the dense network's values up to which they are held from solution to solution, and
those for the rounds beside them: more is computed again where it is asked for again."""

COPIES = 0.25
"""Moved copies that a round may see beside each sample; the last solution sees them all."""


def path(graph: Graph, data: Samples, *, head: bool = False, seed: int = 0) -> Iterator[Graph]:
    """The networks on the way down, one hidden channel less each; inputs stay.

    Args:
        graph: float, with one input.
        data: samples to choose and to fit with.
        head: whether the last layer is solved for the loss after every removal. It then fits
            these very samples, which is what counts where the network is measured on them.
        seed: of samples and draws.
    """
    effort = Effort(most=1, inputs=False, vector_samples=len(data), vector_scores=len(data))
    greedy = Greedy(
        graph,
        couple(graph),
        data,
        lambda removed: float((~removed).sum()),
        per_price=False,
        effort=effort,
        seed=seed,
    )
    while move := greedy.propose():
        greedy.apply(move)
        if head:
            greedy.resolve_head()
        yield greedy.graph


class Search(Strategy):
    """Greedy runs over one network that remember where they have been.

    Asked again with other values of the same limits, only what is new is computed; that holds for
    other costs too: the first ones set the prices of the channels, all are kept to. Where channels
    go in blocks, which ones go depends on the values where these come into reach: what was found
    out before that serves others, too.

    Args:
        graph: float, with one input.
        data: samples to choose and to fit with; labels are used for validation only.
        validation: samples that choose; None: a fifth of data, at most 2,000.
        effort: see :class:`Effort`.
        seed: of samples and draws.
        jobs: how many runs go side by side; the result does not depend on it.
    """

    drops_inputs = True
    _judge: Judge
    _asked: Meter

    def __init__(
        self,
        graph: Graph,
        data: Samples,
        *,
        validation: Samples | None = None,
        effort: Effort | None = None,
        seed: int = 0,
        jobs: int = 2,
    ) -> None:
        if validation is None:
            share = min(VALIDATION, 2000 / max(len(data), 1))
            data, validation = data.split(share, seed)
        super().__init__(graph, Judge(graph, validation))
        self._effort = effort or Effort()
        self._seed = seed
        self._jobs = jobs
        self._solved: dict[tuple[bytes, float | None], Graph] = {}
        self._lock = Lock()
        self._rounds: Reference | None = None
        self._final: Reference | None = None
        self._values: dict[tuple[Descent[Snapshot], bytes], float] = {}
        self._runs: dict[tuple[tuple[str, ...], bool, bool], Descent[Snapshot]] = {}
        self._is_vector = all(lin.positions == 1 for lin in linears(graph).values())
        if not self._is_vector:
            own, asked = len(data), self._effort
            data = Samples(enlarge(data.x, asked.final_samples, seed))
            most = max(FINAL, FINAL_MACS // max(graph.macs, 1))
            self._effort = replace(
                asked,
                final_samples=min(asked.final_samples, most),
                score_samples=min(asked.score_samples, own, _scored(graph)),
                round_samples=min(asked.round_samples, own + int(COPIES * own)),
            )
        self.data = data

    @cached_property
    def _loss(self) -> Loss:
        """Of the dense network and of every part of it; its targets do not matter."""
        return make_loss(self.graph, self.data.first(1))

    def _for_rounds(self) -> Reference:
        """The dense network's values for the samples that all runs are solved with."""
        with self._lock:  # runs side by side ask for the same
            found = self._rounds
            if found is None:
                asked = self._effort
                n = asked.vector_samples if self._is_vector else asked.round_samples
                found = self._rounds = self._dense(n, asked.round_positions)
        return found

    def _for_solution(self) -> Reference:
        """The dense network's values for all the samples that the last solution sees."""
        found = self._final
        if found is None:
            if self._rounds is not None and self._rounds.elements > HELD:
                self._rounds = None
            found = self._dense(self._last_samples, self._effort.final_positions)
            self._final = found if found.elements <= HELD else None
        return found

    def _dense(self, samples: int, positions: int) -> Reference:
        x = self.data.x[:samples]
        return Reference(unfuse(self.graph), x, positions=positions, seed=self._seed)

    @cached_property
    def _answers(self) -> torch.Tensor:
        """What it has in front of its last activation for them."""
        return value_of(self.graph, self.data.x[: self._last_samples], self._loss.value)

    @property
    def _last_samples(self) -> int:
        """How many the last solution sees."""
        return len(self.data) if self._is_vector else self._effort.final_samples

    def choose(
        self, limits: Limits, prices: Prices, *, inputs: bool = True, progress: Progress = silent
    ) -> Pruned:
        """See :meth:`Strategy.choose`; what is left is repaired layer by layer on the way.

        Two greedy runs, one with the loss per unit of what is limited and one with the loss
        alone; the one that does better on the validation data is the result.
        """
        meter = self._asked = Meter(prices, nothing_removed(self.coupling), limits)
        inputs &= limits.removals is None
        orders = (True, False) if limits.most else (False,)
        if limits.most and self._effort.block > 1:
            orders = (True,)  # a block that saves nothing is of no use
        runs = [self._run(meter, per_price, inputs=inputs) for per_price in orders]
        return self._best(runs, meter, progress)

    @property
    def passed(self) -> list[tuple[Mask, Graph]]:
        """See :attr:`Strategy.passed`; solved layer by layer as channels went."""
        states = [state for run in self._runs.values() for state in run.passed]
        return [(state.removed, state.master) for state in states]

    def solve(
        self, chosen: Pruned, floor: float | None = None, progress: Progress = silent
    ) -> Pruned:
        """See :meth:`Strategy.solve`, with all the data.

        Layer by layer, then all layers at once, then the last layer for the loss; each is kept
        where the validation data agree.
        """
        return replace(chosen, graph=self._together(chosen.graph, chosen.removed, floor, progress))

    def _together(
        self, graph: Graph, removed: Mask, floor: float | None, progress: Progress
    ) -> Graph:
        """A network without some channels solved anew; known again by what it lost."""
        key = removed.tobytes(), floor
        if not removed.any():
            return graph
        if key not in self._solved:
            heap.trim()
            with one_thread():
                self._solved[key] = together(
                    graph,
                    parts_of(self.graph, self.coupling, removed),
                    self.graph,
                    self.data,
                    self._judge,
                    (self._loss, self._loss),
                    reference=self._for_solution,
                    answers=self._answers,
                    sweeps=self._effort.sweeps,
                    floor=floor,
                    seed=self._seed,
                    progress=progress,
                )
        return self._solved[key]

    def _best(self, runs: list[Descent[Snapshot]], meter: Meter, progress: Progress) -> Pruned:
        """All runs side by side, and what the best of them ends in.

        Raises:
            CannotFitError: no run ends within the bounds.
        """

        def descend(run: Descent[Snapshot]) -> tuple[float, Pruned] | CannotFitError:
            with one_thread():
                try:
                    end = run.descend(meter, progress if run is runs[0] else silent)
                except CannotFitError as error:
                    return error
                key = run, end.removed.tobytes()
                if key not in self._values:
                    self._values[key] = self._judge.value(end.graph)
                return self._values[key], end

        with ThreadPoolExecutor(max(1, self._jobs)) as pool:
            ends = list(pool.map(descend, runs))
        fit = [end for end in ends if not isinstance(end, CannotFitError)]
        if not fit:
            raise next(end for end in ends if isinstance(end, CannotFitError))
        return max(fit, key=lambda end: end[0])[1]

    def _run(self, meter: Meter, per_price: bool, *, inputs: bool) -> Descent[Snapshot]:
        """The run for what is limited: new, or as far as it is."""
        inputs &= self._effort.inputs
        key = (tuple(sorted(meter.limits.most)), per_price, inputs)
        if key not in self._runs:
            total, saving = meter.total, meter.saving
            if self._effort.block > 1:
                total, saving = self._total, self._saving
            greedy = Greedy(
                self.graph,
                self.coupling,
                self.data,
                total,
                saving=saving,
                per_price=per_price,
                measure=self._judge.value,
                effort=replace(self._effort, inputs=inputs),
                seed=self._seed,
                reference=self._for_rounds,
            )
            self._runs[key] = Descent(
                greedy, self._judge, solve=partial(self._together, progress=silent)
            )
        return self._runs[key]

    def _total(self, removed: Mask) -> float:
        return self._asked.total(removed)

    def _saving(self, before: Mask, after: Mask) -> float:
        return self._asked.saving(before, after)


def _scored(graph: Graph) -> int:
    """How many samples a round can take its Hessians from."""
    held = sum(graph.types[n.output].size for n in graph.nodes)
    return max(FEWEST, SCORED // max(held, 1))


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread, as sums depend on how they are divided.

    Threads that wait for each other spin, too: where others use the processor, for several times
    what the work itself takes.
    OpenMP keeps the number by the thread that calls, so every worker has to set its own.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
