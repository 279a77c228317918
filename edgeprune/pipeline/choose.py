"""Decides which network is built: of those that fit, the one that answers best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from edgeprune.compiler.compile import FLOATS, MIXED, Compiled
from edgeprune.compiler.tiles import TILE, tiled_macs
from edgeprune.errors import CannotFitError, EdgePruneError
from edgeprune.ir import Graph
from edgeprune.pipeline.behind import alone
from edgeprune.pipeline.fitter import Fitter
from edgeprune.pipeline.forms import Candidate, Form, adds_nothing, forms, rank
from edgeprune.pipeline.mix import Roundings, counts_of, few, is_mixable
from edgeprune.pipeline.mixed import MixedFitter
from edgeprune.pipeline.options import BuildOptions
from edgeprune.pipeline.phone import IN_APPS, work_left
from edgeprune.pipeline.prepare import Prepared
from edgeprune.pipeline.room import ENDLESS, Room, room
from edgeprune.pipeline.tries import Tries
from edgeprune.pipeline.values import BITS
from edgeprune.progress import Progress, silent
from edgeprune.pruning import obs
from edgeprune.pruning.groups import Mask
from edgeprune.pruning.search import strategy
from edgeprune.pruning.strategy import Strategy
from edgeprune.quantize.bits import Judge
from edgeprune.report.record import Tried
from edgeprune.target import Target
from edgeprune.verify.speed import Speed, speed_up

SPEED_TRIES = 4  # networks that are timed
FORM_LOSS = 0.005  # of the source model's accuracy, that is lost before further forms are tried
SHORT = 4  # times the budget, above which weights of eight bits leave so few that fewer bits win


@dataclass
class Chooser:
    """Chooses for one model, for any number of targets: what is known is not computed again.

    Attributes:
        prepared: the model and its data.
        options: what is asked for; its target is not looked at.
        progress: told how far the long steps are.
        tried: the networks that the last choice was made from.
        speed: of the last choice beside the whole network, where it was asked for.
    """

    prepared: Prepared
    options: BuildOptions
    progress: Progress = silent
    tried: list[Tried] = field(default_factory=list)
    speed: Speed | None = None
    _whole: dict[str, Candidate] = field(default_factory=dict)

    def choose(self, target: Target) -> Candidate:
        """The network that is built.

        Without any limit, and if it fits the part, the network as it is. A floor on the accuracy
        alone removes whatever it allows.

        Raises:
            CannotFitError: no network fits.
        """
        o, given = self.options, room(self.options, target)
        if o.speedup is not None:
            return self._faster(target, given, o.speedup)
        if not o.has_limits:
            try:
                return self.as_it_is(target, given)
            except CannotFitError:
                if given.is_endless:
                    raise
        if o.has_limits and not o.is_limited:
            found = self.pruned(target, ENDLESS)
            return _refuse_excess(found, given, f"target {target.name}")
        return self.pruned(target, given)

    def _faster(self, target: Target, given: Room, asked: float) -> Candidate:
        """The network that is measured to be so many times as fast as the whole one.

        Raises:
            EdgePruneError: the target takes no ``.tflite``.
            CannotFitError: no network that was tried is fast enough.
        """
        if target.basis != "tflite":
            hint = "--target android or ios; boards have --max-ms"
            raise EdgePruneError("--speedup", f"is measured for phones, not {target.name}", hint)
        whole = self.as_it_is(target, ENDLESS).compiled
        most = tiled_macs(whole.graph)
        hint = "ask for less, or for fewer bytes: --budget"
        if not most:
            what = "the network is not pruned, as no layer has channels; it takes 0 "
            raise CannotFitError("--speedup", what + given.limits.title("work"), hint)
        limit = most / asked
        seen: list[float] = []
        while len(seen) < SPEED_TRIES:
            left = replace(given, work=limit)
            try:
                # what is too slow is not solved: the shapes say how fast it is
                outline = self._outline(target, left)
                self.speed = speed_up(whole.tflite, outline.tflite, asked)
                if self.speed.ratio >= asked:
                    chosen = self.pruned(target, left)
                    self.speed = speed_up(whole.tflite, chosen.compiled.tflite, asked)
                    if self.speed.ratio >= asked:
                        return chosen
            except CannotFitError as error:
                if seen:
                    break  # the last one is about as small as there are
                what = f"{asked:g} times as fast wants {limit:,.0f} {given.limits.title('work')}: "
                raise CannotFitError("--speedup", what + error.what, hint) from None
            seen.append(self.speed.ratio)
            limit = most * work_left(tiled_macs(outline.graph) / most, self.speed.ratio, asked)
        what = (
            f"of {len(seen)} smaller networks that were timed on this machine the fastest was "
            f"{max(seen):.2f} times as fast as the whole one, not {asked:g}"
        )
        raise CannotFitError("--speedup", what, hint)

    def _outline(self, target: Target, given: Room) -> Compiled:
        """The shapes of the network that is built first, before that is solved anew.

        Raises:
            CannotFitError: not even the smallest network fits.
        """
        if self._fixed or not self.prepared.chooses:
            return self.pruned(target, given).compiled  # which says why there is none
        o = self._limited(given)
        return self._fitter(o, self._forms(o, target, given)[0], given).outline()

    @property
    def prunes(self) -> Prepared:
        """What channels go of: behind a front end the network alone."""
        return self.prepared if self._behind is None else self._behind.prepared

    @property
    def passed(self) -> list[tuple[Mask, Graph]]:
        """The networks that the search has passed through; see :attr:`Strategy.passed`."""
        return self._strategy.passed if "_strategy" in self.__dict__ else []

    def as_it_is(self, target: Target, given: Room) -> Candidate:
        """The network with all its channels.

        Raises:
            CannotFitError: it does not fit.
        """
        return self._best(self.whole(target, given))

    def pruned(self, target: Target, given: Room) -> Candidate:
        """The network with as many channels as there is room for.

        Raises:
            CannotFitError: not even the smallest one fits.
        """
        return self._best(self.within(target, given))

    def whole(
        self, target: Target, given: Room = ENDLESS, *, every: bool = False
    ) -> list[Candidate]:
        """The network with all its channels, in the forms that fit; raises where none does.

        Args:
            target: for what.
            given: the room there is.
            every: also those that others that were made before are as good as.
        """
        where = f"target {target.name}"
        tries = Tries()
        for form in forms(
            self.options.without_limits(), target, self._dtypes(target, whole=True), given.ram
        ):
            if every or self._is_worth(form, tries.found):
                tries.make(form.title, partial(self._entire_within, form, given, where))
        return tries.made

    def within(self, target: Target, given: Room) -> list[Candidate]:
        """For every form that is worth it the network that fits; raises where none does."""
        o = self._limited(given)
        if self._fixed:
            return self._fixed_within(o, target, given)
        if kept := self._kept(o, target, given):
            return kept
        self._refuse_to_guess(given)
        tries = Tries()
        made = [self._fitter(o, form, given) for form in self._forms(o, target, given)]
        for slow in (False, True):
            if not tries.found:
                self._fit([f for f in made if f.form.slow == slow], target, tries)
        return tries.made

    def _fit(self, fitters: Sequence[Fitter], target: Target, tries: Tries) -> None:
        """What is within the limits, by each of these that is worth it."""
        outdone = list[Fitter]()
        for i, fitter in enumerate(fitters):
            form = fitter.form
            if not self._is_worth(form, tries.found) or adds_nothing(form, tries.found, target):
                continue
            if fitter.is_outdone(fitters[i + 1 :]):
                outdone.append(fitter)
                continue
            self.progress(f"try {form.title}", 0, 0)
            tries.make(form.title, fitter.fit)
        for fitter in outdone if not tries.found else ():  # what promised more did not fit
            self.progress(f"try {fitter.form.title}", 0, 0)
            tries.make(fitter.form.title, fitter.fit)

    def _limited(self, given: Room) -> BuildOptions:
        """The options of a search for what there is room for."""
        return replace(self.options, budget=given.flash, ram=given.ram)

    def _forms(self, o: BuildOptions, target: Target, given: Room) -> list[Form]:
        """The forms that may be tried for a pruned network, in that order."""
        dtypes = self._dtypes(target, whole=False, flash=given.flash)
        # fewer bits gain more than smaller kernels, and do not take so many times as long
        return sorted(forms(o, target, dtypes, given.ram), key=partial(rank, target))

    @cached_property
    def _behind(self) -> Chooser | None:
        """Of a network behind a front end, what prunes it on the features; always in int8."""
        inner, dtype = alone(self.prepared), self.options.dtype
        if inner is None:
            return None
        if dtype not in ("auto", "int8") or self.options.bits != BITS:
            what = "behind a front end of sound, whose features are int8, eight bits alone are had"
            raise EdgePruneError("--dtype, --bits", what, "leave them out")
        return Chooser(inner, replace(self.options, dtype="int8"), self.progress)

    @property
    def _fixed(self) -> list[str]:
        """Layers that are computed in the integers of their file alone."""
        return [n.name for n in self.prepared.graph.nodes if n.op.keeps_integers]

    def _is_worth(self, form: Form, found: list[Candidate]) -> bool:
        """Whether a form can be better than those that were tried before it.

        Every further one is slower, or takes more bytes: weights of fewer bits and portable kernels
        pay where accuracy had to go with the channels, a float where eight bits cost it.
        """
        if any(c.accuracy >= self.prepared.source_accuracy - FORM_LOSS for c in found):
            return False
        return form.dtype not in FLOATS or not any(c.is_as_good_as_float for c in found)

    def _kept(self, o: BuildOptions, target: Target, given: Room) -> list[Candidate]:
        """A file of integers that fits as it is keeps every scale and weight."""
        others = replace(o, budget=None, ram=None).has_limits
        if others or not self.prepared.graph.is_quantised or o.dtype not in ("auto", "int8"):
            return []
        if o.bits[1] < 8:
            return []  # nor does it keep them where they are to have fewer bits
        held: list[Candidate] = []
        for form in forms(o, target, ("int8",), given.ram):
            if not (form.slow and held):
                made = Fitter(self.prepared, o.without_limits(), form, None, self.progress).fit()
                held += [made] if given.limits.hold(made.size.taken) else []
        return held

    def _fixed_within(self, o: BuildOptions, target: Target, given: Room) -> list[Candidate]:
        """The integers of a file, or what is left of the network behind a front end."""
        try:
            return self._unpruned(o, target, given)
        except CannotFitError:
            if self._behind is None:
                raise
        return self._behind.within(target, given)

    def _unpruned(self, o: BuildOptions, target: Target, given: Room) -> list[Candidate]:
        """A network with layers that exist in its file's integers alone, where it fits."""
        tries = Tries()
        for form in forms(o, target, ("int8",), given.ram):
            if form.slow and tries.found:
                break
            fitter = Fitter(self.prepared, o, form, None, self.progress, given.work)
            tries.make(form.title, partial(fitter.unpruned, self._fixed))
        return tries.made

    def _refuse_to_guess(self, given: Room) -> None:
        """Without data there is the network as it is, and no other."""
        if not self.prepared.chooses:
            found = " and ".join(
                f"{n:,.0f} {given.limits.title(k)}" for k, n in given.limits.most.items()
            )
            what = f"is missing: the network does not fit {found or 'the limits'} as it is"
            raise EdgePruneError(
                "--data", what, "give samples, and it is pruned: --data samples.npz"
            )

    def _entire_within(self, form: Form, given: Room, where: str) -> Candidate:
        return _refuse_excess(self._entire(form), given, where)

    def _entire(self, form: Form) -> Candidate:
        """Every target computes the same numbers: they are chosen and scored once."""
        self.progress(f"compile {form.title}", 0, 0)
        fitter = Fitter(self.prepared, self.options.without_limits(), form, None, self.progress)
        known = self._whole.get(form.dtype)
        if known is not None:
            return fitter.again(known)
        found = self._whole[form.dtype] = fitter.fit()
        return found

    def _dtypes(self, target: Target, *, whole: bool, flash: int | None = None) -> tuple[str, ...]:
        if whole and self.prepared.graph.is_quantised:
            return ("int8",)  # the file says what it is
        if self.options.dtype == MIXED:
            return self._mixed(target, is_short=flash is not None)
        in_app = target.basis == "tflite"
        if self.options.dtype in IN_APPS and not in_app:
            dtype = self.options.dtype
            what = f"{dtype}: weights of files for phones are, {target.name} computes with float32"
            raise EdgePruneError("--dtype", what, "--dtype float32, or --target android or ios")
        if self.options.dtype == "dynamic" and self.prepared.graph.states:
            what = "dynamic: is for models that keep nothing from call to call"
            raise EdgePruneError("--dtype", what, "--dtype int8, float16 or float32")
        if self.options.dtype != "auto":
            return (self.options.dtype,)
        if not self.prepared.chooses:
            return ("float32",)  # nothing to calibrate integers on
        real = "float16" if in_app else "float32"
        if whole:
            return ("int8", real)
        if flash is not None and self.options.bits[1] < 8:
            return self._mixed(target, is_short=True)
        # fewer bits than eight only where bytes are short; a file has no others than four
        if flash is None or target.basis != "linked":
            fewer = ("int4",) if self.options.bits[0] <= 4 <= self.options.bits[1] else ()
            return ("int8", *fewer, real)
        if self.options.bits[0] == 8 or not is_mixable(self.prepared.float_graph):
            return ("int8", real)
        is_short = self.prepared.float_graph.params > SHORT * flash
        return (MIXED,) if is_short else ("int8", MIXED, real)

    def _mixed(self, target: Target, *, is_short: bool) -> tuple[str, ...]:
        """Fewer than eight bits where bytes of flash are short and there are weights to save."""
        if target.basis != "linked":
            option = "--dtype" if self.options.dtype == MIXED else "--bits"
            what = f"{MIXED}: a file holds eight bits of each weight, and {target.name} takes files"
            raise EdgePruneError(option, what, "--dtype int8 or int4")
        return (MIXED,) if is_short and is_mixable(self.prepared.float_graph) else ("int8",)

    def _fitter(self, o: BuildOptions, form: Form, given: Room) -> Fitter:
        known = self.prepared, o, form, self._strategy, self.progress, given.work
        if form.dtype == MIXED:
            return MixedFitter(*known, roundings=self._roundings)
        return Fitter(*known)

    @cached_property
    def _roundings(self) -> Roundings:
        """One for all forms: what few values lose does not depend on how they are stored."""
        o, p = self.options, self.prepared
        judge = Judge.of(p.float_graph, p.validation.x[: few(p.float_graph)])
        return Roundings(p.rank.x, judge, counts_of(o.bits), o.seed, self.progress)

    @cached_property
    def _strategy(self) -> Strategy:
        """One for all forms: they differ in what a channel costs, and by about the same factor."""
        o, p = self.options, self.prepared
        return strategy(
            p.float_graph,
            p.rank,
            o.criterion,
            o.schedule,
            validation=p.validation,
            effort=obs.Effort(block=TILE if o.speedup is not None else 1),
            seed=o.seed,
            jobs=o.jobs,
        )

    def _best(self, found: list[Candidate]) -> Candidate:
        """The most accurate of some networks; of equals the smaller one."""
        self.tried = [Tried(c.title, c.size, c.accuracy) for c in found]
        return max(found, key=lambda c: (c.accuracy, -c.size.flash_bytes))


def _refuse_excess(found: Candidate, given: Room, where: str) -> Candidate:
    if excess := given.limits.words(found.size.taken):
        raise CannotFitError(where, f"the network takes {excess}")
    return found
