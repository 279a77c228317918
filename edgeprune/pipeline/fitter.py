"""Finds, for one element type, the network that fits the budget and loses least."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

from edgeprune.compiler.compile import FLOATS, MIXED, Compiled, Recipe
from edgeprune.compiler.measure import Footprint
from edgeprune.compiler.prices import LayerPrices
from edgeprune.compiler.tiles import tiled_macs
from edgeprune.errors import CannotFitError
from edgeprune.ir import Coupling, Graph, couple, predict
from edgeprune.pipeline.answered import answered
from edgeprune.pipeline.forms import Candidate, Form
from edgeprune.pipeline.meter import Meter
from edgeprune.pipeline.options import BuildOptions, most_cycles
from edgeprune.pipeline.phone import with_inputs
from edgeprune.pipeline.prepare import Prepared
from edgeprune.pipeline.quantised import FOUR_BIT_LOSS, quantised
from edgeprune.pipeline.refusal import NEAR_FLASH, cannot_fit, refusal, refuse_far_constants
from edgeprune.progress import Progress, silent
from edgeprune.pruning.costs import Prices, nothing_removed
from edgeprune.pruning.finetune import MOVED, Training, finetune
from edgeprune.pruning.groups import all_that_can_go, removable
from edgeprune.pruning.limits import Limits
from edgeprune.pruning.obs.parts import parts_of
from edgeprune.pruning.pruned import Pruned
from edgeprune.pruning.search import smallest
from edgeprune.pruning.strategy import Strategy
from edgeprune.pruning.subnet import recalibrate
from edgeprune.quantize import Observed, Settings, tolerant

TRIES = 8  # of measuring and adjusting; the estimate is off by a few bytes of alignment
SLACK = 0.01  # of every limit unused: less code than was reckoned with, so another try pays


@dataclass
class Fitter:
    """Prunes and measures for one form.

    Attributes:
        prepared: the model and its data.
        options: what is asked for.
        form: how the network is built.
        strategy: what chooses channels; None: none go.
        progress: told how far the long steps are.
        most_work: the most of :func:`edgeprune.compiler.tiles.tiled_macs`; None: any.
    """

    prepared: Prepared
    options: BuildOptions
    form: Form
    strategy: Strategy | None
    progress: Progress = silent
    most_work: float | None = None

    def fit(self) -> Candidate:
        """The network that fits.

        Raises:
            CannotFitError: even the smallest network is over the budget.
        """
        if not self.options.has_limits:
            graph = self.prepared.graph  # quantised files keep every scale and weight
            return self._finish(self._recipe(graph), graph, None)
        recipe, prices, spare, whole = self._begun
        try:
            made = self._within(recipe, prices, spare, whole)
        except CannotFitError as error:
            made = self._last(recipe, prices, whole, error)
        rest = whole.flash_bytes - prices(nothing_removed(self._coupling))["flash"]
        return replace(made, flash_of=lambda gone: rest + prices(gone)["flash"])

    def is_outdone(self, others: Sequence[Fitter]) -> bool:
        """Whether it is known beforehand that one of these makes a better network."""
        return False

    def outline(self) -> Compiled:
        """About the network that :meth:`fit` finds, of the same shapes, before it is solved anew.

        Raises:
            CannotFitError: even the smallest network is over the budget.
        """
        recipe, prices, spare, _ = self._begun
        pruned, _ = self._search(recipe, prices, spare, SLACK)
        return recipe.compile(pruned.graph)

    @cached_property
    def _begun(self) -> tuple[Recipe, LayerPrices, dict[str, float], Footprint]:
        """How networks are compiled, prices of what is left, and what the whole network takes.

        The third of these is what it takes beside its price.
        """
        graph = self.prepared.float_graph
        recipe = self._recipe(graph)
        alone = recipe.compile(graph)
        compiled, whole = self._meter.by_rows(self._heard(alone))
        priced = compiled if compiled.graph is alone.graph else alone
        prices = LayerPrices(priced, graph, self._coupling, {"flash", *self.limits.most})
        first = prices(nothing_removed(self._coupling))
        taken = self._meter.taken(whole, compiled)
        spare = {k: v - first[k] for k, v in taken.items() if k in self.limits.most}
        return recipe, prices, spare, whole

    @cached_property
    def _coupling(self) -> Coupling:
        return couple(self.prepared.float_graph)

    def unpruned(self, fixed: Sequence[str]) -> Candidate:
        """The network of the file, in which nothing can go.

        Args:
            fixed: its layers that are computed in the integers of the file alone.

        Raises:
            CannotFitError: a limit is not met; with what the network takes.
        """
        graph = self.prepared.graph
        made = self._finish(self._recipe(graph), graph, None)
        counted = {"macs": graph.macs, "neurons": self._count, "work": tiled_macs(graph)}
        taken = {**counted, **self._meter.taken(made.size, made.compiled)}
        if self.limits.hold(taken):
            return made
        compiled, size = self._meter.by_rows(made.compiled, nearest=True)
        taken |= self._meter.taken(size, compiled)
        what = f"the network is not pruned, as its file's integers are kept ({', '.join(fixed)})"
        wrong = f"{what}; it takes {self.limits.words(taken)}"
        raise cannot_fit(self.limits.option(taken), wrong, "", size, self._meter, self.limits)

    def _within(
        self, recipe: Recipe, prices: Prices, spare: dict[str, float], whole: Footprint
    ) -> Candidate:
        """What is within the limits.

        Args:
            recipe: how networks are compiled.
            prices: of what is left.
            spare: what the source model takes beside its price.
            whole: what it takes.
        """
        o = self.options
        for attempt in range(TRIES):
            slack = SLACK if attempt == 0 else math.inf
            pruned, spare = self._search(recipe, prices, spare, slack)
            pruned = self._solved(pruned)
            made = self._finish(recipe, self._trained(pruned, o.finetune), pruned, whole)
            over = self.limits.excess(made.size.taken)
            if not over:
                return replace(made, epochs=o.finetune)
            # scales that were chosen for this network took more than those of the source model
            spare = {k: v + over.get(k, 0) for k, v in spare.items()}
        raise self._floor(recipe, prices)

    def _last(
        self, recipe: Recipe, prices: Prices, whole: Footprint, error: CannotFitError
    ) -> Candidate:
        """The smallest network, where it fits and a search that reckons too much never came so far.

        Raises:
            CannotFitError: what it takes; where an accuracy is asked for, the one that is given.
        """
        o = self.options
        if o.min_accuracy is not None or o.max_drop is not None:
            raise error
        least = smallest(self.prepared.float_graph, inputs=self._drops_inputs)
        made, cost = self._least_of(recipe, least, whole), self._least(prices)
        if not self._holds(made, cost):
            raise self._refusal(made.compiled, cost)
        solved = self._solved(least)
        trained = replace(solved, graph=self._trained(solved, o.finetune))
        better = self._least_of(recipe, trained, whole)
        return replace(better, epochs=o.finetune) if self._holds(better, cost) else made

    def _least_of(self, recipe: Recipe, pruned: Pruned, whole: Footprint) -> Candidate:
        """A network in as few bytes as it can have."""
        return self._finish(recipe, pruned.graph, pruned, whole)

    def _holds(self, made: Candidate, cost: Mapping[str, float]) -> bool:
        """Whether what is built is within all limits; its price is of what is not measured."""
        return self.limits.hold({**cost, **self._meter.taken(made.size, made.compiled)})

    def _search(
        self,
        recipe: Recipe,
        prices: Prices,
        spare: dict[str, float],
        slack: float,
    ) -> tuple[Pruned, dict[str, float]]:
        """A network that fits as it is linked, and what it has beside its constants.

        Where more than ``slack`` of every limit is unused, larger ones are tried.
        """
        limits = self.limits
        best: tuple[Pruned, dict[str, float]] | None = None
        for _ in range(TRIES):
            pruned = self._prune(recipe, prices, self.limits.less(spare))
            compiled = self._heard(recipe.compile(pruned.graph))
            compiled, found = self._meter.by_rows(compiled, tells=False)
            now = {**pruned.cost, **self._meter.taken(found, compiled)}
            left = {k: now[k] - pruned.cost[k] for k in spare}
            if not limits.hold(now):
                if best is not None:
                    break
                spare = self._tighter(prices, spare, left)
                continue
            best = pruned, spare
            tight = any(n <= slack * limits.most[k] for k, n in limits.left(now).items())
            if tight or all(left[k] >= spare[k] for k in spare):
                break
            spare = {k: min(spare[k], left[k]) for k in spare}
        if best is None:
            raise self._floor(recipe, prices)
        return best

    def _tighter(
        self, prices: Prices, spare: Mapping[str, float], left: Mapping[str, float]
    ) -> dict[str, float]:
        """What is to be left beside the price, after a network that left less than it takes.

        That network may have had kernels with a larger stack than a smaller one: where what it
        takes leaves room for none at all, it is looked for half of the way.
        """
        more = {k: max(spare[k] + 1, left[k]) for k in spare}
        least = self._least(prices)
        if self.limits.less(more).hold(least):
            return more
        most = {k: self.limits.most[k] - least[k] for k in spare}
        return {k: min(more[k], max(spare[k] + 1, (spare[k] + most[k]) / 2)) for k in spare}

    def again(self, known: Candidate) -> Candidate:
        """A network that was found for another form of the same element type."""
        form = self.form
        recipe = replace(known.compiled.recipe, target=form.target, optimize=form.optimize)
        recipe = replace(recipe, slow=form.slow, by_rows=form.by_rows, room=None)
        compiled = recipe.compile_typed(known.compiled.graph)
        refuse_far_constants(compiled)
        compiled, size = self._meter.by_rows(compiled)
        return replace(known, compiled=compiled, size=size)

    def _solved(self, pruned: Pruned) -> Pruned:
        """The network that was settled on, as good as its samples make it."""
        assert self.strategy is not None
        return self.strategy.solve(pruned, self.limits.floor, self.progress)

    def _trained(self, pruned: Pruned, epochs: float) -> Graph:
        """The pruned network after fine-tuning and new thresholds, where that is asked for."""
        o, graph = self.options, pruned.graph
        if epochs:
            graph = finetune(
                graph,
                self.prepared.learned,
                epochs=epochs,
                source=self.prepared.float_graph,
                parts=parts_of(self.prepared.float_graph, pruned.coupling, pruned.removed),
                training=MOVED if o.augment else Training(),
                device=o.device,
                seed=o.seed,
                progress=self.progress,
            )
        return recalibrate(graph, self.prepared.rank) if o.classes is not None else graph

    def _recipe(self, graph: Graph) -> Recipe:
        observed: Mapping[str, Observed] = {}
        if self.form.dtype not in FLOATS and not graph.is_quantised:
            observed = self.prepared.observed(graph, self.progress)
            self.progress("compile", 0, 0)
        return Recipe(
            self.form.target,
            "int8" if self.form.dtype == MIXED else self.form.dtype,
            self.form.optimize,
            observed,
            Settings(four_bit=self._four_bit(graph) if self.form.dtype == "int4" else frozenset()),
            title=self.prepared.path.name,
            sha256=self.prepared.sha256,
            command=self.options.command,
            labels=self.prepared.labels,
            balance=self.form.balance,
            slow=self.form.slow,
            by_rows=self.form.by_rows,
        )

    def _four_bit(self, graph: Graph) -> frozenset[str]:
        """Layers that get weights of four bits; the others would cost accuracy on their own."""
        x = self.prepared.validation.x

        def accuracy(g: Graph) -> float:
            return self.prepared.accuracy(predict(g, x))

        return tolerant(graph, accuracy, accuracy(graph) - FOUR_BIT_LOSS)

    @cached_property
    def _meter(self) -> Meter:
        return Meter(self.prepared, self.options, self.form)

    @cached_property
    def limits(self) -> Limits:
        """What is asked for, and what the target can reach."""
        o, target, neurons = self.options, self.form.target, self._neurons()
        limits = Limits.of(
            target.bound,
            flash=o.budget,
            ram=o.ram,
            instructions=o.max_instructions,
            cycles=most_cycles(o.max_ms, target),
            macs=o.max_macs,
            work=self.most_work,
            neurons=neurons,
            near=NEAR_FLASH if target.progmem else None,
        )
        if self.strategy is not None:
            limits = replace(limits, floor=self.strategy.floor(o.min_accuracy, o.max_drop))
        if neurons == o.max_neurons:
            return limits
        words = f"of {self._count:,} neurons"
        return replace(limits, said={"neurons": (words, "--keep-ratio")})

    @cached_property
    def _count(self) -> int:
        """How many neurons the whole network has that can go."""
        return int(removable(couple(self.prepared.float_graph)).sum())

    def _neurons(self) -> int | None:
        """How many may stay."""
        o = self.options
        if o.keep_ratio is None:
            return o.max_neurons
        share = math.ceil(o.keep_ratio * self._count - 1e-9)
        return share if o.max_neurons is None else min(share, o.max_neurons)

    def _prune(self, recipe: Recipe, prices: Prices, left: Limits) -> Pruned:
        """Prune to what the limits leave beside code and stack."""
        if not left.hold(self._least(prices)):
            raise self._floor(recipe, prices)
        assert self.strategy is not None
        ask = partial(self.strategy.choose, left, prices, progress=self.progress)
        if self.form.target.basis != "tflite" or not self._drops_inputs:
            return ask()
        x = self.prepared.validation.x
        timed = self.most_work is not None
        return with_inputs(ask, lambda g: self.prepared.accuracy(predict(g, x)), timed=timed)

    def _least(self, prices: Prices) -> Mapping[str, float]:
        """Of what is left when all goes that can."""
        coupling = couple(self.prepared.float_graph)
        return prices(all_that_can_go(coupling, inputs=self._drops_inputs))

    def _finish(
        self,
        recipe: Recipe,
        graph: Graph,
        pruned: Pruned | None,
        before: Footprint | None = None,
    ) -> Candidate:
        """Choose how it is quantised, by validation."""
        if recipe.observed:
            compiled, accuracy = quantised(
                self.prepared, recipe, graph, self.limits, self._meter, self.progress
            )
        else:
            compiled, accuracy = recipe.compile(graph), 1.0
            # where nothing else tells what is right, integers of a file are right as they are
            if not graph.is_quantised or self.prepared.validation.told is not None:
                x = self.prepared.validation.x
                accuracy = self.prepared.accuracy(answered(compiled.graph, x, lambda: compiled))
        refuse_far_constants(compiled)
        plain = accuracy  # of a file of integers: there is no float network
        if not graph.is_quantised:
            plain = self.prepared.accuracy(predict(graph, self.prepared.validation.x))
        compiled, size = self._meter.by_rows(self._heard(compiled))
        return Candidate(graph, compiled, size, accuracy, plain, pruned, before)

    @property
    def _drops_inputs(self) -> bool:
        return self.strategy is not None and self.strategy.drops_inputs

    def _smallest(self, recipe: Recipe) -> Compiled:
        """What is left when all goes that can."""
        least = smallest(self.prepared.float_graph, inputs=self._drops_inputs)
        return self._heard(recipe.compile(least.graph))

    def _heard(self, compiled: Compiled) -> Compiled:
        """A network as it is measured: with the front end before it, where it has one."""
        front = self.prepared.front
        if front is None or self.prepared.behind is not None:
            return compiled  # the network of the file, or with its front end already
        return compiled.recipe.compile_typed(front.before(compiled.graph))

    def _floor(self, recipe: Recipe, prices: Prices) -> CannotFitError:
        """The error that says about how small the network can get, and what of."""
        return self._refusal(self._smallest(recipe), self._least(prices))

    def _refusal(self, compiled: Compiled, cost: Mapping[str, float]) -> CannotFitError:
        return refusal(
            self._meter, self.limits, compiled, cost, self.prepared.float_graph, self._count
        )
