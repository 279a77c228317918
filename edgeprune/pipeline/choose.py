"""Decides which network is built: of those that fit, the one that answers best."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from edgeprune.compiler.measure import Footprint
from edgeprune.errors import CannotFitError, EdgePruneError
from edgeprune.pipeline.fit import Candidate, Fitter, Form, forms
from edgeprune.pipeline.options import BuildOptions
from edgeprune.pipeline.prepare import Prepared
from edgeprune.progress import Progress, silent
from edgeprune.pruning import obs
from edgeprune.pruning.search import Ranking, refuse_unknown
from edgeprune.report.record import Tried
from edgeprune.target import Target


@dataclass(frozen=True)
class Room:
    """Bytes that a network may take; None: no limit."""

    flash: int | None
    ram: int | None

    def holds(self, size: Footprint) -> bool:
        """Whether a network of that size fits."""
        return not self.excess(size)

    def excess(self, size: Footprint) -> str:
        """What is over, in words; empty where it fits."""
        over = []
        if self.flash is not None and size.flash_bytes > self.flash:
            over.append(f"{size.flash_bytes:,} bytes of flash, there are {self.flash:,}")
        if self.ram is not None and size.ram_bytes > self.ram:
            over.append(f"{size.ram_bytes:,} bytes of RAM, there are {self.ram:,}")
        return "; ".join(over)


def room(options: BuildOptions, target: Target) -> Room:
    """What was asked for; where nothing was, the whole part less what is reserved on it."""
    return Room(
        options.budget if options.budget is not None else target.flash_limit,
        options.ram if options.ram is not None else target.ram_limit,
    )


@dataclass
class Chooser:
    """Chooses for one model, for any number of targets: what is known is not computed again.

    Attributes:
        prepared: the model and its data.
        options: what is asked for; its target is not looked at.
        progress: told how far the long steps are.
        tried: the networks that the last choice was made from.
    """

    prepared: Prepared
    options: BuildOptions
    progress: Progress = silent
    tried: list[Tried] = field(default_factory=list)
    _whole: dict[str, Candidate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        refuse_unknown(self.options.criterion, self.options.schedule)

    def choose(self, target: Target) -> Candidate:
        """The network that is built.

        Without any limit, and if it fits the part, the network as it is. A floor on the accuracy
        alone removes whatever it allows.

        Raises:
            CannotFitError: no network fits.
        """
        o, given = self.options, room(self.options, target)
        if not o.has_limits:
            try:
                return self.as_it_is(target, given)
            except CannotFitError:
                if given == Room(None, None):
                    raise
        if o.has_limits and (o.budget, o.ram, o.max_instructions) == (None, None, None):
            found = self.pruned(target, Room(None, None))
            return _refuse_excess(found, given, f"target {target.name}")
        return self.pruned(target, given)

    def as_it_is(self, target: Target, given: Room) -> Candidate:
        """The network with all its channels.

        Raises:
            CannotFitError: it does not fit.
        """
        where = f"target {target.name}"
        return self._best(
            partial(lambda form: _refuse_excess(self._entire(form), given, where), form)
            for form in forms(self._without_limits, target, self._dtypes(whole=True))
        )

    def pruned(self, target: Target, given: Room) -> Candidate:
        """The network with as many channels as there is room for.

        Raises:
            CannotFitError: not even the smallest one fits.
        """
        o = replace(self.options, budget=given.flash, ram=given.ram)
        return self._best(
            Fitter(self.prepared, o, form, self._ranking, self.progress).fit
            for form in forms(o, target, self._dtypes(whole=False))
        )

    def _entire(self, form: Form) -> Candidate:
        """Every target computes the same numbers: they are chosen and scored once."""
        fitter = Fitter(self.prepared, self._without_limits, form, None, self.progress)
        known = self._whole.get(form.dtype)
        if known is not None:
            return fitter.again(known)
        found = self._whole[form.dtype] = fitter.fit()
        return found

    def _best(self, attempts: Iterable[Callable[[], Candidate]]) -> Candidate:
        """The most accurate network of those that can be made; of equals the smaller one."""
        found: list[Candidate] = []
        failed: list[EdgePruneError] = []
        for attempt in attempts:
            try:
                found.append(attempt())
            except EdgePruneError as error:
                failed.append(error)
        if not found:
            raise next((e for e in failed if isinstance(e, CannotFitError)), failed[0])
        self.tried = [Tried(_name(c), c.size, c.accuracy) for c in found]
        return max(found, key=lambda c: (c.accuracy, -c.size.flash_bytes))

    @cached_property
    def _without_limits(self) -> BuildOptions:
        nothing = dict.fromkeys(("budget", "ram", "max_instructions", "min_accuracy", "max_drop"))
        return replace(self.options, **nothing)  # type: ignore[arg-type]

    def _dtypes(self, *, whole: bool) -> tuple[str, ...]:
        if whole and self.prepared.graph.is_quantised:
            return ("int8",)  # the file says what it is
        return ("int8", "float32") if self.options.dtype == "auto" else (self.options.dtype,)

    @cached_property
    def _ranking(self) -> Ranking | obs.Search:
        """One for all forms: they differ in what a channel costs, and by about the same factor."""
        o, p = self.options, self.prepared
        if o.criterion == "obs":
            return obs.Search(p.float_graph, p.rank, validation=p.validation, seed=o.seed)
        return Ranking(p.float_graph, p.rank, o.criterion, o.schedule, seed=o.seed)


def _refuse_excess(found: Candidate, given: Room, where: str) -> Candidate:
    if excess := given.excess(found.size):
        raise CannotFitError(where, f"the network takes {excess}")
    return found


def _name(found: Candidate) -> str:
    recipe = found.compiled.recipe
    return f"{recipe.dtype}, {recipe.target.kernels[0]} kernels, for {recipe.optimize}"
