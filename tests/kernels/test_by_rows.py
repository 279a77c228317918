"""Random networks whose layers run by rows: the same bits, and no byte beyond the arena."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from kernels.cases import int8_type, layer_constants, output_scale
from kernels.harness import one_node, runtime
from random_networks import Maker, feeds
from sanitized_networks import SANITIZERS, Builder, Case, check

from edgeprune import ops
from edgeprune.compiler import Recipe
from edgeprune.compiler.compile import Compiled
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import (
    Array,
    DType,
    Graph,
    Over,
    QuantParams,
    TensorType,
    build_graph,
    join_rows,
    run,
    run_int,
    span_of,
)
from edgeprune.kernels.by_rows import _over
from edgeprune.kernels.select import lower
from edgeprune.ops._window import Padding
from edgeprune.ops.views import views
from edgeprune.quantize import observe
from edgeprune.resources import runtime_dir
from edgeprune.target import load_target

TARGET = load_target("host")


def images(seed: int) -> Graph:
    """A network of images: windows of all kinds, sums, concatenations, pads, functions.

    Some read the input more than once in front of all that, or cut rows off it (``is_cropped``),
    and give the result as a vector, or its mean.
    """
    rng = np.random.default_rng(seed)
    m = Maker(rng, 0.0)
    at = m.input((m.pick(11, 14, 17), m.pick(4, 7, 8), m.pick(1, 3, 4)))
    first = at
    if seed % 5 < 2:
        at = m.add(ops.Concat(), at, at, at) if seed % 5 else m.add(ops.Add(), at, at)
    elif is_cropped(seed):
        at = m.add(ops.Slice((2, 0, 0), (m.shape(at)[0] - 1, *m.shape(at)[1:]), (1, 1, 1)), at)
    for _ in range(m.pick(4, 6, 8)):
        h, w, c = m.shape(at)
        like = [v for v in m.shapes if m.shapes[v] == m.shapes[at] and v not in (at, first)]
        kind = m.pick(0, 1, 2, 3, 4, 5, 6)
        if like and kind < 3:
            other = like[m.pick(0, len(like) - 1)]
            at = m.add((ops.Add(), ops.Concat(), ops.Mul())[kind], other, at)
        elif kind == 3:
            at = m.add((ops.Relu(), ops.Sigmoid(), ops.LeakyRelu(0.1))[m.pick(0, 1, 2)], at)
        elif kind == 4:
            at = m.add(ops.Pad((1, m.pick(0, 1), 0), (m.pick(0, 2), 1, 0)), at)
        else:
            at = windows(m, at, h, w, c)
    if seed % 3 == 2:
        at = m.add(ops.Reshape((int(np.prod(m.shape(at))),)), at)
    elif seed % 4 < 2:  # int8
        h, w, _ = m.shape(at)
        at = m.add((ops.Mean(), ops.AvgPool2d((h, w)), ops.Mean((0,)))[m.pick(0, 1, 2)], at)
    fed = {v: TensorType(m.shapes[v]) for v in m.inputs}
    return build_graph(f"images {seed}", m.nodes, fed, (at,), m.constants)


def is_cropped(seed: int) -> bool:
    """Whether the first node of the network cuts rows off its input."""
    return seed % 5 == 2


def windows(m: Maker, x: str, h: int, w: int, c: int) -> str:
    """A convolution, a depthwise one, or a pool, over rows of all kinds."""
    kernel = (min(m.pick(1, 2, 3), h), min(m.pick(1, 3), w))
    dilation = (2 if kernel[0] * 2 <= h and m.pick(0, 1, 2) == 0 else 1, 1)
    pad = Padding(*(m.pick(0, k - 1) for k in (*kernel, *kernel)))
    stride = m.pair(1, 2) if h > 6 else (1, 1)
    kind = m.pick(0, 1, 2, 3, 4, 5)
    if kind == 0:
        out = m.pick(1, 4, 6)
        return m.add(
            ops.Conv2d(stride, pad, dilation), x, m.weights(out, *kernel, c, axis=0), m.weights(out)
        )
    if kind == 1:
        return m.add(
            ops.DepthwiseConv2d(stride, pad, dilation), x, m.weights(*kernel, c), m.weights(c)
        )
    if kind == 4 and h < 20:
        turned = m.weights(3, *kernel, c, axis=0), m.weights(3)
        return m.add(ops.ConvTranspose2d(stride), x, *turned)
    if kind == 5 and h < 12:
        mode, where = (("nearest", "asymmetric"), ("bilinear", "half_pixel"))[m.pick(0, 1)]
        return m.add(ops.Resize((m.pick(2 * h, h + 3), w), mode, where), x)
    return m.add((ops.MaxPool2d if kind == 2 else ops.AvgPool2d)(kernel, stride, pad), x)


def by_rows(graph: Graph, recipe: Recipe, seed: int) -> Compiled | None:
    """A random run of neighbours by rows, as long as there is one; None: there is none.

    From the first node on where that is a crop.
    """
    rng = np.random.default_rng(seed)
    whole = recipe.compile_typed(graph)
    nodes = {n.name: n for n in graph.nodes}
    order = [nodes[n] for n in whole.plan.order]
    starts = range(1 if is_cropped(seed) else len(order))
    runs = [(i, j) for i in starts for j in range(len(order), i + 1, -1)]
    for k in rng.permutation(len(runs)).tolist()[:12]:
        i, j = runs[k]
        most = [int(rng.integers(1, 4)) for _ in order[i:j]]
        span = span_of(graph, order[i:j], most, catches_up=seed % 2 == 1)
        if span is not None:
            aside = frozenset(v for v in sorted(span.inner) if rng.random() < 0.5)
            span = replace(span, aside=aside)
            return recipe.compile_typed(graph, order=whole.plan.order, span=span)
    return None


def cases(seeds: range) -> list[Case]:
    found = []
    for seed in seeds:
        dtype = ("int8", "int8", "int16x8", "float32")[seed % 4]
        source = images(seed)
        if any(isinstance(n.op, ops.ConvTranspose2d | ops.Resize) for n in source.nodes):
            dtype = "int8"  # the one, and the other where it blends, have no int16 kernel
        shape = source.types[source.inputs[0]].shape
        x = np.random.default_rng(seed).normal(size=(4, *shape)).astype(np.float32)
        seen = observe(fuse(source), x) if dtype != "float32" else {}
        recipe = Recipe(TARGET, dtype, "size" if seed % 3 == 0 else "speed", seen)
        graph = recipe.typed(source)
        compiled = by_rows(graph, recipe, seed)
        if compiled is None:
            continue
        feed = feeds(graph, seed)
        rows = join_rows([feed[v] for v in graph.inputs])
        if graph.is_quantised:
            made = run_int(graph, feed)
            wanted = join_rows([made[v] for v in graph.outputs])
        else:
            wanted = reference(graph, feed)
        case = Case(f"{seed} {dtype}", compiled, rows, wanted)
        found.append(case.apart if seed % 2 else case)
    return found


def reference(graph: Graph, feed: dict[str, Array]) -> Array:
    """What PyTorch answers."""
    values = run(graph, {v: torch.from_numpy(x) for v, x in feed.items()})
    return join_rows([values[v].numpy() for v in graph.outputs])


@pytest.mark.slow
@pytest.mark.needs("gcc")
def test_random_networks_by_rows_give_the_same_bits_under_sanitizers(tmp_path: Path) -> None:
    found = cases(range(30))
    assert len(found) > 12
    spans = [s for s in (c.compiled.plan.span for c in found) if s is not None]
    assert any(s.aside & s.lasting.keys() for s in spans)
    assert any(s.lasting.keys() - s.aside for s in spans)
    plans = [c.compiled.plan for c in found]
    assert any(
        b.over and p.span and b.over.buffer in p.span.aside & p.span.lasting.keys()
        for p in plans
        for b in p.buffers
    )
    builders = [Builder(cc, tmp_path) for cc in SANITIZERS if cc == "gcc" and shutil.which(cc)]
    assert check(found, builders, tmp_path) == []


def cropped(rows: tuple[tuple[int, int], ...]) -> Graph:
    """Rows of an image, or the sum of some of them, and convolutions behind."""
    m = Maker(np.random.default_rng(0), 0.0)
    x = m.input((24, 12, 4))
    parts = [m.add(ops.Slice((i, 0, 0), (j, 12, 4), (1, 1, 1)), x) for i, j in rows]
    at = parts[0]
    for part in parts[1:]:
        at = m.add(ops.Add(), at, part)
    for channels in (4, 8, 8):
        weights = m.weights(8, 3, 3, channels, axis=0), m.weights(8)
        at = m.add(ops.Conv2d((2, 2), Padding(1, 1, 1, 1)), at, *weights)
    return build_graph("crop", m.nodes, {x: TensorType((24, 12, 4))}, (at,), m.constants)


@pytest.mark.needs("gcc")
def test_a_crop_that_would_be_a_view_runs_by_rows(tmp_path: Path) -> None:
    found = []
    for rows in (((2, 22),), ((0, 12), (12, 24))):
        source = cropped(rows)
        x = np.random.default_rng(1).normal(size=(4, 24, 12, 4)).astype(np.float32)
        seen = observe(fuse(source), x)
        for optimize in ("speed", "size"):
            recipe = Recipe(TARGET, "int8", optimize, seen, by_rows=True)
            graph = recipe.typed(source)
            assert set(views(graph)) == {n.name for n in graph.nodes[: len(rows)]}
            compiled = recipe.compile_typed(graph)
            assert compiled.plan.span is not None
            feed = feeds(graph, 0)
            wanted = run_int(graph, feed)[graph.outputs[0]]
            name = f"{len(rows)} {optimize}"
            found.append(Case(name, compiled, feed["x0"], wanted).apart)
            if len(rows) == 1:
                assert compiled.plan.span.nodes[0].name == graph.nodes[0].name
            else:  # one of the two crops, the other one as a whole
                order = [graph.nodes[k] for k in (1, 0, *range(2, len(graph.nodes)))]
                span = span_of(graph, order[1:3], (2, 2))
                assert span is not None
                part = recipe.compile_typed(graph, order=[n.name for n in order], span=span)
                found.append(Case(f"{name} part", part, feed["x0"], wanted).apart)
    assert check(found, [Builder("gcc", tmp_path)], tmp_path) == []


def decoder(mode: Literal["nearest", "bilinear"]) -> Graph:
    """An image made larger twice, not by whole numbers, with what it came from beside it."""
    m = Maker(np.random.default_rng(0), 0.0)
    x = m.input((9, 7, 4))
    at = m.add(
        ops.Conv2d((2, 2), Padding(1, 1, 1, 1)), x, m.weights(6, 3, 3, 4, axis=0), m.weights(6)
    )
    for size, where in (((9, 7), "align_corners"), ((20, 14), "half_pixel")):
        at = m.add(ops.Resize(size, mode, where), at)  # type: ignore[arg-type]
        at = m.add(ops.Concat(), at, x) if size == (9, 7) else at
        weights = m.weights(5, 3, 3, m.shape(at)[2], axis=0), m.weights(5)
        at = m.add(ops.Conv2d((1, 1), Padding(1, 1, 1, 1)), at, *weights)
    return build_graph("decoder", m.nodes, {x: TensorType((9, 7, 4))}, (at,), m.constants)


@pytest.mark.needs("gcc")
def test_an_image_that_is_made_larger_runs_by_rows(tmp_path: Path) -> None:
    found = []
    for mode, dtype in (("bilinear", "int8"), ("bilinear", "float32"), ("nearest", "int8")):
        source = decoder(mode)  # type: ignore[arg-type]
        x = np.random.default_rng(1).normal(size=(4, 9, 7, 4)).astype(np.float32)
        recipe = Recipe(TARGET, dtype, "speed", observe(fuse(source), x))
        graph = recipe.typed(source)
        feed = feeds(graph, 0)
        wanted = run_int(graph, feed)["".join(graph.outputs)] if dtype == "int8" else None
        for most in (1, 3):
            span = span_of(graph, graph.nodes, [most] * len(graph.nodes))
            assert span is not None
            span = replace(span, aside=span.inner if most == 1 else frozenset())
            order = [n.name for n in graph.nodes]
            compiled = recipe.compile_typed(graph, order=order, span=span)
            answer = reference(graph, feed) if wanted is None else wanted
            found.append(Case(f"{mode} {dtype} {most}", compiled, feed["x0"], answer).apart)
    assert check(found, [Builder("gcc", tmp_path)], tmp_path) == []


def joined() -> Graph:
    """Crops of an image, of which convolutions make others, one below the other."""
    m = Maker(np.random.default_rng(0), 0.0)
    x = m.input((16, 6, 3))
    at = m.add(
        ops.Conv2d((1, 1), Padding(1, 1, 1, 1)), x, m.weights(4, 3, 3, 3, axis=0), m.weights(4)
    )
    parts = []
    for i, j in ((0, 7), (5, 16)):
        part = m.add(ops.Slice((i, 0, 0), (j, 6, 4), (1, 1, 1)), at)
        weights = m.weights(4, 3, 3, 4, axis=0), m.weights(4)
        parts.append(m.add(ops.Conv2d((1, 1), Padding(1, 1, 1, 1)), part, *weights))
    at = m.add(ops.Concat(0), *parts)
    weights = m.weights(4, 3, 3, 4, axis=0), m.weights(4)
    at = m.add(ops.Conv2d((2, 2), Padding(1, 1, 1, 1)), at, *weights)
    return build_graph("joined", m.nodes, {x: TensorType((16, 6, 3))}, (at,), m.constants)


@pytest.mark.needs("gcc")
def test_crops_that_are_joined_again_run_by_rows(tmp_path: Path) -> None:
    source, found = joined(), []
    x = np.random.default_rng(1).normal(size=(4, 16, 6, 3)).astype(np.float32)
    recipe = Recipe(TARGET, "int8", "speed", observe(fuse(source), x))
    graph = recipe.typed(source)
    feed = feeds(graph, 0)
    for begin in (0, 1):
        for most in (1, 2):
            span = span_of(graph, graph.nodes[begin:], [most] * (len(graph.nodes) - begin))
            assert span is not None
            span = replace(span, aside=span.inner if most == 1 else frozenset())
            order = [n.name for n in graph.nodes]
            compiled = recipe.compile_typed(graph, order=order, span=span)
            wanted = run_int(graph, feed)[graph.outputs[0]]
            found.append(Case(f"{begin} {most}", compiled, feed["x0"], wanted).apart)
    assert check(found, [Builder("gcc", tmp_path)], tmp_path) == []


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("pattern", ["aa", "aba", "aab"])
def test_an_image_that_is_joined_with_itself_waits_whole(pattern: str, first: bool) -> None:
    m = Maker(np.random.default_rng(0), 0.0)
    x = m.input((8, 6, 4))
    weights = m.weights(4, 3, 3, 4, axis=0), m.weights(4)
    same = ops.Conv2d((1, 1), Padding(1, 1, 1, 1))
    parts = {"a": x if first else m.add(same, x, *weights)}
    parts["b"] = m.add(ops.Relu(), parts["a"])
    at = m.add(ops.Concat(0), *(parts[p] for p in pattern))
    at = m.add(ops.Conv2d((2, 2), Padding(1, 1, 1, 1)), at, *weights)
    graph = build_graph("twice", m.nodes, {x: TensorType((8, 6, 4))}, (at,), m.constants)
    assert span_of(graph, graph.nodes, [1] * len(graph.nodes)) is None
    x_samples = np.random.default_rng(1).normal(size=(4, 8, 6, 4)).astype(np.float32)
    recipe = Recipe(TARGET, "int8", "speed", observe(fuse(graph), x_samples), by_rows=True)
    span = recipe.compile(graph).plan.span
    assert span is None or "concat" not in {n.op.kind for n in span.nodes}


@pytest.mark.parametrize("op", [ops.Add(), ops.Relu()], ids=lambda op: op.kind)
@pytest.mark.parametrize("isas", [("portable",), ("arm_dsp", "portable")], ids=" ".join)
def test_bands_of_all_sizes_have_one_kernel(op: ops.Op, isas: tuple[str, ...]) -> None:
    x, y = (TensorType((13, 24, 8), DType.INT8, QuantParams.of(scale, 3)) for scale in (0.05, 0.08))
    graph = one_node(op, [x] * (2 if isinstance(op, ops.Add) else 1), y)
    span = span_of(graph, graph.nodes, (6,))
    assert span is not None
    assert [len(t.made["layer"][0]) for t in span.turns] == [6, 6, 1], "of 1,152 and 192 elements"
    (call,) = lower(graph, isas, "speed", "cortex-m4", span=span).values()
    assert len(call.turns) == len(span.turns)


def test_bands_of_a_depthwise_layer_take_one_orientation_of_its_weights() -> None:
    """High bands would run down their columns, low ones along their rows."""
    rng = np.random.default_rng(0)
    constants = layer_constants(rng, (3, 3, 8), 2, 0.05)
    y = int8_type((), output_scale(rng, 0.05, constants), 3)
    op = ops.DepthwiseConv2d((2, 2), Padding(1, 1, 1, 1))
    graph = one_node(op, [int8_type((40, 12, 8), 0.05, 3)], y, constants)
    span = span_of(graph, graph.nodes, (6,))
    assert span is not None
    (call,) = lower(graph, ("arm_dsp", "portable"), "speed", "cortex-m4", span=span).values()
    assert call.function == "ep_depthwise_conv2d_s8_arm_dsp"


@pytest.mark.needs("gcc")
def test_what_is_written_between_rings_is_seen(tmp_path: Path) -> None:
    (case,) = cases(range(8, 9))
    apart = case.apart
    builder = Builder("gcc", tmp_path)
    assert check([apart], [builder], tmp_path) == []
    plan = apart.compiled.plan
    assert plan.span is not None
    ring = next(b for b in plan.buffers if b.name in plan.span.inner)
    at = plan.offsets[ring.name]
    assert check([replace(apart, gaps=((at, at + ring.nbytes),))], [builder], tmp_path) != []


@pytest.mark.parametrize(("steps", "step"), [((4, 4), 4), ((4, 6), 12), ((4, 0), 0)])
def test_bands_lie_where_each_of_them_may(steps: tuple[int, int], step: int) -> None:
    assert _over([Over(0, 12, exact=True, step=s) for s in steps]) == Over(0, 12, True, step)


@pytest.mark.parametrize("apart", [1, 4, 12, 31, 32, 36, 300])
def test_rows_move_whole_to_a_place_below(apart: int) -> None:
    ffi, library = runtime()
    for nbytes in (0, 1, 3, 4, 31, 32, 33, 68, 200):
        memory = np.random.default_rng(nbytes).integers(0, 256, 600).astype(np.uint8)
        expected = memory.copy()
        expected[16 : 16 + nbytes] = memory[16 + apart : 16 + apart + nbytes]
        at = memory.ctypes.data + 16
        library.ep_move_rows(ffi.cast("void *", at), ffi.cast("void *", at + apart), nbytes)
        assert np.array_equal(memory, expected), nbytes


@pytest.mark.parametrize("apart", [4, 12, 28, 32, 36])
def test_rows_at_words_move_by_words_however_near(apart: int, tmp_path: Path) -> None:
    """No byte is left to the loop over bytes: all of them go through memcpy."""
    source = tmp_path / "moved.c"
    source.write_text(
        "#include <string.h>\n"
        "size_t moved;\n"
        "#define memcpy(to, from, bytes) (moved += (bytes), memcpy(to, from, bytes))\n"
        '#include "ep_move_rows.c"\n'
    )
    made = tmp_path / "moved.so"
    folders = [f"-I{runtime_dir() / f}" for f in ("include", "src")]
    subprocess.run(["gcc", "-shared", "-fPIC", *folders, source, "-o", made], check=True)
    library = ctypes.CDLL(str(made))
    memory = (ctypes.c_uint32 * 100)()
    at = ctypes.addressof(memory)
    library.ep_move_rows(ctypes.c_void_p(at), ctypes.c_void_p(at + apart), ctypes.c_int32(200))
    assert ctypes.c_size_t.in_dll(library, "moved").value >= 200
