"""How a network is quantised: the settings that do best on validation data, within the limits."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np

from edgeprune.compiler.compile import Compiled, Recipe
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import Array, Graph, predict
from edgeprune.pipeline.answered import answered
from edgeprune.pipeline.meter import Meter
from edgeprune.pipeline.prepare import Prepared
from edgeprune.progress import Progress
from edgeprune.pruning.limits import Limits
from edgeprune.quantize import Score, Settings, choose, equalise, widen

CHOICE_MACS = 5_000_000_000  # of all samples that choose how a network is quantised: some seconds
CHOICE_SAMPLES = 200  # that choose in any case
FOUR_BIT_LOSS = 0.005  # of accuracy, that weights of four bits may cost


def quantised(
    prepared: Prepared,
    recipe: Recipe,
    graph: Graph,
    limits: Limits,
    meter: Meter,
    progress: Progress,
) -> tuple[Compiled, float]:
    """The quantised network that does best on validation data, and its accuracy there."""
    samples, plain = prepared.validation, fuse(graph)
    few = samples.x[: max(CHOICE_SAMPLES, CHOICE_MACS // max(graph.macs, 1))]
    even = _even(recipe, plain)
    seen = {False: prepared.observed(graph, progress)}
    if even is not plain:
        seen[True] = prepared.observed(even, progress)
    progress("compile", 0, 0)
    wanted = predict(graph, few)

    def how(s: Settings) -> Recipe:
        return replace(recipe, observed=seen[s.equalises], settings=s)

    @cache
    def typed(s: Settings) -> Graph:
        return how(s).typed(even if s.equalises else plain)

    @cache
    def compiled(s: Settings, by_rows: bool) -> Compiled:
        return replace(how(s), by_rows=by_rows).compile_typed(typed(s))

    def answers(s: Settings, x: Array) -> Array:
        return answered(typed(s), x, lambda: compiled(s, False))  # the same bits by rows

    @cache
    def outputs(s: Settings) -> Array:
        return answers(s, few)

    def score(s: Settings) -> Score:
        loss = float(np.mean(np.square(outputs(s) - wanted, dtype=np.float64)))
        # without labels there is nothing but the distance to the float network
        return prepared.accuracy(outputs(s)) if samples.told else 0.0, -loss

    def fits(s: Settings) -> bool:
        if not limits.most:
            return True
        found = meter.by_rows(compiled(s, recipe.by_rows), tells=False)[1]
        return limits.hold(found.taken)

    settings = _chosen(score, fits, recipe.settings, can_equalise=even is not plain)
    if settings.four_bit:
        whole = prepared.accuracy(outputs(replace(settings, four_bit=frozenset())))
        settings = widen(settings, score, fits, whole - FOUR_BIT_LOSS)
    made = outputs(settings)
    if len(few) < len(samples.x):
        made = np.concatenate([made, answers(settings, samples.x[len(few) :])])
    return compiled(settings, recipe.by_rows), prepared.accuracy(made)


def _even(recipe: Recipe, graph: Graph) -> Graph:
    return graph if recipe.levels else equalise(graph)  # weights on a table stay on it


def scaled_alike(compiled: Compiled, graph: Graph) -> Graph:
    """The float network whose values are those of the quantised one, channel by channel.

    Equalised layers have other values than before, and the network's answers are the same.

    Args:
        compiled: the quantised network.
        graph: what it was made from.
    """
    recipe = compiled.recipe
    return _even(recipe, fuse(graph)) if recipe.settings.equalises else graph


def _chosen(
    score: Callable[[Settings], Score],
    fits: Callable[[Settings], bool],
    start: Settings,
    *,
    can_equalise: bool,
) -> Settings:
    """The settings that score best, of those that fit where the best of all do not."""
    settings = choose(score, start, can_equalise=can_equalise)
    if fits(settings):
        return settings

    def fitting(s: Settings) -> Score:
        return score(s) if fits(s) else (0.0, -math.inf)

    return choose(fitting, start, can_equalise=can_equalise)  # tables are as long as scales say
