"""Fit the cost model of the kernels to instructions and cycles counted in the emulator.

    python scripts/fit_costs.py [--cores cortex-m4] [--kernels ep_conv2d] [--missing]

Lowers random layers for each core in every way that its kernels offer, counts each call in QEMU and
checks its result, and fits the line of ``edgeprune/kernels/costs.py`` to two of three; the third
tells how far off it is. Writes edgeprune/kernels/fitted/. Takes some minutes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from kernels.harness import expected
from kernels.on_core import Trial, run_on_core
from random_layers import dilated, examples, layers, others, repeated, shorts, sixteens, values

from edgeprune.ir import Array, DType, Graph, Part
from edgeprune.kernels.costs import features, read_lines, unpacking, write_lines
from edgeprune.kernels.isa import COUNTED
from edgeprune.kernels.select import candidates
from edgeprune.target import Target, load_target
from edgeprune.toolchain.counter import Counts

BOARDS = {"cortex-m0plus": "nucleo-g0b1re", "cortex-m4": "nucleo-l4r5zi"}  # whose flash waits
SHAPES = 40  # of every family
EXAMPLE_SHAPES = 16  # of every operator's example, in every element type
OTHER_SHAPES = 16
BATCH = 60  # calls in one firmware
TERMS = 4  # of a line
MOST_MACS = 1_500_000  # of a layer
SOFT_FLOAT = 10  # times fewer in float without an FPU, so that slow cores are done in minutes
FPU = ("cortex-m4", "cortex-m55")
LAYER = "ep_layer0"
PARTS = ((True, True), (True, False), (False, False), (False, True))  # first and last rows, or not
NOTHING = Counts()


@dataclass(frozen=True)
class Row:
    """What was counted of a call, beside what its line multiplies."""

    features: list[float]
    line: float  # instructions
    cycles: float  # with memory that never waits
    words: float  # of flash, that it waited for


@dataclass(frozen=True)
class Measured:
    """What is counted of one thing.

    Attributes:
        name: of a kernel, or of what unpacks in front of one.
        features: that its line multiplies.
        whole: a call.
        less: the same call without that; None: the call is what is counted.
    """

    name: str
    features: tuple[float, ...]
    whole: Trial
    less: Trial | None = None


@cache
def drawn() -> list[tuple[Graph, dict[str, Array]]]:
    """The layers that are counted, and what each is given; the same for all cores."""
    first, second, third, fourth, fifth, sixth = map(np.random.default_rng, range(6))
    families = [
        (layers, SHAPES, first), (examples, EXAMPLE_SHAPES, first), (others, OTHER_SHAPES, second),
        (dilated, OTHER_SHAPES, third), (sixteens, SHAPES, fourth), (shorts, SHAPES, fifth),
        (repeated, SHAPES, sixth),
    ]  # fmt: skip
    made = ((g, rng) for f, shapes, rng in families for _ in range(shapes) for g in f(rng))
    return [
        (graph, {v: values(rng, graph, v) for v in graph.inputs})
        for graph, rng in made
        if graph.macs <= MOST_MACS
    ]


def count(core: str, optimize: str, wanted: Callable[[str], bool]) -> dict[str, list[Row]]:
    """By kernel: every call of those that are wanted."""
    target = load_target(BOARDS.get(core, core))
    asked = []
    for graph, feed in drawn():
        slow = graph.types["y"].dtype is DType.FLOAT32 and core not in FPU
        if slow and graph.macs > MOST_MACS // SOFT_FLOAT:
            continue
        found = measured(graph, feed, target.kernels, optimize)
        asked += [m for m in found if wanted(m.name)]
    rows: dict[str, list[Row]] = {}
    pairs = [t for m in asked for t in (m.whole, m.less) if t is not None]
    counts: list[Counts] = []
    for at in range(0, len(pairs), BATCH):
        counts += _counted(pairs[at : at + BATCH], target.name, optimize)
    left = iter(counts)
    for m in asked:
        n = next(left)
        less = NOTHING if m.less is None else next(left)
        rows.setdefault(m.name, []).append(row(m.features, n, target, less))
    return rows


def _counted(trials: Sequence[Trial], core: str, optimize: str) -> Iterator[Counts]:
    """Instructions and cycles of calls, whose results are looked at."""
    for trial, result in zip(trials, run_on_core(trials, core, optimize), strict=True):
        want = expected(trial.graph, trial.feed)
        params = dict(trial.call.params)
        if not (params.get("first", True) and params.get("last", True)):
            want = result.output  # a part of a sum is no result
        assert np.allclose(result.output, want, rtol=1e-4, atol=1e-4 * np.abs(want).max())
        assert result.counts is not None, "no host compiler for the plugin that counts"
        yield result.counts


def row(terms: tuple[float, ...], n: Counts, target: Target, less: Counts = NOTHING) -> Row:
    """What was counted, less what is none of it."""
    stalls = n.stalls - less.stalls
    words = stalls / target.memory.data_miss if target.memory else 0.0
    cycles = n.cycles - less.cycles - stalls
    return Row(list(terms), n.instructions - less.instructions, cycles, words)


def measured(
    graph: Graph, feed: dict[str, Array], isas: Sequence[str], optimize: str
) -> Iterator[Measured]:
    """Every call of a layer, and what unpacks whole weights and scales in front of some.

    Of what is made of sums over rows also the calls that add some of them.
    """
    node = graph.nodes[0]
    made = candidates(graph, node, isas, optimize, LAYER)
    sums = node.op.sums_rows(graph.types_of(node), graph.types[node.output])
    for first, last in PARTS if sums else ():
        part = Part(graph.types[node.inputs[0]].shape[0], first, last)
        made += candidates(graph, node, isas, optimize, LAYER, part=part)
    unstaged = (without_codes(graph), with_long_scales(graph)) if any(c.stage for c in made) else ()
    plain, wide = [
        {
            (c.kernel, c.params): Trial(g, c, feed)
            for c in candidates(g, g.nodes[0], isas, optimize, LAYER)
        }
        for g in unstaged
    ] or [{}, {}]
    for call in made:
        trial, stage = Trial(graph, call, feed), call.stage
        if stage is None:
            yield Measured(call.kernel, features(call, graph, node), trial)
        elif stage.parts == 1 and not stage.rest:
            terms = {function: some for function, _, some in unpacking(call)}
            like = wide.get((call.kernel, call.params)) if stage.rescaling else trial
            same = plain.get((call.kernel, call.params))
            if like and same:
                yield Measured(stage.function, terms[stage.function], like, same)
            if like and stage.rescaling:
                name = stage.rescaling.function
                yield Measured(name, terms[name], trial, like)


def without_codes(graph: Graph) -> Graph:
    """The same weights as any of eight bits."""
    types = {v: replace(t, codebook=None) for v, t in graph.types.items()}
    return replace(graph, types=types)


def with_long_scales(graph: Graph) -> Graph:
    """Scales of weights a little larger, by which they are no short ones any more."""
    types = dict(graph.types)
    for v in graph.nodes[0].inputs[1:2]:
        t = types[v]
        if t.quant is not None and v in graph.constants:
            scales = np.asarray(t.quant.scale, np.float32)
            own = tuple(map(float, np.nextafter(scales, np.float32(np.inf))))
            types[v] = replace(t, quant=replace(t.quant, scale=own))
    return replace(graph, types=types)


def line(x: Array, y: Array, whole: Array) -> Array:
    """Coefficients >= 0 that keep errors relative to ``whole`` small: the best subset of terms."""
    best, least = np.zeros(x.shape[1]), np.inf
    for n in range(1, TERMS + 1):
        for some in combinations(range(x.shape[1]), n):
            c = np.linalg.lstsq(x[:, some] / whole[:, None], y / whole, rcond=None)[0]
            error = float((((x[:, some] @ c - y) / whole) ** 2).sum())
            if (c >= 0).all() and error < least * 0.98:
                best, least = np.zeros(x.shape[1]), error
                best[list(some)] = c
    return best


def fit(rows: list[Row]) -> dict[str, object]:
    """The lines, and their relative errors on layers that they were not fitted to."""
    x = np.array([r.features for r in rows])
    held = np.arange(len(rows)) % 3 == 2
    tested = held if held.any() else ~held
    found: dict[str, object] = {}
    for what in ("line", "cycles", "words"):
        y = np.array([getattr(r, what) for r in rows], np.float64)
        if not y.any():
            continue  # a core without a timing, or with memory that never waits
        whole = np.array([r.cycles if what == "words" else getattr(r, what) for r in rows])
        c = line(x[~held], y[~held], whole[~held])
        found[what] = [float(f"{v:.4g}") for v in c]
        error = np.abs((x @ c - y) / whole)[tested]
        prefix = "" if what == "line" else f"{what}_"
        found[f"{prefix}median_error"] = round(float(np.median(error)), 3)
        found[f"{prefix}worst_error"] = round(float(error.max()), 3)
    return found


def main() -> None:
    """Measure, fit, write, and say how good it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", default=",".join(COUNTED))
    parser.add_argument("--kernels", default="", help="what their names begin with, by commas")
    parser.add_argument("--missing", action="store_true", help="only those without a line")
    given = parser.parse_args()
    for core in given.cores.split(","):
        found = dict(read_lines(core))
        for optimize in ("size", "speed"):
            kept = found.get(optimize, {})

            def wanted(kernel: str, kept: Mapping[str, object] = kept) -> bool:
                known = given.missing and kernel in kept
                own = kernel.startswith(LAYER)  # a function of one layer alone
                return kernel.startswith(tuple(given.kernels.split(","))) and not known and not own

            fits = {k: fit(rows) for k, rows in sorted(count(core, optimize, wanted).items())}
            found[optimize] = (kept if given.missing or given.kernels else {}) | fits
            if not fits:
                continue
            medians = [f["median_error"] for f in fits.values()]
            print(f"{core} {optimize}: {len(fits)} kernels, median error {np.median(medians):.1%}, "
                  f"worst kernel {max(fits, key=lambda k: fits[k]['median_error'])} "
                  f"{max(medians):.1%}", flush=True)  # fmt: skip
        write_lines(core, found)


if __name__ == "__main__":
    main()
