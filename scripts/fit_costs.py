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
from itertools import combinations
from math import prod
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from kernels.cases import INT4, int8_type, layer_constants, output_scale
from kernels.harness import expected, one_node
from kernels.on_core import Trial, run_on_core
from op_cases import between_types

from edgeprune.errors import UnsupportedError
from edgeprune.ir import Array, DType, Graph, Node, Part, QuantParams, TensorType
from edgeprune.kernels.call import KernelCall
from edgeprune.kernels.costs import features, read_lines, unpacking, write_lines
from edgeprune.kernels.isa import COUNTED
from edgeprune.kernels.select import candidates
from edgeprune.ops import (
    Add,
    AvgPool2d,
    Conv2d,
    Dense,
    DepthwiseConv2d,
    Embedding,
    Gather,
    Gelu,
    MatMul,
    MaxPool2d,
    Mean,
    Mul,
    Relu,
    Reshape,
    Resize,
    Sigmoid,
    Softmax,
)
from edgeprune.ops._window import Padding
from edgeprune.ops.examples import (
    EXAMPLES,
    Example,
    audio_graph,
    example_graph,
    lstm_graph,
    svdf_graph,
)
from edgeprune.quantize import quantise
from edgeprune.target import Target, load_target
from edgeprune.toolchain.counter import Counts

BOARDS = {"cortex-m0plus": "nucleo-g0b1re", "cortex-m4": "nucleo-l4r5zi"}  # whose flash waits
SHAPES = 40  # of every family
EXAMPLE_SHAPES = 16  # of every operator's example, in every element type
OTHER_SHAPES = 16
SCALED = (4, 5, 6, 8, 9, 12)  # sizes of the examples that can be others
BATCH = 60  # calls in one firmware
TERMS = 4  # of a line
MOST_MACS = 1_500_000  # of a layer
SOFT_FLOAT = 10  # times fewer in float without an FPU, so that slow cores are done in minutes
FPU = ("cortex-m4", "cortex-m55")
LAYER = "ep_layer0"
RELU = (0.0, np.inf)
PARTS = ((True, True), (True, False), (False, False), (False, True))  # first and last rows, or not
NOTHING = Counts()
WIDTHS = (INT4, (-127, -90, -50, -20, 0, 11, 40, 96), (-90, -25, 0, 127), (-1, 0, 1))
Rng = np.random.Generator


def weights_of(rng: Rng, shape: tuple[int, ...], axis: int, kind: str) -> dict[str, object]:
    """Weights as training leaves them, in int8, some smaller, of few values, or in float32."""
    if kind == "float32":
        w = rng.normal(size=shape).astype(np.float32)
        b = rng.normal(size=shape[axis]).astype(np.float32)
        return {"w": (w, TensorType(w.shape)), "b": (b, TensorType(b.shape))}
    few = WIDTHS[int(rng.integers(len(WIDTHS)))] if kind == "few" else ()
    made = layer_constants(rng, shape, axis, 0.05, values=few)
    w, t = made["w"]
    if not few:
        spread = 20.0 if kind == "small" else 35.0
        w = np.clip(np.round(rng.normal(0, spread, shape)), -127, 127).astype(np.int8)
    return {**made, "w": (w, t)}


def linear(rng: Rng, op: object, x: tuple[int, ...], shape: tuple[int, ...], kind: str) -> Graph:
    """A layer with weights."""
    if kind == "int16":
        graph = linear(rng, op, x, shape, "float32")
        made = quantise(graph, dict.fromkeys(graph.activations, (-2.0, 2.0)), DType.INT16)
        return alone(made, made.nodes[0])
    axis = len(shape) - 1 if isinstance(op, DepthwiseConv2d) else 0
    constants = weights_of(rng, shape, axis, kind)
    if kind == "float32":
        return one_node(op, [TensorType(x)], None, constants)  # type: ignore[arg-type]
    y = int8_type((), output_scale(rng, 0.05, constants), -128)  # type: ignore[arg-type]
    return one_node(op, [int8_type(x, 0.05, -128)], y, constants)  # type: ignore[arg-type]


def size(rng: Rng, low: int, high: int) -> int:
    """Evenly spread in the logarithm."""
    return round(float(np.exp(rng.uniform(np.log(low), np.log(high)))))


def layers(rng: Rng) -> Iterator[Graph]:
    """Every family once, with a random shape."""
    kinds = ("int8", "few", "float32", "int16")
    image = (size(rng, 3, 32), size(rng, 3, 32))
    depth, filters = size(rng, 1, 64), size(rng, 2, 64)
    k = int(rng.choice([2, 3, 3, 5]))
    around = Padding(*[k // 2] * 4)
    stride = (int(rng.choice([1, 2])),) * 2
    act = RELU if rng.integers(2) else None
    for kind in kinds:
        small = size(rng, 1, 48)
        yield linear(rng, Conv2d(stride, around, clamp=act), (*image, small),
                     (filters, k, k, small), kind)  # fmt: skip
        yield linear(rng, Conv2d(clamp=act), (*image, depth), (filters, 1, 1, depth), kind)
        yield linear(rng, DepthwiseConv2d(stride, around, clamp=act), (*image, depth),
                     (k, k, depth), kind)  # fmt: skip
        n_in, n_out = size(rng, 4, 300), size(rng, 2, 100)
        yield linear(rng, Dense(act), (n_in,), (n_out, n_in), kind)
    wide, fours = 32 + size(rng, 1, 32), 4 * size(rng, 1, 100)
    yield linear(rng, Conv2d(clamp=act), (*image, wide), (wide, 1, 1, wide), "int8")
    yield linear(rng, Dense(act), (fours,), (8 * size(rng, 1, 20), fours), "int8")
    fours = 4 * size(rng, 1, 16)
    yield linear(rng, Conv2d(padding=Padding(1, 1, 1, 1), clamp=act), (*image, fours),
                 (2 * size(rng, 1, 32), 3, 3, fours), "int8")  # fmt: skip
    over = size(rng, 2, 20)  # a window over time, as sound has it: one result of it, or many
    sound, channels = (over * int(rng.choice([1, 1, 3])), 1), size(rng, 8, 128)
    yield linear(rng, DepthwiseConv2d(clamp=act), (*sound, channels), (over, 1, channels), "int8")
    fours, filters = 4 * size(rng, 1, 40), 4 * size(rng, 1, 40)
    yield linear(rng, Conv2d(clamp=act), (1, int(rng.integers(1, 4)), fours),
                 (filters, 1, 1, fours), "int8")  # fmt: skip
    yield linear(rng, Dense(act), (size(rng, 4, 60), fours), (filters, fours), "int8")
    few = (size(rng, 1, 5), size(rng, 1, 5), 4 * size(rng, 1, 32))
    yield linear(rng, DepthwiseConv2d(stride, around, clamp=act), few, (k, k, few[2]), "int8")
    n_in, n_out = size(rng, 4, 300), size(rng, 2, 100)
    yield linear(rng, Dense(act), (n_in,), (n_out, n_in), "small")
    few, filters = size(rng, 1, 16), 4 * size(rng, 8, 32)
    yield linear(rng, Conv2d(clamp=RELU), (*image, few), (filters, 1, 1, few), "int8")
    shape = (*image, depth)
    a, b = (int8_type(shape, s, 3) for s in (0.05, 0.03))
    yield one_node(Add(act), [a, b], int8_type((), 0.06, -9))
    yield one_node(Mul(act), [a, b], int8_type((), 0.1, -9))
    yield one_node(Relu(), [a], int8_type((), 0.06, -9))
    yield one_node(Sigmoid(), [a], TensorType((), a.dtype, Sigmoid().fixed_quant(8)))
    yield one_node(Mean((0, 1)), [a], int8_type((), 0.03, 1))
    window = (min(k, image[0]), min(k, image[1]))
    yield one_node(AvgPool2d(window, window, Padding(0, 0, 0, 0)), [a], a)
    yield one_node(MaxPool2d(window, window, Padding(0, 0, 0, 0)), [a], a)
    heads, m, k, n = (size(rng, 1, top) for top in (4, 64, 100, 64))
    turned = bool(rng.integers(2))
    right = int8_type((heads, n, k) if turned else (heads, k, n), 0.03, 4)
    product = int8_type((), 0.05 * 0.03 * 60 * k**0.5, 2)
    yield one_node(MatMul(turned), [int8_type((heads, m, k), 0.05, -7), right], product)
    logits = int8_type((size(rng, 1, 20), size(rng, 2, 100)), 0.05, 3)
    yield one_node(Softmax(), [logits], TensorType((), a.dtype, Softmax().fixed_quant(8)))
    longer = TensorType((), DType.INT16, QuantParams.of(1 / 65536, -32768))
    yield one_node(Softmax(), [logits], longer)


def dilated(rng: Rng) -> Iterator[Graph]:
    """Convolutions whose windows leave something out, over images and over time."""
    channels, filters, step = size(rng, 1, 40), size(rng, 2, 40), int(rng.integers(2, 5))
    for kernel in ((3, 3), (5, 5), (9, 1)):
        image = [size(rng, 3, 32) if k > 1 else 1 for k in kernel]
        around = Padding(*[step * (k // 2) for k in kernel] * 2)
        act = RELU if rng.integers(3) else None
        of = {"padding": around, "dilation": (step, step), "clamp": act}
        shape = (*image, channels)
        yield linear(rng, Conv2d(**of), shape, (filters, *kernel, channels), "int8")
        yield linear(rng, DepthwiseConv2d(**of), shape, (*kernel, channels), "int8")


def examples(rng: Rng) -> Iterator[Graph]:
    """What :func:`layers` has no shapes for: operators' examples in every type and other sizes."""
    covered = (Conv2d, Dense, DepthwiseConv2d)
    for example in (e for e in EXAMPLES if not isinstance(e[0], covered)):
        graph = example_graph(scaled(example, rng))
        yield from (alone(graph, node) for node in graph.nodes)
        for dtype in (DType.INT8, DType.INT16):
            ranges = dict.fromkeys(graph.activations, (-2.0, 2.0))
            try:
                made = quantise(graph, ranges, dtype)
            except UnsupportedError:
                continue  # it has no integer form
            yield from (alone(made, node) for node in made.nodes)


def others(rng: Rng) -> Iterator[Graph]:
    """Conversions, whole averages, recurrence, and forms that no example has."""
    yield from between_types(size(rng, 4, 2000))
    yield one_node(Gelu(True), [TensorType((size(rng, 4, 500),))])
    image = (size(rng, 2, 12), size(rng, 2, 12), size(rng, 1, 16))
    a, b = (int8_type(image, scale, 3) for scale in (0.04, 0.03))
    yield one_node(Add((0.0, 6.0)), [a, b], int8_type((), 0.06, -128))
    larger = Resize((2 * image[0], 2 * image[1]), "bilinear", "half_pixel")
    yield one_node(larger, [TensorType(image)])
    yield one_node(larger, [a], a)
    yield one_node(Mean((0, 1)), [a], int8_type((), 0.03, 1))
    yield one_node(AvgPool2d(image[:2], image[:2]), [a], a)
    wide, outputs = 16 * size(rng, 1, 20), 8 * size(rng, 1, 20)
    held = layer_constants(rng, (outputs, wide), 0, 0.05, per_channel=False)
    y = int8_type((), output_scale(rng, 0.05, held), -128)
    yield one_node(Dense(), [int8_type((wide,), 0.05, -128)], y, held)
    recurrent = lstm_graph(0, size(rng, 1, 8), size(rng, 1, 32), size(rng, 1, 24))
    yield alone(recurrent, recurrent.nodes[0])
    points = 1 << size(rng, 5, 9)
    sound = audio_graph(0, size(rng, points // 2 + 1, points), points, size(rng, 2, 10))
    yield alone(sound, sound.nodes[0])
    rank = int(rng.integers(1, 4))
    kept = svdf_graph(0, size(rng, 4, 64), rank * size(rng, 1, 24), size(rng, 2, 12), rank)
    yield from (alone(kept, kept.node(name)) for name in ("feature", "time"))


def scaled(example: Example, rng: Rng) -> Example:
    """The same operator over sizes of which each that may be another is."""
    op, activations, constants = example
    to = {n: max(1, round(n * float(np.exp(rng.uniform(-0.5, 1.0))))) for n in SCALED}
    to[6] = max(to[6], 5)  # what slices and bands still reach into
    to[5] = max(to[5], 5)
    shapes = [tuple(to.get(n, n) for n in shape) for shape in (*activations, *constants)]
    if isinstance(op, Gather):
        count = int(rng.integers(1, to[8] + 1))
        op = Gather(tuple(map(int, rng.integers(0, to[8], count))))
    elif isinstance(op, Reshape):
        op = Reshape(shape=(prod(shapes[0]),))
    elif isinstance(op, Resize):
        op = replace(op, size=(2 * to[6], 2 * to[5]))
    return op, tuple(shapes[: len(activations)]), tuple(shapes[len(activations) :])


def alone(graph: Graph, node: Node) -> Graph:
    """A node as a network of its own."""
    reads = [v for v in node.inputs if v not in graph.constants]
    held = {v: (graph.constants[v], graph.types[v]) for v in node.inputs if v in graph.constants}
    names = {v: f"x{i}" for i, v in enumerate(dict.fromkeys(reads))}
    order = [names.get(v, v) for v in node.inputs]
    types = [graph.types[v] for v in names]
    return one_node(node.op, types, graph.types[node.output], held, order)


def values(rng: Rng, graph: Graph, name: str) -> Array:
    """An input; positive in float, so that every function is defined there."""
    t = graph.types[name]
    if t.dtype is DType.FLOAT32:
        return rng.uniform(0.1, 2.0, t.shape).astype(np.float32)
    limits = np.iinfo(t.dtype.numpy)
    low, high = limits.min, limits.max
    if isinstance(graph.nodes[0].op, Embedding):
        low, high = 0, graph.types[graph.nodes[0].inputs[1]].shape[0] - 1
    return rng.integers(low, high, t.shape, t.dtype.numpy, endpoint=True)


@dataclass(frozen=True)
class Row:
    """What was counted of a call, beside what its line multiplies."""

    features: list[float]
    line: float  # instructions
    cycles: float  # with memory that never waits
    words: float  # of flash, that it waited for


def count(core: str, optimize: str, wanted: Callable[[str], bool]) -> dict[str, list[Row]]:
    """By kernel: every call of those that are wanted."""
    first, second, third = map(np.random.default_rng, (0, 1, 2))
    target = load_target(BOARDS.get(core, core))
    trials = []
    families = [
        (layers, SHAPES, first), (examples, EXAMPLE_SHAPES, first), (others, OTHER_SHAPES, second),
        (dilated, OTHER_SHAPES, third),
    ]  # fmt: skip
    made = ((g, rng) for f, shapes, rng in families for _ in range(shapes) for g in f(rng))
    for graph, rng in made:
        slow = graph.types["y"].dtype is DType.FLOAT32 and core not in FPU
        if graph.macs > MOST_MACS // (SOFT_FLOAT if slow else 1):
            continue
        feed = {v: values(rng, graph, v) for v in graph.inputs}
        calls = calls_of(graph, target.kernels, optimize)
        trials += [Trial(g, c, feed) for g, c in calls if wanted(c.kernel)]
    found: dict[str, list[Row]] = {}
    plain = ("", NOTHING)
    for at in range(0, len(trials), BATCH):
        some = trials[at : at + BATCH]
        for trial, result in zip(some, run_on_core(some, target.name, optimize), strict=True):
            want = expected(trial.graph, trial.feed)
            params = dict(trial.call.params)
            if not (params.get("first", True) and params.get("last", True)):
                want = result.output  # a part of a sum is no result
            assert np.allclose(result.output, want, rtol=1e-4, atol=1e-4 * np.abs(want).max())
            assert result.counts is not None, "no host compiler for the plugin that counts"
            n = result.counts
            if trial.call.stage is None:
                plain = (trial.call.kernel, n)
                terms = features(trial.call, trial.graph, trial.graph.nodes[0])
                found.setdefault(trial.call.kernel, []).append(row(terms, n, target))
            elif plain[0] == trial.call.kernel:  # what unpacking takes is the difference
                for function, _, terms in unpacking(trial.call):
                    found.setdefault(function, []).append(row(terms, n, target, plain[1]))
    return found


def row(terms: tuple[float, ...], n: Counts, target: Target, less: Counts = NOTHING) -> Row:
    """What was counted, less what is none of it."""
    stalls = n.stalls - less.stalls
    words = stalls / target.memory.data_miss if target.memory else 0.0
    cycles = n.cycles - less.cycles - stalls
    return Row(list(terms), n.instructions - less.instructions, cycles, words)


def calls_of(graph: Graph, isas: Sequence[str], optimize: str) -> list[tuple[Graph, KernelCall]]:
    """Every call of a layer; in front of one that unpacks whole weights the same without codes.

    Of what is made of sums over rows also the calls that add some of them.
    """
    node = graph.nodes[0]
    made = candidates(graph, node, isas, optimize, LAYER)
    sums = node.op.sums_rows(graph.types_of(node), graph.types[node.output])
    for first, last in PARTS if sums else ():
        part = Part(graph.types[node.inputs[0]].shape[0], first, last)
        made += candidates(graph, node, isas, optimize, LAYER, part=part)
    types = {v: replace(t, codebook=None) for v, t in graph.types.items()}
    bare = replace(graph, types=types)
    made_bare = candidates(bare, bare.nodes[0], isas, optimize, LAYER)
    plain = {(c.kernel, c.params): c for c in made_bare}
    found = []
    for call in made:
        if call.stage is None:
            found.append((graph, call))
        elif call.stage.parts == 1 and not call.stage.rest:
            same = plain.get((call.kernel, call.params))
            found += [(bare, same), (graph, call)] if same else []
    return found


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
    parser.add_argument("--kernels", default="", help="what their names begin with")
    parser.add_argument("--missing", action="store_true", help="only those without a line")
    given = parser.parse_args()
    for core in given.cores.split(","):
        found = dict(read_lines(core))
        for optimize in ("size", "speed"):
            kept = found.get(optimize, {})

            def wanted(kernel: str, kept: Mapping[str, object] = kept) -> bool:
                known = given.missing and kernel in kept
                own = kernel.startswith(LAYER)  # a function of one layer alone
                return kernel.startswith(given.kernels) and not known and not own

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
