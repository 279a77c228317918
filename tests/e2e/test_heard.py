"""A network behind a front end of sound is pruned on the features that samples make."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from audio_files import preprocessor, sounds
from host_c import answers_of_c

from edgeprune.emit.to_tflite import emit
from edgeprune.errors import CannotFitError, EdgePruneError
from edgeprune.frontends import load
from edgeprune.frontends.heard import heard
from edgeprune.ir import Array, Graph, run_steps
from edgeprune.ops import Conv2d, Dense, Relu, Reshape
from edgeprune.pipeline.build import build
from edgeprune.pipeline.choose import Chooser
from edgeprune.pipeline.options import BuildOptions
from edgeprune.pipeline.prepare import prepare
from edgeprune.quantize import observe, quantise
from edgeprune.target import load_target
from tests.pruning.graphs import Builder

HOP, SIZE, BANDS, ROWS = 160, 480, 4, 6


def wave(calls: int) -> Array:
    """Samples, (calls, HOP)."""
    whole = sounds(2 + calls)
    joined = np.concatenate([whole[0], *(frame[-HOP:] for frame in whole[1:])])
    return joined[: calls * HOP].reshape(calls, HOP)


def network() -> Graph:
    """Over six rows of features, int8; its first layer can be computed row by row."""
    b = Builder(0, x=(ROWS, BANDS, 1))
    v = b.add(Relu(), b.add(Conv2d(), "x", b.constant(12, 3, BANDS, 1, scale=0.3), b.constant(12)))
    v = b.add(Relu(), b.dense(b.add(Reshape(((ROWS - 2) * 12,)), v), 20))
    whole = b.build(b.add(Dense(), v, b.constant(5, 20, scale=0.3), b.constant(5)))
    real = b.rng.uniform(-1, 1, (50, ROWS, BANDS, 1)).astype(np.float32)
    ranges = {v: seen.range("minmax", 256) for v, seen in observe(whole, real).items()}
    return quantise(whole, ranges)


@pytest.fixture
def ask(tmp_path: Path) -> BuildOptions:
    (tmp_path / "net.tflite").write_bytes(emit(network()))
    (tmp_path / "front.tflite").write_bytes(preprocessor(SIZE, channels=BANDS))
    np.savez(tmp_path / "x.npz", x=wave(120))
    return BuildOptions(
        tmp_path / "out", tmp_path / "net.tflite", tmp_path / "x.npz", target="host",
        frontend=tmp_path / "front.tflite", hop=HOP, emit=("c",), optimize="size",
    )  # fmt: skip


def flash(ask: BuildOptions) -> int:
    """Bytes of the whole network with its front end."""
    chooser = Chooser(prepare(ask, needs_data=False), ask)
    return chooser.choose(load_target(ask.target)).size.flash_bytes


def test_samples_of_the_network_alone_are_what_the_front_end_makes(ask: BuildOptions) -> None:
    prepared = prepare(ask, needs_data=False)
    inner = Chooser(prepared, ask).prunes
    whole = heard(network(), load(ask.frontend), HOP)  # type: ignore[arg-type]
    argument = inner.graph.arguments[0]
    shown = replace(whole, outputs=(argument, *whole.outputs))
    found = run_steps(shown, [np.load(ask.data)["x"]])[argument]  # type: ignore[arg-type]
    scale, zero = inner.graph.types[argument].quant.scalar  # type: ignore[union-attr]
    rows = {r.tobytes() for r in (np.float32(scale) * (found.astype(np.float32) - zero))}
    made = np.concatenate([inner.rank.x, inner.validation.x]).astype(np.float32)
    assert len(made) >= 80
    assert {r.tobytes() for r in made} <= rows


@pytest.mark.slow
@pytest.mark.parametrize("stream", [False, True])
def test_a_budget_prunes_the_network_behind_a_front_end(ask: BuildOptions, stream: bool) -> None:
    ask = replace(ask, stream=stream)
    budget = flash(ask) - 600
    made = build(replace(ask, budget=budget))
    assert made.report["size"]["flash_bytes"] <= budget
    assert made.report["removals"]
    assert made.report["interface"]["inputs"][0]["shape"] == [HOP]


def test_what_is_left_reads_the_integers_of_the_front_end(
    ask: BuildOptions, tmp_path: Path
) -> None:
    ask = replace(ask, keep_ratio=0.5)
    chosen = Chooser(prepare(ask, needs_data=False), ask).choose(load_target("host"))
    graph = chosen.compiled.graph
    whole = heard(network(), load(ask.frontend), HOP)  # type: ignore[arg-type]
    argument = network().arguments[0]
    was, now = (g.types[argument].quant.scalar for g in (whole, graph))  # type: ignore[union-attr]
    assert now[1] == was[1]
    assert now[0] == pytest.approx(was[0], rel=1e-6)
    x = wave(40)
    wanted = run_steps(graph, [x])[graph.results[0]]
    assert len(np.unique(wanted)) > 10
    assert np.array_equal(answers_of_c(graph, x, tmp_path / "c"), wanted)


def test_a_budget_below_the_front_end_says_what_the_smallest_takes(ask: BuildOptions) -> None:
    with pytest.raises(CannotFitError, match="the smallest int8 network takes"):
        build(replace(ask, budget=500))


def test_without_samples_nothing_is_pruned(ask: BuildOptions) -> None:
    with pytest.raises(EdgePruneError, match="is missing"):
        build(replace(ask, data=None, budget=flash(ask) - 600))


@pytest.mark.parametrize("asked", [{"dtype": "float32"}, {"dtype": "mixed"}, {"bits": (2, 4)}])
def test_other_numbers_than_the_front_end_has_are_refused(
    ask: BuildOptions, asked: dict[str, Any]
) -> None:
    with pytest.raises(EdgePruneError, match="eight bits alone"):
        build(replace(ask, budget=100, **asked))
