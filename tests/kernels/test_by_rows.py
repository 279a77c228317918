"""Random networks whose layers run by rows: the same bits, and no byte beyond the arena."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from random_networks import Maker, feeds
from sanitized_networks import SANITIZERS, Builder, Case, check

from edgeprune import ops
from edgeprune.compiler import Recipe
from edgeprune.compiler.compile import Compiled
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import Array, Graph, TensorType, build_graph, join_rows, run, run_int, span_of
from edgeprune.ops._window import Padding
from edgeprune.quantize import observe
from edgeprune.target import load_target

TARGET = load_target("host")


def images(seed: int) -> Graph:
    """A network of images: windows of all kinds, sums, concatenations, pads, functions.

    Some read the input more than once in front of all that, or cut rows off it, and give the result
    as a vector, or its mean.
    """
    rng = np.random.default_rng(seed)
    m = Maker(rng, 0.0)
    at = m.input((m.pick(11, 14, 17), m.pick(4, 7, 8), m.pick(1, 3, 4)))
    first = at
    if seed % 5 < 2:
        at = m.add(ops.Concat(), at, at, at) if seed % 5 else m.add(ops.Add(), at, at)
    elif seed % 5 == 2:
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
        return m.add(ops.Resize((2 * h, w)), x)
    return m.add((ops.MaxPool2d if kind == 2 else ops.AvgPool2d)(kernel, stride, pad), x)


def by_rows(graph: Graph, recipe: Recipe, seed: int) -> Compiled | None:
    """A random run of neighbours by rows, as long as there is one; None: there is none."""
    rng = np.random.default_rng(seed)
    whole = recipe.compile_typed(graph)
    nodes = {n.name: n for n in graph.nodes}
    order = [nodes[n] for n in whole.plan.order]
    runs = [(i, j) for i in range(len(order)) for j in range(len(order), i + 1, -1)]
    for k in rng.permutation(len(runs)).tolist()[:12]:
        i, j = runs[k]
        most = [int(rng.integers(1, 4)) for _ in order[i:j]]
        span = span_of(graph, order[i:j], most)
        if span is not None:
            return recipe.compile_typed(graph, order=whole.plan.order, span=span)
    return None


def cases(seeds: range) -> list[Case]:
    found = []
    for seed in seeds:
        dtype = ("int8", "int8", "int16x8", "float32")[seed % 4]
        source = images(seed)
        if any(isinstance(n.op, ops.ConvTranspose2d) for n in source.nodes):
            dtype = "int8"  # it has no int16 kernel
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
    builders = [Builder(cc, tmp_path) for cc in SANITIZERS if cc == "gcc" and shutil.which(cc)]
    assert check(found, builders, tmp_path) == []


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
